import { array, int16, int32, int64, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Where did an epoch end? By it a reader finds out whether it has read what a failover took back. */
export const offsetForLeaderEpochRequest = message({
  name: 'OffsetForLeaderEpochRequest',
  key: 23,
  versions: [2, 4],
  flexibleFrom: 4,
  fields: {
    /** -1 for everybody but a replica. */
    replicaId: int32({ since: 3, default: -2, ignorable: true }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            partition: int32(),
            /** The epoch that the client believes in; an older one is answered FENCED_LEADER_EPOCH, a newer one UNKNOWN_LEADER_EPOCH. -1: do not check. */
            currentLeaderEpoch: int32({ default: -1, ignorable: true }),
            /** The epoch whose end is asked for. */
            leaderEpoch: int32(),
          }),
        ),
      }),
    ),
  },
});

/** The end of each epoch asked for. */
export const offsetForLeaderEpochResponse = message({
  name: 'OffsetForLeaderEpochResponse',
  key: 23,
  versions: [2, 4],
  flexibleFrom: 4,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ ignorable: true }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            errorCode: int16(),
            partition: int32(),
            leaderEpoch: int32({ default: -1, ignorable: true }),
            /** Where that epoch ends, exclusive; -1 where it is not known. */
            endOffset: int64({ default: -1n }),
          }),
        ),
      }),
    ),
  },
});

export const offsetForLeaderEpochApi = api(offsetForLeaderEpochRequest, offsetForLeaderEpochResponse);
export type OffsetForLeaderEpochRequest = Of<typeof offsetForLeaderEpochRequest>;
export type OffsetForLeaderEpochResponse = Draft<typeof offsetForLeaderEpochResponse>;
