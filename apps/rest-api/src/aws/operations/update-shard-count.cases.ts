import {
  updatingStream,
  noSuchStream,
  noStreamNamed,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'UpdateShardCount',
  ok: [
    operationCase('twice as many', async (world) => ({
      StreamName: await world.stream(),
      TargetShardCount: 2,
      ScalingType: 'UNIFORM_SCALING',
    })),
  ],
  errors: {
    1: operationCase('no count', async (world) => ({
      StreamName: await world.stream(),
      ScalingType: 'UNIFORM_SCALING',
    })),
    2: noStreamNamed({ TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' }),
    3: noSuchStream({ TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' }),
    4: updatingStream({ TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' }),
    5: operationCase('an ON_DEMAND stream', async (world) => ({
      StreamName: await world.onDemandStream(),
      TargetShardCount: 2,
      ScalingType: 'UNIFORM_SCALING',
    })),
    6: operationCase('more than twice as many', async (world) => ({
      StreamName: await world.stream(),
      TargetShardCount: 3,
      ScalingType: 'UNIFORM_SCALING',
    })),
  },
};
