import { noSuchStream, operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'ListShards',
  ok: [operationCase('all', async (world) => ({ StreamName: await world.stream() }))],
  errors: {
    1: operationCase('a page of none', { StreamName: 'a', MaxResults: 0 }),
    2: operationCase('neither stream nor token', {}),
    3: operationCase('a token of six minutes ago', async (world) => {
      const { NextToken } = await world.call<{ NextToken: string }>('ListShards', {
        StreamName: await world.stream({ ShardCount: 2 }),
        MaxResults: 1,
      });
      world.wait(6);
      return { NextToken };
    }),
    4: noSuchStream(),
  },
};
