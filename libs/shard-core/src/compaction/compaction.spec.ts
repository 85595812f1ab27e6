import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeBatch, encodeBatch } from '@tailrace/kafka-protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { Log } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { splitShard } from '../streams/reshard.ts';
import type { Stream } from '../streams/stream.ts';
import { StreamCatalog } from '../streams/stream-catalog.ts';
import { accepted, appendRequest } from '../testing/index.ts';
import { Compaction } from './compaction.ts';
import { readState } from './compaction-state.ts';
import { batchesOf } from './slice-batches.ts';

const HOUR = 3_600_000;

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;
let compaction: Compaction;
let now: number;
let reads: number;
const errors: unknown[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory();
  now = 1_700_000_000_000;
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed', clock: () => now });
  catalog = await StreamCatalog.open(store, () => now);
  reads = 0;
  compaction = compactionOf({});
});

afterEach(async () => {
  await compaction.close();
  await catalog.close();
  await store.close();
  await directory.remove();
  expect(errors.splice(0)).toEqual([]);
});

function compactionOf(options: Partial<ConstructorParameters<typeof Compaction>[2]>): Compaction {
  const log: Log = Object.assign(Object.create(store.log) as Log, {
    read: (...of: Parameters<Log['read']>) => {
      reads++;
      return store.log.read(...of);
    },
    bounds: (shard: ShardKey) => store.log.bounds(shard),
    offsetForTime: (...of: Parameters<Log['offsetForTime']>) => store.log.offsetForTime(...of),
    compact: (request: Parameters<Log['compact']>[0]) => store.log.compact(request),
  });
  const counted = { ...store, log };
  return new Compaction(counted, catalog, {
    holder: 'here',
    clock: () => now,
    onError: (error) => errors.push(error),
    ...options,
  });
}

