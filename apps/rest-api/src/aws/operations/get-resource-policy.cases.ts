import {
  noResource,
  noSuchResource,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'GetResourcePolicy',
  ok: [operationCase('none', async (world) => ({ ResourceARN: await world.streamArn() }))],
  errors: {
    1: operationCase('no resource', {}),
    2: noResource(),
    3: noSuchResource(),
  },
};
