import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { eventually, seededRandom } from '@tailrace/testkit';
import type { Appended } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import { CrashingStore } from '../testing/crashing-store.ts';
import { diskError, type Survival } from '../testing/fault-file-system.ts';
import {
  accepted,
  append,
  appendRequest,
  makeBatch,
  newShardKey,
  openNewShard,
  readAll,
  readValues,
} from '../testing/index.ts';
import { Database } from './database.ts';
import type { EmbeddedStoreOptions } from './index.ts';

const opened: CrashingStore[] = [];

async function open(options: Partial<EmbeddedStoreOptions> = {}): Promise<CrashingStore> {
  const crashing = await CrashingStore.open(options);
  opened.push(crashing);
  return crashing;
}

afterEach(async () => {
  for (const crashing of opened.splice(0)) await crashing.remove();
});

/** Appends of idempotent producers to some shards, and what became of each. */
class Workload {
  readonly shards: readonly ShardKey[] = [newShardKey(0), newShardKey(1), newShardKey(2)];
  readonly sent: { shard: ShardKey; value: string; sequence: number; outcome: Appended | undefined }[] = [];
  readonly #random = seededRandom(7);

  async begin({ log }: Store): Promise<void> {
    for (const shard of this.shards) await log.openShard(shard, { startOffset: 0n });
  }

