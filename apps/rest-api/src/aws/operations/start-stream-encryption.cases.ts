import {
  noStreamNamed,
  noSuchStream,
  operationCase,
  type OperationCases,
  updatingStream,
} from '../../../test/operation-table/operation-cases.ts';

const KEY = { EncryptionType: 'KMS', KeyId: 'key-1' } as const;

export const cases: OperationCases = {
  operation: 'StartStreamEncryption',
  ok: [
    operationCase('with a key', async (world) => ({ StreamName: await world.stream(), ...KEY })),
    operationCase("with the service's own key", async (world) => ({
      StreamName: await world.stream(),
      EncryptionType: 'KMS',
      KeyId: 'alias/aws/kinesis',
    })),
  ],
  errors: {
    1: operationCase('no key', async (world) => ({ StreamName: await world.stream(), EncryptionType: 'KMS' })),
    2: noStreamNamed(KEY),
    3: noSuchStream(KEY),
    4: updatingStream(KEY),
    5: operationCase('a key that there is not', async (world) => ({
      StreamName: await world.stream(),
      EncryptionType: 'KMS',
      KeyId: 'arn:aws:kms:us-east-1:000000000000:key/nothing',
    })),
  },
  elsewhere: { 6: 'Limits are off for the table: its spec.' },
};
