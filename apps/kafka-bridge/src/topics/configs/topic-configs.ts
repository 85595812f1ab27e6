import { DEAGGREGATE_CONFIG } from '@tailrace/shard-core';
import { bool, double, gzipLevel, int, listItems, listOf, long, oneOf, throttledReplicas } from './config-value.ts';
import { type ConfigDefinitions, problemWith } from './config-definition.ts';

const FOREVER = '9223372036854775807';

/**
 * The settings of topics, by Kafka's names, in Kafka's order, and one of our own. https://kafka.apache.org/documentation/#topicconfigs
 * A name that is not here is INVALID_CONFIG, as in Kafka.
 */
export const topicConfigs = {
  'cleanup.policy': {
    value: listOf('compact', 'delete'),
    default: 'delete',
    effect: 'honoured',
    brokerName: 'log.cleanup.policy',
    documentation:
      'What becomes of old records: delete drops them by age and size, compact keeps the newest one of each key.',
  },
  'compression.gzip.level': {
    value: gzipLevel,
    default: '-1',
    effect: 'kept',
    brokerName: 'compression.gzip.level',
    documentation: "Batches that are compressed here are compressed with the library's own level.",
  },
  'compression.lz4.level': {
    value: int(1, 17),
    default: '9',
    effect: 'kept',
    brokerName: 'compression.lz4.level',
    documentation: "Batches that are compressed here are compressed with the library's own level.",
  },
  'compression.type': {
    value: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    default: 'producer',
    effect: 'honoured',
    brokerName: 'compression.type',
    documentation: 'How batches from Kafka producers are stored: as the producer compressed them, or compressed anew.',
  },
  'compression.zstd.level': {
    value: int(-131072, 22),
    default: '3',
    effect: 'kept',
    brokerName: 'compression.zstd.level',
    documentation: "Batches that are compressed here are compressed with the library's own level.",
  },
  'delete.retention.ms': {
    value: long(0),
    default: '86400000',
    effect: 'honoured',
    brokerName: 'log.cleaner.delete.retention.ms',
    documentation:
      'How long compaction keeps a tombstone, and the marker of a transaction of which nothing is left, once it has seen it.',
  },
  'file.delete.delay.ms': {
    value: long(0),
    default: '60000',
    effect: 'kept',
    brokerName: 'log.segment.delete.delay.ms',
    documentation: 'A topic has no files of its own here.',
  },
  'flush.messages': {
    value: long(1),
    default: FOREVER,
    effect: 'kept',
    brokerName: 'log.flush.interval.messages',
    documentation: 'When records reach the disk is decided for the whole store (TAILRACE_DURABILITY).',
  },
  'flush.ms': {
    value: long(0),
    default: FOREVER,
    effect: 'kept',
    documentation: 'When records reach the disk is decided for the whole store (TAILRACE_DURABILITY).',
  },
  'follower.replication.throttled.replicas': {
    value: throttledReplicas('follower.replication.throttled.replicas'),
    default: '',
    effect: 'kept',
    documentation: 'Copies are made by the store; brokers copy nothing.',
  },
  'index.interval.bytes': {
    value: int(0),
    default: '4096',
    effect: 'kept',
    brokerName: 'log.index.interval.bytes',
    documentation: 'The store has its own index.',
  },
  'leader.replication.throttled.replicas': {
    value: throttledReplicas('leader.replication.throttled.replicas'),
    default: '',
    effect: 'kept',
    documentation: 'Copies are made by the store; brokers copy nothing.',
  },
  'local.retention.bytes': {
    value: long(-2),
    default: '-2',
    effect: 'kept',
    brokerName: 'log.local.retention.bytes',
    documentation: 'There is no tiered storage: everything that is kept is local.',
  },
  'local.retention.ms': {
    value: long(-2),
    default: '-2',
    effect: 'kept',
    brokerName: 'log.local.retention.ms',
    documentation: 'There is no tiered storage: everything that is kept is local.',
  },
  'max.compaction.lag.ms': {
    value: long(1),
    default: FOREVER,
    effect: 'honoured',
    brokerName: 'log.cleaner.max.compaction.lag.ms',
    documentation: 'How long a record may stay uncompacted at most, whatever the ratio.',
  },
  'max.message.bytes': {
    value: int(0),
    default: '1048588',
    effect: 'honoured',
    brokerName: 'message.max.bytes',
    documentation: 'The largest batch that is taken, in bytes, as it comes and as it is stored.',
  },
  'message.timestamp.after.max.ms': {
    value: long(0),
    default: '3600000',
    effect: 'honoured',
    brokerName: 'log.message.timestamp.after.max.ms',
    documentation: "How far a record's timestamp may lie ahead of the clock.",
  },
  'message.timestamp.before.max.ms': {
    value: long(0),
    default: FOREVER,
    effect: 'honoured',
    brokerName: 'log.message.timestamp.before.max.ms',
    documentation: "How far a record's timestamp may lie behind the clock.",
  },
  'message.timestamp.type': {
    value: oneOf('CreateTime', 'LogAppendTime'),
    default: 'CreateTime',
    effect: 'honoured',
    brokerName: 'log.message.timestamp.type',
    documentation: "Whose time records of Kafka producers have: the producer's, or that of the append.",
  },
  'min.cleanable.dirty.ratio': {
    value: double(0, 1),
    default: '0.5',
    effect: 'honoured',
    brokerName: 'log.cleaner.min.cleanable.ratio',
    documentation: 'The share of a partition that must have come since the last compaction for the next one.',
  },
  'min.compaction.lag.ms': {
    value: long(0),
    default: '0',
    effect: 'honoured',
    brokerName: 'log.cleaner.min.compaction.lag.ms',
    documentation: 'How long a record stays uncompacted at least.',
  },
  'min.insync.replicas': {
    value: int(1),
    default: '1',
    effect: 'honoured',
    brokerName: 'min.insync.replicas',
    documentation: 'Copies of the store that must have a record before acks=all is answered and readers see it.',
  },
  preallocate: {
    value: bool,
    default: 'false',
    effect: 'kept',
    brokerName: 'log.preallocate',
    documentation: 'The store sets space aside by itself.',
  },
  'remote.log.copy.disable': {
    value: bool,
    default: 'false',
    effect: 'kept',
    documentation: 'There is no tiered storage.',
  },
  'remote.log.delete.on.disable': {
    value: bool,
    default: 'false',
    effect: 'kept',
    documentation: 'There is no tiered storage.',
  },
  'remote.storage.enable': {
    value: bool,
    default: 'false',
    effect: 'honoured',
    documentation: 'There is no tiered storage: true is refused, as by a Kafka broker without it.',
  },
  'retention.bytes': {
    value: long(),
    default: '-1',
    effect: 'honoured',
    brokerName: 'log.retention.bytes',
    documentation: 'How many bytes of a partition are kept; a negative number sets no limit.',
  },
  'retention.ms': {
    value: long(-1),
    default: '604800000',
    effect: 'honoured',
    documentation:
      'How long records are kept; -1 keeps them for ever. The retention period of the Kinesis stream is the same setting.',
  },
  'segment.bytes': {
    value: int(1_048_576),
    default: '1073741824',
    effect: 'kept',
    brokerName: 'log.segment.bytes',
    documentation: 'Records go one by one, not segment by segment.',
  },
  'segment.index.bytes': {
    value: int(4),
    default: '10485760',
    effect: 'kept',
    brokerName: 'log.index.size.max.bytes',
    documentation: 'The store has its own index.',
  },
  'segment.jitter.ms': {
    value: long(0),
    default: '0',
    effect: 'kept',
    documentation: 'Records go one by one, not segment by segment.',
  },
  'segment.ms': {
    value: long(1),
    default: '604800000',
    effect: 'kept',
    documentation: 'Records go one by one, not segment by segment.',
  },
  'unclean.leader.election.enable': {
    value: bool,
    default: 'false',
    effect: 'kept',
    brokerName: 'unclean.leader.election.enable',
    documentation: "Who becomes primary is the store's decision.",
  },
  [DEAGGREGATE_CONFIG]: {
    value: bool,
    default: 'false',
    effect: 'honoured',
    documentation:
      'Not one of Kafka: aggregated records that come by the Kinesis API are stored as the records in them, each with its own offset.',
  },
} as const satisfies ConfigDefinitions;

