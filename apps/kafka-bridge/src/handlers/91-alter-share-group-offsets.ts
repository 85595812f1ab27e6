import {
  type AlterShareGroupOffsetsRequest,
  type AlterShareGroupOffsetsResponse,
  alterShareGroupOffsetsApi,
  type ErrorCode,
  errorCodes,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { admitShareGroupChange } from '../share-groups/change-admission.ts';
import { handler } from './handler.ts';

type TopicRequest = AlterShareGroupOffsetsRequest['topics'][number];
type TopicAnswer = AlterShareGroupOffsetsResponse['responses'][number];

/**
 * AlterShareGroupOffsets: puts a share group (KIP-932) without members to other places. One that does not exist is made, if any of
 * the topics exists, so that it begins there.
 * Whole request: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (another kind of group),
 * NON_EMPTY_GROUP.
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST (below 0); KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const alterShareGroupOffsets = handler({
  api: alterShareGroupOffsetsApi,
  versions: alterShareGroupOffsetsApi.advertised,
  async run({ groupId, topics }, exchange, bridge) {
    const refuse = (errorCode: ErrorCode, errorMessage: string | null = null): AlterShareGroupOffsetsResponse => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, errorMessage, responses: [] };
    };
    const admission = await admitShareGroupChange(groupId, bridge);
    if (typeof admission === 'object') return refuse(admission.errorCode, admission.errorMessage);
    const found = await Promise.all(
      topics.map(async (topic) => {
        return { topic, stream: await unlessUnavailable(bridge.catalog.find(topic.topicName), () => undefined) };
      }),
    );
    if (admission === 'absent' && found.some(({ stream }) => stream !== undefined)) {
      const errorCode = await bridge.groups.makeShareGroup(groupId);
      if (errorCode !== errorCodes.NONE) return refuse(errorCode);
    }
    const responses = await Promise.all(found.map(({ topic, stream }) => alterTopic(groupId, topic, stream, bridge)));
    for (const { partitions } of responses) for (const { errorCode } of partitions) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, responses };
  },
});

async function alterTopic(
  groupId: string,
  { topicName, partitions }: TopicRequest,
  stream: Stream | undefined,
  { shareGroups }: Bridge,
): Promise<TopicAnswer> {
  const move = async (partition: number, startOffset: bigint): Promise<ErrorCode> => {
    if (stream?.partitions[partition] === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    if (startOffset < 0n || startOffset > BigInt(Number.MAX_SAFE_INTEGER)) return errorCodes.INVALID_REQUEST;
    const key = { groupId, topicId: stream.id, partition };
    return unlessUnavailable(shareGroups.offsets.move(key, startOffset), () => errorCodes.KAFKA_STORAGE_ERROR);
  };
  return {
    topicName,
    topicId: stream?.id ?? ZERO_UUID,
    partitions: await Promise.all(
      partitions.map(async ({ partitionIndex, startOffset }) => ({
        partitionIndex,
        errorCode: await move(partitionIndex, startOffset),
      })),
    ),
  };
}
