import {
  createTopicsApi,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  type ErrorCode,
  errorCodes,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { isStreamName } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { refusalErrors, unlessUnavailable } from '../errors/refusal-errors.ts';
import { refuseSize } from '../topics/configs/config-changes.ts';
import { configMapOf } from '../topics/configs/config-resource.ts';
import { describeTopicConfigs } from '../topics/configs/topic-resource.ts';
import { refuseTopicConfigs } from '../topics/configs/topic-configs.ts';
import { refuseReplicas } from '../topics/replica-assignment.ts';
import { CLUSTER_METADATA_TOPIC, CONSUMER_OFFSETS_TOPIC, isInternalTopic } from '../topics/internal-topics.ts';
import {
  createTopic,
  explainName,
  explainReserved,
  PARTITIONS_MAX,
  PARTITIONS_PER_REQUEST_MAX,
  TOO_MANY_PARTITIONS,
} from '../topics/topic-creation.ts';
import { handler } from './handler.ts';

type TopicRequest = CreateTopicsRequest['topics'][number];
type TopicAnswer = CreateTopicsResponse['topics'][number];

/** "Let the broker choose." */
const BROKER_DEFAULT = -1;
/** One bridge answers for a partition; copies of its records are the store's business. */
const REPLICATION_FACTOR = 1;

class TopicRefused extends Error {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/**
 * CreateTopics: make topics, each one by itself. Any replication factor is taken: how many copies there are is decided
 * by the store behind all topics.
 * All topics: POLICY_VIOLATION (too many partitions in one request).
 * Per topic: INVALID_REQUEST (named twice; Kafka's own metadata topic; assignments together with numbers), INVALID_TOPIC_EXCEPTION,
 * TOPIC_ALREADY_EXISTS, INVALID_REPLICA_ASSIGNMENT, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, INVALID_CONFIG;
 * REQUEST_TIMED_OUT, retryable, when the store is away.
 */
export const createTopics = handler({
  api: createTopicsApi,
  versions: createTopicsApi.advertised,
  async run({ topics, validateOnly }, exchange, bridge) {
    const counts = new Map<string, number>();
    for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    // A name that came twice is answered once.
    const distinct = [...new Map(topics.map((topic) => [topic.name, topic])).values()];
    const wanted = distinct.reduce((sum, topic) => sum + wantedPartitions(topic, bridge), 0);
    if (wanted > PARTITIONS_PER_REQUEST_MAX) {
      exchange.noteError(errorCodes.POLICY_VIOLATION);
      const refused = distinct.map(({ name }) => failed(name, errorCodes.POLICY_VIOLATION, TOO_MANY_PARTITIONS));
      return { throttleTimeMs: 0, topics: refused };
    }
    const answers = await Promise.all(
      distinct.map(async (topic) => {
        const repeated = (counts.get(topic.name) as number) > 1;
        try {
          if (repeated) throw new TopicRefused(errorCodes.INVALID_REQUEST, 'Duplicate topic name.');
          return await createOne(topic, validateOnly, bridge);
        } catch (error) {
          if (!(error instanceof TopicRefused)) throw error;
          exchange.noteError(error.errorCode);
          return failed(topic.name, error.errorCode, error.message);
        }
      }),
    );
    return { throttleTimeMs: 0, topics: answers };
  },
});

function wantedPartitions({ numPartitions, assignments }: TopicRequest, { options }: Bridge): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === BROKER_DEFAULT ? options.defaultPartitions : Math.max(0, numPartitions);
}

async function createOne(topic: TopicRequest, validateOnly: boolean, bridge: Bridge): Promise<TopicAnswer> {
  const { name } = topic;
  if (name === CLUSTER_METADATA_TOPIC) {
    throw new TopicRefused(errorCodes.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`);
  }
  if (!isStreamName(name)) throw new TopicRefused(errorCodes.INVALID_TOPIC_EXCEPTION, explainName(name));
  if (bridge.catalog.isReserved(name))
    throw new TopicRefused(errorCodes.INVALID_TOPIC_EXCEPTION, explainReserved(name));
  const away = () => {
    throw new TopicRefused(errorCodes.REQUEST_TIMED_OUT, 'The store is not available.');
  };
  if (name === CONSUMER_OFFSETS_TOPIC) await unlessUnavailable(bridge.offsetsTopic.named(), away);
  if (isInternalTopic(name) || (await unlessUnavailable(bridge.catalog.find(name), away)) !== undefined) {
    throw new TopicRefused(errorCodes.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  const partitionCount = partitionCountOf(topic, bridge);
  const configs = configsOf(topic);
  const answer = {
    name,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    numPartitions: partitionCount,
    replicationFactor: REPLICATION_FACTOR,
    configs: answerConfigs(configs, bridge),
  };
  if (validateOnly) return { ...answer, topicId: ZERO_UUID };
  const created = await unlessUnavailable(createTopic(bridge.catalog, { name, partitionCount, configs }), away);
  if (!created.ok) throw new TopicRefused(refusalErrors[created.refusal.code], `Topic '${name}' already exists.`);
  return { ...answer, topicId: created.value.id };
}

function partitionCountOf({ numPartitions, replicationFactor, assignments }: TopicRequest, bridge: Bridge): number {
  if (assignments.length > 0) {
    const number = replicationFactor !== BROKER_DEFAULT ? 'replication factor' : 'numPartitions';
    if (numPartitions !== BROKER_DEFAULT || replicationFactor !== BROKER_DEFAULT) {
      throw new TopicRefused(
        errorCodes.INVALID_REQUEST,
        `A manual partition assignment was specified, but ${number} was not set to -1.`,
      );
    }
    const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex));
    const consecutive =
      indexes.size === assignments.length &&
      assignments.every(({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < indexes.size);
    const refused = consecutive
      ? refuseReplicas(assignments, bridge)
      : 'partitions should be a consecutive 0-based integer sequence';
    if (refused !== undefined) throw new TopicRefused(errorCodes.INVALID_REPLICA_ASSIGNMENT, refused);
    return checkPartitionCount(assignments.length);
  }
  if (replicationFactor !== BROKER_DEFAULT && replicationFactor < 1) {
    throw new TopicRefused(
      errorCodes.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    );
  }
  return checkPartitionCount(numPartitions === BROKER_DEFAULT ? bridge.options.defaultPartitions : numPartitions);
}

function checkPartitionCount(count: number): number {
  if (count >= 1 && count <= PARTITIONS_MAX) return count;
  const reason =
    count < 1
      ? 'Number of partitions was set to an invalid non-positive value.'
      : `${count} partitions, at most ${PARTITIONS_MAX} can be made.`;
  throw new TopicRefused(errorCodes.INVALID_PARTITIONS, reason);
}

/** The settings to keep. Of a name that comes twice the last value counts, as in Kafka. */
function configsOf(topic: TopicRequest): Record<string, string> {
  const configs = configMapOf({});
  const withoutValue: string[] = [];
  for (const { name, value } of topic.configs) {
    if (value === null) withoutValue.push(name);
    else configs[name] = value;
  }
  const refused =
    withoutValue.length > 0
      ? `Null value not supported for topic configs: ${withoutValue.join(',')}`
      : (refuseSize(configs) ?? refuseTopicConfigs(configs));
  if (refused !== undefined) throw new TopicRefused(errorCodes.INVALID_CONFIG, refused);
  return configs;
}

/** All settings of the topic, in the order of their names. */
function answerConfigs(configs: Readonly<Record<string, string>>, bridge: Bridge): NonNullable<TopicAnswer['configs']> {
  return describeTopicConfigs(configs, bridge).map(({ name, value, readOnly, configSource, isSensitive }) => ({
    name,
    value,
    readOnly,
    configSource: configSource ?? -1,
    isSensitive,
  }));
}

function failed(name: string, errorCode: ErrorCode, errorMessage: string): TopicAnswer {
  return { name, topicId: ZERO_UUID, errorCode, errorMessage, numPartitions: -1, replicationFactor: -1, configs: [] };
}
