import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
  updatingStream,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DecreaseStreamRetentionPeriod',
  ok: [
    operationCase('a day again', async (world) => {
      const StreamName = await world.stream();
      await world.call('IncreaseStreamRetentionPeriod', { StreamName, RetentionPeriodHours: 48 });
      return { StreamName, RetentionPeriodHours: 24 };
    }),
  ],
  errors: {
    1: operationCase('no period', async (world) => ({ StreamName: await world.stream() })),
    2: noStreamNamed({ RetentionPeriodHours: 24 }),
    3: noSuchStream({ RetentionPeriodHours: 24 }),
    4: updatingStream({ RetentionPeriodHours: 24 }),
    5: operationCase('less than a day', async (world) => ({
      StreamName: await world.stream(),
      RetentionPeriodHours: 23,
    })),
    6: operationCase('longer than it is', async (world) => ({
      StreamName: await world.stream(),
      RetentionPeriodHours: 48,
    })),
  },
};
