import { expect, it } from '@jest/globals';
import { isAborted } from '../contract/aborted-transactions.ts';
import type { Log, LogSlice } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { readBatchHeader, batchSizeAt } from '@tailrace/kafka-protocol';
import {
  accepted,
  append,
  compactTo,
  makeBatch,
  newShardKey,
  openNewShard,
  readAll,
  readValues,
  recordsOf,
  verdictsFor,
} from './batches.ts';
import type { ConformanceOptions, CurrentStore, StoreUnderTest } from './store-conformance.ts';

/** Batches of three records each, their values their offsets. */
async function fill(log: Log, shard: ShardKey, batches: number, from = 0, bytes = 0): Promise<void> {
  for (let i = 0; i < batches; i++) {
    const values = [0, 1, 2].map((at) => `${from + i * 3 + at}`.padEnd(bytes, '.'));
    accepted(await append(log, shard, values, { timestampMs: 1_700_000_000_000 + i }));
  }
}

const offsets = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i));

/** Reads from every offset on, as a consumer may that comes from anywhere; what it must see is what stayed from there on. */
async function expectEverywhere(log: Log, shard: ShardKey, end: number, stays: (offset: bigint) => boolean) {
  const { logStartOffset } = accepted(await log.bounds(shard));
  for (let from = logStartOffset; from <= BigInt(end); from++) {
    const seen = (await readAll(log, shard, from, 300)).map(({ offset }) => offset).filter((offset) => offset >= from);
    expect({ from, seen }).toEqual({ from, seen: offsets(end).filter((offset) => offset >= from && stays(offset)) });
  }
}

