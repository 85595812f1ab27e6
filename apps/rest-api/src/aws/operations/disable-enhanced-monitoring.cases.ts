import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
  updatingStream,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DisableEnhancedMonitoring',
  ok: [
    operationCase('one metric', async (world) => ({
      StreamName: await world.stream(),
      ShardLevelMetrics: ['IncomingBytes'],
    })),
  ],
  errors: {
    1: operationCase('no metric', async (world) => ({ StreamName: await world.stream(), ShardLevelMetrics: [] })),
    2: noStreamNamed({ ShardLevelMetrics: ['IncomingBytes'] }),
    3: noSuchStream({ ShardLevelMetrics: ['IncomingBytes'] }),
    4: updatingStream({ ShardLevelMetrics: ['IncomingBytes'] }),
  },
};
