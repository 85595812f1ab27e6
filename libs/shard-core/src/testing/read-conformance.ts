import { expect, it } from '@jest/globals';
import { accepted, append, makeBatch, newShardKey, openNewShard, readAll, recordsOf } from './batches.ts';
import type { ConformanceOptions, CurrentStore } from './store-conformance.ts';

export function readConformance(store: CurrentStore, { storedOverheadBytes = 0 }: ConformanceOptions): void {
  it('answers an empty slice at the end, with the asked offset to go on from', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 5n);
    const slice = accepted(await log.read(shard, 5n, { maxBytes: 1_000 }));
    expect(slice).toMatchObject({ chunks: [], byteCount: 0, batchCount: 0, appendTimesMs: [], nextOffset: 5n });
    slice.release();
  });

  it('begins with the batch that holds the offset, whole', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['a', 'b', 'c']));
    accepted(await append(log, shard, ['d', 'e']));
    for (const [from, first] of [
      [0n, 0n],
      [1n, 0n],
      [2n, 0n],
      [3n, 3n],
      [4n, 3n],
    ] as const) {
      const slice = accepted(await log.read(shard, from, { maxBytes: 10_000 }));
      expect(recordsOf(slice)[0]?.offset).toEqual(first);
      expect(slice.nextOffset).toEqual(5n);
      slice.release();
    }
  });

  it('stops before the batch that would exceed maxBytes', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const { length } = makeBatch(['value']);
    for (let i = 0; i < 5; i++) accepted(await append(log, shard, ['value']));
    const stored = length + storedOverheadBytes;
    for (const [maxBytes, batches] of [
      [2 * stored, 2],
      [3 * stored - 1, 2],
      [3 * stored, 3],
      [100 * stored, 5],
    ] as const) {
      const slice = accepted(await log.read(shard, 0n, { maxBytes }));
      expect(recordsOf(slice)).toHaveLength(batches);
      expect(slice.byteCount).toEqual(batches * length);
      expect(slice.nextOffset).toEqual(BigInt(batches));
      slice.release();
    }
  });

  it.each([20, 200_000])(
    'returns the first batch whole however small maxBytes is (values of %d bytes)',
    async (bytes) => {
      const { log } = store();
      const shard = await openNewShard(log);
      for (const letter of ['a', 'b']) accepted(await append(log, shard, [letter.repeat(bytes)]));
      for (const maxBytes of [0, 1, bytes]) {
        const slice = accepted(await log.read(shard, 1n, { maxBytes }));
        expect(recordsOf(slice)).toEqual([{ offset: 1n, value: 'b'.repeat(bytes) }]);
        slice.release();
      }
    },
  );

  it('stops after maxBatches', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (let i = 0; i < 4; i++) accepted(await append(log, shard, [`${i}`]));
    const slice = accepted(await log.read(shard, 1n, { maxBytes: 10_000, maxBatches: 2 }));
    expect(recordsOf(slice)).toEqual([
      { offset: 1n, value: '1' },
      { offset: 2n, value: '2' },
    ]);
    slice.release();
  });

  it('tells the append time of each batch', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const times: number[] = [];
    for (let i = 0; i < 6; i++) {
      times.push(accepted(await append(log, shard, ['x'.repeat(i * i * 1_000)])).appendTimeMs);
    }
    const read: number[] = [];
    for (let offset = 0n; offset < 6n;) {
      const slice = accepted(await log.read(shard, offset, { maxBytes: 20_000 }));
      read.push(...slice.appendTimesMs);
      offset = slice.nextOffset;
      slice.release();
    }
    expect(read).toEqual(times);
  });

  it('tells the bounds that hold for what it read', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['a']));
    accepted(await append(log, shard, ['b']));
    const slice = accepted(await log.read(shard, 0n, { maxBytes: 1_000 }));
    expect(slice.bounds).toEqual(accepted(await log.bounds(shard)));
    slice.release();
  });

  it('reads a long log of mixed sizes in pieces, each record once and in order', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const sizes = Array.from({ length: 200 }, (_, i) => [10, 700, 3_000, 17_000, 70_000][(i * 3) % 5]!);
    const written = await Promise.all(sizes.map((size, i) => append(log, shard, [`${i}:`.padEnd(size, '.')])));
    written.forEach(accepted);
    const expected = sizes.map((size, i) => ({ offset: BigInt(i), value: `${i}:`.padEnd(size, '.') }));
    for (const maxBytes of [1, 5_000, 100_000, 1_000_000]) {
      expect(await readAll(log, shard, 0n, maxBytes)).toEqual(expected);
    }
    expect(await readAll(log, shard, 150n, 50_000)).toEqual(expected.slice(150));
  });

  it('gives many readers what they asked for, whatever the others release', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (let i = 0; i < 30; i++) accepted(await append(log, shard, [`${i}`.repeat(3_000)]));
    const slices = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => accepted(await log.read(shard, BigInt(i % 30), { maxBytes: 20_000 }))),
    );
    for (const [i, slice] of slices.entries()) {
      expect(recordsOf(slice)[0]).toEqual({ offset: BigInt(i % 30), value: `${i % 30}`.repeat(3_000) });
      slice.release();
      const other = accepted(await log.read(shard, BigInt((i + 7) % 30), { maxBytes: 9_000 }));
      other.release();
    }
  });

  it('refuses: shardNotFound, offsetOutOfRange', async () => {
    const { log } = store();
    const unknown = newShardKey();
    expect(await log.read(unknown, 0n, { maxBytes: 1 })).toEqual({
      ok: false,
      refusal: { code: 'shardNotFound', shard: unknown },
    });
    const shard = await openNewShard(log, 10n);
    accepted(await append(log, shard, ['a', 'b', 'c']));
    accepted(await append(log, shard, ['d']));
    accepted(await log.trim(shard, 13n));
    for (const offset of [0n, 10n, 12n, 15n, 1_000n]) {
      expect(await log.read(shard, offset, { maxBytes: 1 })).toEqual({
        ok: false,
        refusal: { code: 'offsetOutOfRange', shard, offset, logStartOffset: 13n, logEndOffset: 14n },
      });
    }
    expect(accepted(await log.read(shard, 14n, { maxBytes: 1 })).batchCount).toEqual(0);
  });
}
