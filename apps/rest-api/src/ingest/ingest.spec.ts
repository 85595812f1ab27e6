import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { ShardLimits } from '@tailrace/quota';
import {
  type AppendRequest,
  DEAGGREGATE_CONFIG,
  type Stream,
  StreamCatalog,
  StoreUnavailable,
  splitShard,
} from '@tailrace/shard-core';
import { logger } from '@tailrace/telemetry';
import { type MemoryStore, memoryStore } from '../../test/memory-store.ts';
import { Ingest, type IngestRecord } from './index.ts';
import { MISSING_SHARD_PAUSE_MS } from './ingest.ts';
import { APPENDS_IN_FLIGHT_MAX, BATCH_BYTES_MAX, QUEUE_BYTES_MAX } from './shard-writer.ts';

// The store fails on purpose.
logger.level = 'silent';

interface Setup {
  readonly store: MemoryStore;
  readonly catalog: StreamCatalog;
  readonly ingest: Ingest;
  readonly stream: Stream;
  /** Holds appends back until they are let go, in order. */
  hold(): { readonly waiting: (() => void)[]; release(): void };
  values(shardNumber?: number): Promise<string[]>;
}

async function setup({ shards = 1, limits = false, reshardTimeoutMs = 10_000 } = {}): Promise<Setup> {
  const store = memoryStore();
  const catalog = await StreamCatalog.open(store);
  const bound = new ShardLimits(store.tokenBuckets, { enabled: limits });
  const ingest = new Ingest({ store, catalog, limits: bound, reshardTimeoutMs });
  const made = await catalog.create({ name: 's', shardCount: shards, mode: 'PROVISIONED', origin: 'kinesis' });
  if (!made.ok) throw new Error(made.refusal.code);
  return {
    store,
    catalog,
    ingest,
    stream: made.value,
    hold() {
      const waiting: (() => void)[] = [];
      store.beforeAppend = () => new Promise((resolve) => waiting.push(() => resolve(undefined)));
      return {
        waiting,
        release() {
          store.beforeAppend = undefined;
          for (const go of waiting.splice(0)) go();
        },
      };
    },
    values: (shardNumber = 0) => valuesOf(store, catalog, shardNumber),
  };
}

async function valuesOf(store: MemoryStore, catalog: StreamCatalog, shardNumber: number): Promise<string[]> {
  const shard = catalog.peek('s')?.shard(shardNumber);
  if (shard === undefined) throw new Error(`no shard ${shardNumber}`);
  const read = await store.log.read(shard.key, shard.startOffset, { maxBytes: 1e9 });
  if (!read.ok) throw new Error(read.refusal.code);
  const values: string[] = [];
  for (const chunk of read.value.chunks) {
    for (let at = 0; at < chunk.length;) {
      const header = readBatchHeader(chunk, at);
      const records = decodeBatch(chunk, at, header, { uncompressedBytesMax: 1e9 });
      values.push(...records.map(({ value }) => String(value)));
      at += header.sizeBytes;
    }
  }
  return values;
}

