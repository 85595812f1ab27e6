import { expect, it } from '@jest/globals';
import { readBatchHeader } from '@tailrace/kafka-protocol';
import {
  append,
  accepted,
  appendRequest,
  makeBatch,
  newShardKey,
  openNewShard,
  readAll,
  readValues,
} from './batches.ts';
import type { ConformanceOptions, CurrentStore } from './store-conformance.ts';

export function appendConformance(store: CurrentStore, { batchBytesMax, copies = 1 }: ConformanceOptions): void {
  it('gives the offsets from the start offset on, without a gap', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 1_000n);
    const first = accepted(await append(log, shard, ['a', 'b', 'c']));
    const second = accepted(await append(log, shard, ['d']));
    expect(first).toEqual({
      baseOffset: 1_000n,
      nextOffset: 1_003n,
      appendTimeMs: expect.any(Number),
      logStartOffset: 1_000n,
      duplicate: false,
    });
    expect(second).toEqual({ ...first, baseOffset: 1_003n, nextOffset: 1_004n, appendTimeMs: second.appendTimeMs });
    expect(await readAll(log, shard, 1_000n)).toEqual(
      ['a', 'b', 'c', 'd'].map((value, i) => ({ offset: 1_000n + BigInt(i), value })),
    );
  });

  it('tells the time of the append, which never goes back', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const before = Date.now();
    let last = 0;
    for (let i = 0; i < 20; i++) {
      const { appendTimeMs } = accepted(await append(log, shard, ['x'], { timestampMs: 1_000_000 - i }));
      expect(appendTimeMs).toBeGreaterThanOrEqual(last);
      last = appendTimeMs;
    }
    // A store elsewhere has a clock of its own.
    expect(Math.abs(last - before)).toBeLessThan(60_000);
  });

  it('lets appends that were started in order land in order', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const values = Array.from({ length: 300 }, (_, i) => `value ${i}`);
    const appended = await Promise.all(values.map((value) => append(log, shard, [value])));
    expect(appended.map((outcome) => accepted(outcome).baseOffset)).toEqual(values.map((_, i) => BigInt(i)));
    expect(await readValues(log, shard)).toEqual(values);
  });

  it('keeps shards apart when many are written at once', async () => {
    const { log } = store();
    const shards = await Promise.all(Array.from({ length: 8 }, () => openNewShard(log)));
    const writes = Array.from({ length: 400 }, (_, i) => ({
      shard: shards[(i * 7) % 8]!,
      value: `${i}`.repeat(i) || '-',
    }));
    await Promise.all(writes.map(({ shard, value }) => append(log, shard, [value]).then(accepted)));
    for (const shard of shards) {
      expect(await readValues(log, shard)).toEqual(writes.filter((w) => w.shard === shard).map(({ value }) => value));
    }
  });

  it.each([1, 5_000, 16_384, 40_000, 300_000, 3_000_000])(
    'stores a batch of about %d bytes as it came',
    async (bytes) => {
      const { log } = store();
      const shard = await openNewShard(log);
      const batch = makeBatch([Buffer.alloc(bytes, 'abcdefg')]);
      const sent = Buffer.from(batch);
      accepted(await log.append(appendRequest(shard, batch)));
      const { chunks } = accepted(await log.read(shard, 0n, { maxBytes: 1 }));
      const stored = Buffer.concat(chunks);
      // Base offset and leader epoch are the log's.
      sent.writeBigInt64BE(0n, 0);
      stored.copy(sent, 12, 12, 16);
      expect(stored.equals(sent)).toBe(true);
      expect(readBatchHeader(stored, 0).leaderEpoch).toBeGreaterThanOrEqual(0);
    },
  );

  it('leaves the batch to the caller once it has settled', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (const size of [10, 100_000]) {
      const batch = makeBatch([Buffer.alloc(size, 'v')]);
      accepted(await log.append(appendRequest(shard, batch)));
      batch.fill(0xff);
    }
    expect(await readValues(log, shard)).toEqual(['v'.repeat(10), 'v'.repeat(100_000)]);
  });

  it.each(['none', 'leader', 'all'] as const)('makes an append with acks %s', async (acks) => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await log.append(appendRequest(shard, makeBatch(['v']), { acks })));
    expect(accepted(await log.bounds(shard)).logEndOffset).toEqual(1n);
  });

  it('stores compressed batches as they are', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['a'.repeat(1000), 'b'], { compression: 'gzip' }));
    accepted(await append(log, shard, ['c'], { compression: 'zstd' }));
    expect(await readValues(log, shard)).toEqual(['a'.repeat(1000), 'b', 'c']);
  });

  it('refuses: shardNotFound, shardSealed, batchTooLarge, notEnoughReplicas, in this order', async () => {
    const { log } = store();
    const shard = newShardKey();
    const large = makeBatch([Buffer.alloc(batchBytesMax ?? 100)]);
    const required = copies + 1;
    const request = () => appendRequest(shard, large, { minInsyncReplicas: required });
    expect(await log.append(request())).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard } });
    await log.openShard(shard, { startOffset: 0n });
    if (batchBytesMax !== undefined) {
      expect(await log.append(request())).toEqual({
        ok: false,
        refusal: { code: 'batchTooLarge', bytes: large.length, maxBytes: batchBytesMax },
      });
    }
    const small = appendRequest(shard, makeBatch(['x']), { minInsyncReplicas: required });
    expect(await log.append(small)).toEqual({
      ok: false,
      refusal: { code: 'notEnoughReplicas', required, available: copies },
    });
    accepted(await log.seal(shard));
    expect(await log.append(request())).toEqual({ ok: false, refusal: { code: 'shardSealed', shard } });
    expect(accepted(await log.bounds(shard)).logEndOffset).toEqual(0n);
  });

  it('takes a batch of exactly the largest size', async () => {
    if (batchBytesMax === undefined) return;
    const { log } = store();
    const shard = await openNewShard(log);
    const overhead = makeBatch([Buffer.alloc(batchBytesMax - 100)]).length - (batchBytesMax - 100);
    const batch = makeBatch([Buffer.alloc(batchBytesMax - overhead)]);
    expect(batch).toHaveLength(batchBytesMax);
    expect(accepted(await log.append(appendRequest(shard, batch))).nextOffset).toEqual(1n);
  });
}
