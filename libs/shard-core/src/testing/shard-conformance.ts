import { expect, it } from '@jest/globals';
import { readBatchHeader } from '@tailrace/kafka-protocol';
import { accepted, append, makeBatch, newShardKey, openNewShard, readValues } from './batches.ts';
import type { ConformanceOptions, CurrentStore } from './store-conformance.ts';

export function shardConformance(store: CurrentStore, { storedOverheadBytes = 0 }: ConformanceOptions): void {
  it('bounds of a new shard: empty, at its start offset', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 42n);
    expect(await log.bounds(shard)).toEqual({
      ok: true,
      value: {
        logStartOffset: 42n,
        highWatermark: 42n,
        logEndOffset: 42n,
        lastStableOffset: 42n,
        sealed: false,
        leaderEpoch: expect.any(Number),
        sizeBytes: 0,
      },
    });
  });

  it('bounds follow appends and trims', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (let i = 0; i < 4; i++) accepted(await append(log, shard, ['a', 'b']));
    accepted(await log.trim(shard, 3n));
    const bounds = accepted(await log.bounds(shard));
    expect(bounds).toMatchObject({ logStartOffset: 3n, highWatermark: 8n, logEndOffset: 8n, lastStableOffset: 8n });
    expect(bounds.sizeBytes).toBeGreaterThan(0);
    expect(bounds.sizeBytes).toBeLessThanOrEqual(4 * (makeBatch(['a', 'b']).length + storedOverheadBytes));
  });

  it('leader epochs of a shard that has seen one alone: that one, from the start of the log on, as its batches carry it', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 42n);
    const { leaderEpoch } = accepted(await log.bounds(shard));
    expect(await log.leaderEpochs(shard)).toEqual({ ok: true, value: [{ leaderEpoch, startOffset: 42n }] });
    for (let i = 0; i < 3; i++) accepted(await append(log, shard, ['a', 'b']));
    expect(await log.leaderEpochs(shard)).toEqual({ ok: true, value: [{ leaderEpoch, startOffset: 42n }] });
    for (const offset of [42n, 44n, 46n]) {
      const slice = accepted(await log.read(shard, offset, { maxBytes: 1 }));
      expect(readBatchHeader(slice.chunks[0] as Buffer, 0)).toMatchObject({ baseOffset: offset, leaderEpoch });
      slice.release();
    }
    accepted(await log.trim(shard, 45n));
    expect(await log.leaderEpochs(shard)).toEqual({ ok: true, value: [{ leaderEpoch, startOffset: 45n }] });
  });

  it('leader epochs refuse: shardNotFound', async () => {
    const { log } = store();
    const shard = newShardKey();
    expect(await log.leaderEpochs(shard)).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard } });
  });

  it('opening a shard again changes nothing', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 3n);
    accepted(await append(log, shard, ['a']));
    await Promise.all([log.openShard(shard, { startOffset: 0n }), log.openShard(shard, { startOffset: 99n })]);
    expect(accepted(await log.bounds(shard))).toMatchObject({ logStartOffset: 3n, logEndOffset: 4n });
  });

  it('opens one shard when several ask for it at once', async () => {
    const { log } = store();
    const shard = newShardKey();
    await Promise.all(Array.from({ length: 5 }, () => log.openShard(shard, { startOffset: 8n })));
    expect(accepted(await append(log, shard, ['a'])).baseOffset).toEqual(8n);
  });

  it('trim forgets what lies before, at once, also within a batch', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['a', 'b', 'c']));
    accepted(await append(log, shard, ['d']));
    expect(await log.trim(shard, 2n)).toEqual({ ok: true, value: { logStartOffset: 2n } });
    // The batch that holds the start is still whole.
    expect(await readValues(log, shard, 2n)).toEqual(['a', 'b', 'c', 'd']);
    expect(await log.trim(shard, 3n)).toEqual({ ok: true, value: { logStartOffset: 3n } });
    expect(await readValues(log, shard, 3n)).toEqual(['d']);
  });

  it('trim never moves the start back', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 5n);
    accepted(await append(log, shard, ['a', 'b']));
    expect(await log.trim(shard, 0n)).toEqual({ ok: true, value: { logStartOffset: 5n } });
    accepted(await log.trim(shard, 7n));
    expect(await log.trim(shard, 6n)).toEqual({ ok: true, value: { logStartOffset: 7n } });
    expect(accepted(await append(log, shard, ['c']))).toMatchObject({ baseOffset: 7n, logStartOffset: 7n });
    expect(await readValues(log, shard, 7n)).toEqual(['c']);
  });

  it('trim refuses: shardNotFound, offsetOutOfRange above the high watermark', async () => {
    const { log } = store();
    const unknown = newShardKey();
    expect(await log.trim(unknown, 0n)).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard: unknown } });
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['a']));
    expect(await log.trim(shard, 2n)).toEqual({
      ok: false,
      refusal: { code: 'offsetOutOfRange', shard, offset: 2n, logStartOffset: 0n, logEndOffset: 1n },
    });
  });

  it('seal closes for good, and answers the same end again', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 10n);
    accepted(await append(log, shard, ['a', 'b']));
    expect(await log.seal(shard)).toEqual({ ok: true, value: { endOffset: 12n } });
    expect(await log.seal(shard)).toEqual({ ok: true, value: { endOffset: 12n } });
    expect(await append(log, shard, ['c'])).toEqual({ ok: false, refusal: { code: 'shardSealed', shard } });
    expect(accepted(await log.bounds(shard))).toMatchObject({ sealed: true, logEndOffset: 12n, highWatermark: 12n });
    expect(await readValues(log, shard, 10n)).toEqual(['a', 'b']);
    accepted(await log.trim(shard, 12n));
    expect(await log.seal(shard)).toEqual({ ok: true, value: { endOffset: 12n } });
  });

  it('what was appended before a seal belongs to the shard, what comes after does not', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const before = Array.from({ length: 20 }, (_, i) => append(log, shard, [`${i}`]));
    const sealing = Promise.all([log.seal(shard), log.seal(shard)]);
    const after = append(log, shard, ['late']);
    const outcomes = await Promise.all(before);
    const appended = outcomes.filter(({ ok }) => ok).length;
    for (const outcome of await sealing) expect(outcome).toEqual({ ok: true, value: { endOffset: BigInt(appended) } });
    expect(await after).toEqual({ ok: false, refusal: { code: 'shardSealed', shard } });
    expect(await readValues(log, shard)).toHaveLength(appended);
  });

  it('seal and bounds refuse: shardNotFound', async () => {
    const { log } = store();
    const shard = newShardKey();
    expect(await log.seal(shard)).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard } });
    expect(await log.bounds(shard)).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard } });
  });

  it('deleteShards drops logs and producers, and passes over unknown ones', async () => {
    const { log } = store();
    const [gone, stays] = [await openNewShard(log), await openNewShard(log)];
    const producer = { id: 1n, epoch: 0, baseSequence: 0 };
    accepted(await append(log, gone, ['a'], { producer }));
    accepted(await append(log, stays, ['b'], { producer }));
    await log.deleteShards([gone, newShardKey()]);
    const refusal = { ok: false, refusal: { code: 'shardNotFound', shard: gone } };
    expect(await log.bounds(gone)).toEqual(refusal);
    expect(await log.read(gone, 0n, { maxBytes: 1 })).toEqual(refusal);
    expect(await append(log, gone, ['c'])).toEqual(refusal);
    expect(await readValues(log, stays)).toEqual(['b']);
    await log.openShard(gone, { startOffset: 4n });
    expect(accepted(await append(log, gone, ['d'], { producer }))).toMatchObject({ baseOffset: 4n, duplicate: false });
    expect(await readValues(log, gone, 4n)).toEqual(['d']);
  });
}
