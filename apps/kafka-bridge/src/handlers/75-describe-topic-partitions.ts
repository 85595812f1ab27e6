import { describeTopicPartitionsApi, type DescribeTopicPartitionsResponse, errorCodes, ZERO_UUID } from '@tailrace/kafka-protocol'; // prettier-ignore
import { isStreamName } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { CONSUMER_OFFSETS_TOPIC } from '../topics/internal-topics.ts';
import { OPERATIONS_NOT_ASKED, TOPIC_OPERATIONS } from '../topics/authorized-operations.ts';
import { handler } from './handler.ts';

type TopicAnswer = DescribeTopicPartitionsResponse['topics'][number];

/** Kafka's max.request.partition.size.limit: more are not answered at once, whatever is asked for. */
const PARTITIONS_ANSWERED_MAX = 2_000;

/**
 * DescribeTopicPartitions: topics and their partitions in the order of their names, page by page. A page has one partition at
 * least. A cursor asks for its topic from its partition on, and for all later names.
 * Per topic: INVALID_REQUEST (a cursor before partition 0), INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION.
 */
export const describeTopicPartitions = handler({
  api: describeTopicPartitionsApi,
  versions: describeTopicPartitionsApi.advertised,
  async run({ topics, responsePartitionLimit, cursor }, exchange, bridge) {
    const named = topics.length > 0;
    if (topics.some(({ name }) => name === CONSUMER_OFFSETS_TOPIC)) {
      await unlessUnavailable(bridge.offsetsTopic.named(), () => undefined);
    }
    const all = named ? [...new Set(topics.map(({ name }) => name))].sort() : bridge.catalog.names();
    const wanted = cursor === null ? all : all.filter((name) => name >= cursor.topicName);
    if (cursor !== null && cursor.partitionIndex < 0) {
      exchange.noteError(errorCodes.INVALID_REQUEST);
      return {
        throttleTimeMs: 0,
        topics: [failed(cursor.topicName, errorCodes.INVALID_REQUEST, OPERATIONS_NOT_ASKED)],
      };
    }
    const answers: TopicAnswer[] = [];
    let room = Math.min(Math.max(1, responsePartitionLimit), PARTITIONS_ANSWERED_MAX);
    for (const name of wanted) {
      const known = describe(name, bridge);
      if (typeof known === 'number') {
        // Of a name that comes from the cursor alone, nothing is said: it went away between two pages.
        if (!named) continue;
        exchange.noteError(known);
        answers.push(failed(name, known, TOPIC_OPERATIONS));
        continue;
      }
      const from = cursor?.topicName === name ? cursor.partitionIndex : 0;
      if (room === 0)
        return { throttleTimeMs: 0, topics: answers, nextCursor: { topicName: name, partitionIndex: from } };
      const partitions = known.partitions.slice(from, from + room);
      answers.push({ ...known, partitions, topicAuthorizedOperations: TOPIC_OPERATIONS });
      room -= partitions.length;
      const next = from + partitions.length;
      if (next < known.partitions.length)
        return { throttleTimeMs: 0, topics: answers, nextCursor: { topicName: name, partitionIndex: next } };
    }
    return { throttleTimeMs: 0, topics: answers };
  },
});

/** The topic with all its partitions, or the error to answer with. */
function describe(
  name: string,
  { catalog, metadata }: Bridge,
): Omit<TopicAnswer, 'topicAuthorizedOperations'> | number {
  if (!isStreamName(name)) return errorCodes.INVALID_TOPIC_EXCEPTION;
  const stream = catalog.peek(name);
  if (stream === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  const { errorCode, topicId, isInternal, partitions } = metadata.topic(stream);
  return {
    errorCode,
    name,
    topicId: topicId ?? ZERO_UUID,
    isInternal: isInternal ?? false,
    // Copies are the store's business: there is no replica that might lead and does not.
    partitions: partitions.map((partition) => ({
      ...partition,
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: [],
    })),
  };
}

function failed(name: string, errorCode: number, topicAuthorizedOperations: number): TopicAnswer {
  return { errorCode, name, topicId: ZERO_UUID, isInternal: false, partitions: [], topicAuthorizedOperations };
}
