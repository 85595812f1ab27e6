import { describe, expect, it } from '@jest/globals';
import { KeyRing } from '@tailrace/shard-core';
import { itRefusesStreams, itRefusesUpdating, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';
import { ENCRYPTION_CHANGES_MAX } from '../encryption.ts';

const keyRing = new KeyRing(['key-1', 'key-2'].map((id, i) => ({ id, bytes: Buffer.alloc(32, i) })));
const by = (KeyId: string) => ({ StreamName: 's', EncryptionType: 'KMS', KeyId });
const withEncryption = async (KeyId = 'alias/key-1', limits = false) => {
  const harness = await withStream({ ShardCount: 1 }, { limits });
  Object.assign(harness.store, { keyRing });
  await harness.ok('StartStreamEncryption', by(KeyId));
  return harness;
};

describe('StopStreamEncryption', () => {
  it.each(['alias/key-1', 'key-1', 'alias/aws/kinesis'])('ends it by any name of the key, %s', async (KeyId) => {
    const { call, ok, catalog } = await withEncryption();
    expect(await call('StopStreamEncryption', by(KeyId))).toEqual({
      statusCode: 200,
      contentType: 'application/x-amz-json-1.1',
      body: '',
    });
    const { StreamDescription } = await ok<{ StreamDescription: object }>('DescribeStream', { StreamName: 's' });
    expect(StreamDescription).toMatchObject({ EncryptionType: 'NONE' });
    expect(StreamDescription).not.toHaveProperty('KeyId');
    // Readers must look for ever.
    expect(catalog.peek('s')?.document.wasEncrypted).toBe(true);
  });

  it('ends it also when the key is gone', async () => {
    const { ok, catalog, store } = await withEncryption('alias/key-1');
    Object.assign(store, { keyRing: undefined });
    await ok('StopStreamEncryption', by('alias/key-1'));
    expect(catalog.peek('s')?.document.encryption).toBeUndefined();
  });

  it('changes nothing of a stream that is not encrypted', async () => {
    const { ok, catalog } = await withStream();
    const before = catalog.peek('s')?.document;
    await ok('StopStreamEncryption', by('key-1'));
    expect(catalog.peek('s')?.document).toEqual(before);
  });

  it('refuses (1) a request without type and key', async () => {
    const { call } = await withStream();
    expect(await call('StopStreamEncryption', { StreamName: 's' })).toEqual(
      validationError(['null', 'encryptionType', NOT_NULL], ['null', 'keyId', NOT_NULL]),
    );
  });

  it('refuses (2) type NONE', async () => {
    const { call } = await withStream();
    expect(await call('StopStreamEncryption', { ...by('key-1'), EncryptionType: 'NONE' })).toEqual(
      awsError('InvalidArgumentException', 'EncryptionType NONE is not valid. The only valid value is KMS.'),
    );
  });

  itRefusesStreams('StopStreamEncryption', { EncryptionType: 'KMS', KeyId: 'key-1' });
  itRefusesUpdating('StopStreamEncryption', by('key-1'));

  it('refuses (5) another key than the one in use', async () => {
    const { call } = await withEncryption();
    expect(await call('StopStreamEncryption', by('key-2'))).toEqual(
      awsError('InvalidArgumentException', `Stream s under account ${ACCOUNT} is not encrypted with key key-2.`),
    );
  });

  it('refuses (6) more than 25 times within 24 hours while limits are on', async () => {
    const { call, ok, catalog, clock } = await withEncryption('key-1', true);
    const encryptionStopsMs = Array.from({ length: ENCRYPTION_CHANGES_MAX }, () => clock.nowMs);
    await catalog.update('s', (document) => ({ ...document, encryptionStopsMs }));
    expect(await call('StopStreamEncryption', by('key-1'))).toEqual(
      awsError(
        'LimitExceededException',
        `Encryption of stream s under account ${ACCOUNT} has been stopped 25 times within 24 hours. Limit: 25.`,
      ),
    );
    clock.nowMs += 24 * 3_600_000;
    await ok('StopStreamEncryption', by('key-1'));
  });
});
