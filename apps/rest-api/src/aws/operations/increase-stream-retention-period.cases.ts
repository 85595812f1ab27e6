import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
  updatingStream,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'IncreaseStreamRetentionPeriod',
  ok: [operationCase('two days', async (world) => ({ StreamName: await world.stream(), RetentionPeriodHours: 48 }))],
  errors: {
    1: operationCase('no period', async (world) => ({ StreamName: await world.stream() })),
    2: noStreamNamed({ RetentionPeriodHours: 48 }),
    3: noSuchStream({ RetentionPeriodHours: 48 }),
    4: updatingStream({ RetentionPeriodHours: 48 }),
    5: operationCase('more than a year', async (world) => ({
      StreamName: await world.stream(),
      RetentionPeriodHours: 8761,
    })),
    6: operationCase('shorter than it is', async (world) => {
      const StreamName = await world.stream();
      await world.call('IncreaseStreamRetentionPeriod', { StreamName, RetentionPeriodHours: 48 });
      return { StreamName, RetentionPeriodHours: 36 };
    }),
  },
};
