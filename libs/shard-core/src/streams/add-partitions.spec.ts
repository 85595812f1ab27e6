import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HASH_KEY_MAX } from '@tailrace/hashing';
import { temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { accepted } from '../testing/index.ts';
import { addPartitions, roomForPartitions } from './add-partitions.ts';
import { mergeShards, splitShard } from './reshard.ts';
import { SHARDS_KEPT_MAX, SPLITS_AT_ONCE_MAX } from './reshard-plan.ts';
import type { Stream } from './stream.ts';
import { StreamCatalog } from './stream-catalog.ts';

const WAIT = { timeoutMs: 10_000 };

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;

beforeEach(async () => {
  directory = await temporaryDirectory();
  await open();
});
afterEach(async () => {
  await close();
  await directory.remove();
});

async function open() {
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
  catalog = await StreamCatalog.open(store);
}
async function close() {
  await catalog.close();
  await store.close();
}

async function created(shardCount: number): Promise<Stream> {
  return accepted(await catalog.create({ name: 's', shardCount, mode: 'ON_DEMAND', origin: 'kafka' }));
}

/** Sizes of the open hash ranges as parts of the whole (`1/4`), in the order of the ranges; they cover it. */
function sizes({ openShards }: Stream): string[] {
  const ranges = openShards.map(({ hashRange }) => hashRange).sort((a, b) => (a.start < b.start ? -1 : 1));
  let next = 0n;
  for (const { start, end } of ranges) {
    expect(start).toBe(next);
    next = end + 1n;
  }
  expect(next).toBe(HASH_KEY_MAX + 1n);
  return ranges.map(({ start, end }) => `1/${(HASH_KEY_MAX + 1n) / (end - start + 1n)}`);
}

/** The store of a process that dies after so many writes of documents. */
function failingBehind(inner: Store, writesLeft: number): Store {
  let left = writesLeft;
  const documents: Store['documents'] = {
    get: (key) => inner.documents.get(key),
    list: (prefix, options) => inner.documents.list(prefix, options),
    watch: (prefix, changed) => inner.documents.watch(prefix, changed),
    write: (writes) => {
      if (left-- > 0) return inner.documents.write(writes);
      return Promise.reject(new StoreUnavailable('the process has died'));
    },
  };
  const leases: Store['leases'] = {
    acquire: (...asked) => inner.leases.acquire(...asked),
    release: (...asked) => inner.leases.release(...asked),
    list: (prefix) => inner.leases.list(prefix),
  };
  return { ...inner, log: inner.log, documents, leases };
}

describe('addPartitions', () => {
  it.each([
    [1, 2, ['1/2', '1/2']],
    [1, 3, ['1/4', '1/4', '1/2']],
    [2, 4, ['1/4', '1/4', '1/4', '1/4']],
    [4, 6, ['1/8', '1/8', '1/8', '1/8', '1/4', '1/4']],
    [1, 8, Array<string>(8).fill('1/8')],
  ])('halves the largest ranges, from %i to %i', async (from, to, expected) => {
    await created(from);
    const stream = accepted(await addPartitions(catalog, 's', to, WAIT));
    expect([stream.partitions.length, stream.openShards.length, stream.document.status]).toEqual([to, to, 'ACTIVE']);
    expect(sizes(stream).sort()).toEqual([...expected].sort());
    // Every partition goes on in a shard of its own.
    const open = stream.partitions.map(({ appendTo, chain }) => chain.includes(appendTo) && appendTo.closedAtMs);
    expect(open).toEqual(Array(to).fill(undefined));
  });

  it('leaves a stream alone that has as many, or more', async () => {
    const { version } = await created(3);
    for (const count of [3, 2, 0])
      expect(accepted(await addPartitions(catalog, 's', count, WAIT)).version).toBe(version);
  });

  it('wakes dormant partitions on the way', async () => {
    await created(4);
    accepted(await mergeShards(catalog, 's', 0, 1));
    const merged = accepted(await mergeShards(catalog, 's', 2, 3));
    expect([merged.openShards.length, merged.partitions.length]).toEqual([2, 4]);
    const stream = accepted(await addPartitions(catalog, 's', 5, WAIT));
    expect([stream.openShards.length, stream.partitions.length]).toEqual([5, 5]);
  });

  it('waits for a split that is under way', async () => {
    await created(1);
    const [split, added] = await Promise.all([
      splitShard(catalog, 's', 0, 1n << 127n),
      addPartitions(catalog, 's', 4, WAIT),
    ]);
    expect([split.ok, added.ok]).toEqual([true, true]);
    expect(accepted(added).partitions.length).toBe(4);
  });

  it('makes many in few steps', async () => {
    const { version } = await created(1);
    const stream = accepted(await addPartitions(catalog, 's', 64, WAIT));
    // Begun, six rounds that are each begun and done, finished.
    expect([stream.partitions.length, stream.version - version]).toEqual([64, 1 + 2 * 6 + 1]);
    const numbers = stream.document.shards.map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 1 + 2 * 63 }, (_, number) => number));
  });

  it('makes no more splits in one step than may be', async () => {
    const { version } = await created(2 * SPLITS_AT_ONCE_MAX);
    const wanted = 3 * SPLITS_AT_ONCE_MAX + 1;
    const stream = accepted(await addPartitions(catalog, 's', wanted, WAIT));
    expect([stream.partitions.length, stream.version - version]).toEqual([wanted, 1 + 2 * 2 + 1]);
  });

  it('is finished by the next process, whichever write was the last of the one before', async () => {
    const dieAfter = async (writes: number) => {
      const name = `crashed-${writes}`;
      const crashing = await StreamCatalog.open(failingBehind(store, writes));
      accepted(await catalog.create({ name, shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka' }));
      await addPartitions(crashing, name, 5, { timeoutMs: 100 }).catch((error: unknown) => expect(error).toBeInstanceOf(StoreUnavailable)); // prettier-ignore
      await crashing.close();
      await catalog.refresh(name);
      const stream = accepted(await addPartitions(catalog, name, 5, WAIT));
      expect([stream.partitions.length, stream.openShards.length, stream.document.status]).toEqual([5, 5, 'ACTIVE']);
      sizes(stream);
    };
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map(dieAfter));
  });

  it('goes on after the time is over, and after a restart', async () => {
    await created(1);
    const begun = accepted(await addPartitions(catalog, 's', 40, { timeoutMs: 0 }));
    expect(begun.isResharding).toBe(true);
    await close();
    await open();
    const stream = await catalog.waitFor('s', (current) => current?.isResharding === false, WAIT);
    expect([stream?.partitions.length, stream?.document.status]).toEqual([40, 'ACTIVE']);
  });

  it('refuses what there is no room or stream for', async () => {
    const stream = await created(2);
    // Each split keeps its parent beside two children.
    const most = 2 + (SHARDS_KEPT_MAX - 2) / 2;
    expect(roomForPartitions(stream, most).ok).toBe(true);
    expect(roomForPartitions(stream, most + 1)).toMatchObject({ ok: false, refusal: { code: 'tooManyShards' } });
    const refused = await addPartitions(catalog, 's', most + 1, WAIT);
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'tooManyShards' } });
    expect(catalog.peek('s')?.version).toBe(stream.version);
    const unknown = await addPartitions(catalog, 'none', 2, WAIT);
    expect(unknown).toEqual({ ok: false, refusal: { code: 'streamNotFound', stream: 'none' } });
  });
});
