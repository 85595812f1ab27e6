import {
  array,
  int16,
  int32,
  int64,
  int8,
  nullableArray,
  nullableRecords,
  nullableString,
  string,
  struct,
  uuid,
} from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { api } from '../headers.ts';

/** A reader asks for record batches from an offset on, and is willing to wait for them. Within a session it names only what has changed. */
export const fetchRequest = message({
  name: 'FetchRequest',
  key: 1,
  versions: [4, 18],
  flexibleFrom: 12,
  fields: {
    /** Sent by replicas alone. */
    clusterId: nullableString({ since: 12, tag: 0, default: null, ignorable: true }),
    /** -1 for everybody but a replica. */
    replicaId: int32({ until: 14, default: -1 }),
    /** Sent by replicas alone. */
    replicaState: struct(
      {
        /** -1 for everybody but a replica. */
        replicaId: int32({ default: -1 }),
        /** Fences an older life of the replica. */
        replicaEpoch: int64({ default: -1n }),
      },
      { since: 15, tag: 1 },
    ),
    /** How long the answer may wait for minBytes. */
    maxWaitMs: int32(),
    /** Answer as soon as so many bytes are there. */
    minBytes: int32(),
    /** Of the whole answer; a first batch that is larger is returned all the same. */
    maxBytes: int32({ default: 0x7fff_ffff, ignorable: true }),
    /** 0 read_uncommitted; 1 read_committed: nothing at or above the last stable offset. */
    isolationLevel: int8({ default: 0, ignorable: true }),
    /** 0 where there is none yet. */
    sessionId: int32({ since: 7, default: 0, ignorable: true }),
    /** 0 opens a session, -1 closes or does without; otherwise the number of this request in its session. */
    sessionEpoch: int32({ since: 7, default: -1, ignorable: true }),
    topics: array(
      struct({
        topic: string({ until: 12, default: '', ignorable: true }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 13, default: ZERO_UUID, ignorable: true }),
        partitions: array(
          struct({
            partition: int32(),
            /** The epoch that the client believes in; an older one is answered FENCED_LEADER_EPOCH, a newer one UNKNOWN_LEADER_EPOCH. -1: do not check. */
            currentLeaderEpoch: int32({ since: 9, default: -1, ignorable: true }),
            /** Read from here on; the batch that holds it may begin before it. */
            fetchOffset: int64(),
            /** Epoch of the last record that was read; by it, a reader learns that its log and ours part. -1: do not check. */
            lastFetchedEpoch: int32({ since: 12, default: -1 }),
            /** Sent by replicas alone. */
            logStartOffset: int64({ since: 5, default: -1n, ignorable: true }),
            /** Of this partition; a first batch that is larger is returned all the same. */
            partitionMaxBytes: int32(),
            /** Sent by replicas alone. */
            replicaDirectoryId: uuid({ since: 17, tag: 0, ignorable: true }),
            /** What a replica knows of the high watermark; the answer may wait until it differs. */
            highWatermark: int64({ since: 18, tag: 1, default: 0x7fff_ffff_ffff_ffffn, ignorable: true }),
          }),
        ),
      }),
    ),
    /** Partitions to take out of the session. */
    forgottenTopicsData: array(
      struct({
        topic: string({ until: 12, default: '', ignorable: true }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 13, default: ZERO_UUID, ignorable: true }),
        partitions: array(int32()),
      }),
      { since: 7, default: [] },
    ),
    /** Where the reader stands; readers of our answers may be sent to a replica near it. */
    rackId: string({ since: 11, default: '', ignorable: true }),
  },
});

/** Record batches as the log holds them, with the ends of each partition. Within a session, only partitions with news. */
export const fetchResponse = message({
  name: 'FetchResponse',
  key: 1,
  versions: [4, 18],
  flexibleFrom: 12,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ ignorable: true }),
    /** Of the whole request: FETCH_SESSION_ID_NOT_FOUND or INVALID_FETCH_SESSION_EPOCH make the client begin a new session. */
    errorCode: int16({ since: 7, default: 0, ignorable: true }),
    /** 0 where we keep no session: the client then names everything each time. */
    sessionId: int32({ since: 7, default: 0 }),
    responses: array(
      struct({
        topic: string({ until: 12, default: '', ignorable: true }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 13, default: ZERO_UUID, ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            /** End of what may be read, exclusive. */
            highWatermark: int64(),
            /** Below the first record of an open transaction; read_committed ends here. */
            lastStableOffset: int64({ default: -1n, ignorable: true }),
            /** Where the log begins now. */
            logStartOffset: int64({ since: 5, default: -1n, ignorable: true }),
            /** Where the log of a reader parts from ours: it goes back to there. */
            divergingEpoch: struct(
              {
                epoch: int32({ default: -1 }),
                endOffset: int64({ default: -1n }),
              },
              { since: 12, tag: 0 },
            ),
            /** With NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH: who leads now, which spares the client a Metadata request. */
            currentLeader: struct(
              {
                leaderId: int32({ default: -1 }),
                leaderEpoch: int32({ default: -1 }),
              },
              { since: 12, tag: 1 },
            ),
            /** Sent to replicas of the metadata log alone. */
            snapshotId: struct(
              {
                endOffset: int64({ default: -1n }),
                epoch: int32({ default: -1 }),
              },
              { since: 12, tag: 2 },
            ),
            /** Transactions that were aborted within the returned range; a read_committed reader skips their records. Null for read_uncommitted. */
            abortedTransactions: nullableArray(
              struct({
                /** Under which sequences are checked. */
                producerId: int64(),
                /** Where the aborted transaction begins in this partition. */
                firstOffset: int64(),
              }),
              { ignorable: true },
            ),
            /** The broker to read from instead (KIP-392); -1: stay. */
            preferredReadReplica: int32({ since: 11, default: -1 }),
            /** Batches as they lie in the log. */
            records: nullableRecords(),
          }),
        ),
      }),
    ),
    /** Addresses of the leaders named above that the client may not know. */
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        /** In our words the zone. */
        rack: nullableString({ default: null }),
      }),
      { since: 16, tag: 0 },
    ),
  },
});

export const fetchApi = api(fetchRequest, fetchResponse);
export type FetchRequest = Of<typeof fetchRequest>;
export type FetchResponse = Draft<typeof fetchResponse>;
