import { type ErrorCode, errorCodes, offsetCommitApi, type OffsetCommitRequest } from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import type { OffsetCommit } from '../groups/offset-store.ts';
import { handler } from './handler.ts';

type TopicRequest = OffsetCommitRequest['topics'][number];

/** Kafka's offset.metadata.max.bytes. */
export const OFFSET_METADATA_BYTES_MAX = 4096;
const TOPIC_ID_SINCE = 10;
/** Members of consumer groups (KIP-848) need its error codes. */
const MEMBER_EPOCH_SINCE = 9;

/**
 * OffsetCommit: remember where a group will read on. Durable before the answer, in one step for all partitions of the request
 * (up to 1,000).
 * Per partition: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, OFFSET_METADATA_TOO_LARGE; for all others INVALID_GROUP_ID,
 * NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (a member of a group that nobody knows; before version 9
 * ILLEGAL_GENERATION), FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS; of a consumer group
 * UNKNOWN_MEMBER_ID, UNSUPPORTED_VERSION, STALE_MEMBER_EPOCH.
 */
export const offsetCommit = handler({
  api: offsetCommitApi,
  versions: offsetCommitApi.advertised,
  coordinated: true,
  async run(request, exchange, bridge) {
    const byId = exchange.header.apiVersion >= TOPIC_ID_SINCE;
    const streams = await Promise.all(request.topics.map((topic) => findStream(topic, byId, bridge)));
    const commits: OffsetCommit[] = [];
    const { retentionTimeMs } = request;
    const nowMs = Date.now();
    const times = {
      committedAtMs: nowMs,
      ...(retentionTimeMs >= 0n && { expiresAtMs: nowMs + Number(retentionTimeMs) }),
    };
    const refusals = request.topics.map((topic, i) => checkTopic(topic, streams[i], byId, times, commits));
    const committing = {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationIdOrMemberEpoch,
      partitions: commits,
      understandsMemberEpochs: exchange.header.apiVersion >= MEMBER_EPOCH_SINCE,
    };
    const errorCode = await bridge.groups.commit(request.groupId, committing, commits);
    const topics = request.topics.map(({ name, topicId, partitions }, i) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }, j) => ({
        partitionIndex,
        errorCode: refusals[i]?.[j] ?? errorCode,
      })),
    }));
    for (const { partitions } of topics) for (const partition of partitions) exchange.noteError(partition.errorCode);
    return { throttleTimeMs: 0, topics };
  },
});

async function findStream(
  { name, topicId }: TopicRequest,
  byId: boolean,
  { catalog }: Bridge,
): Promise<Stream | 'unavailable' | undefined> {
  if (byId) return catalog.peekById(topicId);
  return catalog.peek(name) ?? unlessUnavailable(catalog.find(name), () => 'unavailable' as const);
}

/** Adds what may be committed to `commits`, and answers by partition why the others may not. */
function checkTopic(
  { partitions }: TopicRequest,
  stream: Stream | 'unavailable' | undefined,
  byId: boolean,
  times: Pick<OffsetCommit, 'committedAtMs' | 'expiresAtMs'>,
  commits: OffsetCommit[],
): readonly (ErrorCode | undefined)[] {
  return partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
    if (stream === 'unavailable') return errorCodes.COORDINATOR_NOT_AVAILABLE;
    if (stream === undefined) return byId ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    if (stream.partitions[partitionIndex] === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    const metadata = committedMetadata ?? '';
    if (Buffer.byteLength(metadata) > OFFSET_METADATA_BYTES_MAX) return errorCodes.OFFSET_METADATA_TOO_LARGE;
    commits.push({
      topic: stream.name,
      topicId: stream.id,
      partition: partitionIndex,
      offset: committedOffset,
      leaderEpoch: committedLeaderEpoch,
      metadata,
      ...times,
    });
    return undefined;
  });
}
