import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'ListStreams',
  ok: [operationCase('some', { Limit: 1 })],
  errors: {
    1: operationCase('a page of none', { Limit: 0 }),
    2: operationCase('a token of nobody', { NextToken: 'AAAA' }),
    3: operationCase('a token of six minutes ago', async (world) => {
      await world.stream();
      await world.stream();
      const { NextToken } = await world.call<{ NextToken: string }>('ListStreams', { Limit: 1 });
      world.wait(6);
      return { NextToken };
    }),
  },
};
