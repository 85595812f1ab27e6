import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
  updatingStream,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'SplitShard',
  ok: [
    operationCase('in the middle', async (world) => ({
      StreamName: await world.stream(),
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '170141183460469231731687303715884105728',
    })),
  ],
  errors: {
    1: operationCase('no hash key', async (world) => ({
      StreamName: await world.stream(),
      ShardToSplit: 'shardId-000000000000',
    })),
    2: noStreamNamed({
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '170141183460469231731687303715884105728',
    }),
    3: noSuchStream({
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '170141183460469231731687303715884105728',
    }),
    4: updatingStream({
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '170141183460469231731687303715884105728',
    }),
    5: operationCase('an ON_DEMAND stream', async (world) => ({
      StreamName: await world.onDemandStream(),
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '170141183460469231731687303715884105728',
    })),
    6: operationCase('a shard that there is not', async (world) => ({
      StreamName: await world.stream(),
      ShardToSplit: 'shardId-000000000007',
      NewStartingHashKey: '5',
    })),
    8: operationCase('a hash key at the edge', async (world) => ({
      StreamName: await world.stream(),
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '0',
    })),
  },
  elsewhere: {
    7: 'More open shards than the deployment has: its spec.',
  },
};
