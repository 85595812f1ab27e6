import { type ErrorCode, heartbeatApi } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/**
 * Heartbeat: a member is alive, and learns whether a rebalance has begun.
 * Errors: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID,
 * ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS.
 */
export const heartbeat = handler({
  api: heartbeatApi,
  versions: heartbeatApi.advertised,
  coordinated: true,
  run({ groupId, generationId, memberId, groupInstanceId }, exchange, { groups }) {
    const answer = (errorCode: ErrorCode) => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode };
    };
    const errorCode = groups.heartbeat(groupId, { memberId, instanceId: groupInstanceId }, generationId);
    return typeof errorCode === 'number' ? answer(errorCode) : errorCode.then(answer);
  },
});
