import { eventually, type RedisServer, startRedis } from '@tailrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchesOf } from '../compaction/slice-batches.ts';
import type { LogSlice } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { accepted, compactTo, readAll, verdictsFor } from '../testing/index.ts';
import { openRedisStore } from './index.ts';
import { append, openShard } from './testing/shard-under-test.ts';

const LARGE = 'L'.repeat(40_000);

describe('compaction over Redis', () => {
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

  /** One batch of two records each; every fifth batch is too large for the stream. */
  async function filled(batches: number): Promise<ShardKey> {
    const shard = await openShard(store);
    for (let i = 0; i < batches; i++) accepted(await append(store, shard, i % 5 === 4 ? [LARGE, LARGE] : ['a', 'b']));
    return shard;
  }

  const keysOf = async (shard: string) =>
    ((await redis.command('KEYS', `tr:{${shard}}:*`)) as string[]).map((key) => key.slice(key.indexOf('}') + 2)).sort();
  const lengthOf = (shard: string, stream: string) => redis.command('XLEN', `tr:{${shard}}:${stream}`);
  const offsetsOf = async (of: Store, shard: ShardKey, from = 0n) =>
    (await readAll(of.log, shard, from)).map(({ offset }) => offset);

  it('leaves in Redis what is left of the log, and nothing else', async () => {
    const shard = await filled(20);
    const { sizeBytes } = accepted(await store.log.bounds(shard));
    // Of the large batches 4, 9, 14 the first stays, of the second a record, the third goes; 19 is not reached.
    const stays = (offset: bigint) => offset >= 38n || [8n, 9n, 19n, 30n].includes(offset);
    const { bytesBefore, bytesAfter } = await compactTo(store.log, shard, 38n, stays);
    expect(accepted(await store.log.bounds(shard)).sizeBytes).toEqual(sizeBytes - bytesBefore + bytesAfter);
    const left = ['compacted', 'log', 'meta', 'payload:18:1', 'payload:38', 'payload:8'];
    await eventually(async () => expect(await keysOf(shard)).toEqual(left));
    expect([await lengthOf(shard, 'log'), await lengthOf(shard, 'compacted')]).toEqual([1, 3]);
    expect(await redis.command('TTL', `tr:{${shard}}:payload:18:1`)).toEqual(-1);
    expect(await offsetsOf(other, shard)).toEqual([8n, 9n, 19n, 30n, 38n, 39n]);
    // What the first one wrote beside the stream stays there, and goes with its batch.
    await compactTo(other.log, shard, 38n, (offset) => stays(offset) && offset !== 8n);
    const next = ['compacted', 'log', 'meta', 'payload:18:1', 'payload:38', 'payload:8:2'];
    await eventually(async () => expect(await keysOf(shard)).toEqual(next));
    await compactTo(store.log, shard, 38n, (offset) => offset >= 38n || offset === 30n);
    await eventually(async () => expect(await keysOf(shard)).toEqual(['compacted', 'log', 'meta', 'payload:38']));
    expect(await offsetsOf(other, shard)).toEqual([30n, 38n, 39n]);
    await store.log.deleteShards([shard]);
    expect(await keysOf(shard)).toEqual([]);
  });

  it('gives back what a trim reaches, wherever it lies', async () => {
    const shard = await filled(20);
    await compactTo(store.log, shard, 30n, (offset) => offset % 4n === 1n);
    for (const [start, compacted] of [
      [8n, 6],
      [29n, 1],
      [30n, 0],
    ] as const) {
      accepted(await store.log.trim(shard, start));
      await eventually(async () => expect(await lengthOf(shard, 'compacted')).toEqual(compacted));
    }
    accepted(await store.log.trim(shard, 40n));
    await eventually(async () => expect(await keysOf(shard)).toEqual(['log', 'meta']));
    expect(accepted(await store.log.bounds(shard)).sizeBytes).toEqual(0);
  });

  /** A compaction that stands still before it judges a slice: what it has read is old when it goes on. */
  function standing(of: Store, shard: ShardKey, to: bigint, keeps: (offset: bigint) => boolean, atSlice = 0) {
    const [reached, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let slices = 0;
    const done = of.log.compact({
      shard,
      to,
      judge: async (slice) => {
        if (slices++ === atSlice) {
          reached.resolve();
          await goesOn.promise;
        }
        return verdictsFor(slice, keeps);
      },
    });
    done.catch(() => {});
    return { reached: reached.promise, goOn: () => goesOn.resolve(), done };
  }

  it('is ended by another one, and what it had made ready goes', async () => {
    const shard = await filled(30);
    const slow = standing(store, shard, 50n, () => false);
    await slow.reached;
    await compactTo(other.log, shard, 40n, (offset) => offset % 8n === 0n);
    slow.goOn();
    await expect(slow.done).rejects.toMatchObject({ name: 'StoreUnavailable' });
    const expected = [0n, 8n, 16n, 24n, 32n, ...Array.from({ length: 20 }, (_, i) => 40n + BigInt(i))];
    expect(await offsetsOf(other, shard)).toEqual(expected);
    await eventually(async () => {
      expect(await keysOf(shard)).not.toContain('compacting');
      expect(await keysOf(shard)).not.toContain('replaced');
    });
  });

  it('adds nothing to what one has made ready that has begun after it, and takes nothing from that', async () => {
    const shard = await filled(300);
    const keeps = (offset: bigint) => offset >= 590n || offset % 2n === 0n;
    const slow = standing(store, shard, 590n, () => true);
    await slow.reached;
    const next = standing(other, shard, 590n, keeps, 3);
    await next.reached;
    expect(await keysOf(shard)).toContain('compacting');
    slow.goOn();
    await expect(slow.done).rejects.toThrow('another compaction of it was begun');
    next.goOn();
    accepted(await next.done);
    const all = Array.from({ length: 600 }, (_, i) => BigInt(i));
    expect(await offsetsOf(other, shard)).toEqual(all.filter(keeps));
  });

  it('goes on behind a process that has died in the middle', async () => {
    const shard = await filled(300);
    const dying = await openRedisStore({ url: redis.url });
    let slices = 0;
    const compacting = dying.log.compact({
      shard,
      to: 590n,
      judge: async (slice: LogSlice) => {
        if (slices++ === 3) await new Promise(() => {});
        return verdictsFor(slice, (offset) => offset % 2n === 0n);
      },
    });
    void compacting.catch(() => {});
    await eventually(async () => expect(await keysOf(shard)).toContain('compacting'));
    await eventually(() => expect(slices).toEqual(4));
    await dying.close();
    expect(await offsetsOf(other, shard)).toHaveLength(600);
    await compactTo(other.log, shard, 590n, (offset) => offset >= 590n || offset % 100n === 0n);
    const expected = [0n, 100n, 200n, 300n, 400n, 500n, ...Array.from({ length: 10 }, (_, i) => 590n + BigInt(i))];
    expect(await offsetsOf(other, shard)).toEqual(expected);
    await eventually(async () => expect(await offsetsOf(store, shard)).toEqual(expected));
    // What was on its way to it goes by its time to live.
    const left = ['compacted', 'log', 'meta', 'payload:598'];
    const lasting = async () => (await keysOf(shard)).filter((key) => !key.startsWith('temporary:'));
    await eventually(async () => expect(await lasting()).toEqual(left));
  });

  it('hides no record from those who read and append meanwhile, in this process or another', async () => {
    const shard = await filled(40);
    const keeps = (offset: bigint) => offset % 10n === 0n;
    let isOver = false;
    const failures: unknown[] = [];
    const reader = async (of: Store) => {
      while (!isOver) {
        const { logEndOffset } = accepted(await of.log.bounds(shard));
        let next = 0n;
        const seen: bigint[] = [];
        while (next < logEndOffset) {
          const slice = accepted(await of.log.read(shard, next, { maxBytes: 3_000, isolation: 'readCommitted' }));
          for (const { header } of batchesOf(slice)) seen.push(header.baseOffset);
          next = slice.nextOffset;
        }
        // Each batch of which something always stays, once and in order.
        const needed = Array.from({ length: Math.ceil(Number(logEndOffset) / 10) }, (_, i) => BigInt(i * 10));
        expect(seen.filter(keeps).slice(0, needed.length)).toEqual(needed);
        expect(seen).toEqual([...seen].sort((a, b) => (a < b ? -1 : 1)));
      }
    };
    const appender = async () => {
      while (!isOver) accepted(await append(other, shard, ['a', 'b']));
    };
    const running = [reader(store), reader(other), appender()].map((work) =>
      work.catch((error: unknown) => failures.push(error)),
    );
    for (let round = 0; round < 12; round++) {
      const { logEndOffset } = accepted(await store.log.bounds(shard));
      await compactTo(round % 2 === 0 ? store.log : other.log, shard, logEndOffset - 2n, keeps);
    }
    isOver = true;
    await Promise.all(running);
    expect(failures).toEqual([]);
  });

  it('has other processes forget what they had of the old form', async () => {
    const shard = await filled(4);
    expect(await offsetsOf(other, shard)).toHaveLength(8);
    await compactTo(store.log, shard, 6n, (offset) => offset === 1n);
    await eventually(async () => expect(await offsetsOf(other, shard)).toEqual([1n, 6n, 7n]));
  });
});