export function compactConformance(store: CurrentStore, { storedOverheadBytes = 0 }: ConformanceOptions): void {
  it('drops batches and records, and leaves all others in their places', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    await fill(log, shard, 10);
    const before = accepted(await log.bounds(shard));
    // Batch 0 whole, of batch 1 the last, nothing of 2 to 4, of 5 the middle one, 6 whole, nothing of 7 and 8.
    const stayed = new Set([0n, 1n, 2n, 5n, 16n, 18n, 19n, 20n]);
    const stays = (offset: bigint) => offset >= 27n || stayed.has(offset);
    const { bytesBefore, bytesAfter } = await compactTo(log, shard, 27n, stays);
    expect(bytesBefore).toBeGreaterThan(bytesAfter);
    const after = accepted(await log.bounds(shard));
    expect(after).toEqual({ ...before, sizeBytes: before.sizeBytes - bytesBefore + bytesAfter });
    expect(bytesBefore).toBeGreaterThanOrEqual(9 * (makeBatch(['0', '1', '2']).length + storedOverheadBytes));
    await expectEverywhere(log, shard, 30, stays);
    expect((await readAll(log, shard, 0n)).map(({ offset, value }) => `${offset}` === value)).not.toContain(false);
  });

  it('goes on with appends, and compacts what came and what it had compacted', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    await fill(log, shard, 8);
    await compactTo(log, shard, 21n, (offset) => offset % 2n === 0n);
    await fill(log, shard, 8, 24);
    const first = (offset: bigint) => offset >= 21n || offset % 2n === 0n;
    await expectEverywhere(log, shard, 48, first);
    await compactTo(log, shard, 45n, (offset) => offset % 5n === 0n);
    const second = (offset: bigint) => offset >= 45n || (first(offset) && offset % 5n === 0n);
    await expectEverywhere(log, shard, 48, second);
    // Less far than before: what lies behind stays as it is.
    await compactTo(log, shard, 30n, (offset) => offset === 20n);
    await expectEverywhere(log, shard, 48, (offset) => second(offset) && (offset === 20n || offset >= 30n));
  });

  it('drops everything before the batch at which it ends', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 5n);
    for (let i = 0; i < 5; i++) accepted(await append(log, shard, [`${i}`]));
    await compactTo(log, shard, 9n, () => false);
    expect(accepted(await log.bounds(shard))).toMatchObject({ logStartOffset: 5n, highWatermark: 10n });
    expect(await readAll(log, shard, 5n)).toEqual([{ offset: 9n, value: '4' }]);
    expect(await readAll(log, shard, 7n)).toEqual([{ offset: 9n, value: '4' }]);
    await compactTo(log, shard, 9n, () => false);
    accepted(await append(log, shard, ['5', '6']));
    expect(await readValues(log, shard, 6n)).toEqual(['4', '5', '6']);
    expect(accepted(await log.bounds(shard)).sizeBytes).toBeLessThan(
      3 * (makeBatch(['4']).length + storedOverheadBytes),
    );
  });

  it('changes nothing where everything stays, or where the judge throws', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    await fill(log, shard, 4);
    const before = accepted(await log.bounds(shard));
    await compactTo(log, shard, 9n, () => true);
    expect(accepted(await log.bounds(shard))).toEqual(before);
    const judge = () => Promise.reject(new Error('the judge is ill'));
    await expect(log.compact({ shard, to: 9n, judge })).rejects.toThrow('the judge is ill');
    expect(await readValues(log, shard)).toEqual(offsets(12).map(String));
    await compactTo(log, shard, 9n, (offset) => offset === 0n);
    expect(await readValues(log, shard)).toEqual(['0', '9', '10', '11']);
  });

  it('takes batches of every size, also those that become small', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const sizes = [10, 3_000, 17_000, 1_200_000, 70_000];
    for (const [i, bytes] of sizes.entries()) await fill(log, shard, 1, i * 3, bytes);
    await fill(log, shard, 1, 15);
    const stays = (offset: bigint) => offset >= 15n || offset % 3n === 1n || offset === 9n || offset === 10n;
    await compactTo(log, shard, 15n, stays);
    const read = (await readAll(log, shard, 0n)).map(({ offset, value }) => [offset, value.length] as const);
    const expected = offsets(18).filter(stays);
    expect(read).toEqual(
      expected.map((offset) => {
        const bytes = sizes[Number(offset / 3n)] ?? 0;
        return [offset, Math.max(bytes, `${offset}`.length)] as const;
      }),
    );
    // The same again, from what was written anew.
    await compactTo(log, shard, 15n, (offset) => stays(offset) && offset !== 10n && offset !== 13n);
    const left = expected.filter((offset) => offset !== 10n && offset !== 13n);
    expect((await readAll(log, shard, 0n)).map(({ offset }) => offset)).toEqual(left);
  });

  it('finds batches by time as they are then', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const at = (ms: number) => ({ timestampMs: 1_700_000_000_000 + ms });
    for (const ms of [10, 90, 20, 30, 40]) accepted(await append(log, shard, [`${ms}`], at(ms)));
    accepted(await append(log, shard, ['a', 'b'], at(35)));
    await compactTo(log, shard, 4n, (offset) => offset === 0n || offset === 3n);
    const found = async (ms: number) => accepted(await log.offsetForTime(shard, 1_700_000_000_000 + ms, 'record'));
    expect(await found(5)).toMatchObject({ baseOffset: 0n });
    expect(await found(11)).toMatchObject({ baseOffset: 3n });
    expect(await found(31)).toMatchObject({ baseOffset: 4n });
    expect(await found(41)).toBeUndefined();
    expect(accepted(await log.maxRecordTimestamp(shard))).toEqual({ baseOffset: 4n, timestampMs: 1_700_000_000_040 });
    const first = accepted(await log.offsetForTime(shard, 0, 'append'));
    expect(first).toMatchObject({ baseOffset: 0n });
    expect(accepted(await log.offsetForTime(shard, Date.now() + 60_000, 'append'))).toBeUndefined();
  });

  it('is trimmed anywhere, and read from there on', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    await fill(log, shard, 10);
    const stays = (offset: bigint) => offset >= 24n || offset % 6n === 0n;
    await compactTo(log, shard, 24n, stays);
    for (const start of [1n, 6n, 8n, 20n, 25n]) {
      expect(accepted(await log.trim(shard, start))).toEqual({ logStartOffset: start });
      expect(await log.read(shard, start - 1n, { maxBytes: 1 })).toMatchObject({
        ok: false,
        refusal: { code: 'offsetOutOfRange' },
      });
      await expectEverywhere(log, shard, 30, stays);
    }
    const { sizeBytes } = accepted(await log.bounds(shard));
    expect(sizeBytes).toBeLessThanOrEqual(3 * (makeBatch(['27', '28', '29']).length + storedOverheadBytes));
  });

  it('has no effect beside another one, nor on a shard that is trimmed or deleted meanwhile', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    await fill(log, shard, 4);
    const none = async (slice: LogSlice) => verdictsFor(slice, () => false);
    const trimming = log.compact({
      shard,
      to: 6n,
      judge: async (slice) => {
        accepted(await log.trim(shard, 7n));
        return none(slice);
      },
    });
    await expect(trimming).rejects.toMatchObject({ name: 'StoreUnavailable' });
    expect(await readValues(log, shard, 7n)).toEqual(offsets(12).slice(6).map(String));
    const deleting = log.compact({
      shard,
      to: 9n,
      judge: async (slice) => {
        await log.deleteShards([shard]);
        return none(slice);
      },
    });
    await expect(deleting).rejects.toMatchObject({ name: 'StoreUnavailable' });
    expect(await log.bounds(shard)).toMatchObject({ ok: false });
    // The name is free, and nothing of before is left.
    await log.openShard(shard, { startOffset: 0n });
    accepted(await append(log, shard, ['new']));
    expect(await readValues(log, shard)).toEqual(['new']);
  });

  it('does not hold up appends, nor readers, nor a seal', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    await fill(log, shard, 20);
    const stays = (offset: bigint) => offset >= 57n || offset % 10n === 0n;
    let reads = 0;
    const judge = async (slice: LogSlice) => {
      await fill(log, shard, 2, 60 + reads * 6);
      expect((await readAll(log, shard, 0n)).length).toEqual(60 + (reads + 1) * 6);
      if (reads++ === 0) accepted(await log.seal(shard));
      return verdictsFor(slice, stays);
    };
    accepted(
      await log.compact({
        shard,
        to: 57n,
        judge: async (slice) => (reads === 0 ? judge(slice) : verdictsFor(slice, stays)),
      }),
    );
    await expectEverywhere(log, shard, 66, stays);
    expect(accepted(await log.bounds(shard)).sealed).toEqual(true);
  });

  it('leaves what is known of producers', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const producer = { id: 31n, epoch: 2, baseSequence: 0 };
    const first = accepted(await append(log, shard, ['a', 'b'], { producer }));
    accepted(await append(log, shard, ['c'], { producer: { ...producer, baseSequence: 2 } }));
    accepted(await append(log, shard, ['d']));
    const producers = accepted(await log.producers(shard));
    await compactTo(log, shard, 3n, () => false);
    expect(accepted(await log.producers(shard))).toEqual(producers);
    expect(accepted(await append(log, shard, ['a', 'b'], { producer }))).toEqual({ ...first, duplicate: true });
    expect(
      accepted(await append(log, shard, ['e'], { producer: { ...producer, baseSequence: 3 } })).baseOffset,
    ).toEqual(4n);
    expect(await readValues(log, shard)).toEqual(['d', 'e']);
  });

  it('forgets an aborted transaction with its marker, and not before', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const producer = { id: 77n, epoch: 0, baseSequence: 0 };
    const end = (commit: boolean) =>
      log.endTransaction({
        shard, producerId: 77n, producerEpoch: 0, coordinatorEpoch: 0, commit, acks: 'all', minInsyncReplicas: 1, timeoutMs: 5_000,
      }); // prettier-ignore
    accepted(await append(log, shard, ['aborted'], { producer, isTransactional: true }));
    accepted(await end(false));
    accepted(await append(log, shard, ['kept'], { producer: { ...producer, baseSequence: 1 }, isTransactional: true }));
    accepted(await end(true));
    accepted(await append(log, shard, ['last']));
    const aborted = async () => {
      const slice = accepted(await log.read(shard, 0n, { maxBytes: 10_000, isolation: 'readCommitted' }));
      const values = committedValues(slice);
      const { abortedTransactions } = slice;
      slice.release();
      return { values, abortedTransactions };
    };
    const range = { producerId: 77n, firstOffset: 0n, lastOffset: 1n };
    expect(await aborted()).toEqual({ values: ['kept', 'last'], abortedTransactions: [range] });
    let told: unknown;
    const judge = async (slice: LogSlice) => {
      told = slice.abortedTransactions;
      return verdictsFor(slice, (offset) => offset !== 0n);
    };
    accepted(await log.compact({ shard, to: 4n, judge }));
    expect(told).toEqual([range]);
    expect(await aborted()).toEqual({ values: ['kept', 'last'], abortedTransactions: [range] });
    const withoutMarker = async (slice: LogSlice) =>
      verdictsFor(
        slice,
        () => true,
        (offset) => offset !== 1n,
      );
    accepted(await log.compact({ shard, to: 4n, judge: withoutMarker }));
    expect(await aborted()).toEqual({ values: ['kept', 'last'], abortedTransactions: [] });
  });

  it('drops no more markers of aborted transactions than its bound, and the rest with the next one', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (let i = 0; i < 6; i++) {
      const producer = { id: 77n, epoch: 0, baseSequence: i };
      accepted(await append(log, shard, [`${i}`], { producer, isTransactional: true }));
      accepted(
        await log.endTransaction({
          shard, producerId: 77n, producerEpoch: 0, coordinatorEpoch: 0, commit: i === 1, acks: 'all', minInsyncReplicas: 1, timeoutMs: 5_000,
        }),
      ); // prettier-ignore
    }
    accepted(await append(log, shard, ['last']));
    const known = async () => {
      const limits = { maxBytes: 1 << 20, isolation: 'readCommitted' } as const;
      const { abortedTransactions, batchCount } = accepted(await log.read(shard, 0n, limits));
      return [abortedTransactions.map(({ lastOffset }) => lastOffset), batchCount];
    };
    const judge = async (slice: LogSlice) => Array<'drop'>(slice.batchCount).fill('drop');
    // Those of committed ones do not count.
    accepted(await log.compact({ shard, to: 12n, judge }));
    expect(await known()).toEqual([[9n, 11n], 3]);
    accepted(await log.compact({ shard, to: 12n, judge }));
    expect(await known()).toEqual([[], 1]);
  });

  it('refuses: shardNotFound, offsetOutOfRange', async () => {
    const { log } = store();
    const unknown = newShardKey();
    const judge = async (slice: LogSlice) => verdictsFor(slice, () => true);
    expect(await log.compact({ shard: unknown, to: 0n, judge })).toEqual({
      ok: false,
      refusal: { code: 'shardNotFound', shard: unknown },
    });
    const shard = await openNewShard(log, 3n);
    await fill(log, shard, 2, 3);
    const producer = { id: 5n, epoch: 0, baseSequence: 0 };
    accepted(await append(log, shard, ['open'], { producer, isTransactional: true }));
    accepted(await append(log, shard, ['behind']));
    // Before the start, within a batch, at and behind the last stable offset, behind the end.
    for (const to of [2n, 4n, 9n, 10n, 11n, 500n]) {
      expect(await log.compact({ shard, to, judge })).toMatchObject({
        ok: false,
        refusal: { code: 'offsetOutOfRange', shard, offset: to },
      });
    }
    expect(await log.compact({ shard, to: 6n, judge })).toMatchObject({ ok: true });
  });
}

