import {
  noSuchStreamArn,
  noStreamArn,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'UpdateStreamMode',
  ok: [
    operationCase('to ON_DEMAND', async (world) => ({
      StreamARN: await world.streamArn(),
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    })),
  ],
  errors: {
    1: operationCase('no mode', async (world) => ({ StreamARN: await world.streamArn() })),
    2: noStreamArn({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } }),
    3: operationCase('more warm throughput than there is', async (world) => {
      await world.commit();
      return {
        StreamARN: await world.streamArn(),
        StreamModeDetails: { StreamMode: 'ON_DEMAND' },
        WarmThroughputMiBps: 10_241,
      };
    }),
    4: noSuchStreamArn({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } }),
    5: operationCase('a stream that is being changed', async (world) => ({
      StreamARN: world.arn(await world.updatingStream()),
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    })),
    6: operationCase('a third change within a day', async (world) => {
      const StreamARN = await world.streamArn();
      const to = (StreamMode: string) => ({ StreamARN, StreamModeDetails: { StreamMode } });
      await world.call('UpdateStreamMode', to('ON_DEMAND'));
      await world.call('UpdateStreamMode', to('PROVISIONED'));
      return to('ON_DEMAND');
    }),
  },
};