async function streamOf(configs: Record<string, string> = {}): Promise<Stream> {
  const policy = { 'cleanup.policy': 'compact', ...configs };
  const made = await catalog.create({ name: 's', shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka', configs: policy });
  if (!made.ok) throw new Error(made.refusal.code);
  return made.value;
}

/** One batch; `key=value`, `key` alone is a tombstone, `=value` has no key. */
async function put(stream: Stream, ...records: readonly string[]): Promise<bigint> {
  const batch = encodeBatch(
    records.map((record) => {
      const [key, value] = record.split('=') as [string, string?];
      return { key: key === '' ? null : key, value: value === undefined ? null : Buffer.from(value), timestampMs: now };
    }),
  );
  const shard = catalog.peek(stream.name)!.partitions[0]!.appendTo;
  return accepted(await store.log.append(appendRequest(shard.key, batch))).baseOffset;
}

/** What a consumer of partition 0 gets, as `offset key=value`; markers as `offset marker`. */
async function left(stream: Stream): Promise<string[]> {
  const found: string[] = [];
  for (const { key } of catalog.peek(stream.name)!.partitions[0]!.chain) {
    const { logStartOffset } = accepted(await store.log.bounds(key));
    for (let offset = logStartOffset; ;) {
      const slice = accepted(await store.log.read(key, offset, { maxBytes: 1 << 20, isolation: 'readCommitted' }));
      if (slice.batchCount === 0) break;
      for (const { header, chunk, position } of batchesOf(slice)) {
        for (const record of decodeBatch(chunk, position, header, { uncompressedBytesMax: 1 << 20 })) {
          const at = header.baseOffset + BigInt(record.offsetDelta);
          const text = `${record.key?.toString() ?? ''}${record.value === null ? '' : `=${record.value.toString()}`}`;
          found.push(`${at} ${header.isControl ? 'marker' : text}`);
        }
      }
      offset = slice.nextOffset;
      slice.release();
    }
  }
  return found;
}

describe('compaction', () => {
  it('leaves of each key the newest record, and the newest batch as it is', async () => {
    const stream = await streamOf();
    await put(stream, 'a=1', 'b=1', 'c=1');
    await put(stream, 'a=2', '=lost');
    await put(stream, 'b=2', 'b=3');
    await put(stream, 'd=1', 'd=2', 'a=3');
    await compaction.look();
    expect(await left(stream)).toEqual(['2 c=1', '6 b=3', '7 d=1', '8 d=2', '9 a=3']);
    await put(stream, 'z=1');
    await put(stream, 'z=2');
    await put(stream, 'c=2');
    await put(stream, 'c=3');
    await compaction.look();
    expect(await left(stream)).toEqual(['6 b=3', '8 d=2', '9 a=3', '11 z=2', '13 c=3']);
  });

  it('leaves streams alone that are not compacted', async () => {
    const stream = await streamOf({ 'cleanup.policy': 'delete' });
    for (let i = 0; i < 3; i++) await put(stream, 'a=1');
    await compaction.look();
    expect(await left(stream)).toHaveLength(3);
    expect(reads).toEqual(0);
  });

  it('remembers how far it came, and reads nothing while nothing is new', async () => {
    const stream = await streamOf({ 'cleanup.policy': 'compact,delete' });
    for (let i = 0; i < 5; i++) await put(stream, `a=${i}`);
    await compaction.look();
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ cleanedTo: 4n, nextHorizonMs: undefined });
    reads = 0;
    await compaction.look();
    expect(reads).toEqual(0);
    // Another process, or this one after it was started again, goes on from there.
    const next = compactionOf({});
    await put(stream, 'a=5');
    await put(stream, 'a=6');
    await next.look();
    expect(await left(stream)).toEqual(['6 a=6']);
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ cleanedTo: 6n });
  });

  it('waits until enough is new (min.cleanable.dirty.ratio), or what is new is old (max.compaction.lag.ms)', async () => {
    const stream = await streamOf({ 'min.cleanable.dirty.ratio': '0.5', 'max.compaction.lag.ms': `${HOUR}` });
    for (let i = 0; i < 10; i++) await put(stream, `k${i}=1`);
    await compaction.look();
    await put(stream, 'k0=2');
    await put(stream, 'k1=2');
    now += HOUR - 1;
    await compaction.look();
    expect(await left(stream)).toHaveLength(12);
    now += 1;
    await compaction.look();
    expect(await left(stream)).toHaveLength(10);
    for (let i = 0; i < 12; i++) await put(stream, 'k2=2');
    await compaction.look();
    expect(await left(stream)).toHaveLength(10);
  });

  it('counts as clean only what was not trimmed since', async () => {
    const stream = await streamOf({ 'min.cleanable.dirty.ratio': '0.5' });
    for (let i = 0; i < 10; i++) await put(stream, `k${i}=1`);
    await compaction.look();
    accepted(await store.log.trim(stream.shards[0]!.key, 10n));
    for (const record of ['a=1', 'a=2', 'b=1']) await put(stream, record);
    await compaction.look();
    expect(await left(stream)).toEqual(['11 a=2', '12 b=1']);
  });

  it('leaves young records alone (min.compaction.lag.ms)', async () => {
    const stream = await streamOf({ 'min.compaction.lag.ms': `${HOUR}` });
    for (let i = 0; i < 3; i++) await put(stream, `a=${i}`);
    now += HOUR / 2;
    for (let i = 3; i < 6; i++) await put(stream, `a=${i}`);
    await compaction.look();
    expect(await left(stream)).toHaveLength(6);
    now += HOUR / 2;
    await compaction.look();
    expect(await left(stream)).toEqual(['2 a=2', '3 a=3', '4 a=4', '5 a=5']);
    now += HOUR;
    await compaction.look();
    expect(await left(stream)).toEqual(['5 a=5']);
  });

  it('keeps a tombstone for delete.retention.ms from when it first saw it, and drops it then by itself', async () => {
    const stream = await streamOf({ 'delete.retention.ms': `${HOUR}` });
    await put(stream, 'a=1', 'b=1');
    await put(stream, 'a');
    await put(stream, 'c=1');
    now += 5 * HOUR;
    await compaction.look();
    expect(await left(stream)).toEqual(['1 b=1', '2 a', '3 c=1']);
    now += HOUR - 1;
    await compaction.look();
    expect(await left(stream)).toEqual(['1 b=1', '2 a', '3 c=1']);
    now += 1;
    await compaction.look();
    expect(await left(stream)).toEqual(['1 b=1', '3 c=1']);
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ nextHorizonMs: undefined });
  });

  it('drops aborted records, and markers once nothing of their transaction is left, after the same time', async () => {
    const stream = await streamOf({ 'delete.retention.ms': `${HOUR}` });
    const { key: shard } = stream.shards[0]!;
    let baseSequence = 0;
    const write = async (record: string) => {
      const [key, value] = record.split('=') as [string, string];
      const producer = { id: 8n, epoch: 0, baseSequence: baseSequence++ };
      const draft = { key, value: Buffer.from(value), timestampMs: now };
      accepted(await store.log.append(appendRequest(shard, encodeBatch([draft], { producer, isTransactional: true }))));
    };
    const end = async (commit: boolean) => {
      const identity = { shard, producerId: 8n, producerEpoch: 0, coordinatorEpoch: 0 };
      accepted(
        await store.log.endTransaction({ ...identity, commit, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1 }),
      );
    };
    await write('a=kept');
    await end(true);
    await write('a=aborted');
    await end(false);
    await write('b=1');
    await end(true);
    await put(stream, 'b=2');
    await put(stream, 'z=1');
    await write('a=open');
    await compaction.look();
    // The first marker is needed; those of the aborted transaction and of the superseded record go, but not at once.
    const marked = ['0 a=kept', '1 marker', '3 marker', '5 marker', '6 b=2', '7 z=1'];
    expect(await left(stream)).toEqual(marked);
    now += HOUR - 1;
    await compaction.look();
    expect(await left(stream)).toEqual(marked);
    now += 1;
    await compaction.look();
    expect(await left(stream)).toEqual(['0 a=kept', '1 marker', '6 b=2', '7 z=1']);
    const slice = accepted(await store.log.read(shard, 0n, { maxBytes: 1_000, isolation: 'readCommitted' }));
    expect(slice.abortedTransactions).toEqual([]);
    await end(true);
    await put(stream, 'z=2');
    await compaction.look();
    // What was open has taken the place of what was there, and the first marker is not needed any more.
    expect(await left(stream)).toEqual(['1 marker', '6 b=2', '8 a=open', '9 marker', '10 z=2']);
  });

  it('goes through the whole chain of shards that a partition has been', async () => {
    const stream = await streamOf();
    await put(stream, 'a=1', 'b=1', 'c=1');
    await put(stream, 'd=1');
    accepted(await splitShard(catalog, 's', 0, 1n << 127n));
    await put(stream, 'a=2', 'c=2');
    await put(stream, 'd=2');
    await put(stream, 'e=1');
    await compaction.look();
    // The newest batch of the closed shard stays.
    expect(await left(stream)).toEqual(['1 b=1', '3 d=1', '4 a=2', '5 c=2', '6 d=2', '7 e=1']);
  });

  it('goes no further than a shard in which something is not decided', async () => {
    const stream = await streamOf();
    const of = { producerId: 8n, producerEpoch: 0 };
    await put(stream, 'x=1', 'a=1');
    const open = encodeBatch([{ key: 'a', value: Buffer.from('2'), timestampMs: now }], {
      producer: { id: of.producerId, epoch: of.producerEpoch, baseSequence: 0 },
      isTransactional: true,
    });
    accepted(await store.log.append(appendRequest(stream.shards[0]!.key, open)));
    accepted(await splitShard(catalog, 's', 0, 1n << 127n));
    for (const record of ['x=2', 'x=3', 'x=4']) await put(stream, record);
    await compaction.look();
    expect(await left(stream)).toEqual(['0 x=1', '1 a=1', '3 x=2', '4 x=3', '5 x=4']);
    const { key: shard } = catalog.peek('s')!.partitions[0]!.appendTo;
    const end = {
      shard,
      ...of,
      coordinatorEpoch: 0,
      commit: true,
      acks: 'all',
      minInsyncReplicas: 1,
      timeoutMs: 1,
    } as const;
    accepted(await store.log.endTransaction(end));
    await compaction.look();
    expect(await left(stream)).toEqual(['2 a=2', '5 x=4', '6 marker']);
  });

  it('keeps a tombstone for as long as an older record of its key stays in the newest batch of a closed shard', async () => {
    const stream = await streamOf({ 'delete.retention.ms': `${HOUR}` });
    await put(stream, 'x=1');
    await put(stream, 'a=1', 'b=1');
    accepted(await splitShard(catalog, 's', 0, 1n << 127n));
    await put(stream, 'a');
    await put(stream, 'x');
    await put(stream, 'e=1');
    await compaction.look();
    expect(await left(stream)).toEqual(['1 a=1', '2 b=1', '3 a', '4 x', '5 e=1']);
    now += 2 * HOUR;
    await compaction.look();
    // Without it `a` would be there again, with a value that was deleted.
    expect(await left(stream)).toEqual(['1 a=1', '2 b=1', '3 a', '5 e=1']);
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ nextHorizonMs: undefined });
  });

  it('does with its memory what it can, and the rest in further rounds', async () => {
    const stream = await streamOf({ 'min.cleanable.dirty.ratio': '0.0001' });
    const records = Array.from({ length: 500 }, (_, i) => `key-${i}=1`);
    for (let round = 0; round < 4; round++) await put(stream, ...records.map((record) => `${round}${record}`));
    await put(stream, ...records.map((record) => `0${record}`));
    await put(stream, 'last=1');
    // Room for 768 keys: for one batch, not for two.
    const small = compactionOf({ keyBytesMax: 0 });
    const { length: before } = await left(stream);
    expect(before).toEqual(2_501);
    await small.look();
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ cleanedTo: 500n });
    for (let look = 1; look < 6; look++) await small.look();
    expect(await left(stream)).toHaveLength(2_001);
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ cleanedTo: 2_500n });
    await small.close();
  });

  it('goes no further than where its memory ended, in a chain of shards either', async () => {
    const stream = await streamOf();
    for (const key of ['a', 'b']) {
      await put(stream, ...Array.from({ length: 500 }, (_, i) => `${key}-${i}=1`));
    }
    accepted(await splitShard(catalog, 's', 0, 1n << 127n));
    for (const record of ['x=1', 'x=2', 'x=3']) await put(stream, record);
    const small = compactionOf({ keyBytesMax: 0 });
    await small.look();
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ cleanedTo: 500n });
    await small.look();
    expect(await readState(store.documents, stream.id, 0)).toMatchObject({ cleanedTo: 1_002n });
    expect((await left(stream)).slice(-2)).toEqual(['999 b-499=1', '1002 x=3']);
    await small.close();
  });

  it('looks again, although nothing is new, at what was trimmed while it was at work', async () => {
    const stream = await streamOf();
    for (let i = 0; i < 4; i++) await put(stream, `a=${i}`);
    const compact = store.log.compact.bind(store.log);
    store.log.compact = async ({ shard }) => ({ ok: false, refusal: { code: 'shardNotFound', shard } });
    await compaction.look();
    store.log.compact = compact;
    await compaction.look();
    expect(await left(stream)).toEqual(['3 a=3']);
  });

  it('is the work of one process for each stream, and another goes on when that one has ended', async () => {
    const stream = await streamOf();
    for (let i = 0; i < 4; i++) await put(stream, `a=${i}`);
    const other = compactionOf({ holder: 'there' });
    await store.leases.acquire(`compaction/${stream.id}`, 'there', 60_000);
    await compaction.look();
    expect(await left(stream)).toHaveLength(4);
    await other.look();
    expect(await left(stream)).toHaveLength(1);
    await other.close();
    for (let i = 4; i < 8; i++) await put(stream, `a=${i}`);
    await compaction.look();
    expect(await left(stream)).toHaveLength(1);
  });

  it('goes on with other streams, and tells, where one cannot be compacted', async () => {
    const stream = await streamOf();
    const other = await catalog.create({
      name: 'other', shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka', configs: { 'cleanup.policy': 'compact' },
    }); // prettier-ignore
    if (!other.ok) throw new Error(other.refusal.code);
    for (let i = 0; i < 4; i++) {
      await put(stream, `a=${i}`);
      await put(other.value, `a=${i}`);
    }
    const bounds = store.log.bounds.bind(store.log);
    store.log.bounds = (shard) => (shard.startsWith(other.value.id) ? Promise.reject(new Error('ill')) : bounds(shard));
    await compaction.look();
    store.log.bounds = bounds;
    expect(errors.splice(0)).toMatchObject([{ message: 'ill' }]);
    expect(await left(stream)).toEqual(['3 a=3']);
  });

  it('ends at once when it is told to, without effect', async () => {
    const stream = await streamOf();
    for (let i = 0; i < 40; i++) await put(stream, `a=${'x'.repeat(20_000)}`);
    const slow = compactionOf({ bytesPerSecondMax: 1_000 });
    const looking = slow.look();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await slow.close();
    await looking;
    expect(await left(stream)).toHaveLength(40);
  });

  it('forgets what it knew of streams that are gone', async () => {
    const stream = await streamOf();
    for (let i = 0; i < 4; i++) await put(stream, `a=${i}`);
    await compaction.look();
    expect(await store.documents.list('compaction/')).toHaveLength(1);
    accepted(await catalog.delete('s'));
    now += 2 * HOUR;
    await compaction.look();
    expect(await store.documents.list('compaction/')).toEqual([]);
  });
});
