import { eventually, type RedisServer, startRedis } from '@tailrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from './index.ts';
import { append, openShard, readAll } from './testing/shard-under-test.ts';

describe('reads at the tail', () => {
  let redis: RedisServer;
  let store: Store;
  let other: Store;

  beforeAll(async () => {
    redis = await startRedis();
    store = await openRedisStore({ url: redis.url });
    other = await openRedisStore({ url: redis.url });
  });

  afterAll(async () => {
    await store.close();
    await other.close();
    await redis.stop();
  });

  const newShard = () => openShard(store);

  const rangesAsked = async () =>
    Number(/cmdstat_xrange:calls=(\d+)/.exec(String(await redis.command('INFO', 'commandstats')))?.[1] ?? '0');
  const read = (reader: Store, shard: Parameters<Store['log']['read']>[0], offset: bigint) =>
    reader.log.read(shard, offset, { maxBytes: 1_000_000 });

  it('cost Redis nothing in the process that has appended', async () => {
    const shard = await newShard();
    await append(store, shard, ['a']);
    await append(store, shard, ['b', 'c']);
    const before = await rangesAsked();
    const slices = await Promise.all(Array.from({ length: 20 }, () => read(store, shard, 0n)));
    expect(await rangesAsked()).toBe(before);
    for (const slice of slices) {
      expect(slice).toMatchObject({
        ok: true,
        value: { batchCount: 2, nextOffset: 3n, bounds: { highWatermark: 3n } },
      });
    }
  });

  it('cost Redis one trip in another process, however many readers wake', async () => {
    const shard = await newShard();
    const before = await rangesAsked();
    const readers = Array.from({ length: 20 }, async () => {
      expect(await other.log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 5_000 })).toBe(true);
      return read(other, shard, 0n);
    });
    await append(store, shard, ['a']);
    for (const slice of await Promise.all(readers)) {
      expect(slice).toMatchObject({ ok: true, value: { batchCount: 1, nextOffset: 1n } });
    }
    expect(await rangesAsked()).toBe(before + 1);
  });

  it('see what others append between own appends, in order and whole', async () => {
    const shard = await newShard();
    for (let index = 0; index < 50; index++) await append(index % 3 === 0 ? other : store, shard, [String(index)]);
    const all = Array.from({ length: 50 }, (_, index) => [BigInt(index), String(index)]);
    expect(await readAll(store, shard)).toEqual(all);
    expect(await readAll(other, shard)).toEqual(all);
    expect(await readAll(other, shard)).toEqual(all);
  });

  it('see that another process has trimmed or deleted the shard', async () => {
    const shard = await newShard();
    await append(store, shard, ['a']);
    await append(store, shard, ['b']);
    expect(await read(store, shard, 0n)).toMatchObject({ ok: true });
    await other.log.trim(shard, 1n);
    // A message on another connection: soon, not at once.
    await eventually(async () =>
      expect(await read(store, shard, 0n)).toMatchObject({
        ok: false,
        refusal: { code: 'offsetOutOfRange', logStartOffset: 1n },
      }),
    );
    await other.log.deleteShards([shard]);
    await eventually(async () =>
      expect(await read(store, shard, 1n)).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard } }),
    );
  });
});
