import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { OpenShardOptions } from '../contract/log.ts';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { append, readValues } from '../testing/index.ts';
import { CREATION_STALL_MS, isStreamName, StreamCatalog } from './stream-catalog.ts';

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;

beforeEach(async () => {
  directory = await temporaryDirectory();
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
  catalog = await StreamCatalog.open(store, () => 1_700_000_000_000);
});

afterEach(async () => {
  await catalog.close();
  await store.close();
  await directory.remove();
});

const wanted = { name: 'orders', shardCount: 3, mode: 'PROVISIONED', origin: 'kinesis' } as const;

async function created(name = 'orders') {
  const made = await catalog.create({ ...wanted, name });
  if (!made.ok) throw new Error(made.refusal.code);
  return made.value;
}

describe('StreamCatalog', () => {
  it('makes a stream that can be found and written to at once', async () => {
    const stream = await created();
    expect(stream.document).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/),
      name: 'orders',
      status: 'ACTIVE',
      mode: 'PROVISIONED',
      origin: 'kinesis',
      createdAtMs: 1_700_000_000_000,
      retentionMs: 86_400_000,
      shards: [0, 1, 2].map((number) => ({
        number,
        hashRange: { start: expect.any(String), end: expect.any(String) },
        partition: number,
        startOffset: '0',
        openedAtMs: 1_700_000_000_000,
      })),
      configs: {},
    });
    expect(await catalog.find('orders')).toBe(stream);
    expect(catalog.peekById(stream.id)).toBe(stream);
    for (const shard of stream.openShards) {
      expect((await append(store.log, shard.key, ['x'])).ok).toBe(true);
    }
  });

  it.each(['get', 'list'] as const)('keeps a stream that is made while the store answers %s', async (question) => {
    const { documents } = store;
    let changed: (key: string | undefined) => void = () => {};
    const watch = documents.watch.bind(documents);
    documents.watch = (prefix, heard) => watch(prefix, (changed = heard));
    const beside = await StreamCatalog.open(store);
    let answer = () => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const asked = documents[question].bind(documents) as (...args: unknown[]) => Promise<never>;
    let isFirst = true;
    documents[question] = async (...args: unknown[]) => {
      const before = isFirst;
      isFirst = false;
      const reply = await asked(...args);
      if (before) await answered;
      return reply;
    };
    const looking = question === 'get' ? beside.find('orders') : Promise.resolve(changed(undefined));
    const made = await beside.create(wanted);
    expect(made.ok).toBe(true);
    answer();
    await looking;
    await new Promise((resolve) => setImmediate(resolve));
    expect(beside.peek('orders')).toBe(made.ok && made.value);
    expect(beside.names()).toEqual(['orders']);
    await beside.close();
  });

  it('refuses a name that is taken and leaves the first stream as it is', async () => {
    const first = await created();
    expect(await catalog.create(wanted)).toEqual({ ok: false, refusal: { code: 'streamExists', stream: 'orders' } });
    expect(await catalog.find('orders')).toBe(first);
  });

  it('lets one of many win who make the same name at once', async () => {
    const others = await Promise.all([StreamCatalog.open(store), StreamCatalog.open(store)]);
    const outcomes = await Promise.all([catalog, ...others].map((one) => one.create(wanted)));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    const ids = await Promise.all([catalog, ...others].map(async (one) => (await one.refresh('orders'))?.id));
    expect(new Set(ids).size).toBe(1);
    for (const other of others) await other.close();
  });

  it('hears of what others make and delete', async () => {
    const other = await StreamCatalog.open(store);
    const heard: (string | undefined)[] = [];
    other.onChange((name) => heard.push(name));
    await created();
    expect((await other.find('orders'))?.name).toBe('orders');
    await catalog.delete('orders');
    expect(await other.find('orders')).toBeUndefined();
    expect(heard).toContain('orders');
    await other.close();
  });

  it('lists names in order', async () => {
    for (const name of ['b', 'a.1', 'a-1', 'B']) await created(name);
    expect(catalog.names()).toEqual(['B', 'a-1', 'a.1', 'b']);
  });

  it('deletes a stream with its logs, and a new one of the same name begins empty', async () => {
    const first = await created();
    const [shard] = first.openShards;
    await append(store.log, shard!.key, ['old']);
    expect((await catalog.delete('orders')).ok).toBe(true);
    expect((await store.log.bounds(shard!.key)).ok).toBe(false);
    expect(await catalog.delete('orders')).toEqual({
      ok: false,
      refusal: { code: 'streamNotFound', stream: 'orders' },
    });
    const second = await created();
    expect(second.id).not.toEqual(first.id);
    expect(await readValues(store.log, second.openShards[0]!.key)).toEqual([]);
  });

  it('drops, when it opens, the logs of a stream whose deletion was cut short', async () => {
    const stream = await created();
    const keys = stream.shards.map(({ key }) => key);
    // As a crash leaves it between the two steps of a deletion.
    await store.documents.write([
      { key: 'stream/orders', value: undefined, expected: 'any' },
      { key: `garbage/${stream.id}`, value: JSON.stringify(keys), expected: 'any' },
    ]);
    await (await StreamCatalog.open(store)).close();
    expect((await store.log.bounds(keys[0]!)).ok).toBe(false);
    expect(await store.documents.get(`garbage/${stream.id}`)).toBeUndefined();
  });

  it('drops the logs of a stream whose creation was cut short, and not those of one that is being made', async () => {
    let now = 1_000_000;
    const sweeper = await StreamCatalog.open(store, () => now);
    const made: ShardKey[] = [];
    const dying = await StreamCatalog.open(
      {
        ...store,
        log: Object.assign(Object.create(store.log) as Store['log'], {
          openShard: async (shard: ShardKey, options: OpenShardOptions) => {
            await store.log.openShard(shard, options);
            made.push(shard);
            // The process dies when half of them are there.
            if (made.length === 2) await new Promise(() => {});
          },
        }),
      },
      () => now,
    );
    const creating = dying.create({ name: 'orders', shardCount: 2, mode: 'PROVISIONED', origin: 'kinesis' });
    void creating.catch(() => {});
    await eventually(() => expect(made).toHaveLength(2));
    const are = () => Promise.all(made.map(async (shard) => (await store.log.bounds(shard)).ok));
    now += CREATION_STALL_MS - 1;
    await sweeper.sweepGarbage();
    expect(await are()).toEqual([true, true]);
    now += 1;
    await sweeper.sweepGarbage();
    expect(await are()).toEqual([false, false]);
    expect([await store.documents.list('creating/'), await store.documents.list('garbage/')]).toEqual([[], []]);
    await created();
    expect(await store.documents.list('creating/')).toEqual([]);
    await Promise.all([sweeper.close(), dying.close()]);
  });

  it('makes no stream of logs that were dropped because their creation took too long', async () => {
    let now = 1_000_000;
    const sweeper = await StreamCatalog.open(store, () => now);
    const slow = await StreamCatalog.open(
      {
        ...store,
        log: Object.assign(Object.create(store.log) as Store['log'], {
          openShard: async (shard: ShardKey, options: OpenShardOptions) => {
            await store.log.openShard(shard, options);
            now += CREATION_STALL_MS;
            await sweeper.sweepGarbage();
          },
          deleteShards: (shards: readonly ShardKey[]) => store.log.deleteShards(shards),
        }),
      },
      () => now,
    );
    const wanted = { name: 'orders', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' } as const;
    await expect(slow.create(wanted)).rejects.toThrow(StoreUnavailable);
    expect(await sweeper.find('orders')).toBeUndefined();
    await Promise.all([sweeper.close(), slow.close()]);
  });

  it('changes a document from its newest version, however many change it at once', async () => {
    await created();
    const other = await StreamCatalog.open(store);
    const add = (one: StreamCatalog) =>
      one.update('orders', (document) => ({ ...document, retentionMs: document.retentionMs + 1 }));
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => add(i % 2 === 0 ? catalog : other)));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect((await catalog.refresh('orders'))?.document.retentionMs).toBe(86_400_000 + 8);
    expect(await add(catalog).then(() => catalog.update('nothing', (document) => document))).toEqual({
      ok: false,
      refusal: { code: 'streamNotFound', stream: 'nothing' },
    });
    await other.close();
  });
});

describe('isStreamName', () => {
  it.each([
    ['a', true],
    ['A.b-c_9', true],
    ['x'.repeat(249), true],
    ['x'.repeat(250), false],
    ['', false],
    ['.', false],
    ['..', false],
    ['a/b', false],
    ['ä', false],
  ])('takes %p: %p', (name, expected) => {
    expect(isStreamName(name)).toBe(expected);
  });
});
