import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DescribeStream',
  ok: [operationCase('by its name', async (world) => ({ StreamName: await world.stream() }))],
  errors: {
    1: operationCase('a page of none', { StreamName: 'a', Limit: 0 }),
    2: noStreamNamed(),
    3: noSuchStream(),
  },
};
