import { eventually, type RedisServer } from '@tailrace/testkit';
import { describe, expect, it } from '@jest/globals';
import { LEADER_EPOCHS_MAX } from '../contract/log.ts';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from './index.ts';
import { redisUnderTest } from './testing/redis-under-test.ts';
import {
  append,
  leaderEpochOf,
  leaderEpochsOf,
  leaderEpochsOfBatches,
  openShard,
  readAll,
} from './testing/shard-under-test.ts';

const LARGE = 'L'.repeat(60_000);
/** See lua/claim-leadership.lua. */
const SECONDS_SINCE_2026 = Date.now() / 1_000 - 1_767_225_600;

describe('leader epochs over Redis', () => {
  const { start: startRedis, startProxy, open } = redisUnderTest();
  const start = (options: { readonly replicas?: number } = {}) =>
    startRedis({ ...options, config: { 'enable-debug-command': 'yes' } });

  /** What a restart or promotion looks like to whoever connects from now on; whoever is connected notices nothing. */
  async function becomeAnotherPrimary(redis: RedisServer): Promise<void> {
    await redis.command('DEBUG', 'CHANGE-REPL-ID');
  }

  it.each([
    ['with its tail cache', {}],
    ['without', { tailCacheBytes: 0 }],
  ])('show that a failover has put other records in the place of a lost tail, %s', async (_, options) => {
    const redis = await start({ replicas: 1 });
    const [replica] = redis.replicas as [RedisServer];
    const proxy = await startProxy(redis);
    const store = await open(proxy.port, options);
    const shard = await openShard(store, 100n);
    await append(store, shard, ['kept 0', 'kept 1'], { minInsyncReplicas: 2 });
    // It takes over, and hears nothing of what the other one is still given.
    await replica.command('REPLICAOF', 'NO', 'ONE');
    for (const value of ['lost 0', 'lost 1', LARGE]) await append(store, shard, [value], { acks: 'leader' });
    expect((await readAll(store, shard)).length).toBe(5);
    expect(await leaderEpochsOf(store, shard)).toEqual([[0, 100n]]);

    proxy.target = { port: replica.port };
    // At once, from all sides: none of them may pass for what was lost.
    let stopped = false;
    const writing = [0, 1, 2].map(async (writer) => {
      while (!stopped) {
        await append(store, shard, [`new ${writer}`], { acks: 'leader' }).catch((error: unknown) => {
          if (!(error instanceof StoreUnavailable)) throw error;
        });
      }
    });
    await redis.kill9();
    await eventually(async () => expect((await store.log.bounds(shard)).ok).toBe(true), { timeoutMs: 10_000 });
    await eventually(async () => expect((await readAll(store, shard)).length).toBeGreaterThan(5));
    stopped = true;
    await Promise.all(writing);

    const leaderEpoch = await leaderEpochOf(store, shard);
    expect(leaderEpoch).toBeGreaterThan(SECONDS_SINCE_2026 - 1);
    // Whoever read up to 105 under epoch 0 learns that it ended at 102.
    expect(await leaderEpochsOf(store, shard)).toEqual([
      [0, 100n],
      [leaderEpoch, 102n],
    ]);
    const values = (await readAll(store, shard)).map(([, value]) => value);
    expect(values.slice(0, 2)).toEqual(['kept 0', 'kept 1']);
    expect(values.slice(2).every((value) => value.startsWith('new '))).toBe(true);
    const other = await open(replica.port, { tailCacheBytes: 0 });
    for (const reader of [store, other]) {
      const epochs = await leaderEpochsOfBatches(reader, shard, 100n);
      expect(epochs[0]).toBe(0);
      expect(new Set(epochs.slice(1))).toEqual(new Set([leaderEpoch]));
    }
  });

  it('are noted once, and a process that has not heard of the new one writes under it', async () => {
    const redis = await start();
    const older = await open(redis.port);
    const shard = await openShard(older);
    await append(older, shard, ['a']);
    await becomeAnotherPrimary(redis);
    const newer = await open(redis.port);
    const leaderEpoch = await leaderEpochOf(newer, shard);
    await append(newer, shard, ['b']);
    expect(await append(older, shard, ['c'])).toMatchObject({ ok: true, value: { baseOffset: 2n } });
    for (const store of [older, newer]) {
      expect(await leaderEpochsOf(store, shard)).toEqual([
        [0, 0n],
        [leaderEpoch, 1n],
      ]);
      expect(await leaderEpochsOfBatches(store, shard, 0n)).toEqual([0, leaderEpoch, leaderEpoch]);
    }
    // It has heard of it by now.
    expect(await leaderEpochOf(older, shard)).toBe(leaderEpoch);
    expect(await older.log.leaderEpochs(await openShard(older, 7n))).toEqual({
      ok: true,
      value: [{ leaderEpoch, startOffset: 7n }],
    });
  });

  it('follow one another with appends alone, go with the start of the log, and are so many at most', async () => {
    const redis = await start();
    const stores = [await open(redis.port)];
    const [first] = stores as [Store];
    const shard = await openShard(first);
    await append(first, shard, ['0']);
    const raised: number[] = [0];
    const next = async () => {
      await becomeAnotherPrimary(redis);
      const store = await openRedisStore({ url: redis.url });
      raised.push(await leaderEpochOf(store, shard));
      return store;
    };
    // Nothing is written under this one.
    await (await next()).close();
    raised.pop();
    for (let i = 1; i < LEADER_EPOCHS_MAX + 3; i++) {
      const store = await next();
      await append(store, shard, [String(i)]);
      await store.close();
    }
    expect(new Set(raised).size).toBe(LEADER_EPOCHS_MAX + 3);
    const all = raised.map((leaderEpoch, i): [number, bigint] => [leaderEpoch, BigInt(i)]);
    // The second, third and fourth count as part of the first.
    const kept = [all[0] as [number, bigint], ...all.slice(4)];
    expect(kept).toHaveLength(LEADER_EPOCHS_MAX);
    expect(await leaderEpochsOf(first, shard)).toEqual(kept);
    expect((await leaderEpochsOfBatches(first, shard, 0n)).slice(0, 5)).toEqual([0, 0, 0, 0, raised[4]]);

    await first.log.trim(shard, 3n);
    expect((await leaderEpochsOf(first, shard)).slice(0, 2)).toEqual([
      [0, 3n],
      [raised[4], 4n],
    ]);
    await first.log.trim(shard, 10n);
    expect(await leaderEpochsOf(first, shard)).toEqual(all.slice(10));
    const last = await next();
    await append(last, shard, ['last']);
    // What lies below the start is forgotten with the next one that begins.
    const meta = String(await redis.command('HGET', `tr:{${shard}}:meta`, 'epochs'));
    expect(meta.split(',')).toHaveLength(LEADER_EPOCHS_MAX + 3 - 10 + 1);
    expect((await leaderEpochsOf(last, shard)).at(-1)).toEqual([raised.at(-1), BigInt(LEADER_EPOCHS_MAX + 3)]);
    await last.close();
  });

  it('are not given twice when the note of one is lost', async () => {
    const redis = await start();
    const first = await open(redis.port);
    await becomeAnotherPrimary(redis);
    const second = await open(redis.port);
    const shard = await openShard(second);
    const before = await leaderEpochOf(second, shard);
    expect(before).toBeGreaterThan(SECONDS_SINCE_2026 - 1);
    // What a failover leaves whose replica had not been told.
    await redis.command('HSET', 'tr:{primaries}', 'epoch', '0');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await becomeAnotherPrimary(redis);
    const third = await open(redis.port);
    expect(await leaderEpochOf(third, shard)).toBeGreaterThan(before);
    expect(await leaderEpochOf(first, shard)).toBeGreaterThanOrEqual(before);
  });

  it('of a shard in which none was ever noted begin with its next append', async () => {
    const redis = await start();
    const store = await open(redis.port, { tailCacheBytes: 0 });
    const shard = await openShard(store);
    await append(store, shard, ['a']);
    await append(store, shard, ['b']);
    await redis.command('HDEL', `tr:{${shard}}:meta`, 'epoch', 'epochs');
    expect(await leaderEpochsOf(store, shard)).toEqual([]);
    expect(await leaderEpochsOfBatches(store, shard, 0n)).toEqual([0, 0]);
    await append(store, shard, ['c']);
    expect(await leaderEpochsOf(store, shard)).toEqual([[0, 2n]]);
    expect(await leaderEpochsOfBatches(store, shard, 0n)).toEqual([0, 0, 0]);
  });

  it('stay with what compaction leaves', async () => {
    const redis = await start();
    const store = await open(redis.port, { tailCacheBytes: 0 });
    const shard = await openShard(store);
    for (const value of ['a', 'b', 'c']) await append(store, shard, [value]);
    await becomeAnotherPrimary(redis);
    const newer = await open(redis.port, { tailCacheBytes: 0 });
    const leaderEpoch = await leaderEpochOf(newer, shard);
    for (const value of ['d', 'e', 'f']) await append(newer, shard, [value]);
    const judged: number[] = [];
    await newer.log.compact({
      shard,
      to: 5n,
      judge: ({ chunks }) => {
        judged.push(...chunks.map((chunk) => chunk.readInt32BE(12)));
        // Every other one goes; what stays is written anew.
        return Promise.resolve(chunks.map((chunk, i) => (i % 2 === 0 ? Buffer.from(chunk) : 'drop')));
      },
    });
    expect(judged).toEqual([0, 0, 0, leaderEpoch, leaderEpoch]);
    expect(await leaderEpochsOfBatches(store, shard, 0n)).toEqual([0, 0, leaderEpoch, leaderEpoch]);
    expect(await leaderEpochsOf(store, shard)).toEqual([
      [0, 0n],
      [leaderEpoch, 3n],
    ]);
  });
});
