import { array, int16, int32, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Members leave at once, without waiting for their session to run out. From version 3 an admin may remove several. */
export const leaveGroupRequest = message({
  name: 'LeaveGroupRequest',
  key: 13,
  versions: [0, 5],
  flexibleFrom: 4,
  fields: {
    groupId: string(),
    /** Given by the coordinator at the first join. */
    memberId: string({ until: 2, default: '' }),
    members: array(
      struct({
        /** Given by the coordinator at the first join. */
        memberId: string(),
        /** Static membership (KIP-345). */
        groupInstanceId: nullableString({ default: null }),
        /** For the log (KIP-800). */
        reason: nullableString({ since: 5, default: null, ignorable: true }),
      }),
      { since: 3, default: [] },
    ),
  },
});

/** Which members have left. */
export const leaveGroupResponse = message({
  name: 'LeaveGroupResponse',
  key: 13,
  versions: [0, 5],
  flexibleFrom: 4,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 1, default: 0, ignorable: true }),
    errorCode: int16(),
    members: array(
      struct({
        /** Given by the coordinator at the first join. */
        memberId: string(),
        /** Static membership (KIP-345). */
        groupInstanceId: nullableString(),
        errorCode: int16(),
      }),
      { since: 3, default: [] },
    ),
  },
});

export const leaveGroupApi = api(leaveGroupRequest, leaveGroupResponse);
export type LeaveGroupRequest = Of<typeof leaveGroupRequest>;
export type LeaveGroupResponse = Draft<typeof leaveGroupResponse>;
