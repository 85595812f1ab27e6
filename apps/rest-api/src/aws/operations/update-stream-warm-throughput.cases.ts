import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'UpdateStreamWarmThroughput',
  ok: [
    operationCase('5 MiB/s', async (world) => {
      await world.commit();
      return { StreamName: await world.onDemandStream(), WarmThroughputMiBps: 5 };
    }),
  ],
  errors: {
    1: operationCase('none', async (world) => ({ StreamName: await world.onDemandStream() })),
    2: noStreamNamed({ WarmThroughputMiBps: 5 }),
    3: noSuchStream({ WarmThroughputMiBps: 5 }),
    4: operationCase('a PROVISIONED stream', async (world) => ({
      StreamName: await world.stream(),
      WarmThroughputMiBps: 5,
    })),
    5: operationCase('more than there is', async (world) => {
      await world.commit();
      return { StreamName: await world.onDemandStream(), WarmThroughputMiBps: 10_241 };
    }),
    6: operationCase('a stream that is being changed', async (world) => {
      await world.commit();
      const StreamName = await world.updatingStream({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
      return { StreamName, WarmThroughputMiBps: 5 };
    }),
  },
};