  /** Starts some appends; answers when the store has answered them all (after a failed sync or a crash: never). */
  send({ log }: Store, count: number): Promise<unknown> {
    const appends = [];
    for (let i = 0; i < count; i++) {
      const shard = this.shards[Math.floor(this.#random() * 3)]!;
      const sequence = this.sent.filter((one) => one.shard === shard).length;
      const value = `${sequence}:`.padEnd(10 + Math.floor(this.#random() * 900), '.');
      const entry = { shard, value, sequence, outcome: undefined as Appended | undefined };
      this.sent.push(entry);
      const appending = append(log, shard, [value], { producer: { id: 5n, epoch: 0, baseSequence: sequence } });
      appends.push(
        appending.then(
          (outcome) => (entry.outcome = accepted(outcome)),
          () => undefined,
        ),
      );
    }
    return Promise.all(appends);
  }

  /** All that was acknowledged is there, once and in its place; behind it at most what was sent next, in order. */
  async check({ log }: Store): Promise<void> {
    for (const shard of this.shards) {
      const sent = this.sent.filter((one) => one.shard === shard);
      const acknowledged = sent.filter(({ outcome }) => outcome !== undefined).length;
      const records = await readAll(log, shard, 0n);
      expect(records.length).toBeGreaterThanOrEqual(acknowledged);
      expect(records).toEqual(sent.slice(0, records.length).map(({ value }, i) => ({ offset: BigInt(i), value })));
      const producer = { id: 5n, epoch: 0, baseSequence: records.length };
      if (records.length > 0) {
        const again = { ...producer, baseSequence: records.length - 1 };
        const repeated = accepted(await append(log, shard, [sent[records.length - 1]!.value], { producer: again }));
        expect(repeated).toMatchObject({ duplicate: true, baseOffset: BigInt(records.length - 1) });
      }
      expect(
        await append(log, shard, ['x'], { producer: { ...producer, baseSequence: records.length + 3 } }),
      ).toMatchObject(records.length === 0 ? { ok: true } : { ok: false, refusal: { code: 'outOfOrderSequence' } });
      if (records.length > 0) {
        expect(accepted(await append(log, shard, ['next'], { producer })).baseOffset).toEqual(BigInt(records.length));
      }
    }
  }
}

async function crashedAt(settled: number, underWay: number): Promise<{ crashing: CrashingStore; workload: Workload }> {
  const crashing = await open();
  const workload = new Workload();
  await workload.begin(crashing.store);
  for (let i = 0; i < settled; i += 5) await workload.send(crashing.store, 5);
  // From here on nothing becomes durable.
  crashing.files.syncGate = new Promise(() => {});
  for (let i = 0; i < underWay; i += 4) {
    void workload.send(crashing.store, 4);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { crashing, workload };
}

async function checkAfter(crashing: CrashingStore, workload: Workload, power?: Survival): Promise<void> {
  const next = await crashing.opened(power);
  try {
    await workload.check(next.store);
    // And once more, from what recovery and a clean end have made of it.
    await next.close();
  } finally {
    await next.end();
  }
}

describe('after the death of the process', () => {
  it.each([0, 5, 60, 200])('has all of %d acknowledged appends, and those under way in order', async (settled) => {
    const { crashing, workload } = await crashedAt(settled, 20);
    await checkAfter(crashing, workload);
  });

  it('has the trims, seals and deletions that were acknowledged', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const [trimmed, sealed, deleted] = [await openNewShard(log), await openNewShard(log), await openNewShard(log)];
    for (let i = 0; i < 100; i++) {
      for (const shard of [trimmed, sealed, deleted]) accepted(await append(log, shard, [`${i}`.padEnd(500)]));
    }
    accepted(await log.trim(trimmed, 90n));
    accepted(await log.seal(sealed));
    await log.deleteShards([deleted]);
    const next = await crashing.opened(() => 0);
    expect(accepted(await next.store.log.bounds(trimmed))).toMatchObject({ logStartOffset: 90n, logEndOffset: 100n });
    expect(accepted(await next.store.log.bounds(sealed))).toMatchObject({ sealed: true, logEndOffset: 100n });
    expect(await next.store.log.bounds(deleted)).toMatchObject({ refusal: { code: 'shardNotFound' } });
    expect(await readValues(next.store.log, trimmed, 90n)).toHaveLength(10);
    await next.close();
  });
});

describe('after a power loss', () => {
  it('has all that was acknowledged, whichever first part of the writes under way has reached the disk', async () => {
    const { crashing, workload } = await crashedAt(40, 24);
    const writes = crashing.files.pendingCount();
    expect(writes).toBeGreaterThan(3);
    for (let kept = 0; kept <= writes; kept++) {
      await checkAfter(crashing, workload, ({ index, byteCount }) => (index < kept ? byteCount : 0));
    }
  });

  it('has all that was acknowledged, wherever the last write was torn', async () => {
    const { crashing, workload } = await crashedAt(12, 8);
    const last = crashing.files.pendingCount() - 1;
    for (const part of [1, 3, 40, 41, 60, 101, 102, 500, 900, 1_500]) {
      await checkAfter(crashing, workload, ({ index, byteCount }) =>
        index < last ? byteCount : Math.min(part, byteCount),
      );
    }
  });

  it('has all that was acknowledged, whichever writes the disk made before others', async () => {
    const { crashing, workload } = await crashedAt(40, 24);
    const random = seededRandom(3);
    for (let round = 0; round < 15; round++) {
      await checkAfter(crashing, workload, ({ byteCount }) =>
        random() < 0.5 ? Math.ceil(random() * byteCount) : byteCount,
      );
    }
  });

  it('knows nothing of appends that were under way when the last checkpoint was made', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    const send = (sequence: number, to = log) =>
      append(to, shard, [`${sequence}`.padEnd(1_500)], { producer: { id: 5n, epoch: 0, baseSequence: sequence } });
    let next = 0;
    while (crashing.files.paths('.idx').length < 2) accepted(await send(next++));
    const closed = crashing.files.paths('.idx').length;
    // From here on the log goes on into the next segment, the one before is closed, and nothing of the new one lasts.
    crashing.files.freshSyncGate = new Promise(() => {});
    const outcomes = new Map<number, boolean>();
    for (let i = 0; i < 16; i++) {
      const sequence = next + i;
      void send(sequence).then(
        () => outcomes.set(sequence, true),
        () => undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await eventually(() => expect(crashing.files.paths('.idx').length).toBeGreaterThan(closed));
    const acknowledged = next + outcomes.size;
    expect(outcomes.size).toBeLessThan(16);
    const after = await crashing.opened(() => 0);
    expect(accepted(await after.store.log.bounds(shard)).logEndOffset).toEqual(BigInt(acknowledged));
    for (let sequence = acknowledged; sequence < next + 16; sequence++) {
      const appended = accepted(await send(sequence, after.store.log));
      expect(appended).toMatchObject({ baseOffset: BigInt(sequence), duplicate: false });
    }
    await after.close();
  });

  it('has the first segment, of which nothing but the log itself has made the name lasting', async () => {
    const crashing = await open();
    // None is prepared, which would do so too.
    let openGate = () => {};
    const gate = new Promise<void>((resolve) => (openGate = resolve));
    crashing.files.allocate = () => gate.then(() => false);
    const shard = await openNewShard(crashing.store.log);
    accepted(await append(crashing.store.log, shard, ['v']));
    const next = await crashing.opened(() => 0);
    expect(await readValues(next.store.log, shard)).toEqual(['v']);
    await next.end();
    openGate();
  });

  it('has all that was shown since the death of the process before it', async () => {
    const crashing = await open();
    const shard = await openNewShard(crashing.store.log);
    accepted(await append(crashing.store.log, shard, ['synced']));
    crashing.files.syncGate = new Promise(() => {});
    void append(crashing.store.log, shard, ['written']).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 5));
    const next = await crashing.opened();
    expect(await readValues(next.store.log, shard)).toEqual(['synced', 'written']);
    const after = await next.opened(() => 0);
    expect(await readValues(after.store.log, shard)).toEqual(['synced', 'written']);
    await after.end();
    await next.end();
  });

  it('never takes entries of a segment’s earlier life for those of this one', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    // All of one size, so that old entries stand exactly where new ones end; trimmed, so that files are used again.
    const value = (i: number) => `${i}`.padEnd(300, '.');
    let next = 0;
    for (; next < 600; next++) {
      accepted(await append(log, shard, [value(next)]));
      if (next % 40 === 39) accepted(await log.trim(shard, BigInt(next - 20)));
    }
    expect(crashing.files.reusedCount).toBeGreaterThan(3);
    const start = accepted(await log.bounds(shard)).logStartOffset;
    for (let round = 0; round < 10; round++, next++) {
      const again = await crashing.opened(() => 0);
      const records = await readAll(again.store.log, shard, start);
      expect(records).toEqual(
        Array.from({ length: next - Number(start) }, (_, i) => ({
          offset: start + BigInt(i),
          value: value(Number(start) + i),
        })),
      );
      await again.close();
      accepted(await append(log, shard, [value(next)]));
    }
  });
});

describe('a write that fails', () => {
  it.each([0, 1, 39, 500, 1_300])(
    'after %d bytes fails its appends and no others, and the log goes on',
    async (bytes) => {
      // The clock stands: an append that takes the place of a lost one differs from it in its records alone.
      const crashing = await open({ clock: () => 1_000_000 });
      const { log } = crashing.store;
      const shard = await openNewShard(log);
      const producer = { id: 9n, epoch: 0, baseSequence: 0 };
      for (let i = 0; i < 5; i++) accepted(await append(log, shard, [`before ${i}`.padEnd(300)]));
      crashing.files.writeFailure = { error: diskError('ENOSPC'), bytesBefore: bytes };
      const failing = Array.from({ length: 4 }, (_, i) =>
        append(log, shard, [`lost ${i}`.padEnd(300)], { producer: { ...producer, baseSequence: i } }),
      );
      for (const one of await Promise.allSettled(failing)) {
        expect(one).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
        expect(String((one as PromiseRejectedResult).reason)).toContain('the disk is full');
      }
      expect(await crashing.store.health()).toEqual({ ready: false, detail: expect.stringContaining('disk is full') });
      expect(accepted(await log.bounds(shard)).logEndOffset).toEqual(5n);
      crashing.files.writeFailure = undefined;
      // The same size as what was lost: it must not show behind this.
      const { baseOffset, duplicate } = accepted(await append(log, shard, ['after 0'.padEnd(300)], { producer }));
      expect({ baseOffset, duplicate }).toEqual({ baseOffset: 5n, duplicate: false });
      expect((await crashing.store.health()).ready).toBe(true);
      const expected = [...Array.from({ length: 5 }, (_, i) => `before ${i}`), 'after 0'];
      for (const power of [undefined, () => 0]) {
        const next = await crashing.opened(power);
        expect((await readValues(next.store.log, shard)).map((value) => value.trim())).toEqual(expected);
        await next.close();
      }
    },
  );

  it('leaves room for nothing to be acknowledged while the disk is full, and goes on by itself', async () => {
    const crashing = await open();
    const workload = new Workload();
    await workload.begin(crashing.store);
    await workload.send(crashing.store, 60);
    crashing.files.writeFailure = { error: diskError('ENOSPC'), bytesBefore: 3_000 };
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    for (let i = 0; i < 40; i++) await append(log, shard, ['x'.repeat(500)]).catch(() => {});
    const { logEndOffset } = accepted(await log.bounds(shard));
    expect(logEndOffset).toBeLessThan(40n);
    crashing.files.writeFailure = undefined;
    expect(accepted(await append(log, shard, ['y'])).baseOffset).toEqual(logEndOffset);
    await workload.send(crashing.store, 60);
    await checkAfter(crashing, workload, () => 0);
  });

  it('lets no batch of a producer pass its first ones, which failed', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    const send = (baseSequence: number, epoch = 0) =>
      append(log, shard, [`${epoch}/${baseSequence}`], { producer: { id: 6n, epoch, baseSequence } });
    crashing.files.writeFailure = { error: diskError('ENOSPC'), bytesBefore: 0 };
    for (const one of await Promise.allSettled([send(3), send(4)])) {
      expect(one).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    }
    crashing.files.writeFailure = undefined;
    // Were it taken, the first ones would be called repetitions, and clients take that for success.
    expect(await send(5)).toEqual({
      ok: false,
      refusal: { code: 'outOfOrderSequence', producerId: 6n, expected: 3, got: 5 },
    });
    for (const sequence of [3, 4, 5]) accepted(await send(sequence));
    expect(await readValues(log, shard)).toEqual(['0/3', '0/4', '0/5']);
    // What lies before the first that was seen is missing, not a repetition.
    expect(await send(2)).toMatchObject({ ok: false, refusal: { code: 'outOfOrderSequence', expected: 6 } });
    // A client that has given up goes on with a new epoch.
    accepted(await send(0, 1));
  });

  it('is none when the disk takes a write in parts', async () => {
    const crashing = await open();
    crashing.files.writeBytesMax = 700;
    const workload = new Workload();
    await workload.begin(crashing.store);
    for (let i = 0; i < 10; i++) await workload.send(crashing.store, 10);
    expect(workload.sent.every(({ outcome }) => outcome !== undefined)).toBe(true);
    await checkAfter(crashing, workload, () => 0);
  });
});

describe('a sync that fails', () => {
  it.each([0, 1, 4])('fails what it was to make durable, and %d appends behind it', async (behind) => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    const producer = { id: 9n, epoch: 0, baseSequence: 0 };
    for (let i = 0; i < 3; i++) accepted(await append(log, shard, [`before ${i}`]));
    let openGate = () => {};
    crashing.files.syncGate = new Promise((resolve) => (openGate = resolve));
    crashing.files.syncFailure = diskError('EIO');
    const failing = [append(log, shard, ['lost'], { producer })];
    for (let i = 0; i < behind; i++) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      failing.push(append(log, shard, [`behind ${i}`], { producer: { ...producer, baseSequence: i + 1 } }));
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
    openGate();
    for (const one of await Promise.allSettled(failing)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    }
    crashing.files.syncGate = undefined;
    for (let i = 0; i < 3; i++) {
      const appended = accepted(
        await append(log, shard, [`after ${i}`], { producer: { ...producer, baseSequence: i } }),
      );
      expect(appended).toMatchObject({ baseOffset: BigInt(3 + i), duplicate: false });
    }
    const expected = [0, 1, 2].map((i) => `before ${i}`).concat([0, 1, 2].map((i) => `after ${i}`));
    expect(await readValues(log, shard)).toEqual(expected);
    for (const power of [undefined, () => 0]) {
      const next = await crashing.opened(power);
      expect(await readValues(next.store.log, shard)).toEqual(expected);
      await next.close();
    }
  });
});

