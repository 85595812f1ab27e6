import { expect, it } from '@jest/globals';
import { accepted, append, openNewShard } from './batches.ts';
import type { CurrentStore } from './store-conformance.ts';

/** Longer than anything here may take. */
const LONG_MS = 10_000;
/** Long enough for a wrong wake-up to show. */
const SHORT_MS = 60;

export function awaitAppendConformance(store: CurrentStore): void {
  it('answers at once when the record is there', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['a']));
    expect(await log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS })).toBe(true);
    expect(await log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 0 })).toBe(true);
  });

  it('wakes with the append', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const waiting = log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS });
    accepted(await append(log, shard, ['a']));
    expect(await waiting).toBe(true);
    expect(accepted(await log.bounds(shard)).highWatermark).toEqual(1n);
  });

  it('wakes with an append to any of the shards, and every waiter of it', async () => {
    const { log } = store();
    const shards = await Promise.all(Array.from({ length: 5 }, () => openNewShard(log)));
    const positions = shards.map((shard) => ({ shard, offset: 0n }));
    const waiting = Array.from({ length: 20 }, () => log.awaitAppend(positions, { timeoutMs: LONG_MS }));
    accepted(await append(log, shards[3]!, ['a']));
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 20 }, () => true));
  });

  it('waits for a record at the offset or above it, not for any append', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const waiting = log.awaitAppend([{ shard, offset: 2n }], { timeoutMs: LONG_MS });
    let woken = false;
    void waiting.then(() => (woken = true));
    accepted(await append(log, shard, ['a']));
    accepted(await append(log, shard, ['b']));
    expect(await log.awaitAppend([{ shard, offset: 2n }], { timeoutMs: SHORT_MS })).toBe(false);
    expect(woken).toBe(false);
    accepted(await append(log, shard, ['c']));
    expect(await waiting).toBe(true);
  });

  it('is not woken by other shards', async () => {
    const { log } = store();
    const [mine, other] = [await openNewShard(log), await openNewShard(log)];
    const waiting = log.awaitAppend([{ shard: mine, offset: 0n }], { timeoutMs: SHORT_MS });
    accepted(await append(log, other, ['a']));
    expect(await waiting).toBe(false);
  });

  it('answers false when the time is over, and not before', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const timeoutMs = SHORT_MS + 0.9;
    // A timer's fraction and its clock's are lost only by chance: several begin at several parts of a millisecond.
    const early: number[] = [];
    for (let i = 0; i < 5; i++) {
      const begun = performance.now();
      expect(await log.awaitAppend([{ shard, offset: 0n }], { timeoutMs })).toBe(false);
      const tookMs = performance.now() - begun;
      if (tookMs < timeoutMs) early.push(tookMs);
    }
    expect(early).toEqual([]);
  });

  it('answers false when the signal fires, also if it had fired before', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS, signal });
    controller.abort();
    expect(await waiting).toBe(false);
    expect(await log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS, signal })).toBe(false);
  });

  it('wakes when a shard is sealed, and answers at once when it was', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const waiting = log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS });
    accepted(await log.seal(shard));
    expect(await waiting).toBe(true);
    expect(await log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS })).toBe(true);
  });

  it('wakes when a shard is deleted, and answers at once when it was', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const waiting = log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS });
    await log.deleteShards([shard]);
    expect(await waiting).toBe(true);
    expect(await log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: LONG_MS })).toBe(true);
  });

  it('misses no append, however the two fall together', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (let offset = 0n; offset < 50n; offset++) {
      const appending = append(log, shard, ['x']);
      const waiting = log.awaitAppend([{ shard, offset }], { timeoutMs: LONG_MS });
      expect(await waiting).toBe(true);
      accepted(await appending);
    }
  });
}
