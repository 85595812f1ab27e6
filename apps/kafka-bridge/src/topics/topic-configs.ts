/**
 * The topic settings that are taken and kept, by Kafka's names, with Kafka's default and what a value must look like.
 * https://kafka.apache.org/documentation/#topicconfigs A name that is not here is INVALID_CONFIG, as in Kafka.
 */
interface TopicConfig {
  readonly default: string;
  readonly accepts: (value: string) => boolean;
}

const INT32_MAX = 2 ** 31 - 1;

function integer(min: number, max: number): (value: string) => boolean {
  return (value) => /^-?\d{1,19}$/.test(value) && Number(value) >= min && Number(value) <= max;
}
function oneOf(...words: readonly string[]): (value: string) => boolean {
  return (value) => words.includes(value);
}
function listOf(...words: readonly string[]): (value: string) => boolean {
  return (value) => value.split(',').every((word) => words.includes(word.trim()));
}
const ratio = (value: string) => /^\d+(\.\d+)?$/.test(value) && Number(value) >= 0 && Number(value) <= 1;
const bool = oneOf('true', 'false');
const long = (min: number) => integer(min, Number.MAX_VALUE);
const replicaList = (value: string) => value === '' || value === '*' || /^\d+:\d+(,\d+:\d+)*$/.test(value);

export const topicConfigs: Readonly<Record<string, TopicConfig>> = {
  'cleanup.policy': { default: 'delete', accepts: listOf('delete', 'compact') },
  'compression.gzip.level': { default: '-1', accepts: integer(-1, 9) },
  'compression.lz4.level': { default: '9', accepts: integer(1, 17) },
  'compression.type': {
    default: 'producer',
    accepts: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
  },
  'compression.zstd.level': { default: '3', accepts: integer(-131072, 22) },
  'delete.retention.ms': { default: '86400000', accepts: long(0) },
  'file.delete.delay.ms': { default: '60000', accepts: long(0) },
  'flush.messages': { default: '9223372036854775807', accepts: long(1) },
  'flush.ms': { default: '9223372036854775807', accepts: long(0) },
  'follower.replication.throttled.replicas': { default: '', accepts: replicaList },
  'index.interval.bytes': { default: '4096', accepts: integer(0, INT32_MAX) },
  'leader.replication.throttled.replicas': { default: '', accepts: replicaList },
  'local.retention.bytes': { default: '-2', accepts: long(-2) },
  'local.retention.ms': { default: '-2', accepts: long(-2) },
  'max.compaction.lag.ms': { default: '9223372036854775807', accepts: long(1) },
  'max.message.bytes': { default: '', accepts: integer(0, INT32_MAX) },
  'message.timestamp.after.max.ms': { default: '3600000', accepts: long(0) },
  'message.timestamp.before.max.ms': { default: '9223372036854775807', accepts: long(0) },
  'message.timestamp.type': { default: 'CreateTime', accepts: oneOf('CreateTime', 'LogAppendTime') },
  'min.cleanable.dirty.ratio': { default: '0.5', accepts: ratio },
  'min.compaction.lag.ms': { default: '0', accepts: long(0) },
  'min.insync.replicas': { default: '', accepts: integer(1, INT32_MAX) },
  preallocate: { default: 'false', accepts: bool },
  'remote.storage.enable': { default: 'false', accepts: bool },
  'retention.bytes': { default: '-1', accepts: long(-1) },
  'retention.ms': { default: '604800000', accepts: long(-1) },
  'segment.bytes': { default: '1073741824', accepts: integer(14, INT32_MAX) },
  'segment.index.bytes': { default: '10485760', accepts: integer(4, INT32_MAX) },
  'segment.jitter.ms': { default: '0', accepts: long(0) },
  'segment.ms': { default: '604800000', accepts: long(1) },
  'unclean.leader.election.enable': { default: 'false', accepts: bool },
};

/** The sentence that refuses a setting; `undefined` where it is taken. A null value stands for the default. */
export function refuseConfig(name: string, value: string | null): string | undefined {
  const config = topicConfigs[name];
  if (config === undefined) return `Unknown topic config name: ${name}`;
  if (value !== null && !config.accepts(value)) return `Invalid value ${value} for configuration ${name}`;
  return undefined;
}