/** Of three records, by aws_kinesis_agg. */
const AGGREGATED = Buffer.from(
  'f3899ac20a0566697273740a077a77656920c3a412273137303134313138333436303436393233313733313638373330333731353838343130' +
    '353732381a0708001a036f6e651a0808011a047a7765691a08080010001a0200ff6ffa960d03d050ed8ed34af650e0942d',
  'hex',
);
const record = (text: string, partitionKey = 'k'): IngestRecord => ({ partitionKey, data: Buffer.from(text) });
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('Ingest', () => {
  afterEach(() => settle());

  it('sends what gathers during an append as one, in order, and answers each with its own offset', async () => {
    const { ingest, stream, store, hold, values } = await setup();
    const held = hold();
    const puts = Array.from({ length: 50 }, (_, i) => ingest.put(stream, record(String(i))));
    await settle();
    expect(held.waiting).toHaveLength(APPENDS_IN_FLIGHT_MAX);
    held.release();
    const outcomes = await Promise.all(puts);
    expect(outcomes.map((outcome) => outcome.ok && outcome.value.offset)).toEqual(
      Array.from({ length: 50 }, (_, i) => BigInt(i)),
    );
    expect(store.appends.map(({ recordCount }) => recordCount)).toEqual([1, 1, 48]);
    expect(await values()).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
  });

  it('does not answer before the append is done', async () => {
    const { ingest, stream, hold } = await setup();
    const held = hold();
    let answered = false;
    const put = ingest.put(stream, record('a')).then(() => (answered = true));
    await settle();
    expect(answered).toBe(false);
    held.release();
    await put;
    expect(answered).toBe(true);
  });

  it('keeps request order within each shard', async () => {
    const { ingest, stream, values } = await setup({ shards: 4 });
    const records = Array.from({ length: 200 }, (_, i) => record(`${i}`, `key-${i % 10}`));
    const outcomes = await ingest.putMany(stream, records);
    const expected = new Map<number, string[]>();
    outcomes.forEach((outcome, i) => {
      if (!outcome.ok) throw new Error(outcome.refusal.code);
      const { number } = outcome.value.shard;
      expected.set(number, [...(expected.get(number) ?? []), String(i)]);
    });
    for (const [number, texts] of expected) expect(await values(number)).toEqual(texts);
    expect(await ingest.putMany(stream, [])).toEqual([]);
  });

  it('cuts batches at their bound, and lets a larger record go alone', async () => {
    const { ingest, stream, store, hold } = await setup();
    const held = hold();
    const size = (bytes: number): IngestRecord => ({ partitionKey: 'k', data: Buffer.alloc(bytes) });
    const first = [ingest.put(stream, size(1)), ingest.put(stream, size(1))];
    const rest = ingest.putMany(stream, [
      size(BATCH_BYTES_MAX / 2),
      size(BATCH_BYTES_MAX / 2),
      size(2 * BATCH_BYTES_MAX),
      size(1),
    ]);
    await settle();
    held.release();
    await Promise.all([...first, rest]);
    expect(store.appends.map(({ recordCount }) => recordCount)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('refuses what it would have to hold beyond its bound, and takes more afterwards', async () => {
    const { ingest, stream, hold } = await setup();
    const held = hold();
    const mebibyte = Buffer.alloc(1024 * 1024);
    const puts = Array.from({ length: 70 }, () => ingest.put(stream, { partitionKey: 'k', data: mebibyte }));
    await settle();
    held.release();
    const outcomes = await Promise.all(puts);
    const refused = outcomes.filter((outcome) => !outcome.ok);
    // Under way, and in the queue: each record takes a little more than its data.
    expect(refused).toHaveLength(70 - APPENDS_IN_FLIGHT_MAX - (QUEUE_BYTES_MAX / mebibyte.length - 1));
    expect(refused[0]).toMatchObject({ ok: false, refusal: { code: 'overloaded', maxBytes: QUEUE_BYTES_MAX } });
    expect(await ingest.put(stream, record('x'))).toMatchObject({ ok: true });
  });

  it('makes a failing store the outcome of its records, and goes on', async () => {
    const { ingest, stream, store } = await setup();
    store.beforeAppend = () => Promise.reject(new StoreUnavailable('disk full'));
    expect(await ingest.put(stream, record('a'))).toEqual({
      ok: false,
      refusal: { code: 'storeUnavailable', message: 'disk full' },
    });
    store.beforeAppend = () => Promise.reject(new TypeError('a bug'));
    expect(await ingest.put(stream, record('a'))).toMatchObject({ ok: false, refusal: { code: 'storeUnavailable' } });
    store.beforeAppend = undefined;
    expect(await ingest.put(stream, record('b'))).toMatchObject({ ok: true });
  });

  it('sends records of a sealed shard to its children', async () => {
    const { ingest, stream, store, catalog, values } = await setup();
    const parent = stream.shards[0] as (typeof stream.shards)[0];
    // Another process has split the shard; this one has not heard of it.
    store.beforeAppend = async ({ shard }: AppendRequest) => {
      if (shard !== parent.key) return undefined;
      store.beforeAppend = undefined;
      await store.log.seal(parent.key);
      const middle = 1n << 127n;
      const ranges = [
        { start: '0', end: String(middle - 1n) },
        { start: String(middle), end: String((1n << 128n) - 1n) },
      ];
      const changed = await catalog.update('s', (document) => ({
        ...document,
        shards: [
          { ...(document.shards[0] as (typeof document.shards)[0]), endOffset: '0', closedAtMs: 1 },
          ...ranges.map((hashRange, i) => ({
            number: i + 1, hashRange, parent: 0, partition: i, startOffset: '0', openedAtMs: 1,
          })), // prettier-ignore
        ],
      }));
      if (!changed.ok) throw new Error(changed.refusal.code);
      for (const child of changed.value.openShards) await store.log.openShard(child.key, { startOffset: 0n });
      return undefined;
    };
    const outcomes = await ingest.putMany(stream, [
      { explicitHashKey: '5', partitionKey: 'k', data: Buffer.from('low') },
      { explicitHashKey: String(1n << 127n), partitionKey: 'k', data: Buffer.from('high') },
      { explicitHashKey: '6', partitionKey: 'k', data: Buffer.from('low too') },
    ]);
    expect(outcomes.map((outcome) => outcome.ok && outcome.value.shard.number)).toEqual([1, 2, 1]);
    expect(await values(1)).toEqual(['low', 'low too']);
    expect(await values(2)).toEqual(['high']);
  });

  it('gives up on a shard whose log is gone, though the stream still has it', async () => {
    const { ingest, stream, store } = await setup();
    await store.log.deleteShards(stream.shards.map(({ key }) => key));
    expect(await ingest.put(stream, record('a'))).toMatchObject({ ok: false, refusal: { code: 'shardNotFound' } });
  });

  it('follows many splits in a row', async () => {
    const { ingest, stream, store, catalog } = await setup();
    let splits = 0;
    const highest = String((1n << 128n) - 1n);
    store.beforeAppend = async () => {
      if (++splits > 100) return undefined;
      const { number, hashRange } = catalog.peek('s')!.router.forHashKey(BigInt(highest));
      await splitShard(catalog, 's', number, (hashRange.start + hashRange.end) / 2n);
      return undefined;
    };
    expect(await ingest.put(stream, { ...record('a'), explicitHashKey: highest })).toMatchObject({
      ok: true,
      value: { shard: { number: 200 } },
    });
  });

  it('follows splits for a while, not for ever', async () => {
    const { ingest, stream, store } = await setup({ reshardTimeoutMs: 20 });
    store.beforeAppend = ({ shard }) => Promise.resolve({ ok: false, refusal: { code: 'shardSealed', shard } });
    expect(await ingest.put(stream, record('a'))).toMatchObject({ ok: false, refusal: { code: 'shardSealed' } });
  });

  it('pauses between its tries where the stream has a shard that the store does not, and gives up in the end', async () => {
    const { ingest, stream, store } = await setup({ reshardTimeoutMs: 4 * MISSING_SHARD_PAUSE_MS });
    let tries = 0;
    store.beforeAppend = ({ shard }) => {
      tries += 1;
      return Promise.resolve({ ok: false, refusal: { code: 'shardNotFound', shard } });
    };
    expect(await ingest.put(stream, record('a'))).toMatchObject({ ok: false, refusal: { code: 'shardNotFound' } });
    expect(tries).toBeGreaterThan(1);
    expect(tries).toBeLessThanOrEqual(5);
  });

  it('says that the stream is gone when it was deleted meanwhile, also when a new one has its name', async () => {
    const { ingest, stream, catalog } = await setup();
    await catalog.delete('s');
    const gone = { ok: false, refusal: { code: 'streamNotFound', stream: 's' } };
    expect(await ingest.put(stream, record('a'))).toEqual(gone);
    await catalog.create({ name: 's', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' });
    expect(await ingest.put(stream, record('a'))).toEqual(gone);
  });

  it('routes bytes as the partition key that they would be, and records without a key anywhere', async () => {
    const { ingest, stream } = await setup({ shards: 8 });
    const shardOf = async (one: IngestRecord) => {
      const outcome = await ingest.put(stream, one);
      if (!outcome.ok) throw new Error(outcome.refusal.code);
      return outcome.value.shard.number;
    };
    const data = Buffer.from('x');
    for (const key of ['a', 'b', 'clé']) {
      expect(await shardOf({ key: Buffer.from(key), data })).toBe(await shardOf({ partitionKey: key, data }));
    }
    const numbers = await Promise.all(Array.from({ length: 100 }, () => shardOf({ key: null, data })));
    expect(new Set(numbers).size).toBeGreaterThan(2);
  });

  it('stores the records in an aggregated one where the stream asks for it, and answers with the offset of the first', async () => {
    const { ingest, catalog, values } = await setup();
    const [aggregated, other] = [{ partitionKey: 'k', data: AGGREGATED }, record('other')];
    await ingest.put(catalog.peek('s')!, aggregated);
    const configs = { [DEAGGREGATE_CONFIG]: 'true' };
    await catalog.update('s', (document) => ({ ...document, configs }));
    const stream = catalog.peek('s')!;
    const outcomes = await ingest.putMany(stream, [record('before'), aggregated, other, aggregated, other]);
    expect(outcomes.map((outcome) => outcome.ok && outcome.value.offset)).toEqual([1n, 2n, 5n, 6n, 9n]);
    expect(await ingest.put(stream, other)).toMatchObject({ ok: true, value: { offset: 10n } });
    const parts = ['one', 'zwei', '\u0000\ufffd'];
    expect(await values()).toEqual([String(AGGREGATED), 'before', ...parts, 'other', ...parts, 'other', 'other']);
  });

  it('keeps key, data, headers and the explicit hash key', async () => {
    const { ingest, stream, store } = await setup();
    await ingest.put(stream, {
      partitionKey: 'clé',
      explicitHashKey: '42',
      data: null,
      headers: [{ key: 'h', value: Buffer.from('v') }],
    });
    const read = await store.log.read(stream.shards[0]?.key as never, 0n, { maxBytes: 1e6 });
    if (!read.ok) throw new Error();
    const chunk = read.value.chunks[0] as Buffer;
    const [only] = decodeBatch(chunk, 0, readBatchHeader(chunk, 0), { uncompressedBytesMax: 1e6 });
    expect(String(only?.key)).toBe('clé');
    expect(only?.value).toBe(null);
    expect(only?.headers.map(({ key, value }) => [key, String(value)])).toEqual([
      ['h', 'v'],
      ['tailrace.explicit-hash-key', '42'],
    ]);
  });

  it('refuses what is above the limits of a shard, each record alone', async () => {
    const { ingest, stream } = await setup({ limits: true });
    const outcomes = await ingest.putMany(
      stream,
      Array.from({ length: 1200 }, () => record('x')),
    );
    const refused = outcomes.filter((outcome) => !outcome.ok);
    // What flows in while the test runs is taken as well.
    expect(refused.length).toBeGreaterThan(100);
    expect(refused.length).toBeLessThanOrEqual(200);
    expect(outcomes[0]).toMatchObject({ ok: true });
    expect(refused[0]).toMatchObject({ refusal: { code: 'throttled', shard: { number: 0 } } });
  });

  it('does not limit a stream that is not to be limited', async () => {
    const { ingest, catalog } = await setup({ limits: true });
    const made = await catalog.create({ name: 'od', shardCount: 1, mode: 'ON_DEMAND', origin: 'kinesis' });
    if (!made.ok) throw new Error(made.refusal.code);
    const outcomes = await ingest.putMany(
      made.value,
      Array.from({ length: 3000 }, () => record('x')),
    );
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
  });
});
