import { expect, it } from '@jest/globals';
import { batchSizeAt, readBatchHeader, readEndTransactionMarker } from '@tailrace/kafka-protocol';
import { isAborted } from '../contract/aborted-transactions.ts';
import type { EndTransactionRequest, Log, LogSlice } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { accepted, append, appendRequest, makeBatch, newShardKey, openNewShard, recordsOf } from './batches.ts';
import type { ConformanceOptions, CurrentStore, StoreUnderTest } from './store-conformance.ts';

const ID = 99n;
const OTHER_ID = 100n;

interface Written {
  readonly id?: bigint;
  readonly epoch?: number;
  readonly sequence: number;
  readonly partition?: number;
}

/** A transactional batch with one record. */
async function write(log: Log, shard: ShardKey, value: string, written: Written) {
  const { id = ID, epoch = 0, sequence, partition = 0 } = written;
  const batch = makeBatch([value], { producer: { id, epoch, baseSequence: sequence }, isTransactional: true });
  return log.append(appendRequest(shard, batch, { partition }));
}

function end(log: Log, shard: ShardKey, commit: boolean, options: Partial<EndTransactionRequest> = {}) {
  return log.endTransaction({
    shard,
    producerId: ID,
    producerEpoch: 0,
    coordinatorEpoch: 0,
    commit,
    acks: 'all',
    minInsyncReplicas: 1,
    timeoutMs: 5_000,
    ...options,
  });
}

async function stableOf(log: Log, shard: ShardKey): Promise<bigint> {
  return accepted(await log.bounds(shard)).lastStableOffset;
}

/** What a committed reader shows of a slice. */
function shown(slice: LogSlice): string[] {
  const values = new Map(recordsOf(slice).map(({ offset, value }) => [offset, value]));
  const visible: string[] = [];
  for (const chunk of slice.chunks) {
    for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at)) {
      const header = readBatchHeader(chunk, at);
      if (header.isControl || isAborted(slice, header)) continue;
      for (let i = 0; i < header.recordCount; i++) visible.push(values.get(header.baseOffset + BigInt(i)) as string);
    }
  }
  return visible;
}

/** All that a committed reader sees, in slices of at most so many batches. */
async function readCommitted(log: Log, shard: ShardKey, from = 0n, maxBatches = 1_000): Promise<string[]> {
  const values: string[] = [];
  for (let offset = from; ;) {
    const slice = accepted(
      await log.read(shard, offset, { maxBytes: 1 << 20, maxBatches, isolation: 'readCommitted' }),
    );
    if (slice.batchCount === 0) return values;
    values.push(...shown(slice));
    offset = slice.nextOffset;
    slice.release();
  }
}

