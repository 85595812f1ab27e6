import {
  deleteShareGroupOffsetsApi,
  type DeleteShareGroupOffsetsResponse,
  errorCodes,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { admitShareGroupChange } from '../share-groups/change-admission.ts';
import { handler } from './handler.ts';

type TopicAnswer = DeleteShareGroupOffsetsResponse['responses'][number];

/**
 * DeleteShareGroupOffsets: makes a share group (KIP-932) without members forget where it is in some topics: it begins there anew.
 * Whole request: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP.
 * Per topic: UNKNOWN_TOPIC_OR_PARTITION (also where the group has not begun); KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const deleteShareGroupOffsets = handler({
  api: deleteShareGroupOffsetsApi,
  versions: deleteShareGroupOffsetsApi.advertised,
  async run({ groupId, topics }, exchange, bridge) {
    const admission = await admitShareGroupChange(groupId, bridge);
    if (admission !== 'exists') {
      const notFound = { errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` };
      const refused = admission === 'absent' ? notFound : admission;
      exchange.noteError(refused.errorCode);
      return { throttleTimeMs: 0, ...refused, responses: [] };
    }
    const responses = await Promise.all(topics.map(({ topicName }) => deleteTopic(groupId, topicName, bridge)));
    for (const { errorCode } of responses) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, responses };
  },
});

async function deleteTopic(groupId: string, topicName: string, bridge: Bridge): Promise<TopicAnswer> {
  const deleted = async (): Promise<TopicAnswer> => {
    const stream = await bridge.catalog.find(topicName);
    const unknown = { topicName, topicId: ZERO_UUID, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION };
    if (stream === undefined) return unknown;
    const count = await bridge.shareGroups.offsets.forgetTopic(groupId, stream.id);
    if (count === 0) return { ...unknown, errorMessage: 'There is no offset information to delete.' };
    return { topicName, topicId: stream.id, errorCode: errorCodes.NONE };
  };
  return unlessUnavailable(deleted(), () => ({
    topicName,
    topicId: ZERO_UUID,
    errorCode: errorCodes.KAFKA_STORAGE_ERROR,
  }));
}
