import { errorCodes, listPartitionReassignmentsApi } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/** ListPartitionReassignments: which partitions are on their way to other brokers. None ever is (see AlterPartitionReassignments). */
export const listPartitionReassignments = handler({
  api: listPartitionReassignmentsApi,
  versions: listPartitionReassignmentsApi.advertised,
  run: () => ({ throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: null, topics: [] }),
});
