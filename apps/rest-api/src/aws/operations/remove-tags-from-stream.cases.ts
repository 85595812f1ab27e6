import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'RemoveTagsFromStream',
  ok: [operationCase('one', async (world) => ({ StreamName: await world.stream(), TagKeys: ['team'] }))],
  errors: {
    1: operationCase('none', async (world) => ({ StreamName: await world.stream(), TagKeys: [] })),
    2: noStreamNamed({ TagKeys: ['a'] }),
    3: noSuchStream({ TagKeys: ['a'] }),
    4: operationCase('a stream that is being made', async (world) => ({
      StreamName: await world.creatingStream(),
      TagKeys: ['a'],
    })),
    5: operationCase('a reserved key', async (world) => ({ StreamName: await world.stream(), TagKeys: ['aws:a'] })),
  },
};
