import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'SubscribeToShard',
  ok: [
    operationCase('at the tip', async (world) => ({
      ConsumerARN: await world.consumerArn(),
      ShardId: 'shardId-000000000000',
      StartingPosition: { Type: 'LATEST' },
    })),
  ],
  errors: {
    1: operationCase('no consumer', { ShardId: 'shardId-000000000000', StartingPosition: { Type: 'LATEST' } }),
    2: operationCase('an ARN that is none', (world) => ({
      ConsumerARN: `${world.arn('a')}/b/stream/c/consumer/d:1`,
      ShardId: 'shardId-000000000000',
      StartingPosition: { Type: 'LATEST' },
    })),
    3: operationCase('a shard that there is not', async (world) => ({
      ConsumerARN: await world.consumerArn(),
      ShardId: 'shardId-000000000007',
      StartingPosition: { Type: 'LATEST' },
    })),
    5: operationCase('a position without its number', async (world) => ({
      ConsumerARN: await world.consumerArn(),
      ShardId: 'shardId-000000000000',
      StartingPosition: { Type: 'AT_SEQUENCE_NUMBER' },
    })),
    6: operationCase('a dry run', async (world) => ({
      ConsumerARN: await world.consumerArn(),
      ShardId: 'shardId-000000000000',
      StartingPosition: { Type: 'LATEST' },
      DryRun: true,
    })),
    7: operationCase('another subscription that has just begun', async (world) => {
      const input = {
        ConsumerARN: await world.consumerArn(),
        ShardId: 'shardId-000000000000',
        StartingPosition: { Type: 'LATEST' },
      };
      await world.transports[0]!.send('SubscribeToShard', input);
      return input;
    }),
  },
  elsewhere: {
    4: 'A consumer that is being removed: its spec.',
    8: '10,000 subscriptions at once: a bound of the door.',
  },
};
