import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'GetRecords',
  ok: [operationCase('a record', async (world) => ({ ShardIterator: await world.iterator() }))],
  errors: {
    1: operationCase('no iterator', {}),
    2: operationCase('an iterator of nobody', { ShardIterator: 'AAAAAAAAAAE=' }),
    3: operationCase('an iterator of six minutes ago', async (world) => {
      const ShardIterator = await world.iterator();
      world.wait(6);
      return { ShardIterator };
    }),
    4: operationCase('an iterator of a stream that is gone', async (world) => {
      const StreamName = await world.stream();
      const { ShardIterator } = await world.call<{ ShardIterator: string }>('GetShardIterator', {
        StreamName,
        ShardId: '0',
        ShardIteratorType: 'LATEST',
      });
      await world.call('DeleteStream', { StreamName });
      return { ShardIterator };
    }),
    5: operationCase('a dry run', async (world) => ({ ShardIterator: await world.iterator(), DryRun: true })),
    6: operationCase('too many calls', async (world) => {
      const ShardIterator = await world.iterator();
      world.throttle();
      return { ShardIterator };
    }),
    7: operationCase('records whose key is gone', async (world) => {
      const ShardIterator = await world.iterator();
      world.loseKey();
      return { ShardIterator };
    }),
    8: operationCase('the store is away', async (world) => {
      const ShardIterator = await world.iterator();
      world.loseStore();
      return { ShardIterator };
    }),
  },
};
