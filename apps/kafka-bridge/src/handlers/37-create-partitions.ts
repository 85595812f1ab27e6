import {
  createPartitionsApi,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  type ErrorCode,
  errorCodes,
} from '@tailrace/kafka-protocol';
import { addPartitions, roomForPartitions } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { refusalErrors, unlessUnavailable } from '../errors/refusal-errors.ts';
import { refuseReplicas } from '../topics/replica-assignment.ts';
import { PARTITIONS_PER_REQUEST_MAX, TOO_MANY_PARTITIONS } from '../topics/topic-creation.ts';
import { handler } from './handler.ts';

type TopicRequest = CreatePartitionsRequest['topics'][number];
type TopicAnswer = CreatePartitionsResponse['results'][number];

/** Clients that name no time, or none that makes sense, wait so long. */
const TIMEOUT_MS_MAX = 60_000;

/**
 * CreatePartitions: give topics more partitions, exactly as many as asked for. The largest hash ranges are split for them
 * (docs/decisions/resharding.md); the answer comes when all of them take records. What was begun is finished also when
 * the time is over.
 * All topics: POLICY_VIOLATION (too many partitions in one request).
 * Per topic: INVALID_REQUEST (named twice), UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS (not more than there are, or too many),
 * INVALID_REPLICA_ASSIGNMENT; REQUEST_TIMED_OUT, retryable, when the time is over, others keep changing the topic, or the store is
 * away.
 */
export const createPartitions = handler({
  api: createPartitionsApi,
  versions: createPartitionsApi.advertised,
  async run({ topics, timeoutMs, validateOnly }, exchange, bridge) {
    const counts = new Map<string, number>();
    for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const distinct = [...new Map(topics.map((topic) => [topic.name, topic])).values()];
    // One topic alone is told how many it can have.
    const wanted = distinct.reduce((sum, { count }) => sum + Math.max(0, count), 0);
    if (distinct.length > 1 && wanted > PARTITIONS_PER_REQUEST_MAX) {
      exchange.noteError(errorCodes.POLICY_VIOLATION);
      const refused = distinct.map((topic) => failed(topic, errorCodes.POLICY_VIOLATION, TOO_MANY_PARTITIONS));
      return { throttleTimeMs: 0, results: refused };
    }
    const results = await Promise.all(
      distinct.map(async (topic) => {
        if (counts.get(topic.name) !== 1) return failed(topic, errorCodes.INVALID_REQUEST, 'Duplicate topic name.');
        return unlessUnavailable(growOne(topic, timeoutMs, validateOnly, bridge), () =>
          failed(topic, errorCodes.REQUEST_TIMED_OUT, 'The store is not available.'),
        );
      }),
    );
    for (const { errorCode } of results) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, results };
  },
});

async function growOne(
  topic: TopicRequest,
  timeoutMs: number,
  validateOnly: boolean,
  bridge: Bridge,
): Promise<TopicAnswer> {
  const { name, count, assignments } = topic;
  const stream = await bridge.catalog.find(name);
  if (stream === undefined) return failed(topic, errorCodes.UNKNOWN_TOPIC_OR_PARTITION, null);
  const present = stream.partitions.length;
  if (count === present)
    return failed(topic, errorCodes.INVALID_PARTITIONS, `Topic already has ${present} partition(s).`);
  if (count < present) {
    const sentence = `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`;
    return failed(topic, errorCodes.INVALID_PARTITIONS, sentence);
  }
  if (assignments !== null) {
    const more = count - present;
    const refused =
      assignments.length === more
        ? refuseReplicas(assignments, bridge)
        : `Attempted to add ${more} additional partition(s), but only ${assignments.length} assignment(s) were specified.`;
    if (refused !== undefined) return failed(topic, errorCodes.INVALID_REPLICA_ASSIGNMENT, refused);
  }
  const room = roomForPartitions(stream, count);
  if (!room.ok) return refused(topic, refusalErrors[room.refusal.code], present);
  if (validateOnly) return done(topic);
  const waitMs = timeoutMs > 0 ? Math.min(timeoutMs, TIMEOUT_MS_MAX) : TIMEOUT_MS_MAX;
  const grown = await addPartitions(bridge.catalog, name, count, { timeoutMs: waitMs });
  if (!grown.ok) return refused(topic, refusalErrors[grown.refusal.code], present);
  return grown.value.partitions.length >= count && !grown.value.isResharding
    ? done(topic)
    : failed(topic, errorCodes.REQUEST_TIMED_OUT, 'The partitions are being made and are not all there yet.');
}

function done({ name }: TopicRequest): TopicAnswer {
  return { name, errorCode: errorCodes.NONE, errorMessage: null };
}

function refused(topic: TopicRequest, errorCode: ErrorCode, present: number): TopicAnswer {
  const sentence =
    errorCode === errorCodes.INVALID_PARTITIONS
      ? `The topic ${topic.name} has ${present} partition(s) and no room for ${topic.count}.`
      : `The topic ${topic.name} does not exist or is being changed.`;
  return failed(topic, errorCode, sentence);
}

function failed({ name }: TopicRequest, errorCode: ErrorCode, errorMessage: string | null): TopicAnswer {
  return { name, errorCode, errorMessage };
}
