import {
  noResource,
  noSuchResource,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'TagResource',
  ok: [
    operationCase('a stream', async (world) => ({ ResourceARN: await world.streamArn(), Tags: { team: 'red' } })),
    operationCase('a consumer', async (world) => ({ ResourceARN: await world.consumerArn(), Tags: { team: 'red' } })),
  ],
  errors: {
    1: operationCase('no tags', async (world) => ({ ResourceARN: await world.streamArn() })),
    2: noResource({ Tags: { a: 'b' } }),
    3: noSuchResource({ Tags: { a: 'b' } }),
    4: operationCase('a stream that is being made', async (world) => ({
      ResourceARN: world.arn(await world.creatingStream()),
      Tags: { a: 'b' },
    })),
    5: operationCase('a reserved key', async (world) => ({
      ResourceARN: await world.streamArn(),
      Tags: { 'aws:a': 'b' },
    })),
  },
};
