import { noStreamNamed, operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'GetShardIterator',
  ok: [
    operationCase('at the tip', async (world) => ({
      StreamName: await world.stream(),
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'LATEST',
    })),
    operationCase('at a time', async (world) => ({
      StreamName: await world.stream(),
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'AT_TIMESTAMP',
      Timestamp: new Date(1_700_000_000_123),
    })),
  ],
  errors: {
    1: operationCase('no type', async (world) => ({
      StreamName: await world.stream(),
      ShardId: 'shardId-000000000000',
    })),
    2: noStreamNamed({ ShardId: 'shardId-000000000000', ShardIteratorType: 'LATEST' }),
    3: operationCase('a shard that there is not', async (world) => ({
      StreamName: await world.stream(),
      ShardId: 'shardId-000000000007',
      ShardIteratorType: 'LATEST',
    })),
    4: operationCase('a number without a meaning', async (world) => ({
      StreamName: await world.stream(),
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'AT_SEQUENCE_NUMBER',
      StartingSequenceNumber: '5',
    })),
    5: operationCase('a dry run', async (world) => ({
      StreamName: await world.stream(),
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'LATEST',
      DryRun: true,
    })),
    6: operationCase('the store is away', async (world) => {
      const StreamName = await world.stream();
      world.loseStore();
      return { StreamName, ShardId: 'shardId-000000000000', ShardIteratorType: 'LATEST' };
    }),
  },
};
