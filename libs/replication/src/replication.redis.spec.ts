import { encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { type Acks, type ShardKey, shardKey, type Store } from '@tailrace/shard-core';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { eventually, type RedisServer, startRedis } from '@tailrace/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { requirementOfProduce, zoneView } from './index.ts';

describe('replication over a primary and two replicas', () => {
  let redis: RedisServer;
  let near: RedisServer;
  let far: RedisServer;
  let store: Store;
  let other: Store;
  let shard: ShardKey;

  beforeEach(async () => {
    redis = await startRedis({ replicas: 2 });
    [near, far] = redis.replicas as [RedisServer, RedisServer];
    store = await openRedisStore({ url: redis.url, minInsyncReplicas: 2 });
    other = await openRedisStore({ url: redis.url, minInsyncReplicas: 2 });
    shard = shardKey(randomUUID().slice(0, 22), 0);
    await store.log.openShard(shard, { startOffset: 0n });
  });

  afterEach(async () => {
    await store.close();
    await other.close();
    await redis.stop();
  });

  function append(acks: Acks, minInsyncReplicas: number, timeoutMs = 2_000, writer = store) {
    const batch = encodeBatch([{ key: null, value: Buffer.from('x'), timestampMs: 0 }]);
    const header = readBatchHeader(batch, 0);
    return writer.log.append({ shard, batch, header, ...requirementOfProduce(acks, timeoutMs, { minInsyncReplicas }) });
  }

  /** `[high watermark, end]` */
  async function ends(reader = other): Promise<[bigint, bigint]> {
    const bounds = await reader.log.bounds(shard);
    if (!bounds.ok) throw new Error(bounds.refusal.code);
    return [bounds.value.highWatermark, bounds.value.logEndOffset];
  }

  /** How many records another process can read. */
  async function recordsRead(): Promise<number> {
    for (let offset = 0n; ;) {
      const slice = await other.log.read(shard, offset, { maxBytes: 1_000_000 });
      if (!slice.ok) throw new Error(slice.refusal.code);
      if (slice.value.batchCount === 0) return Number(offset);
      offset = slice.value.nextOffset;
    }
  }

  it('acknowledges acks=all when the copies have it, and then every process can read it', async () => {
    for (let index = 1; index <= 20; index++) {
      expect(await append('all', index % 2 === 0 ? 3 : 2)).toMatchObject({ ok: true });
      expect(await ends()).toEqual([BigInt(index), BigInt(index)]);
    }
    const inFlight = await Promise.all(Array.from({ length: 50 }, () => append('all', 3)));
    expect(inFlight.every((outcome) => outcome.ok)).toBe(true);
    expect(await recordsRead()).toBe(70);
  });

  it('goes on with one of two replicas hanging, where two copies are enough', async () => {
    far.pause();
    expect(await append('all', 2)).toMatchObject({ ok: true });
    expect(await ends()).toEqual([1n, 1n]);
  });

  it('says notEnoughReplicasAfterAppend while both hang, hides the records, and shows them when one comes back', async () => {
    near.pause();
    far.pause();
    expect(await append('all', 2, 200)).toEqual({
      ok: false,
      refusal: { code: 'notEnoughReplicasAfterAppend', required: 2, acknowledged: 1 },
    });
    // acks=1 and acks=0 neither wait nor are refused, but readers see nothing of them either.
    expect(await append('leader', 2)).toMatchObject({ ok: true, value: { baseOffset: 1n } });
    expect(await append('none', 2)).toMatchObject({ ok: true, value: { baseOffset: 2n } });
    expect(await ends()).toEqual([0n, 3n]);
    expect(await recordsRead()).toBe(0);
    expect(await other.log.trim(shard, 1n)).toMatchObject({ ok: false, refusal: { code: 'offsetOutOfRange' } });

    const waiting = other.log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 10_000 });
    near.resume();
    expect(await waiting).toBe(true);
    await eventually(async () => expect(await ends()).toEqual([3n, 3n]));
    expect(await recordsRead()).toBe(3);
  });

  it('refuses before it writes when replicas are known to be gone, and resumes by itself', async () => {
    await near.kill9();
    await far.kill9();
    await eventually(async () => {
      expect(await append('all', 2, 100)).toEqual({
        ok: false,
        refusal: { code: 'notEnoughReplicas', required: 2, available: 1 },
      });
    });
    const [, end] = await ends();
    expect(await append('all', 2, 100)).toMatchObject({ ok: false, refusal: { code: 'notEnoughReplicas' } });
    expect(await ends()).toMatchObject([expect.anything(), end]);
    expect(await append('all', 1)).toMatchObject({ ok: true });
    const unknown = shardKey('unknownunknownunknown1', 0);
    const batch = encodeBatch([{ key: null, value: null, timestampMs: 0 }]);
    const request = {
      batch,
      header: readBatchHeader(batch, 0),
      acks: 'all',
      minInsyncReplicas: 2,
      timeoutMs: 10,
    } as const;
    // A shard that is not there comes first in the order of refusals.
    expect(await store.log.append({ ...request, shard: unknown })).toEqual({
      ok: false,
      refusal: { code: 'shardNotFound', shard: unknown },
    });

    await near.restart();
    await eventually(async () => expect(await append('all', 2)).toMatchObject({ ok: true }), { timeoutMs: 15_000 });
    expect(await zoneView(store, 2)).toMatchObject({ copiesInSync: 2, writable: true });
  });

  it('takes a replica that is silent for more than three seconds for gone', async () => {
    near.pause();
    far.pause();
    await eventually(
      async () => {
        const { copiesInSync, writable, detail } = await zoneView(store, 2);
        expect([copiesInSync, writable]).toEqual([1, false]);
        expect(detail).toMatch(/; copies in sync: 1, needed: 2; 127\.0\.0\.1:\d+ is \d+ s and \d+ bytes behind; /);
      },
      { timeoutMs: 10_000 },
    );
    expect(await append('all', 2)).toMatchObject({ ok: false, refusal: { code: 'notEnoughReplicas' } });
    far.resume();
    await eventually(async () => expect(await append('all', 2)).toMatchObject({ ok: true }));
  });

  it('moves the watermark of a shard whose writer has died between append and watermark', async () => {
    near.pause();
    far.pause();
    const lost = append('leader', 2);
    expect(await lost).toMatchObject({ ok: true });
    await store.close();
    const waiting = other.log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 10_000 });
    near.resume();
    far.resume();
    expect(await waiting).toBe(true);
    expect(await ends()).toEqual([1n, 1n]);
  });

  it('fails writes of documents that the copies do not have', async () => {
    const write = () => store.documents.write([{ key: 'a', value: '1', expected: 'any' }]);
    expect(await write()).toMatchObject({ ok: true });
    near.pause();
    far.pause();
    await expect(write()).rejects.toThrow(/^written, but only 1 of 2 copies have it/);
  });
});
