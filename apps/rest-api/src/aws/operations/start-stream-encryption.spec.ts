import { describe, expect, it } from '@jest/globals';
import { KeyRing } from '@tailrace/shard-core';
import { itRefusesStreams, itRefusesUpdating, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, longest, NOT_NULL, shortest, validationError } from '../../../test/aws-harness.ts';
import { ENCRYPTION_CHANGES_MAX } from '../encryption.ts';
import { CBOR_MEDIA_TYPE } from '../wire/cbor-codec.ts';

const HOUR_MS = 3_600_000;
const keyRing = new KeyRing(['key-1', 'key-2'].map((id, i) => ({ id, bytes: Buffer.alloc(32, i) })));
const withKeys = async (limits = false) => {
  const harness = await withStream({ ShardCount: 1 }, { limits });
  return Object.assign(harness, { store: Object.assign(harness.store, { keyRing }) });
};
const start = (KeyId: string) => ({ StreamName: 's', EncryptionType: 'KMS', KeyId });

describe('StartStreamEncryption', () => {
  it.each(['key-2', 'alias/key-2', `arn:aws:kms:us-east-1:${ACCOUNT}:key/key-2`])(
    'encrypts with a key that is named %s, and shows that name',
    async (KeyId) => {
      const { call, ok, catalog } = await withKeys();
      expect(await call('StartStreamEncryption', start(KeyId))).toEqual({
        statusCode: 200,
        contentType: 'application/x-amz-json-1.1',
        body: '',
      });
      const { encryption, wasEncrypted } = catalog.peek('s')?.document ?? {};
      expect({ encryption, wasEncrypted }).toEqual({ encryption: { key: 'key-2', keyId: KeyId }, wasEncrypted: true });
      expect(await ok('DescribeStream', { StreamName: 's' })).toMatchObject({
        StreamDescription: { EncryptionType: 'KMS', KeyId },
      });
      expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toMatchObject({
        StreamDescriptionSummary: { EncryptionType: 'KMS', KeyId },
      });
    },
  );

  it("takes the first key for the service's own, and the new first one when it is asked again", async () => {
    const { ok, catalog, store } = await withKeys();
    await ok('StartStreamEncryption', start('alias/aws/kinesis'));
    expect(catalog.peek('s')?.document.encryption?.key).toBe('key-1');
    Object.assign(store, { keyRing: new KeyRing([{ id: 'key-3', bytes: Buffer.alloc(32) }]) });
    await ok('StartStreamEncryption', start('alias/aws/kinesis'));
    expect(catalog.peek('s')?.document.encryption?.key).toBe('key-3');
  });

  it('is told by PutRecord and PutRecords, in both forms, and not without encryption', async () => {
    const { ok, callAs } = await withKeys();
    const record = { StreamName: 's', PartitionKey: 'k', Data: Buffer.from('v').toString('base64') };
    const records = { StreamName: 's', Records: [{ PartitionKey: 'k', Data: record.Data }] };
    expect(Object.keys(await ok<object>('PutRecord', record))).toEqual(['ShardId', 'SequenceNumber']);
    expect(Object.keys(await ok<object>('PutRecords', records))).toEqual(['FailedRecordCount', 'Records']);
    await ok('StartStreamEncryption', start('key-1'));
    expect(await ok('PutRecord', record)).toMatchObject({ EncryptionType: 'KMS' });
    expect(await ok('PutRecords', records)).toMatchObject({ FailedRecordCount: 0, EncryptionType: 'KMS' });
    const Data = Buffer.from('v');
    for (const [operation, input] of [
      ['PutRecord', { StreamName: 's', PartitionKey: 'k', Data }],
      ['PutRecords', { StreamName: 's', Records: [{ PartitionKey: 'k', Data }] }],
    ] as const) {
      const { body } = await callAs(CBOR_MEDIA_TYPE, operation, input);
      expect(body).toMatchObject({ EncryptionType: 'KMS' });
    }
  });

  it.each([
    [{}, validationError(['null', 'encryptionType', NOT_NULL], ['null', 'keyId', NOT_NULL])],
    [
      { EncryptionType: 'AES', KeyId: '' },
      validationError(
        ["'AES'", 'encryptionType', 'Member must satisfy enum value set: [NONE, KMS]'],
        ["''", 'keyId', shortest(1)],
      ),
    ],
    [
      { EncryptionType: 'KMS', KeyId: 'k'.repeat(2049) },
      validationError([`'${'k'.repeat(2049)}'`, 'keyId', longest(2048)]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withKeys();
    expect(await call('StartStreamEncryption', { StreamName: 's', ...input })).toEqual(answer);
  });

  it.each([
    ['NONE', 'key-1', 'EncryptionType NONE is not valid. The only valid value is KMS.'],
    ['KMS', 'a key', 'KeyId a key is not the name of a key.'],
  ])('refuses (2) type %s with key %s', async (EncryptionType, KeyId, message) => {
    const { call } = await withKeys();
    expect(await call('StartStreamEncryption', { StreamName: 'none', EncryptionType, KeyId })).toEqual(
      awsError('InvalidArgumentException', message),
    );
  });

  itRefusesStreams('StartStreamEncryption', { EncryptionType: 'KMS', KeyId: 'key-9' });
  itRefusesUpdating('StartStreamEncryption', start('key-9'));

  it.each(['key-9', 'alias/key-9', `arn:aws:kms:us-east-1:${ACCOUNT}:key/key-9`])(
    'refuses (5) a key that is not there, %s',
    async (KeyId) => {
      const { call } = await withKeys();
      expect(await call('StartStreamEncryption', start(KeyId))).toEqual(
        awsError('KMSNotFoundException', `Key '${KeyId}' does not exist`),
      );
    },
  );

  it('refuses (5) every key of a service that was given none', async () => {
    const { call } = await withStream();
    expect(await call('StartStreamEncryption', start('alias/aws/kinesis'))).toEqual(
      awsError('KMSNotFoundException', "Key 'alias/aws/kinesis' does not exist"),
    );
  });

  it('refuses (6) more than 25 changes within 24 hours while limits are on; the key that it has is none', async () => {
    const { call, ok, clock } = await withKeys(true);
    for (let i = 0; i < ENCRYPTION_CHANGES_MAX; i++) await ok('StartStreamEncryption', start(`key-${1 + (i % 2)}`));
    clock.nowMs += HOUR_MS;
    await ok('StartStreamEncryption', start('key-1'));
    expect(await call('StartStreamEncryption', start('key-2'))).toEqual(
      awsError(
        'LimitExceededException',
        `Encryption of stream s under account ${ACCOUNT} has been started 25 times within 24 hours. Limit: 25.`,
      ),
    );
    clock.nowMs += 23 * HOUR_MS;
    await ok('StartStreamEncryption', start('key-2'));
  });

  it('knows no such limit while limits are off', async () => {
    const { ok } = await withKeys();
    for (let i = 0; i <= ENCRYPTION_CHANGES_MAX; i++) await ok('StartStreamEncryption', start(`key-${1 + (i % 2)}`));
  });

  it('without the key of a stream writes nothing to it', async () => {
    const { ok, call, store } = await withKeys();
    await ok('StartStreamEncryption', start('alias/key-2'));
    Object.assign(store, { keyRing: undefined });
    const Data = Buffer.from('v').toString('base64');
    const answer = awsError('KMSNotFoundException', "Key 'alias/key-2' does not exist");
    expect(await call('PutRecord', { StreamName: 's', PartitionKey: 'k', Data })).toEqual(answer);
    expect(await call('PutRecords', { StreamName: 's', Records: [{ PartitionKey: 'k', Data }] })).toEqual(answer);
    expect(store.appends).toEqual([]);
  });
});
