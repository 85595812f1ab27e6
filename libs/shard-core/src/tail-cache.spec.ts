import { describe, expect, it } from '@jest/globals';
import { tailCacheMetrics } from '@tailrace/telemetry';
import type { ShardKey } from './contract/shard-key.ts';
import { TailCache } from './tail-cache.ts';
import { newShardKey } from './testing/index.ts';

const ALL = { maxBytes: 1_000_000 };
const END = 1_000_000n;

/** Two offsets a batch; the bytes tell the base offset. */
function fill(cache: TailCache, shard: ShardKey, from: number, to: number, bytes = 100): void {
  for (let base = from; base < to; base += 2) {
    cache.append(shard, BigInt(base), BigInt(base + 2), 5_000 + base, Buffer.from(`${base}`.padEnd(bytes)));
  }
}

function bases(cache: TailCache, shard: ShardKey, from: bigint, limits = ALL, end = END): number[] | undefined {
  const run = cache.read(shard, from, limits, end);
  if (run === undefined) return undefined;
  const text = Buffer.concat(run.chunks).toString();
  expect(text).toHaveLength(run.byteCount);
  const found = text.trim().split(/ +/).map(Number);
  expect(run.batchCount).toEqual(found.length);
  expect(run.appendTimesMs).toEqual(found.map((base) => 5_000 + base));
  expect(run.nextOffset).toEqual(BigInt(found.at(-1)! + 2));
  return found;
}

describe('the tail cache', () => {
  it('gives a run from the batch that holds the offset', () => {
    const cache = new TailCache({ bytesMax: 1_000_000, batchBytesMax: 1_000 });
    const shard = newShardKey();
    fill(cache, shard, 10, 400);
    expect(bases(cache, shard, 10n)).toHaveLength(195);
    expect(bases(cache, shard, 11n)?.[0]).toEqual(10);
    expect(bases(cache, shard, 399n)).toEqual([398]);
    expect(bases(cache, shard, 9n)).toBeUndefined();
    expect(bases(cache, shard, 400n)).toBeUndefined();
    expect(bases(cache, newShardKey(), 10n)).toBeUndefined();
  });

  it('stops at maxBytes, maxBatches and the end that readers may see, the first batch whole', () => {
    const cache = new TailCache({ bytesMax: 1_000_000, batchBytesMax: 1_000 });
    const shard = newShardKey();
    fill(cache, shard, 0, 100);
    expect(bases(cache, shard, 0n, { maxBytes: 250 })).toEqual([0, 2]);
    expect(bases(cache, shard, 0n, { maxBytes: 1 })).toEqual([0]);
    expect(cache.read(shard, 0n, { maxBytes: 1_000_000, maxBatches: 3 }, END)?.batchCount).toEqual(3);
    expect(bases(cache, shard, 2n, ALL, 6n)).toEqual([2, 4]);
    expect(bases(cache, shard, 6n, ALL, 6n)).toBeUndefined();
    expect(bases(cache, shard, 6n, ALL, 7n)).toBeUndefined();
  });

  it('begins anew where a batch does not follow, or is too large to keep', () => {
    const cache = new TailCache({ bytesMax: 1_000_000, batchBytesMax: 1_000 });
    const shard = newShardKey();
    fill(cache, shard, 0, 10);
    fill(cache, shard, 20, 30);
    expect(bases(cache, shard, 8n)).toBeUndefined();
    expect(bases(cache, shard, 20n)).toEqual([20, 22, 24, 26, 28]);
    cache.append(shard, 30n, 32n, 1, Buffer.alloc(1_001));
    expect(bases(cache, shard, 28n)).toBeUndefined();
    fill(cache, shard, 32, 36);
    expect(bases(cache, shard, 32n)).toEqual([32, 34]);
    // Told again, or late.
    fill(cache, shard, 32, 34);
    expect(bases(cache, shard, 32n)).toEqual([32, 34]);
  });

  it('keeps within its memory: what was begun longest ago goes, and no gap is left', () => {
    const cache = new TailCache({ bytesMax: 200_000, batchBytesMax: 1_000 });
    const [busy, quiet] = [newShardKey(), newShardKey()];
    fill(cache, quiet, 0, 10);
    fill(cache, busy, 0, 20_000);
    // What was counted since the last block was begun is the overhead of a block's batches.
    expect(cache.byteCount).toBeLessThanOrEqual(200_000 + 25_000);
    expect(bases(cache, quiet, 0n)).toBeUndefined();
    const newest = bases(cache, busy, 19_000n)!;
    expect(newest.at(-1)).toEqual(19_998);
    expect(newest).toEqual(Array.from({ length: newest.length }, (_, i) => newest[0]! + 2 * i));
  });

  it('keeps nothing of the buffers that it was given, and what it gave stays as it was', () => {
    const cache = new TailCache({ bytesMax: 10_000, batchBytesMax: 1_000 });
    const shard = newShardKey();
    const bytes = Buffer.from('first');
    cache.append(shard, 0n, 1n, 1, bytes);
    bytes.fill(0);
    const run = cache.read(shard, 0n, ALL, END)!;
    for (let i = 1; i < 500; i++) cache.append(shard, BigInt(i), BigInt(i + 1), 1, Buffer.from('later'));
    cache.clear();
    expect(Buffer.concat(run.chunks).toString()).toEqual('first');
  });

  it('counts bytes, hits and misses', () => {
    const metrics = tailCacheMetrics();
    const before = { ...metrics };
    const cache = new TailCache({ bytesMax: 1_000_000, batchBytesMax: 1_000 });
    const shard = newShardKey();
    fill(cache, shard, 0, 10);
    expect(metrics.bytes - before.bytes).toEqual(cache.byteCount);
    cache.read(shard, 0n, ALL, END);
    cache.read(shard, 99n, ALL, END);
    expect({ hits: metrics.hits - before.hits, misses: metrics.misses - before.misses }).toEqual({
      hits: 1,
      misses: 1,
    });
    cache.drop(shard);
    expect(cache.byteCount).toEqual(0);
    expect(metrics.bytes).toEqual(before.bytes);
  });
});
