import { noSuchStreamArn, operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'UpdateMaxRecordSize',
  ok: [operationCase('10 MiB', async (world) => ({ StreamARN: await world.streamArn(), MaxRecordSizeInKiB: 10_240 }))],
  errors: {
    1: operationCase('more than 10 MiB', async (world) => ({
      StreamARN: await world.streamArn(),
      MaxRecordSizeInKiB: 10_241,
    })),
    2: operationCase('no stream named', { MaxRecordSizeInKiB: 1024 }),
    3: noSuchStreamArn({ MaxRecordSizeInKiB: 1024 }),
    4: operationCase('a stream that is being changed', async (world) => ({
      StreamARN: world.arn(await world.updatingStream()),
      MaxRecordSizeInKiB: 1024,
    })),
  },
};
