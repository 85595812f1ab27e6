import { describe, expect, it } from '@jest/globals';
import { type Outcome, parseSequenceNumber, type Appended, StoreUnavailable } from '@tailrace/shard-core';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  longest,
  NOT_NULL,
  shortest,
  START_MS,
  STREAM_NAME_PATTERN,
  validationError,
} from '../../../test/aws-harness.ts';

const record = { StreamName: 's', PartitionKey: 'k', Data: 'aGVsbG8=' };

async function withStream(options = {}) {
  const harness = await awsHarness(options);
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 2 });
  return harness;
}

describe('PutRecord', () => {
  it('answers shard and sequence number, which grow', async () => {
    const { ok } = await withStream();
    const first = await ok<{ ShardId: string; SequenceNumber: string }>('PutRecord', record);
    const second = await ok<{ ShardId: string; SequenceNumber: string }>('PutRecord', {
      ...record,
      SequenceNumberForOrdering: first.SequenceNumber,
    });
    // MD5 of "k" lies in the upper half.
    expect(first.ShardId).toBe('shardId-000000000001');
    expect(Object.keys(first)).toEqual(['ShardId', 'SequenceNumber']);
    const seconds = Math.floor(START_MS / 1000);
    const parts = { shardNumber: 1, appendTimeSeconds: seconds, shardCreatedSeconds: seconds };
    expect(parseSequenceNumber(first.SequenceNumber)).toEqual({ ...parts, offset: 0n });
    expect(parseSequenceNumber(second.SequenceNumber)).toEqual({ ...parts, offset: 1n });
  });

  it('follows an explicit hash key', async () => {
    const { ok } = await withStream();
    expect(await ok('PutRecord', { ...record, ExplicitHashKey: '0' })).toMatchObject({
      ShardId: 'shardId-000000000000',
    });
    expect(await ok('PutRecord', { ...record, ExplicitHashKey: String((1n << 128n) - 1n) })).toMatchObject({
      ShardId: 'shardId-000000000001',
    });
  });

  it('takes a record without data, and one of exactly 1 MiB', async () => {
    const { ok, store } = await withStream();
    await ok('PutRecord', { ...record, Data: '' });
    await ok('PutRecord', { ...record, Data: Buffer.alloc(1024 * 1024).toString('base64') });
    expect(store.appends).toHaveLength(2);
  });

  const tooLarge = 1024 * 1024 + 1;
  const hugeHashKey = '9'.repeat(39);
  it.each([
    ['1', {}, validationError(['null', 'data', NOT_NULL])],
    [
      '1',
      { StreamName: '', PartitionKey: '', Data: '', ExplicitHashKey: '', SequenceNumberForOrdering: '' },
      validationError(
        ["''", 'sequenceNumberForOrdering', 'Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128})'],
        ["''", 'partitionKey', shortest(1)],
        ["''", 'explicitHashKey', 'Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})'],
        ["''", 'streamName', STREAM_NAME_PATTERN],
        ["''", 'streamName', shortest(1)],
      ),
    ],
    [
      '1',
      { ...record, PartitionKey: 'k'.repeat(257) },
      validationError([`'${'k'.repeat(257)}'`, 'partitionKey', longest(256)]),
    ],
    [
      '2',
      { PartitionKey: 'k', Data: '' },
      awsError('InvalidArgumentException', 'Either StreamName or StreamARN should be provided.'),
    ],
    [
      '3',
      { ...record, StreamName: 'none', ExplicitHashKey: hugeHashKey },
      awsError('ResourceNotFoundException', `Stream none under account ${ACCOUNT} not found.`),
    ],
    [
      '5',
      { StreamName: 's', Data: Buffer.alloc(tooLarge).toString('base64'), ExplicitHashKey: hugeHashKey },
      validationError(
        ['null', 'partitionKey', NOT_NULL],
        [`'java.nio.HeapByteBuffer[pos=0 lim=${tooLarge} cap=${tooLarge}]'`, 'data', longest(1024 * 1024)],
      ),
    ],
    [
      '6',
      { ...record, ExplicitHashKey: hugeHashKey },
      awsError(
        'InvalidArgumentException',
        'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
          `Specified value was ${hugeHashKey}`,
      ),
    ],
    [
      '6',
      { ...record, SequenceNumberForOrdering: '5' },
      awsError(
        'InvalidArgumentException',
        `ExclusiveMinimumSequenceNumber 5 used in PutRecord on stream s under account ${ACCOUNT} is invalid.`,
      ),
    ],
    [
      '7',
      { ...record, DryRun: true },
      awsError('DryRunOperationException', 'Request would have succeeded, but DryRun flag is set.'),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call, store } = await withStream();
    expect(await call('PutRecord', input)).toEqual(answer);
    expect(store.appends).toEqual([]);
  });

  it('refuses (7) what is above the limit of the shard', async () => {
    const { call, ok, clock } = await withStream({ limits: true });
    const half = { ...record, Data: Buffer.alloc(512 * 1024).toString('base64') };
    await ok('PutRecord', half);
    expect(await call('PutRecord', half)).toEqual(
      awsError(
        'ProvisionedThroughputExceededException',
        `Rate exceeded for shard shardId-000000000001 in stream s under account ${ACCOUNT}.`,
      ),
    );
    clock.nowMs += 1000;
    await ok('PutRecord', half);
  });

  it('answers (8) a store that fails, and refused appends, with a retryable 500', async () => {
    const { call, store } = await withStream();
    const failure = awsError('InternalFailure', 'Internal service failure.', 500);
    store.beforeAppend = () => Promise.reject(new StoreUnavailable('disk full'));
    expect(await call('PutRecord', record)).toEqual(failure);
    const tooFew = { code: 'notEnoughReplicas', required: 2, available: 1 } as const;
    store.beforeAppend = () => Promise.resolve({ ok: false, refusal: tooFew } satisfies Outcome<Appended>);
    expect(await call('PutRecord', record)).toEqual(failure);
  });
});
