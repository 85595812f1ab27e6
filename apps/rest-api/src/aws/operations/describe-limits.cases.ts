import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DescribeLimits',
  ok: [operationCase('as they are', {})],
  errors: {},
};