export type TopicConfigName = keyof typeof topicConfigs;

export function isTopicConfig(name: string): name is TopicConfigName {
  return Object.hasOwn(topicConfigs, name);
}

/** The sentence that refuses a topic's settings, all of them together; `undefined` where they are taken. */
export function refuseTopicConfigs(configs: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of Object.entries(configs)) {
    if (!isTopicConfig(name)) return `Unknown topic config name: ${name}`;
    const problem = problemWith(topicConfigs, name, value);
    if (problem !== undefined) return problem;
  }
  if (configs['remote.storage.enable']?.toLowerCase() === 'true')
    return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.';
  const minLag = configs['min.compaction.lag.ms'] ?? topicConfigs['min.compaction.lag.ms'].default;
  const maxLag = configs['max.compaction.lag.ms'] ?? topicConfigs['max.compaction.lag.ms'].default;
  if (BigInt(minLag) > BigInt(maxLag)) {
    return `conflict topic config setting min.compaction.lag.ms (${minLag}) > max.compaction.lag.ms (${maxLag})`;
  }
  return undefined;
}

/** Whether the policy of a topic, as it is set, has this word in it. */
export function hasCleanupPolicy(configs: Readonly<Record<string, string>>, word: 'compact' | 'delete'): boolean {
  return listItems(configs['cleanup.policy'] ?? topicConfigs['cleanup.policy'].default).includes(word);
}
