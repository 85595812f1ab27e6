import {
  noStreamArn,
  noSuchStreamArn,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'UpdateStreamRecordDistributionStrategy',
  ok: [
    operationCase('AUTO', async (world) => ({
      StreamARN: world.arn(await world.onDemandStream()),
      RecordDistributionStrategy: 'AUTO',
    })),
  ],
  errors: {
    1: operationCase('none', async (world) => ({ StreamARN: await world.streamArn() })),
    2: noStreamArn({ RecordDistributionStrategy: 'AUTO' }),
    3: noSuchStreamArn({ RecordDistributionStrategy: 'AUTO' }),
    4: operationCase('a stream that is being changed', async (world) => ({
      StreamARN: world.arn(await world.updatingStream({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } })),
      RecordDistributionStrategy: 'AUTO',
    })),
    5: operationCase('a PROVISIONED stream', async (world) => ({
      StreamARN: await world.streamArn(),
      RecordDistributionStrategy: 'AUTO',
    })),
  },
};
