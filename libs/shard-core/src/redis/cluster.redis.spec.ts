import { eventually, type RedisCluster, startRedisCluster } from '@tailrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from './index.ts';
import { keySlot } from './key-slot.ts';
import { append, readAll, someShard } from './testing/shard-under-test.ts';

describe('a Redis Cluster of three primaries', () => {
  let cluster: RedisCluster;
  let store: Store;
  let other: Store;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    // One node is enough to find the others.
    store = await openRedisStore({ url: `redis+cluster://127.0.0.1:${cluster.nodes[0]?.port}` });
    other = await openRedisStore({ url: `redis+cluster://127.0.0.1:${cluster.nodes[2]?.port}` });
  });

  afterAll(async () => {
    await store.close();
    await other.close();
    await cluster.stop();
  });

  async function newShard(on = -1) {
    for (;;) {
      const shard = someShard();
      const node = Math.floor((keySlot(`{${shard}}`) * 3) / 16_384);
      if (on >= 0 && node !== on) continue;
      await store.log.openShard(shard, { startOffset: 0n });
      return shard;
    }
  }

  it('computes slots as Redis does', async () => {
    for (const key of ['tr:{a/0}:log', 'tr:bucket:{x/{y}}', 'ключ']) {
      expect(await cluster.nodes[0]?.command('CLUSTER', 'KEYSLOT', key)).toBe(keySlot(key));
    }
  });

  it('spreads shards over the primaries, each whole on one', async () => {
    for (const on of [0, 1, 2]) {
      const shard = await newShard(on);
      await append(store, shard, ['a']);
      await append(store, shard, ['L'.repeat(50_000)]);
      const keys = (await cluster.nodes[on]?.command('KEYS', `tr:{${shard}}:*`)) as string[];
      expect(keys.sort()).toEqual([`tr:{${shard}}:log`, `tr:{${shard}}:meta`, `tr:{${shard}}:payload:1`]);
      expect((await readAll(other, shard)).map(([offset]) => offset)).toEqual([0n, 1n]);
    }
  });

  it('wakes waiters on every node, whichever the subscriber is connected to', async () => {
    const shards = [await newShard(0), await newShard(1), await newShard(2)];
    for (const shard of shards) {
      const waiting = other.log.awaitAppend(
        shards.map((one) => ({ shard: one, offset: 0n })),
        { timeoutMs: 5_000 },
      );
      await append(store, shard, ['a']);
      expect(await waiting).toBe(true);
      await store.log.deleteShards([shard]);
      shards[shards.indexOf(shard)] = await newShard();
    }
  });

  it('writes documents of any names in one step, and keeps leases and buckets', async () => {
    const writes = ['a', 'b', 'c', 'd'].map((key) => ({
      key: `cluster/${key}`,
      value: '1',
      expected: 'absent' as const,
    }));
    expect(await store.documents.write(writes)).toMatchObject({ ok: true });
    expect((await other.documents.list('cluster/')).map(({ key }) => key)).toEqual(writes.map(({ key }) => key));
    expect(await store.leases.acquire('x', 'me', 1_000)).toMatchObject({ held: true });
    expect(await other.leases.acquire('x', 'you', 1_000)).toMatchObject({ held: false });
    const request = { ratePerSecond: 1, capacity: 10, min: 1, max: 10 };
    expect(await store.tokenBuckets.take('b', request)).toMatchObject({ granted: 10 });
    expect(await other.tokenBuckets.take('b', request)).toMatchObject({ granted: 0 });
  });

  it('follows a slot that moves to another node', async () => {
    const shard = await newShard(0);
    const slot = keySlot(`{${shard}}`);
    await append(store, shard, ['a']);
    const [from, to] = cluster.nodes;
    if (from === undefined || to === undefined) throw new Error('too few nodes');
    const [fromId, toId] = await Promise.all([from, to].map((node) => node.command('CLUSTER', 'MYID').then(String)));
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId as string);
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId as string);
    for (const key of (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[]) {
      await from.command('MIGRATE', '127.0.0.1', to.port, key, 0, 5_000);
    }
    for (const node of [to, from, cluster.nodes[2]])
      await node?.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId as string);
    expect(await append(store, shard, ['b'])).toMatchObject({ ok: true, value: { baseOffset: 1n } });
    expect((await readAll(other, shard)).map(([, value]) => value)).toEqual(['a', 'b']);
  });

  it('keeps the other nodes at work while one is gone, and takes it back', async () => {
    const [onFirst, onLast] = [await newShard(0), await newShard(1)];
    await cluster.nodes[2]?.command('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    await cluster.nodes[1]?.command('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    await cluster.nodes[0]?.kill9();
    await expect(append(store, onFirst, ['a'])).rejects.toThrow(/not reachable/);
    expect(await append(store, onLast, ['a'])).toMatchObject({ ok: true });
    await cluster.nodes[0]?.restart();
    const shard = await eventually(() => newShard(0), { timeoutMs: 10_000 });
    await eventually(() => append(store, shard, ['b']), { timeoutMs: 10_000 });
    expect((await eventually(() => readAll(other, shard))).map(([, value]) => value)).toEqual(['b']);
  });
});
