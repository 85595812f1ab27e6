import { array, int16, int32, int64, int8, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which offset belongs to a point in time, or to the start or end of a partition. */
export const listOffsetsRequest = message({
  name: 'ListOffsetsRequest',
  key: 2,
  versions: [1, 11],
  flexibleFrom: 6,
  fields: {
    /** -1 for everybody but a replica. */
    replicaId: int32(),
    /** 0 read_uncommitted; 1 read_committed: nothing at or above the last stable offset. */
    isolationLevel: int8({ since: 2, default: 0 }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** The epoch that the client believes in; an older one is answered FENCED_LEADER_EPOCH, a newer one UNKNOWN_LEADER_EPOCH. -1: do not check. */
            currentLeaderEpoch: int32({ since: 4, default: -1, ignorable: true }),
            /** Milliseconds since 1970: the first record at or after it. -1 the end, -2 the start, -3 the record with the largest timestamp, -4 and -5 ends of tiered storage. */
            timestamp: int64(),
          }),
        ),
      }),
    ),
    /** How long the operation may take. */
    timeoutMs: int32({ since: 10, default: 0, ignorable: true }),
  },
});

/** The offset found for each partition asked for; -1 where no record is late enough. */
export const listOffsetsResponse = message({
  name: 'ListOffsetsResponse',
  key: 2,
  versions: [1, 11],
  flexibleFrom: 6,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 2, default: 0, ignorable: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            /** Of the record found; -1 for a start or end. */
            timestamp: int64({ default: -1n }),
            /** -1 where no record is late enough. */
            offset: int64({ default: -1n }),
            leaderEpoch: int32({ since: 4, default: -1 }),
          }),
        ),
      }),
    ),
  },
});

export const listOffsetsApi = api(listOffsetsRequest, listOffsetsResponse);
export type ListOffsetsRequest = Of<typeof listOffsetsRequest>;
export type ListOffsetsResponse = Draft<typeof listOffsetsResponse>;
