import { describe, expect, it } from '@jest/globals';
import { type BatchOptions, encodeBatch, readBatchHeader, type RecordDraft } from '@tailrace/kafka-protocol';
import { parseSequenceNumber } from '@tailrace/shard-core';
import { eventually } from '@tailrace/testkit';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  type AwsHarness,
  least,
  longest,
  most,
  NOT_NULL,
  shortest,
  START_MS,
  validationError,
} from '../../../test/aws-harness.ts';
import { ITERATOR_LIFETIME_MS } from '../shard-iterator.ts';

interface Page {
  readonly Records: readonly { Data: string; PartitionKey?: string; SequenceNumber: string }[];
  readonly NextShardIterator?: string;
  readonly MillisBehindLatest: number;
  readonly ChildShards?: unknown;
}

async function withStream(options = {}): Promise<AwsHarness & { horizon(): Promise<string> }> {
  const harness = await awsHarness(options);
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
  const position = { StreamName: 's', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' };
  return {
    ...harness,
    horizon: async () => (await harness.ok<{ ShardIterator: string }>('GetShardIterator', position)).ShardIterator,
  };
}

/** What a Kafka producer could have sent. */
async function append({ store, catalog }: AwsHarness, records: Partial<RecordDraft>[], options?: BatchOptions) {
  const drafts = records.map((record) => ({ key: null, value: null, timestampMs: START_MS, ...record }));
  const batch = encodeBatch(drafts, options);
  const shard = catalog.peek('s')?.shards[0]?.key as never;
  const header = readBatchHeader(batch, 0);
  const outcome = await store.log.append({ shard, batch, header, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1000 });
  if (!outcome.ok) throw new Error(outcome.refusal.code);
}

const text = (value: string) => Buffer.from(value).toString('base64');
const datas = ({ Records }: Page) => Records.map(({ Data }) => Buffer.from(Data, 'base64').toString());
const values = (...texts: string[]) => texts.map((value) => ({ value: Buffer.from(value) }));

/** What a split writes down once it has sealed the first shard behind two records. */
async function openChildren({ catalog }: Pick<AwsHarness, 'catalog'>): Promise<void> {
  await catalog.update('s', (document) => ({
    ...document,
    shards: [
      { ...(document.shards[0] as (typeof document.shards)[0]), endOffset: '2', closedAtMs: START_MS },
      ...[1, 2].map((number) => ({
        number,
        parent: 0,
        partition: number - 1,
        startOffset: '2',
        openedAtMs: START_MS,
        hashRange: number === 1 ? { start: '0', end: '9' } : { start: '10', end: String((1n << 128n) - 1n) },
      })),
    ],
  }));
}

describe('GetRecords', () => {
  it('answers records whole, and the iterator behind them', async () => {
    const { ok, horizon } = await withStream();
    const { SequenceNumber } = await ok<{ SequenceNumber: string }>('PutRecord', {
      StreamName: 's',
      PartitionKey: 'schlüssel "1"\n',
      Data: text('grüße'),
    });
    const page = await ok<Page>('GetRecords', { ShardIterator: await horizon() });
    expect(page).toEqual({
      Records: [
        {
          SequenceNumber,
          ApproximateArrivalTimestamp: START_MS / 1000,
          Data: text('grüße'),
          PartitionKey: 'schlüssel "1"\n',
        },
      ],
      MillisBehindLatest: 0,
      NextShardIterator: expect.any(String) as unknown,
    });
    expect(await ok('GetRecords', { ShardIterator: page.NextShardIterator })).toMatchObject({
      Records: [],
      MillisBehindLatest: 0,
    });
  });

  it('pages through batches from any place within them', async () => {
    const harness = await withStream();
    const { ok, horizon } = harness;
    await append(harness, values('0', '1', '2', '3'));
    await append(harness, values('4'));
    await append(harness, values('5', '6', '7'));
    const seen: string[][] = [];
    let ShardIterator: string | undefined = await horizon();
    for (let pages = 0; pages < 5; pages++) {
      const page: Page = await ok<Page>('GetRecords', { ShardIterator, Limit: 3 });
      seen.push(datas(page));
      ShardIterator = page.NextShardIterator;
    }
    expect(seen).toEqual([['0', '1', '2'], ['3', '4', '5'], ['6', '7'], [], []]);
  });

  it('gives each record the number of its offset', async () => {
    const harness = await withStream();
    await append(harness, values('0', '1', '2'));
    await append(harness, values('3'));
    const page = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(page.Records.map(({ SequenceNumber }) => parseSequenceNumber(SequenceNumber)?.offset)).toEqual([
      0n,
      1n,
      2n,
      3n,
    ]);
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('unpacks batches compressed with %s', async (compression) => {
    const harness = await withStream();
    await append(harness, values('a', 'b', 'c'), { compression });
    const page = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(datas(page)).toEqual(['a', 'b', 'c']);
  });

  it('passes over control batches, and counts them as read', async () => {
    const harness = await withStream();
    await append(harness, values('a'));
    await append(harness, [{ key: Buffer.from([0, 0, 0, 1]) }], { isControl: true, isTransactional: true });
    await append(harness, values('b'));
    await append(harness, [{ key: Buffer.from([0, 0, 0, 1]) }], { isControl: true, isTransactional: true });
    const page = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(datas(page)).toEqual(['a', 'b']);
    expect(page.MillisBehindLatest).toBe(0);
  });

  it('passes over a batch that cannot be decoded', async () => {
    const harness = await withStream();
    await append(harness, values('a'));
    await append(harness, values('broken'));
    await append(harness, values('b'));
    const shard = harness.catalog.peek('s')?.shards[0]?.key as never;
    const read = await harness.store.log.read(shard, 0n, { maxBytes: 1 << 20 });
    if (!read.ok) throw new Error();
    // The read is a copy; the second batch says in it that its record is longer than it is.
    const [chunk] = read.value.chunks as [Buffer];
    const second = readBatchHeader(chunk, 0).sizeBytes;
    chunk[second + 61] = 0x7e;
    harness.store.log.read = () => Promise.resolve(read);
    const page = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(datas(page)).toEqual(['a', 'b']);
  });

  it('shows what Kafka producers wrote: no key, empty and binary keys, tombstones', async () => {
    const harness = await withStream();
    await append(harness, [
      { value: Buffer.from('v') },
      { key: Buffer.alloc(0), value: Buffer.from('v') },
      { key: Buffer.from([0xff, 0x00]), value: Buffer.from('v') },
      { key: Buffer.from('k'), value: null },
    ]);
    const page = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(page.Records.map(({ PartitionKey, Data }) => [PartitionKey, Data])).toEqual([
      [undefined, text('v')],
      ['', text('v')],
      ['base64:/wA=', text('v')],
      ['k', ''],
    ]);
  });

  it('stops before 10 MiB, but always gives one record', async () => {
    const harness = await withStream();
    const mebibyte = Buffer.alloc(1024 * 1024, 1);
    for (let i = 0; i < 11; i++) await append(harness, [{ value: mebibyte }]);
    const first = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(first.Records).toHaveLength(10);
    const second = await harness.ok<Page>('GetRecords', { ShardIterator: first.NextShardIterator });
    expect(second.Records).toHaveLength(1);
  });

  it('gives 10,000 records at most', async () => {
    const harness = await withStream();
    await append(harness, values(...Array.from({ length: 10_001 }, () => 'x')));
    const first = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(first.Records).toHaveLength(10_000);
    expect(await harness.ok<Page>('GetRecords', { ShardIterator: first.NextShardIterator })).toMatchObject({
      MillisBehindLatest: 0,
      Records: [{ Data: text('x') }],
    });
  });

  it('says how far behind the tip the page ends', async () => {
    const harness = await withStream();
    await append(harness, values('a'));
    harness.clock.nowMs += 4000;
    await append(harness, values('b'));
    harness.clock.nowMs += 500;
    const ShardIterator = await harness.horizon();
    expect((await harness.ok<Page>('GetRecords', { ShardIterator, Limit: 1 })).MillisBehindLatest).toBe(4500);
    expect((await harness.ok<Page>('GetRecords', { ShardIterator, Limit: 2 })).MillisBehindLatest).toBe(0);
  });

  it('goes on at the start of the log when what it points to has been trimmed', async () => {
    const harness = await withStream();
    const ShardIterator = await harness.horizon();
    await append(harness, values('a'));
    await append(harness, values('b'));
    await harness.store.log.trim(harness.catalog.peek('s')?.shards[0]?.key as never, 1n);
    expect(datas(await harness.ok<Page>('GetRecords', { ShardIterator }))).toEqual(['b']);
  });

  it('ends with the shard: no iterator behind the last record of a closed one, and its children', async () => {
    const harness = await withStream();
    await append(harness, values('a', 'b'));
    await harness.store.log.seal(harness.catalog.peek('s')?.shards[0]?.key as never);
    await openChildren(harness);
    const ShardIterator = await harness.horizon();
    const first = await harness.ok<Page>('GetRecords', { ShardIterator, Limit: 1 });
    expect(first.NextShardIterator).toEqual(expect.any(String));
    const last = await harness.ok<Page>('GetRecords', { ShardIterator: first.NextShardIterator });
    expect(datas(last)).toEqual(['b']);
    expect(last).not.toHaveProperty('NextShardIterator');
    const child = (ShardId: string, StartingHashKey: string, EndingHashKey: string) => ({
      ShardId,
      ParentShards: ['shardId-000000000000'],
      HashKeyRange: { StartingHashKey, EndingHashKey },
    });
    expect(last.ChildShards).toEqual([
      child('shardId-000000000001', '0', '9'),
      child('shardId-000000000002', '10', String((1n << 128n) - 1n)),
    ]);
  });

  it('does not tell of the end before the children are there: a reader who is told of none would stop', async () => {
    const harness = await withStream();
    await append(harness, values('a', 'b'));
    await harness.store.log.seal(harness.catalog.peek('s')?.shards[0]?.key as never);
    const early = await harness.ok<Page>('GetRecords', { ShardIterator: await harness.horizon() });
    expect(datas(early)).toEqual(['a', 'b']);
    expect(early).not.toHaveProperty('ChildShards');
    const { NextShardIterator } = early;
    const waiting = harness.ok<Page>('GetRecords', { ShardIterator: NextShardIterator });
    await openChildren(harness);
    const last = await waiting;
    expect(last).not.toHaveProperty('NextShardIterator');
    expect(last.ChildShards).toHaveLength(2);
  });

  it('reads with one iterator as often as wanted until it expires', async () => {
    const harness = await withStream();
    await append(harness, values('a'));
    const ShardIterator = await harness.horizon();
    const madeMs = harness.clock.nowMs;
    expect(datas(await harness.ok<Page>('GetRecords', { ShardIterator }))).toEqual(['a']);
    harness.clock.nowMs = madeMs + ITERATOR_LIFETIME_MS;
    expect(datas(await harness.ok<Page>('GetRecords', { ShardIterator }))).toEqual(['a']);
    harness.clock.nowMs += 1;
    expect(await harness.call('GetRecords', { ShardIterator })).toEqual(
      awsError(
        'ExpiredIteratorException',
        'Iterator expired. The iterator was created at time Mon Nov 23 12:00:00 UTC 2026 while right now it is ' +
          'Mon Nov 23 12:05:00 UTC 2026 which is further in the future than the tolerated delay of 300000 milliseconds.',
      ),
    );
  });

  it('refuses (1, 2) what is out of range and what no process of this deployment has made', async () => {
    const { call, horizon } = await withStream();
    expect(await call('GetRecords', {})).toEqual(validationError(['null', 'shardIterator', NOT_NULL]));
    expect(await call('GetRecords', { ShardIterator: '', Limit: 0 })).toEqual(
      validationError(["'0'", 'limit', least(1)], ["''", 'shardIterator', shortest(1)]),
    );
    const long = 'a'.repeat(513);
    expect(await call('GetRecords', { ShardIterator: long, Limit: 10_001 })).toEqual(
      validationError(["'10001'", 'limit', most(10_000)], [`'${long}'`, 'shardIterator', longest(512)]),
    );
    const invalid = awsError('InvalidArgumentException', 'Invalid ShardIterator.');
    const good = Buffer.from(await horizon(), 'base64');
    const forged = Array.from(good, (byte, i) => {
      const other = Buffer.from(good);
      other[i] = byte ^ 1;
      return other.toString('base64');
    });
    const cut = Array.from(good, (_byte, i) => good.toString('base64', 0, i) || 'x');
    for (const ShardIterator of ['AAAA', 'no base64!', ...forged, ...cut]) {
      expect(await call('GetRecords', { ShardIterator })).toEqual(invalid);
    }
  });

  it('refuses (4) an iterator of a stream that is gone, also when a new one has its name', async () => {
    const { call, ok, horizon } = await withStream();
    const ShardIterator = await horizon();
    await ok('DeleteStream', { StreamName: 's' });
    const gone = awsError(
      'ResourceNotFoundException',
      `Shard shardId-000000000000 in stream s under account ${ACCOUNT} does not exist`,
    );
    expect(await call('GetRecords', { ShardIterator })).toEqual(gone);
    await ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    expect(await call('GetRecords', { ShardIterator })).toEqual(gone);
  });

  it("refuses (5) a dry run, and a stream that is not the iterator's", async () => {
    const { call, horizon } = await withStream();
    const ShardIterator = await horizon();
    expect((await call('GetRecords', { ShardIterator, DryRun: true })).body).toMatchObject({
      __type: 'DryRunOperationException',
    });
    const StreamARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/other`;
    expect(await call('GetRecords', { ShardIterator, StreamARN })).toEqual(
      awsError('InvalidArgumentException', `The ShardIterator is not one of the stream ${StreamARN}.`),
    );
  });

  it('refuses (6) the sixth call in a second', async () => {
    const { call, ok, horizon, clock } = await withStream({ limits: true });
    const ShardIterator = await horizon();
    for (let i = 0; i < 5; i++) await ok('GetRecords', { ShardIterator });
    const exceeded = awsError(
      'ProvisionedThroughputExceededException',
      `Rate exceeded for shard shardId-000000000000 in stream s under account ${ACCOUNT}.`,
    );
    expect(await call('GetRecords', { ShardIterator })).toEqual(exceeded);
    clock.nowMs += 200;
    await ok('GetRecords', { ShardIterator });
    expect(await call('GetRecords', { ShardIterator })).toEqual(exceeded);
  });

  it('refuses (6) the next call until what a large one has returned is paid for', async () => {
    const harness = await withStream({ limits: true });
    const { call, ok, horizon, clock } = harness;
    const ShardIterator = await horizon();
    const value = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 6; i++) await append(harness, [{ value }]);
    expect((await ok<Page>('GetRecords', { ShardIterator })).Records).toHaveLength(6);
    const refused = { body: { __type: 'ProvisionedThroughputExceededException' } };
    expect(await call('GetRecords', { ShardIterator, Limit: 1 })).toMatchObject(refused);
    // 6 MiB at 2 MiB/s, of which the first two were there.
    clock.nowMs += 1_000;
    expect(await call('GetRecords', { ShardIterator, Limit: 1 })).toMatchObject(refused);
    await eventually(async () => {
      clock.nowMs += 1_000;
      await ok('GetRecords', { ShardIterator, Limit: 1 });
    });
  });
});
