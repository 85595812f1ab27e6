import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'UpdateAccountSettings',
  ok: [operationCase('a commitment', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } })],
  errors: {
    1: operationCase('nothing', {}),
  },
};
