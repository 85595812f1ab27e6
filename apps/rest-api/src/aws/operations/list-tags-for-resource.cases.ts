import {
  noResource,
  noSuchResource,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'ListTagsForResource',
  ok: [
    operationCase('of a stream', async (world) => ({ ResourceARN: await world.streamArn() })),
    operationCase('of a consumer', async (world) => ({ ResourceARN: await world.consumerArn() })),
  ],
  errors: {
    1: operationCase('no resource', {}),
    2: noResource(),
    3: noSuchResource(),
  },
};
