import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'PutRecord',
  ok: [
    operationCase('a record', async (world) => ({
      StreamName: await world.stream(),
      PartitionKey: 'k',
      Data: Buffer.from([0, 255]),
    })),
  ],
  errors: {
    1: operationCase('no data', async (world) => ({ StreamName: await world.stream(), PartitionKey: 'k' })),
    2: noStreamNamed({ PartitionKey: 'k', Data: Buffer.from([0, 255]) }),
    3: noSuchStream({ PartitionKey: 'k', Data: Buffer.from([0, 255]) }),
    4: operationCase('a stream that is being made', async (world) => ({
      StreamName: await world.creatingStream(),
      PartitionKey: 'k',
      Data: Buffer.from([0, 255]),
    })),
    5: operationCase('more data than the stream takes', async (world) => ({
      StreamName: await world.stream(),
      PartitionKey: 'k',
      Data: Buffer.alloc(1024 * 1024 + 1),
    })),
    6: operationCase('a hash key beyond the last', async (world) => ({
      StreamName: await world.stream(),
      PartitionKey: 'k',
      Data: Buffer.from([0, 255]),
      ExplicitHashKey: '9'.repeat(39),
    })),
    7: operationCase('a stream whose key is gone', async (world) => ({
      StreamName: await world.streamOfLostKey(),
      PartitionKey: 'k',
      Data: Buffer.from([0, 255]),
    })),
    8: operationCase('a dry run', async (world) => ({
      StreamName: await world.stream(),
      PartitionKey: 'k',
      Data: Buffer.from([0, 255]),
      DryRun: true,
    })),
    9: operationCase('more than the shard takes', async (world) => {
      const StreamName = await world.stream();
      world.throttle();
      return { StreamName, PartitionKey: 'k', Data: Buffer.from([0, 255]) };
    }),
    10: operationCase('the store is away', async (world) => {
      const StreamName = await world.stream();
      world.loseStore();
      return { StreamName, PartitionKey: 'k', Data: Buffer.from([0, 255]) };
    }),
  },
};
