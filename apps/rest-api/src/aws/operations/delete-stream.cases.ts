import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DeleteStream',
  ok: [operationCase('a stream', async (world) => ({ StreamName: await world.stream() }))],
  errors: {
    1: operationCase('a name that is none', { StreamName: 'a b' }),
    2: noStreamNamed(),
    3: noSuchStream(),
    4: operationCase('a stream with consumers', async (world) => ({
      StreamARN: (await world.consumerArn()).split('/consumer')[0],
    })),
  },
};
