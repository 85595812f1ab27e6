import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'CreateStream',
  ok: [
    operationCase('two shards', (world) => ({ StreamName: world.name(), ShardCount: 2 })),
    operationCase('as many as are needed', (world) => ({
      StreamName: world.name(),
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    })),
  ],
  errors: {
    1: operationCase('no name', { ShardCount: 1 }),
    2: operationCase('no shards', (world) => ({ StreamName: world.name() })),
    3: operationCase('a name that is taken', async (world) => ({ StreamName: await world.stream(), ShardCount: 1 })),
    4: operationCase('more shards than there may be', (world) => ({ StreamName: world.name(), ShardCount: 100_000 })),
  },
};
