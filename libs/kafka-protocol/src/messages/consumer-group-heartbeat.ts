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

/** A member of a consumer group (KIP-848) is alive, says what has changed about it, and learns what it may read. */
export const consumerGroupHeartbeatRequest = message({
  name: 'ConsumerGroupHeartbeatRequest',
  key: 68,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    groupId: string(),
    /** Made by the client; up to version 0 a joining member may leave it to us. */
    memberId: string(),
    /** 0 joins, -1 leaves, -2 leaves for a while (static membership); otherwise the epoch of the last answer. */
    memberEpoch: int32(),
    /** Static membership (KIP-345). This and all below: null or -1 where it is as the last heartbeat said. */
    instanceId: nullableString({ default: null }),
    rackId: nullableString({ default: null }),
    /** How long the member may take to give partitions back. */
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: nullableArray(string(), { default: null }),
    /** In RE2's syntax; a topic is subscribed to when all of its name matches. Empty: no longer. */
    subscribedTopicRegex: nullableString({ since: 1, default: null }),
    /** `uniform` or `range`. */
    serverAssignor: nullableString({ default: null }),
    /** What the member reads now. */
    topicPartitions: nullableArray(
      struct({
        topicId: uuid(),
        partitions: array(int32()),
      }),
      { default: null },
    ),
  },
});

/** Where the member stands, and what it shall read. */
export const consumerGroupHeartbeatResponse = message({
  name: 'ConsumerGroupHeartbeatResponse',
  key: 68,
  versions: [0, 1],
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
    /** All that the member may read from now on; null where that is as before. */
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

export const consumerGroupHeartbeatApi = api(consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse);
export type ConsumerGroupHeartbeatRequest = Of<typeof consumerGroupHeartbeatRequest>;
export type ConsumerGroupHeartbeatResponse = Draft<typeof consumerGroupHeartbeatResponse>;
