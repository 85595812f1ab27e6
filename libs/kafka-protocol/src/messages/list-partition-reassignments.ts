import { array, int16, int32, nullableArray, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which partitions are on their way to other brokers? */
export const listPartitionReassignmentsRequest = message({
  name: 'ListPartitionReassignmentsRequest',
  key: 46,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the operation may take. */
    timeoutMs: int32({ default: 60_000 }),
    /** Null asks for all. */
    topics: nullableArray(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      { default: null },
    ),
  },
});

/** Those that are on their way. */
export const listPartitionReassignmentsResponse = message({
  name: 'ListPartitionReassignmentsResponse',
  key: 46,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            replicas: array(int32()),
            addingReplicas: array(int32()),
            removingReplicas: array(int32()),
          }),
        ),
      }),
    ),
  },
});

export const listPartitionReassignmentsApi = api(listPartitionReassignmentsRequest, listPartitionReassignmentsResponse);
export type ListPartitionReassignmentsRequest = Of<typeof listPartitionReassignmentsRequest>;
export type ListPartitionReassignmentsResponse = Draft<typeof listPartitionReassignmentsResponse>;