describe('a partition that leaves an open shard', () => {
  it('takes along what was on its way to the disk', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    const batch = () => makeBatch(['v'], { producer: { id: 9n, epoch: 0, baseSequence: 0 } });
    let openGate = () => {};
    crashing.files.syncGate = new Promise((resolve) => (openGate = resolve));
    const appending = log.append(appendRequest(shard, batch(), { partition: 4 }));
    const child = newShardKey();
    const opening = log.openShard(child, { startOffset: 10n, producersOf: [{ shard, partition: 4 }] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    openGate();
    await opening;
    const first = accepted(await appending);
    const again = accepted(await log.append(appendRequest(child, batch(), { partition: 4 })));
    expect(again).toMatchObject({ baseOffset: first.baseOffset, duplicate: true });
  });
});

describe('a seal', () => {
  it('ends the shard behind what was on its way to the disk', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    let openGate = () => {};
    crashing.files.syncGate = new Promise((resolve) => (openGate = resolve));
    const appending = append(log, shard, ['under way']);
    const sealing = log.seal(shard);
    await new Promise((resolve) => setTimeout(resolve, 20));
    openGate();
    expect(accepted(await sealing)).toEqual({ endOffset: 1n });
    accepted(await appending);
    const next = await crashing.opened(() => 0);
    expect(await readValues(next.store.log, shard)).toEqual(['under way']);
    await next.end();
  });

  it('cuts off what had failed before it, though it lies whole on the disk', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['before']));
    const [path] = crashing.files.paths('.log');
    const bytesBefore = crashing.files.file(path!).bytes.indexOf('before');
    crashing.files.writeFailure = { error: diskError('ENOSPC'), bytesBefore: bytesBefore + 40 };
    const lost = [append(log, shard, ['lost 0']), append(log, shard, ['lost 1'])];
    for (const one of await Promise.allSettled(lost)) expect(one.status).toBe('rejected');
    const isThere = (value: string) =>
      crashing.files.paths('.log').some((log) => crashing.files.file(log).bytes.includes(value));
    expect(['lost 0', 'lost 1'].map(isThere)).toEqual([true, false]);
    expect(accepted(await log.seal(shard))).toEqual({ endOffset: 1n });
    const next = await crashing.opened();
    expect(await readValues(next.store.log, shard)).toEqual(['before']);
    expect(accepted(await next.store.log.bounds(shard))).toMatchObject({ logEndOffset: 1n, sealed: true });
    await next.end();
  });
});

