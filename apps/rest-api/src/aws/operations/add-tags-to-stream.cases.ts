import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'AddTagsToStream',
  ok: [
    operationCase('two tags', async (world) => ({ StreamName: await world.stream(), Tags: { team: 'red', size: '' } })),
  ],
  errors: {
    1: operationCase('no tags', async (world) => ({ StreamName: await world.stream() })),
    2: noStreamNamed({ Tags: { a: 'b' } }),
    3: noSuchStream({ Tags: { a: 'b' } }),
    4: operationCase('a stream that is being made', async (world) => ({
      StreamName: await world.creatingStream(),
      Tags: { a: 'b' },
    })),
    5: operationCase('a reserved key', async (world) => ({ StreamName: await world.stream(), Tags: { 'aws:a': 'b' } })),
  },
};
