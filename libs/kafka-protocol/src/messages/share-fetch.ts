import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  nullableString,
  records,
  string,
  struct,
  uuid,
} from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A member of a share group acknowledges records, and asks for others to be locked for it and sent. */
export const shareFetchRequest = message({
  name: 'ShareFetchRequest',
  key: 78,
  versions: [1, 2],
  flexibleFrom: 0,
  fields: {
    groupId: nullableString({ default: null }),
    memberId: nullableString(),
    /** 0 opens a session, -1 closes it; otherwise the number of this request in its session. */
    shareSessionEpoch: int32(),
    /** How long the answer may wait for records. */
    maxWaitMs: int32(),
    /** Answer as soon as so many bytes are there. */
    minBytes: int32(),
    /** Of the whole answer; a first batch that is larger is returned all the same. */
    maxBytes: int32({ default: 0x7fff_ffff }),
    /** Records to lock; the last batch may exceed it, unless the acquire mode is the strict one. */
    maxRecords: int32({ since: 1 }),
    /** How many records the client likes to have together in what it acknowledges. */
    batchSize: int32({ since: 1 }),
    /** 0: whole batches; 1: never more than maxRecords (KIP-1206). */
    shareAcquireMode: int8({ since: 2, default: 0, ignorable: true }),
    /** Some records are acknowledged with "renew": nothing is fetched then (KIP-1222). */
    isRenewAck: bool({ since: 2, default: false }),
    topics: array(
      struct({
        topicId: uuid(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** Only the early version 0, which nobody speaks any more, has it. */
            partitionMaxBytes: int32({ until: 0, default: 0 }),
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
    /** Partitions to take out of the session. */
    forgottenTopicsData: array(
      struct({
        topicId: uuid(),
        partitions: array(int32()),
      }),
    ),
  },
});

/** Record batches as the log holds them, and which of their records are locked for the member. */
export const shareFetchResponse = message({
  name: 'ShareFetchResponse',
  key: 78,
  versions: [1, 2],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    /** Of the whole request: SHARE_SESSION_NOT_FOUND or INVALID_SHARE_SESSION_EPOCH make the client begin a new session. */
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    /** For how long the records are locked. */
    acquisitionLockTimeoutMs: int32({ since: 1 }),
    responses: array(
      struct({
        topicId: uuid(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            errorMessage: nullableString({ default: null }),
            /** What became of the acknowledgements. */
            acknowledgeErrorCode: int16(),
            acknowledgeErrorMessage: nullableString({ default: null }),
            /** With NOT_LEADER_OR_FOLLOWER: who leads now. */
            currentLeader: struct({
              leaderId: int32(),
              leaderEpoch: int32(),
            }),
            /** Batches as they lie in the log; only the records named below are the member's. */
            records: records(),
            acquiredRecords: array(
              struct({
                firstOffset: int64(),
                /** Of the last record, inclusive. */
                lastOffset: int64(),
                /** 1 where nobody had it before. */
                deliveryCount: int16(),
              }),
            ),
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

export const shareFetchApi = api(shareFetchRequest, shareFetchResponse);
export type ShareFetchRequest = Of<typeof shareFetchRequest>;
export type ShareFetchResponse = Draft<typeof shareFetchResponse>;