describe('a seal that fails', () => {
  it('may be in the database all the same, so the shard takes nothing more that a restart would cut off', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    accepted(await append(log, shard, ['before']));
    const { change } = Database.prototype;
    // As when the sync of the write-ahead log fails behind the commit.
    jest.spyOn(Database.prototype, 'change').mockImplementationOnce(async function (this: Database, run) {
      await change.call(this, run);
      throw new StoreUnavailable('injected');
    });
    await expect(log.seal(shard)).rejects.toThrow(StoreUnavailable);
    expect(accepted(await log.bounds(shard)).sealed).toBe(false);
    expect(await append(log, shard, ['behind'])).toEqual({ ok: false, refusal: { code: 'shardSealed', shard } });
    const next = await crashing.opened();
    expect(await readValues(next.store.log, shard)).toEqual(['before']);
    await next.close();
    expect(accepted(await log.seal(shard))).toEqual({ endOffset: 1n });
    expect(accepted(await log.bounds(shard)).sealed).toBe(true);
  });
});

describe('relaxed durability', () => {
  it('gives no file back of which a power loss might bring the row again', async () => {
    const crashing = await open({ durability: 'relaxed' });
    // What a power loss leaves of the database, at the least: as it was last made lasting.
    const lasting = Database.prototype.lasting;
    const spy = jest.spyOn(Database.prototype, 'lasting').mockImplementation(async function (this: Database) {
      await lasting.call(this);
      crashing.keepDatabase();
    });
    try {
      const { log } = crashing.store;
      const shard = await openNewShard(log);
      for (let i = 0; i < 60; i++) accepted(await append(log, shard, [`${i}`.padEnd(2_000, '.')]));
      crashing.keepDatabase();
      const before = crashing.files.paths('.log').length;
      accepted(await log.trim(shard, 55n));
      await eventually(() => expect(crashing.files.paths('.log').length).toBeLessThan(before));
      for (let i = 60; i < 90; i++) accepted(await append(log, shard, [`${i}`.padEnd(2_000, '.')]));
      const next = await crashing.opened(() => 0);
      const { logStartOffset } = accepted(await next.store.log.bounds(shard));
      const found = await readAll(next.store.log, shard, logStartOffset);
      expect(found.map(({ value }) => BigInt(Number.parseInt(value, 10)))).toEqual(found.map(({ offset }) => offset));
      await next.end();
    } finally {
      spy.mockRestore();
    }
  });

  it('has checkpoints claim nothing that a power loss takes, though files of closed segments are closed', async () => {
    const crashing = await open({ durability: 'relaxed', openFilesMax: 1 });
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    const gate = Promise.withResolvers<void>();
    // The first checkpoint waits, and meanwhile several segments are closed.
    crashing.files.syncGate = gate.promise;
    const count = 60;
    for (let i = 0; i < count; i++) accepted(await append(log, shard, [`${i}`.padEnd(2_000, '.')]));
    crashing.files.syncGate = undefined;
    gate.resolve();
    await eventually(() => expect(crashing.files.pendingCount()).toBeLessThan(10));
    const next = await crashing.opened(() => 0);
    const found = await readAll(next.store.log, shard, 0n);
    expect(found.length).toBeGreaterThan(0);
    expect(found.map(({ value }) => Number.parseInt(value, 10))).toEqual(found.map((_, i) => i));
    await next.end();
  });
});
