import { type ErrorCode, errorCodes, leaveGroupApi } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

const BATCHED_SINCE = 3;

/**
 * LeaveGroup: members go, and the others share out their partitions at once.
 * Errors: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE; per member (before version 3: of the one member)
 * FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID.
 */
export const leaveGroup = handler({
  api: leaveGroupApi,
  versions: leaveGroupApi.advertised,
  coordinated: true,
  async run({ groupId, memberId, members }, exchange, { groups }) {
    const batched = exchange.header.apiVersion >= BATCHED_SINCE;
    const leaving = batched
      ? members.map((member) => ({ memberId: member.memberId, instanceId: member.groupInstanceId }))
      : [{ memberId, instanceId: null }];
    const left = await groups.leave(groupId, leaving);
    if (typeof left === 'number') {
      exchange.noteError(left);
      return { throttleTimeMs: 0, errorCode: left, members: [] };
    }
    for (const errorCode of left) exchange.noteError(errorCode);
    if (!batched) return { throttleTimeMs: 0, errorCode: left[0] as ErrorCode, members: [] };
    const answers = leaving.map((member, i) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      errorCode: left[i] as ErrorCode,
    }));
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, members: answers };
  },
});
