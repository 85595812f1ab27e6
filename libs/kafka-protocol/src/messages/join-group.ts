import { array, bool, bytes, int16, int32, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A member wants to be part of the next generation of its group. Answered when the generation is complete. */
export const joinGroupRequest = message({
  name: 'JoinGroupRequest',
  key: 11,
  versions: [0, 9],
  flexibleFrom: 6,
  fields: {
    groupId: string(),
    /** A member that is silent for so long is out. */
    sessionTimeoutMs: int32(),
    /** How long members have to join again when a rebalance begins; -1: as long as the session. */
    rebalanceTimeoutMs: int32({ since: 1, default: -1, ignorable: true }),
    /** Empty at the first join; the coordinator gives one. */
    memberId: string(),
    /** Static membership (KIP-345). */
    groupInstanceId: nullableString({ since: 5, default: null }),
    /** `consumer` for consumers; a group has one type. */
    protocolType: string(),
    /** Assignors that the member can follow, the preferred one first. The group takes one that all have. */
    protocols: array(
      struct({
        name: string(),
        /** For consumers a ConsumerProtocolSubscription; opaque to the broker. */
        metadata: bytes(),
      }),
    ),
    /** For the log (KIP-800). */
    reason: nullableString({ since: 8, default: null, ignorable: true }),
  },
});

/** The new generation. Only the leader learns of the other members, for it hands out the partitions. */
export const joinGroupResponse = message({
  name: 'JoinGroupResponse',
  key: 11,
  versions: [0, 9],
  flexibleFrom: 6,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 2, default: 0, ignorable: true }),
    errorCode: int16(),
    /** The generation that begins; it fences what members of an older one still send. */
    generationId: int32({ default: -1 }),
    /** `consumer` for consumers; a group has one type. */
    protocolType: nullableString({ since: 7, default: null, ignorable: true }),
    /** The chosen assignor. */
    protocolName: nullableString({ nullableSince: 7 }),
    /** Member id of the leader. */
    leader: string(),
    /** The leader leaves the assignment as it is (KIP-814). */
    skipAssignment: bool({ since: 9, default: false }),
    /** Given by the coordinator at the first join. */
    memberId: string(),
    /** Filled for the leader alone. */
    members: array(
      struct({
        /** Given by the coordinator at the first join. */
        memberId: string(),
        /** Static membership (KIP-345). */
        groupInstanceId: nullableString({ since: 5, default: null, ignorable: true }),
        /** As the member sent it with the chosen protocol. */
        metadata: bytes(),
      }),
    ),
  },
});

export const joinGroupApi = api(joinGroupRequest, joinGroupResponse);
export type JoinGroupRequest = Of<typeof joinGroupRequest>;
export type JoinGroupResponse = Draft<typeof joinGroupResponse>;