export function transactionConformance(store: CurrentStore, { copies = 1 }: ConformanceOptions): void {
  it('shows committed readers a transaction once it is committed, and others at once', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['plain']));
    accepted(await write(log, shard, 'a', { sequence: 0 }));
    accepted(await append(log, shard, ['behind']));
    expect(accepted(await log.bounds(shard))).toMatchObject({ highWatermark: 3n, lastStableOffset: 1n });
    expect(await readCommitted(log, shard)).toEqual(['plain']);
    const all = accepted(await log.read(shard, 0n, { maxBytes: 1 << 20 }));
    expect(recordsOf(all).map(({ value }) => value)).toEqual(['plain', 'a', 'behind']);
    expect(all.abortedTransactions).toEqual([]);

    const marker = accepted(await end(log, shard, true));
    expect(marker).toMatchObject({ baseOffset: 3n, nextOffset: 4n, duplicate: false });
    expect(await stableOf(log, shard)).toBe(4n);
    expect(await readCommitted(log, shard)).toEqual(['plain', 'a', 'behind']);
  });

  it('tells committed readers what was aborted, wherever they begin, and nobody else', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await write(log, shard, 'a', { sequence: 0 }));
    accepted(await write(log, shard, 'b', { id: OTHER_ID, sequence: 0 }));
    accepted(await write(log, shard, 'c', { sequence: 1 }));
    accepted(await end(log, shard, false));
    accepted(await end(log, shard, true, { producerId: OTHER_ID }));
    accepted(await write(log, shard, 'd', { sequence: 2 }));
    accepted(await end(log, shard, true));
    expect(await readCommitted(log, shard)).toEqual(['b', 'd']);
    expect(await readCommitted(log, shard, 0n, 1)).toEqual(['b', 'd']);
    expect(await readCommitted(log, shard, 2n)).toEqual(['d']);

    const aborted = { producerId: ID, firstOffset: 0n, lastOffset: 3n };
    const limits = { maxBytes: 1 << 20, maxBatches: 1, isolation: 'readCommitted' } as const;
    for (const [from, expected] of [
      [0n, [aborted]],
      [2n, [aborted]],
      [3n, [aborted]],
      [4n, []],
      [5n, []],
    ] as const) {
      expect(accepted(await log.read(shard, from, limits)).abortedTransactions).toEqual(expected);
    }
    expect(accepted(await log.read(shard, 0n, { maxBytes: 1 })).abortedTransactions).toEqual([]);
  });

  it('gives aborted transactions in the order of their first offsets, long ones among short ones', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await write(log, shard, 'long', { sequence: 0 }));
    for (let i = 0; i < 5; i++) {
      accepted(await write(log, shard, `short ${i}`, { id: OTHER_ID, sequence: i }));
      accepted(await end(log, shard, i % 2 === 1, { producerId: OTHER_ID }));
    }
    expect(await readCommitted(log, shard)).toEqual([]);
    accepted(await end(log, shard, false));
    expect(await readCommitted(log, shard)).toEqual(['short 1', 'short 3']);
    const slice = accepted(await log.read(shard, 0n, { maxBytes: 1 << 20, isolation: 'readCommitted' }));
    expect(slice.abortedTransactions).toEqual([
      { producerId: ID, firstOffset: 0n, lastOffset: 11n },
      { producerId: OTHER_ID, firstOffset: 1n, lastOffset: 2n },
      { producerId: OTHER_ID, firstOffset: 5n, lastOffset: 6n },
      { producerId: OTHER_ID, firstOffset: 9n, lastOffset: 10n },
    ]);
  });

  it('writes markers that say how the transaction ended, by which producer and coordinator', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await end(log, shard, true, { producerEpoch: 4, coordinatorEpoch: 12 }));
    accepted(await end(log, shard, false, { producerEpoch: 5, coordinatorEpoch: 12 }));
    const [chunk] = accepted(await log.read(shard, 1n, { maxBytes: 1 << 20 })).chunks as [Buffer];
    const header = readBatchHeader(chunk, 0);
    expect(header).toMatchObject({
      baseOffset: 1n,
      producerId: ID,
      producerEpoch: 5,
      isControl: true,
      isTransactional: true,
    });
    expect(readEndTransactionMarker(chunk, 0, header)).toEqual({ commits: false, coordinatorEpoch: 12 });
  });

  it('takes a marker again, and one that ends nothing', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await write(log, shard, 'a', { sequence: 0 }));
    accepted(await end(log, shard, false));
    accepted(await end(log, shard, false));
    accepted(await end(log, shard, true, { producerId: OTHER_ID }));
    expect(await stableOf(log, shard)).toBe(4n);
    expect(await readCommitted(log, shard)).toEqual([]);
    // The producer goes on where it was, in a transaction of its own.
    accepted(await write(log, shard, 'b', { sequence: 1 }));
    expect(await stableOf(log, shard)).toBe(4n);
    accepted(await end(log, shard, true));
    expect(await readCommitted(log, shard)).toEqual(['b']);
  });

  it('a producer with an open transaction writes nothing beside it, and repeats what it wrote before', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const plain = (sequence: number, id = ID) => {
      const batch = makeBatch(['beside'], { producer: { id, epoch: 0, baseSequence: sequence } });
      return log.append(appendRequest(shard, batch));
    };
    accepted(await plain(0));
    accepted(await write(log, shard, 'in', { sequence: 1 }));
    expect(await plain(2)).toEqual({ ok: false, refusal: { code: 'transactionOpen', producerId: ID } });
    expect(accepted(await plain(0)).duplicate).toBe(true);
    // Others are not concerned.
    accepted(await plain(0, OTHER_ID));
    accepted(await end(log, shard, true));
    accepted(await plain(2));
    expect(await readCommitted(log, shard)).toEqual(['beside', 'in', 'beside', 'beside']);
  });

  it('a producer writes nothing beside a transaction that a batch under way opens, and goes on behind a marker under way', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const plain = (sequence: number) => {
      const batch = makeBatch(['beside'], { producer: { id: ID, epoch: 0, baseSequence: sequence } });
      return log.append(appendRequest(shard, batch));
    };
    const [, beside, , behind, again] = await Promise.all([
      write(log, shard, 'in', { sequence: 0 }),
      plain(1),
      end(log, shard, true),
      plain(1),
      write(log, shard, 'next', { sequence: 2 }),
    ]);
    expect(beside).toEqual({ ok: false, refusal: { code: 'transactionOpen', producerId: ID } });
    accepted(behind);
    accepted(again);
    expect(await plain(3)).toMatchObject({ ok: false, refusal: { code: 'transactionOpen' } });
    expect(await readCommitted(log, shard)).toEqual(['in', 'beside']);
  });

  it('a producer writes nothing beside the transaction that it has open in the shard before', async () => {
    const { log } = store();
    const plain = (shard: ShardKey, sequence: number) => {
      const batch = makeBatch(['beside'], { producer: { id: ID, epoch: 0, baseSequence: sequence } });
      return log.append(appendRequest(shard, batch));
    };
    const parent = await openNewShard(log);
    accepted(await write(log, parent, 'in', { sequence: 0 }));
    accepted(await log.seal(parent));
    const [child, grandchild] = [newShardKey(), newShardKey()];
    await log.openShard(child, { startOffset: 1n, producersOf: [{ shard: parent, partition: 0 }] });
    expect(await plain(child, 1)).toEqual({ ok: false, refusal: { code: 'transactionOpen', producerId: ID } });
    expect(accepted(await plain(child, 0)).duplicate).toBe(true);
    accepted(await log.seal(child));
    await log.openShard(grandchild, { startOffset: 1n, producersOf: [{ shard: child, partition: 0 }] });
    expect(await plain(grandchild, 1)).toMatchObject({ ok: false, refusal: { code: 'transactionOpen' } });
    accepted(await end(log, grandchild, true));
    accepted(await plain(grandchild, 1));
  });

  it('fences a producer’s older epochs in every partition from a marker on that is under way', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (const partition of [0, 1]) {
      accepted(await write(log, shard, `${partition}`, { sequence: 0, partition }));
    }
    const [marker, zombie] = await Promise.all([
      end(log, shard, false, { producerEpoch: 1, partition: 0 }),
      write(log, shard, 'of a zombie', { sequence: 1, partition: 1 }),
    ]);
    accepted(marker);
    expect(zombie).toEqual({
      ok: false,
      refusal: { code: 'staleProducerEpoch', producerId: ID, epoch: 0, current: 1 },
    });
    expect(await stableOf(log, shard)).toBe(3n);
    accepted(await write(log, shard, 'of the new one', { epoch: 1, sequence: 0, partition: 1 }));
  });

  it('endTransaction refuses: shardNotFound, shardSealed, staleProducerEpoch, staleCoordinatorEpoch', async () => {
    const { log } = store();
    const unknown = newShardKey();
    expect(await end(log, unknown, true)).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard: unknown } });
    const shard = await openNewShard(log);
    accepted(await end(log, shard, true, { producerEpoch: 2, coordinatorEpoch: 7 }));
    expect(await end(log, shard, true, { producerEpoch: 1, coordinatorEpoch: 9 })).toEqual({
      ok: false,
      refusal: { code: 'staleProducerEpoch', producerId: ID, epoch: 1, current: 2 },
    });
    expect(await end(log, shard, true, { producerEpoch: 2, coordinatorEpoch: 6 })).toEqual({
      ok: false,
      refusal: { code: 'staleCoordinatorEpoch', producerId: ID, coordinatorEpoch: 6, current: 7 },
    });
    accepted(await log.seal(shard));
    expect(await end(log, shard, true, { producerEpoch: 3 })).toEqual({
      ok: false,
      refusal: { code: 'shardSealed', shard },
    });
    expect(accepted(await log.bounds(shard)).logEndOffset).toBe(1n);
  });

  it('lets a marker of a newer epoch end the older ones, in every partition', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (const partition of [0, 3]) accepted(await write(log, shard, `${partition}`, { sequence: 0, partition }));
    accepted(await end(log, shard, false, { producerEpoch: 1 }));
    for (const partition of [0, 3]) {
      expect(await write(log, shard, 'late', { sequence: 1, partition })).toMatchObject({
        ok: false,
        refusal: { code: 'staleProducerEpoch', epoch: 0, current: 1 },
      });
    }
    expect(await write(log, shard, 'skipped', { epoch: 1, sequence: 1 })).toMatchObject({
      ok: false,
      refusal: { code: 'outOfOrderSequence', expected: 0 },
    });
    accepted(await write(log, shard, 'new', { epoch: 1, sequence: 0, partition: 3 }));
    accepted(await end(log, shard, true, { producerEpoch: 1, partition: 3 }));
    expect(await readCommitted(log, shard)).toEqual(['new']);
  });

  it('has a repetition open no second transaction', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await write(log, shard, 'a', { sequence: 0 }));
    accepted(await end(log, shard, true));
    expect(accepted(await write(log, shard, 'a', { sequence: 0 })).duplicate).toBe(true);
    expect(await stableOf(log, shard)).toBe(2n);
  });

  it('tells of producers: epoch, sequence, coordinator, open transaction', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['plain']));
    accepted(await append(log, shard, ['x', 'y'], { producer: { id: 1n, epoch: 3, baseSequence: 0 } }));
    const written = accepted(await write(log, shard, 'a', { sequence: 0, partition: 5 }));
    const marker = accepted(
      await end(log, shard, true, { producerId: OTHER_ID, producerEpoch: 2, coordinatorEpoch: 8 }),
    );
    const states = [...accepted(await log.producers(shard))].sort((a, b) => Number(a.producerId - b.producerId));
    expect(states).toEqual([
      {
        producerId: 1n,
        partition: 0,
        producerEpoch: 3,
        lastSequence: 1,
        lastTimestampMs: expect.any(Number),
        coordinatorEpoch: -1,
        currentTransactionStartOffset: undefined,
      },
      {
        producerId: ID,
        partition: 5,
        producerEpoch: 0,
        lastSequence: 0,
        lastTimestampMs: written.appendTimeMs,
        coordinatorEpoch: -1,
        currentTransactionStartOffset: 3n,
      },
      {
        producerId: OTHER_ID,
        partition: 0,
        producerEpoch: 2,
        lastSequence: -1,
        lastTimestampMs: marker.appendTimeMs,
        coordinatorEpoch: 8,
        currentTransactionStartOffset: undefined,
      },
    ]);
    const unknown = newShardKey();
    expect(await log.producers(unknown)).toEqual({ ok: false, refusal: { code: 'shardNotFound', shard: unknown } });
  });

  it('wakes committed readers when a transaction ends, others when it is written', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const wait = (isolation: 'readCommitted' | 'readUncommitted', timeoutMs = 5_000) =>
      log.awaitAppend([{ shard, offset: 0n, isolation }], { timeoutMs });
    const committed = wait('readCommitted');
    const uncommitted = wait('readUncommitted');
    accepted(await write(log, shard, 'a', { sequence: 0 }));
    expect(await uncommitted).toBe(true);
    expect(await wait('readCommitted', 30)).toBe(false);
    accepted(await write(log, shard, 'b', { sequence: 1 }));
    const late = wait('readCommitted');
    accepted(await end(log, shard, true));
    expect(await Promise.all([committed, late, wait('readCommitted')])).toEqual([true, true, true]);
  });

  it('trims into open and aborted transactions', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await write(log, shard, 'a', { sequence: 0 }));
    accepted(await end(log, shard, false));
    accepted(await write(log, shard, 'b', { sequence: 1 }));
    accepted(await append(log, shard, ['c']));
    accepted(await log.trim(shard, 1n));
    // The marker is still there.
    const slice = accepted(await log.read(shard, 1n, { maxBytes: 1 << 20, isolation: 'readCommitted' }));
    expect(slice.abortedTransactions).toEqual([{ producerId: ID, firstOffset: 0n, lastOffset: 1n }]);
    accepted(await log.trim(shard, 3n));
    expect(accepted(await log.bounds(shard))).toMatchObject({ logStartOffset: 3n, lastStableOffset: 3n });
    expect(await readCommitted(log, shard, 3n)).toEqual([]);
    accepted(await end(log, shard, true));
    expect(await stableOf(log, shard)).toBe(5n);
    expect(await readCommitted(log, shard, 3n)).toEqual(['c']);
  });

  it('releases what lies in a sealed parent when the marker comes to the child', async () => {
    const { log } = store();
    for (const commit of [true, false]) {
      const parent = await openNewShard(log);
      accepted(await write(log, parent, 'in the parent', { sequence: 0 }));
      accepted(await append(log, parent, ['plain']));
      const { endOffset } = accepted(await log.seal(parent));
      const child = newShardKey();
      await log.openShard(child, { startOffset: endOffset, producersOf: [{ shard: parent, partition: 0 }] });
      // Nothing of it is in the child yet.
      expect([await stableOf(log, parent), await stableOf(log, child)]).toEqual([0n, 2n]);
      expect(
        await log.awaitAppend([{ shard: parent, offset: 0n, isolation: 'readCommitted' }], { timeoutMs: 30 }),
      ).toBe(false);
      accepted(await write(log, child, 'in the child', { sequence: 1 }));
      const grandchild = newShardKey();
      accepted(await log.seal(child));
      await log.openShard(grandchild, { startOffset: 3n, producersOf: [{ shard: child, partition: 0 }] });

      const waiting = log.awaitAppend([{ shard: parent, offset: 0n, isolation: 'readCommitted' }], {
        timeoutMs: 5_000,
      });
      // A coordinator of before may not decide over it.
      accepted(await end(log, grandchild, true, { producerId: OTHER_ID, producerEpoch: 1 }));
      accepted(await end(log, grandchild, commit, { producerEpoch: 1 }));
      expect(await waiting).toBe(true);
      expect([await stableOf(log, parent), await stableOf(log, child)]).toEqual([2n, 3n]);
      expect(await readCommitted(log, parent)).toEqual(commit ? ['in the parent', 'plain'] : ['plain']);
      const { abortedTransactions } = accepted(
        await log.read(parent, 0n, { maxBytes: 1 << 20, isolation: 'readCommitted' }),
      );
      expect(abortedTransactions).toEqual(commit ? [] : [{ producerId: ID, firstOffset: 0n, lastOffset: 1n }]);
      expect(await readCommitted(log, child, 2n)).toEqual(commit ? ['in the child'] : []);
      expect(
        await log.awaitAppend([{ shard: parent, offset: 2n, isolation: 'readCommitted' }], { timeoutMs: 1_000 }),
      ).toBe(true);
      // Sent again.
      accepted(await end(log, grandchild, commit, { producerEpoch: 1 }));
    }
  });

  it('lets no stale marker release a parent', async () => {
    const { log } = store();
    const parent = await openNewShard(log);
    accepted(await write(log, parent, 'a', { epoch: 3, sequence: 0 }));
    accepted(await log.seal(parent));
    const child = newShardKey();
    await log.openShard(child, { startOffset: 1n, producersOf: [{ shard: parent, partition: 0 }] });
    expect(await end(log, child, false, { producerEpoch: 2 })).toMatchObject({
      ok: false,
      refusal: { code: 'staleProducerEpoch', current: 3 },
    });
    expect(await stableOf(log, parent)).toBe(0n);
  });

  it('ends a transaction in the open shard that has given the partition away', async () => {
    const { log } = store();
    const other = await openNewShard(log);
    accepted(await write(log, other, 'a', { sequence: 0, partition: 6 }));
    const taker = newShardKey();
    await log.openShard(taker, { startOffset: 10n, producersOf: [{ shard: other, partition: 6 }] });
    accepted(await append(log, other, ['plain']));
    accepted(await end(log, taker, false, { partition: 6 }));
    expect(await stableOf(log, other)).toBe(3n);
    expect(await readCommitted(log, other)).toEqual(['plain']);
    expect(accepted(await log.bounds(taker))).toMatchObject({ logEndOffset: 11n, lastStableOffset: 11n });
  });

  if (copies > 1) {
    it('counts a transaction as open until enough copies have its end', async () => {
      const { log } = store();
      const shard = await openNewShard(log);
      accepted(await write(log, shard, 'a', { sequence: 0 }));
      accepted(await end(log, shard, true));
      expect(await stableOf(log, shard)).toBe(2n);
    });
  }
}

