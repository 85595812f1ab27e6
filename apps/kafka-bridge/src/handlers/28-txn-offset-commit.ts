import { type ErrorCode, errorCodes, txnOffsetCommitApi, type TxnOffsetCommitRequest } from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import type { OffsetCommit } from '../groups/offset-store.ts';
import { OFFSET_METADATA_BYTES_MAX } from './08-offset-commit.ts';
import { handler } from './handler.ts';

type TopicRequest = TxnOffsetCommitRequest['topics'][number];

/** The group becomes part of the transaction by this very request (KIP-890). */
const IMPLICIT_SINCE = 5;

/**
 * TxnOffsetCommit: offsets of a group that become valid when the transaction commits, and never if it aborts. Asked of the
 * bridge that coordinates the group.
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION, OFFSET_METADATA_TOO_LARGE; for all others INVALID_GROUP_ID, NOT_COORDINATOR,
 * FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, then as `TransactionCoordinator.commitOffsets`.
 */
export const txnOffsetCommit = handler({
  api: txnOffsetCommitApi,
  versions: txnOffsetCommitApi.advertised,
  coordinated: true,
  async run(request, exchange, bridge) {
    const commits: OffsetCommit[] = [];
    const streams = await Promise.all(request.topics.map(({ name }) => findStream(name, bridge)));
    const refusals = request.topics.map((topic, i) => checkTopic(topic, streams[i], commits));
    const errorCode = await commit(request, commits, exchange.header.apiVersion >= IMPLICIT_SINCE, bridge);
    const topics = request.topics.map(({ name, partitions }, i) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, j) => ({
        partitionIndex,
        errorCode: refusals[i]?.[j] ?? errorCode,
      })),
    }));
    for (const { partitions } of topics) for (const partition of partitions) exchange.noteError(partition.errorCode);
    return { throttleTimeMs: 0, topics };
  },
});

async function commit(
  { transactionalId, groupId, memberId, groupInstanceId, generationId, ...producer }: TxnOffsetCommitRequest,
  commits: readonly OffsetCommit[],
  implicit: boolean,
  { groups, transactions, brokers }: Bridge,
): Promise<ErrorCode> {
  const { term } = brokers;
  const identity = { memberId, instanceId: groupInstanceId };
  const refused = await groups.checkTransactionalCommit(groupId, identity, generationId);
  if (refused !== errorCodes.NONE || commits.length === 0) return refused;
  const { producerId, producerEpoch } = producer;
  return transactions.commitOffsets(transactionalId, { producerId, producerEpoch }, groupId, commits, {
    implicit,
    // Members come and go elsewhere when this bridge has lost the group.
    isAdmitted: () => brokers.term === term,
  });
}

async function findStream(name: string, { catalog }: Bridge): Promise<Stream | 'unavailable' | undefined> {
  return catalog.peek(name) ?? unlessUnavailable(catalog.find(name), () => 'unavailable' as const);
}

/** Adds what may be committed to `commits`, and answers by partition why the others may not. */
function checkTopic(
  { partitions }: TopicRequest,
  stream: Stream | 'unavailable' | undefined,
  commits: OffsetCommit[],
): readonly (ErrorCode | undefined)[] {
  return partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
    if (stream === 'unavailable') return errorCodes.COORDINATOR_NOT_AVAILABLE;
    if (stream?.partitions[partitionIndex] === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    const metadata = committedMetadata ?? '';
    if (Buffer.byteLength(metadata) > OFFSET_METADATA_BYTES_MAX) return errorCodes.OFFSET_METADATA_TOO_LARGE;
    commits.push({
      topic: stream.name,
      topicId: stream.id,
      partition: partitionIndex,
      offset: committedOffset,
      leaderEpoch: committedLeaderEpoch,
      metadata,
      committedAtMs: Date.now(),
    });
    return undefined;
  });
}
