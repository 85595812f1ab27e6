import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
  updatingStream,
} from '../../../test/operation-table/operation-cases.ts';

const KEY = { EncryptionType: 'KMS', KeyId: 'key-1' } as const;

export const cases: OperationCases = {
  operation: 'StopStreamEncryption',
  ok: [
    operationCase('with the key that it has', async (world) => {
      const StreamName = await world.stream();
      await world.call('StartStreamEncryption', { StreamName, ...KEY });
      return { StreamName, ...KEY };
    }),
  ],
  errors: {
    1: operationCase('no key', async (world) => ({ StreamName: await world.stream(), EncryptionType: 'KMS' })),
    2: noStreamNamed(KEY),
    3: noSuchStream(KEY),
    4: updatingStream(KEY),
    5: operationCase('another key', async (world) => {
      const StreamName = await world.stream();
      await world.call('StartStreamEncryption', { StreamName, ...KEY });
      return { StreamName, EncryptionType: 'KMS', KeyId: 'key-2' };
    }),
  },
  elsewhere: { 6: 'Limits are off for the table: its spec.' },
};
