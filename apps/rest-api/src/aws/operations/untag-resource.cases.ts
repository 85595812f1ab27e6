import {
  noResource,
  noSuchResource,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'UntagResource',
  ok: [operationCase('a stream', async (world) => ({ ResourceARN: await world.streamArn(), TagKeys: ['team'] }))],
  errors: {
    1: operationCase('no keys', async (world) => ({ ResourceARN: await world.streamArn() })),
    2: noResource({ TagKeys: ['a'] }),
    3: noSuchResource({ TagKeys: ['a'] }),
    4: operationCase('a stream that is being made', async (world) => ({
      ResourceARN: world.arn(await world.creatingStream()),
      TagKeys: ['a'],
    })),
    5: operationCase('a reserved key', async (world) => ({ ResourceARN: await world.streamArn(), TagKeys: ['aws:a'] })),
  },
};
