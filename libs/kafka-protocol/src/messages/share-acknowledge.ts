import { array, bool, int16, int32, int64, int8, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A member of a share group says what has become of records that are locked for it. */
export const shareAcknowledgeRequest = message({
  name: 'ShareAcknowledgeRequest',
  key: 79,
  versions: [1, 2],
  flexibleFrom: 0,
  fields: {
    groupId: nullableString({ default: null }),
    memberId: nullableString(),
    /** -1 closes the session; otherwise the number of this request in it. Opening one (0) is for ShareFetch. */
    shareSessionEpoch: int32(),
    /** Some records are acknowledged with "renew" (KIP-1222). */
    isRenewAck: bool({ since: 2, default: false }),
    topics: array(
      struct({
        topicId: uuid(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            acknowledgementBatches: array(
              struct({
                firstOffset: int64(),
                /** Of the last record, inclusive. */
                lastOffset: int64(),
                /** 0 gap, 1 accept, 2 release, 3 reject, 4 renew: one for all, or one for each. */
                acknowledgeTypes: array(int8()),
              }),
            ),
          }),
        ),
      }),
    ),
  },
});

/** Whether each partition's acknowledgements hold. */
export const shareAcknowledgeResponse = message({
  name: 'ShareAcknowledgeResponse',
  key: 79,
  versions: [1, 2],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    /** For how long renewed records are locked. */
    acquisitionLockTimeoutMs: int32({ since: 2, ignorable: true }),
    responses: array(
      struct({
        topicId: uuid(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            errorMessage: nullableString({ default: null }),
            /** With NOT_LEADER_OR_FOLLOWER: who leads now. */
            currentLeader: struct({
              leaderId: int32(),
              leaderEpoch: int32(),
            }),
          }),
        ),
      }),
    ),
    /** Addresses of the leaders named above. */
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        /** In our words the zone. */
        rack: nullableString({ default: null }),
      }),
    ),
  },
});

export const shareAcknowledgeApi = api(shareAcknowledgeRequest, shareAcknowledgeResponse);
export type ShareAcknowledgeRequest = Of<typeof shareAcknowledgeRequest>;
export type ShareAcknowledgeResponse = Draft<typeof shareAcknowledgeResponse>;
