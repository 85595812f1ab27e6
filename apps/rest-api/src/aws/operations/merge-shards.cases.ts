import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
  updatingStream,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'MergeShards',
  ok: [
    operationCase('two neighbours', async (world) => ({
      StreamName: await world.stream({ ShardCount: 2 }),
      ShardToMerge: 'shardId-000000000000',
      AdjacentShardToMerge: 'shardId-000000000001',
    })),
  ],
  errors: {
    1: operationCase('one shard only', async (world) => ({
      StreamName: await world.stream(),
      ShardToMerge: 'shardId-000000000000',
    })),
    2: noStreamNamed({ ShardToMerge: 'shardId-000000000000', AdjacentShardToMerge: 'shardId-000000000001' }),
    3: noSuchStream({ ShardToMerge: 'shardId-000000000000', AdjacentShardToMerge: 'shardId-000000000001' }),
    4: updatingStream(
      { ShardToMerge: 'shardId-000000000000', AdjacentShardToMerge: 'shardId-000000000001' },
      { ShardCount: 2 },
    ),
    5: operationCase('an ON_DEMAND stream', async (world) => ({
      StreamName: await world.onDemandStream(),
      ShardToMerge: 'shardId-000000000000',
      AdjacentShardToMerge: 'shardId-000000000001',
    })),
    6: operationCase('a shard that there is not', async (world) => ({
      StreamName: await world.stream(),
      ShardToMerge: 'shardId-000000000000',
      AdjacentShardToMerge: 'shardId-000000000001',
    })),
    7: operationCase('two that do not touch', async (world) => ({
      StreamName: await world.stream({ ShardCount: 3 }),
      ShardToMerge: 'shardId-000000000000',
      AdjacentShardToMerge: 'shardId-000000000002',
    })),
  },
  elsewhere: {
    8: 'More shards than a stream keeps: its spec.',
  },
};