/** What is there when a store is opened again. */
export function reopenedTransactions(openStore: () => Promise<StoreUnderTest>): void {
  it('has every transaction as it was: open, aborted, released', async () => {
    const underTest = await openStore();
    try {
      const { log } = underTest.store;
      const [shard, parent, other] = [await openNewShard(log), await openNewShard(log), await openNewShard(log)];
      for (let i = 0; i < 20; i++) {
        accepted(await write(log, shard, `${i}`, { sequence: i }));
        accepted(await end(log, shard, i % 3 === 0, { coordinatorEpoch: i }));
      }
      accepted(await write(log, shard, 'open', { sequence: 20, partition: 0 }));
      accepted(await append(log, shard, ['behind']));
      accepted(await write(log, parent, 'aborted', { sequence: 0 }));
      accepted(await write(log, parent, 'still open', { id: OTHER_ID, sequence: 0 }));
      accepted(await log.seal(parent));
      accepted(await write(log, other, 'departed', { id: 7n, sequence: 0, partition: 9 }));
      const child = newShardKey();
      await log.openShard(child, {
        startOffset: 2n,
        producersOf: [
          { shard: parent, partition: 0 },
          { shard: other, partition: 9 },
        ],
      });
      accepted(await end(log, child, false));
      const expected = await readCommitted(log, shard);
      expect(expected).toHaveLength(7);

      for (let round = 0; round < 2; round++) {
        const again = (await underTest.reopen()).log;
        expect(await readCommitted(again, shard)).toEqual(expected);
        expect(await stableOf(again, shard)).toBe(40n);
        const [known] = accepted(await again.producers(shard));
        expect(known).toMatchObject({ coordinatorEpoch: 19, lastSequence: 20, currentTransactionStartOffset: 40n });
        expect(await stableOf(again, parent)).toBe(1n);
        expect(await write(again, other, 'x', { id: 7n, sequence: 1, partition: 9 })).toMatchObject({
          ok: false,
          refusal: { code: 'shardSealed' },
        });
      }
      const last = (await underTest.reopen()).log;
      accepted(await end(last, child, true, { producerId: OTHER_ID }));
      accepted(await end(last, child, true, { producerId: 7n, partition: 9 }));
      expect(await readCommitted(last, parent)).toEqual(['still open']);
      expect(await readCommitted(last, other)).toEqual(['departed']);
      accepted(await end(last, shard, true, { coordinatorEpoch: 19 }));
      expect(await readCommitted(last, shard)).toEqual([...expected, 'open', 'behind']);
    } finally {
      await underTest.close();
    }
  });
}
