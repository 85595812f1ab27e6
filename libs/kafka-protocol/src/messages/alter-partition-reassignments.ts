import { array, bool, int16, int32, nullableArray, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Place partitions on other brokers, or take such a wish back. */
export const alterPartitionReassignmentsRequest = message({
  name: 'AlterPartitionReassignmentsRequest',
  key: 45,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    /** How long the operation may take. */
    timeoutMs: int32({ default: 60_000 }),
    /** Whether a partition may get another number of replicas by it. */
    allowReplicationFactorChange: bool({ since: 1, default: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** Where it shall lie; null takes back what was asked for and has not happened yet. */
            replicas: nullableArray(int32(), { default: null }),
          }),
        ),
      }),
    ),
  },
});

/** Which wishes were taken. */
export const alterPartitionReassignmentsResponse = message({
  name: 'AlterPartitionReassignmentsResponse',
  key: 45,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool({ since: 1, default: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: nullableString(),
    responses: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            errorMessage: nullableString(),
          }),
        ),
      }),
    ),
  },
});

export const alterPartitionReassignmentsApi = api(
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
);
export type AlterPartitionReassignmentsRequest = Of<typeof alterPartitionReassignmentsRequest>;
export type AlterPartitionReassignmentsResponse = Draft<typeof alterPartitionReassignmentsResponse>;
