import { array, int16, int32, int8, nullableArray, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Choose the leaders of partitions anew. */
export const electLeadersRequest = message({
  name: 'ElectLeadersRequest',
  key: 43,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    /** 0 the preferred replica, 1 any live one where none is in sync. */
    electionType: int8({ since: 1 }),
    /** Null asks for all partitions. */
    topicPartitions: nullableArray(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
    ),
    /** How long the operation may take. */
    timeoutMs: int32({ default: 60_000 }),
  },
});

/** What came of each election. */
export const electLeadersResponse = message({
  name: 'ElectLeadersResponse',
  key: 43,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16({ since: 1 }),
    replicaElectionResults: array(
      struct({
        topic: string(),
        partitionResult: array(
          struct({
            partitionId: int32(),
            errorCode: int16(),
            errorMessage: nullableString(),
          }),
        ),
      }),
    ),
  },
});

export const electLeadersApi = api(electLeadersRequest, electLeadersResponse);
export type ElectLeadersRequest = Of<typeof electLeadersRequest>;
export type ElectLeadersResponse = Draft<typeof electLeadersResponse>;
