import { describe, expect, it } from '@jest/globals';
import { StoreUnavailable } from '@tailrace/shard-core';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  longest,
  NOT_NULL,
  shortest,
  STREAM_NAME_PATTERN,
  validationError,
} from '../../../test/aws-harness.ts';
import { REQUEST_RECORD_BYTES_MAX } from './put-records.ts';

interface Answer {
  readonly FailedRecordCount: number;
  readonly Records: readonly {
    readonly ShardId?: string;
    readonly SequenceNumber?: string;
    readonly ErrorCode?: string;
  }[];
}

const record = (key: string, data = 'AA==') => ({ PartitionKey: key, Data: data });
const keys = (count: number) => Array.from({ length: count }, (_, i) => `key-${i}`);
const memberText = 'com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310';

async function withStream(options = {}) {
  const harness = await awsHarness(options);
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 3 });
  return harness;
}

describe('PutRecords', () => {
  it('writes 500 records, one append a shard, and answers in request order', async () => {
    const { ok, store } = await withStream();
    const Records = keys(500).map((key) => record(key));
    const answer = await ok<Answer>('PutRecords', { StreamName: 's', Records });
    expect(answer.FailedRecordCount).toBe(0);
    expect(store.appends).toHaveLength(3);
    const alone = await Promise.all(
      Records.slice(0, 20).map((one) => ok<{ ShardId: string }>('PutRecord', { StreamName: 's', ...one })),
    );
    expect(answer.Records.slice(0, 20).map(({ ShardId }) => ShardId)).toEqual(alone.map(({ ShardId }) => ShardId));
    expect(new Set(answer.Records.map(({ SequenceNumber }) => SequenceNumber)).size).toBe(500);
    for (const shardId of new Set(answer.Records.map(({ ShardId }) => ShardId))) {
      const numbers = answer.Records.filter(({ ShardId }) => ShardId === shardId).map(
        ({ SequenceNumber }) => SequenceNumber,
      );
      expect(numbers).toEqual([...numbers].sort());
    }
  });

  const name129 = 'a'.repeat(129);
  it.each([
    ['1', {}, validationError(['null', 'records', NOT_NULL])],
    [
      '1',
      { StreamName: '', Records: [] },
      validationError(
        ["'[]'", 'records', shortest(1)],
        ["''", 'streamName', STREAM_NAME_PATTERN],
        ["''", 'streamName', shortest(1)],
      ),
    ],
    [
      '1',
      { StreamName: name129, Records: [record('a'), {}, record('')] },
      validationError(
        ['null', 'records.2.member.data', NOT_NULL],
        ["''", 'records.3.member.partitionKey', shortest(1)],
        [`'${name129}'`, 'streamName', longest(128)],
      ),
    ],
    [
      '1',
      { StreamName: 's', Records: keys(501).map((key) => record(key)) },
      validationError([`'[${Array(501).fill(memberText).join(', ')}]'`, 'records', longest(500)]),
    ],
    [
      '2',
      { StreamName: 's', Records: Array(10).fill(record('k', Buffer.alloc(1024 * 1024).toString('base64'))) },
      awsError('InvalidArgumentException', 'Records size exceeds 10 MB limit'),
    ],
    [
      '3',
      { StreamName: 'none', Records: [record('a')] },
      awsError('ResourceNotFoundException', `Stream none under account ${ACCOUNT} not found.`),
    ],
    [
      '5',
      { StreamName: 's', Records: [record('a'), { Data: Buffer.alloc(1024 * 1024 + 1).toString('base64') }] },
      validationError(
        ['null', 'records.2.member.partitionKey', NOT_NULL],
        ["'java.nio.HeapByteBuffer[pos=0 lim=1048577 cap=1048577]'", 'records.2.member.data', longest(1024 * 1024)],
      ),
    ],
    [
      '6',
      { StreamName: 's', Records: [record('a'), { ...record('a'), ExplicitHashKey: String(1n << 128n) }] },
      awsError(
        'InvalidArgumentException',
        'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
          `Specified value was ${1n << 128n}`,
      ),
    ],
    [
      '7',
      { StreamName: 's', Records: [record('a')], DryRun: true },
      awsError('DryRunOperationException', 'Request would have succeeded, but DryRun flag is set.'),
    ],
  ])('refuses (%s) the whole of %.120j', async (_number, input, answer) => {
    const { call, store } = await withStream();
    expect(await call('PutRecords', input)).toEqual(answer);
    expect(store.appends).toEqual([]);
  });

  it('takes exactly 10 MiB of data and keys', async () => {
    const { ok } = await withStream();
    const Records = Array.from({ length: 16 }, () =>
      record('k', Buffer.alloc(REQUEST_RECORD_BYTES_MAX / 16 - 1).toString('base64')),
    );
    expect(await ok('PutRecords', { StreamName: 's', Records })).toMatchObject({ FailedRecordCount: 0 });
  });

  it('refuses (8) single records above the limit of their shard', async () => {
    const { ok } = await withStream({ limits: true });
    const big = record('same', Buffer.alloc(400 * 1024).toString('base64'));
    const answer = await ok<Answer>('PutRecords', { StreamName: 's', Records: [big, big, big, record('same')] });
    const shardId = answer.Records[0]?.ShardId;
    expect(answer).toMatchObject({
      FailedRecordCount: 1,
      Records: [
        { ShardId: shardId },
        { ShardId: shardId },
        {
          ErrorCode: 'ProvisionedThroughputExceededException',
          ErrorMessage: `Rate exceeded for shard ${shardId} in stream s under account ${ACCOUNT}.`,
        },
        // The small one still fits.
        { ShardId: shardId },
      ],
    });
  });

  it('lets the records of one shard fail alone (8)', async () => {
    const { ok, store, catalog } = await withStream();
    const broken = catalog.peek('s')?.shards[1]?.key;
    store.beforeAppend = ({ shard }) =>
      shard === broken ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve(undefined);
    const answer = await ok<Answer>('PutRecords', { StreamName: 's', Records: keys(60).map((key) => record(key)) });
    const failed = answer.Records.filter(({ ErrorCode }) => ErrorCode !== undefined);
    expect(failed.length).toBeGreaterThan(0);
    expect(answer.FailedRecordCount).toBe(failed.length);
    for (const fault of failed) {
      expect(fault).toEqual({ ErrorCode: 'InternalFailure', ErrorMessage: 'Internal service failure.' });
    }
    for (const { ShardId } of answer.Records) expect(ShardId).not.toBe('shardId-000000000001');
  });
});
