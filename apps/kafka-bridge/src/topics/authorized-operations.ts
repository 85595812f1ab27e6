/** What a client may do, as a bit set by the numbers of ACL operations: here the answer to one who may do everything. */
const OPERATION = {
  read: 3, write: 4, create: 5, delete: 6, alter: 7, describe: 8, clusterAction: 9, describeConfigs: 10, alterConfigs: 11, idempotentWrite: 12,
} as const; // prettier-ignore

function bits(...operations: readonly (keyof typeof OPERATION)[]): number {
  return operations.reduce((set, operation) => set | (1 << OPERATION[operation]), 0);
}

/** Everything that can be done with a topic. */
export const TOPIC_OPERATIONS = bits('read', 'write', 'create', 'delete', 'alter', 'describe', 'describeConfigs', 'alterConfigs'); // prettier-ignore
/** Everything that can be done with the cluster. */
export const CLUSTER_OPERATIONS = bits('create', 'alter', 'describe', 'clusterAction', 'describeConfigs', 'alterConfigs', 'idempotentWrite'); // prettier-ignore
/** Everything that can be done with a group. */
export const GROUP_OPERATIONS = bits('read', 'delete', 'describe', 'describeConfigs', 'alterConfigs');
/** "Not asked for": the smallest int32. */
export const OPERATIONS_NOT_ASKED = -0x8000_0000;
