import { eventually, type RedisServer } from '@tailrace/testkit';
import { describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { compactTo } from '../testing/index.ts';
import { DEFAULT_BOUNDS } from './bounds.ts';
import { Connection } from './connection.ts';
import { openRedisStore, RedisUnreachable } from './index.ts';
import { parseRedisUrl } from './redis-url.ts';
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

describe('a Redis that fails', () => {
  const { start, startProxy, open } = redisUnderTest();

  /** Appends one after the other until told to stop; answers which were acknowledged and which may or may not be there. */
  function writeOn(store: Store, shard: ShardKey, name: string) {
    const acknowledged: string[] = [];
    const unknown: string[] = [];
    let stopped = false;
    const run = async () => {
      for (let index = 0; !stopped; index++) {
        const value = `${name}:${index}`;
        try {
          const outcome = await append(store, shard, [value, index % 7 === 0 ? LARGE : '']);
          if (!outcome.ok) throw new Error(outcome.refusal.code);
          acknowledged.push(value);
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
          unknown.push(value);
          await sleep(5);
        }
      }
    };
    const running = run();
    return {
      acknowledged,
      unknown,
      stop: () => {
        stopped = true;
        return running;
      },
    };
  }

  it('is refused at the start with a sentence when nobody is there, when it is a node of a cluster, or no cluster', async () => {
    const nobody = openRedisStore({ url: 'redis://me:secret@127.0.0.1:1', connectTimeoutMs: 500 });
    await expect(nobody).rejects.toThrow(RedisUnreachable);
    await expect(nobody).rejects.toThrow(
      'Redis at redis://…@127.0.0.1:1 is not reachable: connect ECONNREFUSED 127.0.0.1:1',
    );
    const single = await start();
    await expect(openRedisStore({ url: `redis+cluster://127.0.0.1:${single.port}` })).rejects.toThrow(
      `Redis at redis+cluster://127.0.0.1:${single.port} is no Redis Cluster; use redis://host:port`,
    );
    const node = await start({ config: { 'cluster-enabled': 'yes' } });
    await expect(openRedisStore({ url: node.url })).rejects.toThrow(
      `Redis at ${node.url} is a node of a Redis Cluster; use redis+cluster://host:port,…`,
    );
  });

  it('keeps no process alive behind a connection that is closed while it is lost', async () => {
    const redis = await start();
    const lost = Promise.withResolvers<void>();
    const connection = new Connection({
      location: parseRedisUrl(redis.url),
      name: 'lost',
      bounds: DEFAULT_BOUNDS,
      onLost: lost.resolve,
    });
    await connection.opened();
    await redis.kill9();
    await lost.promise;
    const set = jest.spyOn(globalThis, 'setTimeout');
    const cleared = jest.spyOn(globalThis, 'clearTimeout');
    try {
      connection.close();
      const timers = set.mock.results.map(({ value }) => value as NodeJS.Timeout);
      expect(timers).toHaveLength(1);
      expect(cleared.mock.calls.some(([timer]) => timer === timers[0])).toBe(true);
    } finally {
      set.mockRestore();
      cleared.mockRestore();
    }
  });

  it('is named in the health answer with the settings that lose records', async () => {
    const redis = await start({ config: { 'maxmemory-policy': 'allkeys-lru' } });
    const store = await open(redis.port);
    expect(await store.health()).toEqual({
      ready: true,
      detail:
        'Redis 7.0.15, one primary, 1 copy in sync. ' +
        'Redis evicts keys when memory is full (maxmemory-policy allkeys-lru), records among them; set it to noeviction. ' +
        'Redis keeps no append-only file: records do not survive its restart; set appendonly yes',
      replicas: [],
      copiesInSync: 1,
    });
    await redis.kill9();
    await eventually(async () =>
      expect(await store.health()).toEqual({
        ready: false,
        detail: `Redis is not reachable at 127.0.0.1:${redis.port}`,
      }),
    );
  });

  it('makes an append or does not, but never twice and never half, wherever the connection is cut', async () => {
    const redis = await start();
    const proxy = await startProxy(redis);
    const store = await open(proxy.port);
    const shard = await openShard(store);
    const acknowledged: string[] = [];
    const unknown: string[] = [];
    // SET and script are about 61,000 bytes: cut before, within and behind the SET, and within the script's call. And the
    // answers: none, the one to SET, half of the script's.
    const cuts = [
      ...[1, 30_000, 60_200, 60_400, 60_500, 60_600].map((bytes) => ['up', bytes] as const),
      ...[0, 3, 5, 8, 20].map((bytes) => ['down', bytes] as const),
    ];
    for (const [direction, bytes] of cuts) {
      await eventually(() =>
        append(store, shard, [`whole ${direction} ${bytes}`]).then(() =>
          acknowledged.push(`whole ${direction} ${bytes}`),
        ),
      );
      const value = `cut ${direction} ${bytes}`;
      proxy.cutAfterBytes(bytes, direction);
      const outcome = await append(store, shard, [value, LARGE]).then(
        () => acknowledged,
        (error: unknown) => {
          expect(error).toBeInstanceOf(StoreUnavailable);
          return unknown;
        },
      );
      outcome.push(value);
      proxy.heal();
    }
    expect(proxy.cutCount).toBeGreaterThanOrEqual(cuts.length);
    const found = await eventually(() => readAll(store, shard));
    const values = found.map(([, value]) => value).filter((value) => value !== LARGE);
    expect(new Set(values).size).toBe(values.length);
    expect(values).toEqual(expect.arrayContaining(acknowledged));
    expect([...acknowledged, ...unknown]).toEqual(expect.arrayContaining(values));
    expect(found.map(([offset]) => offset)).toEqual(found.map((_, index) => BigInt(index)));
  });

  it('appends nothing when the bytes of a large batch are gone before the script comes', async () => {
    const redis = await start();
    const store = await open(redis.port);
    const shard = await openShard(store);
    // Every SET fails for this user: what an eviction or expiry between SET and script looks like to the script.
    await redis.command('ACL', 'SETUSER', 'default', '-set');
    await expect(append(store, shard, [LARGE])).rejects.toThrow(StoreUnavailable);
    await redis.command('ACL', 'SETUSER', 'default', '+set');
    expect(await append(store, shard, [LARGE])).toMatchObject({ ok: true, value: { baseOffset: 0n } });
  });

  it('keeps every acknowledged record, once and in order, over five kills with an append-only file', async () => {
    // With `everysec` Redis holds back its writes for up to two seconds while a sync of a slow disk goes on, and answers.
    const redis = await start({ appendonly: true, config: { appendfsync: 'always' } });
    const store = await open(redis.port);
    const shard = await openShard(store);
    const acknowledged: string[] = [];
    const attempted: string[] = [];
    for (let round = 0; round < 5; round++) {
      const writers = ['a', 'b', 'c'].map((name) => writeOn(store, shard, `${round}${name}`));
      await eventually(() => writers.every((writer) => writer.acknowledged.length > 20));
      await redis.kill9();
      await sleep(50);
      await redis.restart();
      // The service resumes by itself.
      const before = writers.map((writer) => writer.acknowledged.length);
      await eventually(() =>
        writers.every((writer, which) => writer.acknowledged.length > (before[which] as number) + 5),
      );
      for (const writer of writers) {
        await writer.stop();
        acknowledged.push(...writer.acknowledged);
        attempted.push(...writer.acknowledged, ...writer.unknown);
      }
    }
    const found = await readAll(store, shard);
    expect(found.map(([offset]) => offset)).toEqual(found.map((_, index) => BigInt(index)));
    const values = found.map(([, value]) => value).filter((value) => value.includes(':'));
    expect(new Set(values).size).toBe(values.length);
    expect(attempted).toEqual(expect.arrayContaining(values));
    const there = new Set(values);
    expect(acknowledged.filter((value) => !there.has(value))).toEqual([]);
    for (const name of new Set(acknowledged.map((value) => value.split(':')[0]))) {
      const own = values.filter((value) => value.startsWith(`${name}:`)).map((value) => Number(value.split(':')[1]));
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
    // One for each life of the server.
    expect(await leaderEpochsOf(store, shard)).toHaveLength(6);
  });

  it('is waited for while it hangs for two seconds, and given up on when it hangs for longer than allowed', async () => {
    const redis = await start();
    const patient = await open(redis.port);
    const impatient = await open(redis.port, { answerTimeoutMs: 300 });
    const shard = await openShard(patient);
    redis.pause();
    expect(await patient.health()).toEqual({ ready: false, detail: 'Redis has not answered for 1000 ms' });
    const waited = append(patient, shard, ['patient']);
    await expect(append(impatient, shard, ['impatient'])).rejects.toThrow(StoreUnavailable);
    await sleep(2_000);
    redis.resume();
    expect(await waited).toMatchObject({ ok: true });
    await eventually(() => append(impatient, shard, ['again']));
  });

  it('that is out of memory refuses appends with its reason, lets readers and trims go on, and takes appends again', async () => {
    const redis = await start({ config: { maxmemory: '8mb' } });
    const store = await open(redis.port);
    const shard = await openShard(store);
    let failure: unknown;
    let appended = 0n;
    while (failure === undefined && appended < 2_000n) {
      try {
        const outcome = await append(store, shard, [LARGE]);
        if (outcome.ok) appended = outcome.value.nextOffset;
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect((failure as Error).message).toMatch(/^Redis refuses for now: OOM command not allowed/);
    expect((await readAll(store, shard)).length).toBe(Number(appended));
    expect(await store.log.awaitAppend([{ shard, offset: appended }], { timeoutMs: 50 })).toBe(false);
    expect(await store.log.trim(shard, appended)).toEqual({ ok: true, value: { logStartOffset: appended } });
    await eventually(() => append(store, shard, [LARGE]));
  });

  it('that is out of memory lets no batch of a producer pass its first one', async () => {
    const redis = await start();
    const store = await open(redis.port);
    const shard = await openShard(store);
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    const send = (baseSequence: number) =>
      append(store, shard, [`${baseSequence}`], { producer: { id: 3n, epoch: 0, baseSequence } });
    await expect(send(0)).rejects.toThrow(/^Redis refuses for now: OOM/);
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await send(1)).toEqual({
      ok: false,
      refusal: { code: 'outOfOrderSequence', producerId: 3n, expected: 0, got: 1 },
    });
    expect([await send(0), await send(1)]).toMatchObject([{ ok: true }, { ok: true, value: { baseOffset: 1n } }]);
  });

  it('comes back as another primary: appends fail meanwhile, the leader epoch grows, waiters wake', async () => {
    const redis = await start({ replicas: 1 });
    const [replica] = redis.replicas as [RedisServer];
    const proxy = await startProxy(redis);
    const store = await open(proxy.port);
    const shard = await openShard(store);
    await append(store, shard, ['before'], { minInsyncReplicas: 2 });
    const waiting = store.log.awaitAppend([{ shard, offset: 1n }], { timeoutMs: 10_000 });
    expect(await store.log.bounds(shard)).toMatchObject({ ok: true, value: { leaderEpoch: 0 } });

    proxy.target = { port: replica.port };
    await redis.kill9();
    // Not promoted yet: connected to a replica, which refuses.
    await expect(append(store, shard, ['lost'])).rejects.toThrow(StoreUnavailable);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await eventually(() => append(store, shard, ['after']), { timeoutMs: 10_000 });
    expect(await waiting).toBe(true);
    expect((await readAll(store, shard)).map(([, value]) => value)).toEqual(['before', 'after']);
    await eventually(async () => expect(await leaderEpochOf(store, shard)).toBeGreaterThan(0));
    expect(await leaderEpochsOfBatches(store, shard)).toEqual([0, await leaderEpochOf(store, shard)]);
  });

  it('is left with every connection when another one is the primary, though it goes on answering readers', async () => {
    const redis = await start({ replicas: 1 });
    const [replica] = redis.replicas as [RedisServer];
    const proxy = await startProxy(redis);
    const store = await open(proxy.port);
    const shard = await openShard(store);
    await append(store, shard, ['before'], { minInsyncReplicas: 2 });
    // Demoted, and cut off from the one that took over: it shows nothing of what comes there.
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await redis.command('REPLICAOF', '127.0.0.1', '1');
    proxy.target = { port: replica.port };
    const writer = await open(replica.port);
    await append(writer, shard, ['after']);
    // Only a writer is told by Redis that it is at the wrong one.
    await eventually(() => append(store, shard, ['behind']), { timeoutMs: 10_000 });
    await append(writer, shard, ['last']);
    await eventually(async () =>
      expect((await readAll(store, shard)).map(([, value]) => value)).toEqual(['before', 'after', 'behind', 'last']),
    );
  });

  it('is not told of copies by another primary than the one that has the append', async () => {
    const [redis, another] = [await start({ replicas: 1 }), await start({ replicas: 1 })];
    const [replica] = redis.replicas as [RedisServer];
    const proxy = await startProxy(redis);
    const store = await open(proxy.port);
    const shard = await openShard(store);
    await append(store, shard, ['copied'], { minInsyncReplicas: 2 });
    replica.pause();
    proxy.target = { port: another.port };
    const waitsOf = async (server: RedisServer) =>
      /^id=(\d+) .* name=tailrace-waits /m.exec(String(await server.command('CLIENT', 'LIST')))?.[1];
    await redis.command('CLIENT', 'KILL', 'ID', (await waitsOf(redis)) as string);
    await eventually(async () => expect(await waitsOf(another)).toBeDefined());
    // There, a WAIT is answered at once.
    await expect(append(store, shard, ['alone'], { minInsyncReplicas: 2 })).rejects.toThrow(StoreUnavailable);
    expect(await store.log.bounds(shard)).toMatchObject({ ok: true, value: { highWatermark: 1n, logEndOffset: 2n } });
    replica.resume();
  });

  it('has a compaction counted as done when enough copies have it: what comes behind it may rely on it', async () => {
    const redis = await start({ replicas: 1 });
    const [replica] = redis.replicas as [RedisServer];
    const store = await open(redis.port);
    const shard = await openShard(store);
    for (let i = 0; i < 4; i++) await append(store, shard, [`${i}`], { minInsyncReplicas: 2 });
    replica.pause();
    let isDone = false;
    const compacting = compactTo(store.log, shard, 3n, () => false).then(() => (isDone = true));
    await eventually(async () => expect((await readAll(store, shard)).map(([, value]) => value)).toEqual(['3']));
    await sleep(200);
    expect(isDone).toBe(false);
    replica.resume();
    await compacting;
    await redis.kill9();
    await replica.command('REPLICAOF', 'NO', 'ONE');
    const next = await open(replica.port);
    expect((await readAll(next, shard)).map(([, value]) => value)).toEqual(['3']);
  });

  it('gets its leader epoch raised when it is able to, if it was not at first', async () => {
    const redis = await start({ replicas: 1 });
    const [replica] = redis.replicas as [RedisServer];
    const proxy = await startProxy(redis);
    const store = await open(proxy.port);
    const shard = await openShard(store);
    await append(store, shard, ['before'], { minInsyncReplicas: 2 });
    // What takes over is out of memory: it refuses to note anything.
    await replica.command('CONFIG', 'SET', 'maxmemory', '1');
    await replica.command('REPLICAOF', 'NO', 'ONE');
    proxy.target = { port: replica.port };
    await redis.kill9();
    await eventually(() => store.log.bounds(shard), { timeoutMs: 10_000 });
    await sleep(100);
    await replica.command('CONFIG', 'SET', 'maxmemory', '0');
    await eventually(async () => expect(await leaderEpochOf(store, shard)).toBeGreaterThan(0));
  });

  it('with too few replicas for the first batch of a producer takes none behind it for the first', async () => {
    const redis = await start();
    const store = await open(redis.port);
    const shard = await openShard(store);
    const send = (baseSequence: number, minInsyncReplicas: number) =>
      append(store, shard, [`${baseSequence}`], { producer: { id: 3n, epoch: 0, baseSequence }, minInsyncReplicas });
    expect(await send(0, 2)).toMatchObject({ ok: false, refusal: { code: 'notEnoughReplicas' } });
    expect(await send(1, 1)).toMatchObject({ ok: false, refusal: { code: 'outOfOrderSequence', expected: 0, got: 1 } });
    expect([await send(0, 1), await send(1, 1)]).toMatchObject([{ ok: true }, { ok: true }]);
  });

  it('keeps a deletion that a closing store has not finished from being called done', async () => {
    const redis = await start();
    const store = await open(redis.port);
    const shard = await openShard(store);
    for (let i = 0; i < 100; i++) await append(store, shard, [LARGE]);
    const deleting = store.log.deleteShards([shard]);
    const closing = store.close();
    await expect(deleting).rejects.toThrow(StoreUnavailable);
    await closing;
    expect(await redis.command('EXISTS', `tr:{${shard}}:meta`, `tr:{${shard}}:log`)).toBe(1);
    const next = await open(redis.port);
    await next.log.deleteShards([shard]);
    expect(await redis.command('KEYS', `tr:{${shard}}:*`)).toEqual([]);
  });

  it('loses no wake-up and no document change with its connections', async () => {
    const redis = await start();
    const proxy = await startProxy(redis);
    const store = await open(proxy.port);
    const writer = await open(redis.port);
    const shard = await openShard(writer);
    const changes: (string | undefined)[] = [];
    const stop = await store.documents.watch('a/', (key) => changes.push(key));
    const waiting = store.log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 10_000 });
    await eventually(async () => (await redis.command('HEXISTS', `tr:{${shard}}:meta`, 'armed')) === 1);
    proxy.refuse();
    proxy.cutAll();
    await append(writer, shard, ['x']);
    await writer.documents.write([{ key: 'a/b', value: '1', expected: 'any' }]);
    proxy.heal();
    expect(await waiting).toBe(true);
    await eventually(() => expect(changes).toContain(undefined));
    await writer.documents.write([
      { key: 'a/c', value: '1', expected: 'any' },
      { key: 'other', value: '1', expected: 'any' },
    ]);
    await eventually(() => expect(changes).toContain('a/c'));
    expect(changes).not.toContain('other');
    stop();
  });
});
