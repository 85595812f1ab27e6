import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DescribeAccountSettings',
  ok: [operationCase('as they are', {})],
  errors: {},
};