function committedValues(slice: LogSlice): string[] {
  const counts = new Set<bigint>();
  for (const chunk of slice.chunks) {
    for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at)) {
      const header = readBatchHeader(chunk, at);
      if (header.isControl || isAborted(slice, header)) continue;
      for (let i = 0; i <= header.lastOffsetDelta; i++) counts.add(header.baseOffset + BigInt(i));
    }
  }
  return recordsOf(slice).flatMap(({ offset, value }) => (counts.has(offset) ? [value] : []));
}

export function reopenedCompaction(openStore: () => Promise<StoreUnderTest>): void {
  it('has what compaction left, and nothing of what it dropped', async () => {
    const underTest = await openStore();
    try {
      const { log } = underTest.store;
      const shard = await openNewShard(log);
      const stays = (offset: bigint) => offset >= 27n || offset % 7n === 0n;
      await fill(log, shard, 10);
      await compactTo(log, shard, 27n, stays);
      const bounds = accepted(await log.bounds(shard));
      const again = (await underTest.reopen()).log;
      await expectEverywhere(again, shard, 30, stays);
      const { sizeBytes, ...others } = accepted(await again.bounds(shard));
      expect({ ...bounds, ...others }).toEqual(bounds);
      expect(sizeBytes).toBeGreaterThan(0);
      await fill(again, shard, 3, 30);
      await compactTo(again, shard, 36n, (offset) => stays(offset) && offset !== 28n && offset !== 0n);
      const left = (offset: bigint) => stays(offset) && offset !== 28n && offset !== 0n;
      await expectEverywhere(again, shard, 39, left);
      const third = (await underTest.reopen()).log;
      await expectEverywhere(third, shard, 39, left);
      expect(accepted(await append(third, shard, ['next'])).baseOffset).toEqual(39n);
    } finally {
      await underTest.close();
    }
  });
}
