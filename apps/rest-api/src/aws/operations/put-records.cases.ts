import {
  noSuchStream,
  noStreamNamed,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'PutRecords',
  ok: [
    operationCase('a record', async (world) => ({
      StreamName: await world.stream(),
      Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }],
    })),
  ],
  errors: {
    1: operationCase('no records', async (world) => ({ StreamName: await world.stream(), Records: [] })),
    2: noStreamNamed({ Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }] }),
    3: noSuchStream({ Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }] }),
    4: operationCase('a stream that is being made', async (world) => ({
      StreamName: await world.creatingStream(),
      Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }],
    })),
    5: operationCase('more data than the stream takes', async (world) => ({
      StreamName: await world.stream(),
      Records: [{ PartitionKey: 'k', Data: Buffer.alloc(1024 * 1024 + 1) }],
    })),
    6: operationCase('a hash key beyond the last', async (world) => ({
      StreamName: await world.stream(),
      Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]), ExplicitHashKey: '9'.repeat(39) }],
    })),
    7: operationCase('a stream whose key is gone', async (world) => ({
      StreamName: await world.streamOfLostKey(),
      Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }],
    })),
    8: operationCase('a dry run', async (world) => ({
      StreamName: await world.stream(),
      Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }],
      DryRun: true,
    })),
    9: operationCase('more than the shard takes', async (world) => {
      const StreamName = await world.stream();
      world.throttle();
      return { StreamName, Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }] };
    }),
    10: operationCase('the store is away', async (world) => {
      const StreamName = await world.stream();
      world.loseStore();
      return { StreamName, Records: [{ PartitionKey: 'k', Data: Buffer.from([0, 255]) }] };
    }),
  },
};
