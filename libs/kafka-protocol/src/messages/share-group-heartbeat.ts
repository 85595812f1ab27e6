import {
  array,
  int16,
  int32,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  struct,
  uuid,
} from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A member of a share group (KIP-932) is alive, says what has changed about it, and learns what it may read. */
export const shareGroupHeartbeatRequest = message({
  name: 'ShareGroupHeartbeatRequest',
  key: 76,
  versions: [1, 1],
  flexibleFrom: 0,
  fields: {
    groupId: string(),
    /** Made by the client. */
    memberId: string(),
    /** 0 joins, -1 leaves; otherwise the epoch of the last answer. */
    memberEpoch: int32(),
    /** This and the next: null where it is as the last heartbeat said. */
    rackId: nullableString({ default: null }),
    subscribedTopicNames: nullableArray(string(), { default: null }),
  },
});

/** Where the member stands, and which partitions it reads together with others. */
export const shareGroupHeartbeatResponse = message({
  name: 'ShareGroupHeartbeatResponse',
  key: 76,
  versions: [1, 1],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    memberId: nullableString({ default: null }),
    memberEpoch: int32(),
    /** When the next heartbeat is wanted. */
    heartbeatIntervalMs: int32(),
    /** All that the member shall read from now on; null where that is as before. */
    assignment: nullableStruct(
      {
        topicPartitions: array(
          struct({
            topicId: uuid(),
            partitions: array(int32()),
          }),
        ),
      },
      { default: null },
    ),
  },
});

export const shareGroupHeartbeatApi = api(shareGroupHeartbeatRequest, shareGroupHeartbeatResponse);
export type ShareGroupHeartbeatRequest = Of<typeof shareGroupHeartbeatRequest>;
export type ShareGroupHeartbeatResponse = Draft<typeof shareGroupHeartbeatResponse>;
