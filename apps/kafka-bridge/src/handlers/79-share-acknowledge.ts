import {
  type ErrorCode,
  errorCodes,
  type ShareAcknowledgeResponse,
  shareAcknowledgeApi,
} from '@tailrace/kafka-protocol';
import { acknowledgeRecords } from '../share-groups/acknowledge-records.ts';
import { LeaderHints } from '../share-groups/current-leader.ts';
import { readSharer } from '../share-groups/share-request.ts';
import { CLOSING_EPOCH, OPENING_EPOCH } from '../share-groups/share-session-cache.ts';
import { handler } from './handler.ts';

type TopicAnswer = ShareAcknowledgeResponse['responses'][number];

/**
 * ShareAcknowledge: a member of a share group says what has become of records that are locked for it, and may end its session.
 *
 * Whole request: INVALID_REQUEST (no group or member), INVALID_GROUP_ID, SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH (0 too: only
 * ShareFetch opens a session).
 * Per partition: TOPIC_AUTHORIZATION_FAILED, INVALID_REQUEST, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION,
 * NOT_LEADER_OR_FOLLOWER, INVALID_RECORD_STATE; KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const shareAcknowledge = handler({
  api: shareAcknowledgeApi,
  versions: shareAcknowledgeApi.advertised,
  async run(request, exchange, bridge) {
    const { shareSessionEpoch, isRenewAck, topics } = request;
    const { sessions, settings } = bridge.shareGroups;
    const refuse = (errorCode: ErrorCode, errorMessage: string | null = null): ShareAcknowledgeResponse => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, errorMessage, responses: [], nodeEndpoints: [], acquisitionLockTimeoutMs: 0 };
    }; // prettier-ignore
    const sharer = readSharer(request);
    if ('errorCode' in sharer) return refuse(sharer.errorCode, sharer.errorMessage);
    const { groupId, memberId } = sharer;
    if (shareSessionEpoch === OPENING_EPOCH) return refuse(errorCodes.INVALID_SHARE_SESSION_EPOCH);
    const found = sessions.use(groupId, memberId, shareSessionEpoch);
    if (!found.ok) return refuse(found.errorCode);
    const { session } = found;
    const acknowledged = await acknowledgeRecords(sharer, topics, isRenewAck, exchange, bridge);
    if (shareSessionEpoch === CLOSING_EPOCH) session.end();
    const hints = new LeaderHints(bridge);
    const responses = topics.map(({ topicId, partitions }): TopicAnswer => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => {
        const outcome = acknowledged.get(`${topicId}/${partitionIndex}`);
        const { errorCode = errorCodes.NONE, errorMessage = null } = outcome ?? {};
        exchange.noteError(errorCode);
        return { partitionIndex, errorCode, errorMessage, currentLeader: hints.of(errorCode, topicId, partitionIndex) };
      }),
    })); // prettier-ignore
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      acquisitionLockTimeoutMs: settings.of(groupId).lockDurationMs,
      responses,
      nodeEndpoints: hints.endpoints,
    };
  },
});
