import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DescribeStreamSummary',
  ok: [
    operationCase('by its name', async (world) => ({ StreamName: await world.stream() })),
    operationCase('by its ARN', async (world) => ({ StreamARN: await world.streamArn() })),
  ],
  errors: {
    1: operationCase('a name that is none', { StreamName: 'a b' }),
    2: noStreamNamed(),
    3: noSuchStream(),
  },
};
