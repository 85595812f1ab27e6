import { array, bytes, int16, int32, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Each member asks for its share of the partitions; the leader brings the shares of all. */
export const syncGroupRequest = message({
  name: 'SyncGroupRequest',
  key: 14,
  versions: [0, 5],
  flexibleFrom: 4,
  fields: {
    groupId: string(),
    /** The generation the member believes it is in; an older one is answered ILLEGAL_GENERATION. */
    generationId: int32(),
    /** Given by the coordinator at the first join. */
    memberId: string(),
    /** Static membership (KIP-345). */
    groupInstanceId: nullableString({ since: 3, default: null }),
    /** `consumer` for consumers; a group has one type. */
    protocolType: nullableString({ since: 5, default: null, ignorable: true }),
    /** The chosen assignor. */
    protocolName: nullableString({ since: 5, default: null, ignorable: true }),
    /** Filled by the leader alone. */
    assignments: array(
      struct({
        /** Given by the coordinator at the first join. */
        memberId: string(),
        /** For consumers a ConsumerProtocolAssignment; opaque to the broker. */
        assignment: bytes(),
      }),
    ),
  },
});

/** What the leader has assigned to this member. */
export const syncGroupResponse = message({
  name: 'SyncGroupResponse',
  key: 14,
  versions: [0, 5],
  flexibleFrom: 4,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 1, default: 0, ignorable: true }),
    errorCode: int16(),
    /** `consumer` for consumers; a group has one type. */
    protocolType: nullableString({ since: 5, default: null, ignorable: true }),
    /** The chosen assignor. */
    protocolName: nullableString({ since: 5, default: null, ignorable: true }),
    /** For consumers a ConsumerProtocolAssignment; opaque to the broker. */
    assignment: bytes(),
  },
});

export const syncGroupApi = api(syncGroupRequest, syncGroupResponse);
export type SyncGroupRequest = Of<typeof syncGroupRequest>;
export type SyncGroupResponse = Draft<typeof syncGroupResponse>;
