import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import { CrashingStore } from '../testing/crashing-store.ts';
import { accepted, append, openNewShard, readValues, recordsOf } from '../testing/index.ts';

const SEGMENT_BYTES = 16 * 1024;
const VALUE = 'v'.repeat(2_000);

let crashing: CrashingStore | undefined;

afterEach(async () => {
  await crashing?.remove();
});

/** Bytes of all segments. */
const bytesOf = (files: CrashingStore['files']) =>
  files.paths('.log').reduce((sum, path) => sum + files.file(path).bytes.length, 0);

describe('what is left in segments of which most is gone', () => {
  /** One shard of long retention among the records of one that is trimmed at once. */
  async function quietBesideBusy(rounds: number) {
    crashing = await CrashingStore.open({ tailCacheBytesMax: 0 });
    const { log } = crashing.store;
    const [busy, quiet, other] = [await openNewShard(log), await openNewShard(log), await openNewShard(log, 7n)];
    for (let i = 0; i < rounds; i++) {
      for (let n = 0; n < 8; n++) accepted(await append(log, busy, [VALUE]));
      accepted(await append(log, quiet, [`quiet ${i}`], { timestampMs: 1_000 + i }));
      if (i % 3 === 0) accepted(await append(log, other, [`other ${i}`]));
      accepted(await log.trim(busy, BigInt(8 * i)));
    }
    const quietly = Array.from({ length: rounds }, (_, i) => `quiet ${i}`);
    return { busy, quiet, other, quietly };
  }

  it('is copied, and the space comes back, while all of it stays where it was', async () => {
    const { busy, quiet, other, quietly } = await quietBesideBusy(60);
    const { files, store } = crashing as CrashingStore;
    // Each checkpoint copies a few.
    await eventually(async () => {
      for (let n = 0; n < 8; n++) accepted(await append(store.log, busy, [VALUE]));
      accepted(await store.log.trim(busy, accepted(await store.log.bounds(busy)).logEndOffset));
      expect(bytesOf(files)).toBeLessThan(10 * SEGMENT_BYTES);
    });
    expect(await readValues(store.log, quiet)).toEqual(quietly);
    expect(await readValues(store.log, quiet, 37n)).toEqual(quietly.slice(37));
    expect((await readValues(store.log, other, 7n)).length).toBe(20);
    expect(await store.log.offsetForTime(quiet, 1_050, 'record')).toEqual({
      ok: true,
      value: { baseOffset: 50n, timestampMs: 1_050 },
    });
    accepted(await store.log.trim(quiet, 30n));
    expect(await readValues(store.log, quiet, 30n)).toEqual(quietly.slice(30));
    await store.log.deleteShards([quiet]);
    expect((await readValues(store.log, other, 7n)).length).toBe(20);
  });

  it.each([
    ['the process', undefined],
    ['the machine', () => 0],
    ['the machine, with half of what was not synced', ({ byteCount }: { byteCount: number }) => byteCount >> 1],
  ])('survives the death of %s, at any step', async (_, power) => {
    const { busy, quiet, other, quietly } = await quietBesideBusy(40);
    const first = crashing as CrashingStore;
    for (let round = 0; round < 7; round++) {
      const next = await first.opened(power);
      const { log } = next.store;
      const read = await readValues(log, quiet);
      expect(read.slice(0, quietly.length)).toEqual(quietly);
      expect((await readValues(log, other, 7n)).length).toBe(14);
      accepted(await append(log, quiet, ['goes on']));
      const again = await next.opened(power);
      expect(await readValues(again.store.log, quiet)).toEqual([...read, 'goes on']);
      await again.end();
      await next.end();
      // A few steps on, somewhere within the copying.
      for (let n = 0; n < 3; n++) accepted(await append(first.store.log, busy, [VALUE]));
      const { logEndOffset } = accepted(await first.store.log.bounds(busy));
      void first.store.log.trim(busy, logEndOffset);
      for (let n = 0; n < round; n++) await Promise.resolve();
    }
  });

  it('stays where it is when it is damaged, and says so', async () => {
    crashing = await CrashingStore.open({ tailCacheBytesMax: 0 });
    const { files, store } = crashing;
    const [busy, quiet] = [await openNewShard(store.log), await openNewShard(store.log)];
    accepted(await append(store.log, quiet, ['quiet']));
    for (let i = 0; i < 20; i++) accepted(await append(store.log, busy, [VALUE]));
    const [path] = files.paths('.log') as [string];
    const { bytes } = files.file(path);
    const at = bytes.indexOf('quiet');
    bytes[at] = (bytes[at] as number) ^ 1;
    accepted(await store.log.trim(busy, 20n));
    for (let i = 0; i < 20; i++) accepted(await append(store.log, busy, [VALUE]));
    expect(await readValues(store.log, busy, 20n)).toHaveLength(20);
    expect(files.paths('.log')).toContain(path);
  });
});

describe('space', () => {
  it('comes back when all records of a segment are trimmed, and is used again', async () => {
    crashing = await CrashingStore.open();
    const { files, store } = crashing;
    const shard = await openNewShard(store.log);
    for (let i = 0; i < 400; i++) {
      accepted(await append(store.log, shard, [VALUE]));
      if (i % 20 === 19) accepted(await store.log.trim(shard, BigInt(i - 4)));
    }
    await eventually(() => expect(files.paths('.log').length).toBeLessThan(8));
    expect(files.reusedCount).toBeGreaterThan(10);
    expect(files.paths('.idx').length).toBeLessThan(8);
    expect(await readValues(store.log, shard, 395n)).toHaveLength(5);
  });

  it('comes back when shards are deleted', async () => {
    crashing = await CrashingStore.open();
    const { files, store } = crashing;
    const [gone, stays] = [await openNewShard(store.log), await openNewShard(store.log)];
    for (let i = 0; i < 100; i++) accepted(await append(store.log, gone, [VALUE]));
    const before = files.paths('.log').length;
    await store.log.deleteShards([gone]);
    accepted(await append(store.log, stays, ['still here']));
    await eventually(() => expect(files.paths('.log').length).toBeLessThan(before - 5));
    expect(await readValues(store.log, stays)).toEqual(['still here']);
  });

  it('is held by one shard until that is trimmed too', async () => {
    crashing = await CrashingStore.open();
    const { files, store } = crashing;
    const [short, long] = [await openNewShard(store.log), await openNewShard(store.log)];
    accepted(await append(store.log, long, ['kept']));
    for (let i = 0; i < 60; i++) accepted(await append(store.log, short, [VALUE]));
    accepted(await store.log.trim(short, 60n));
    expect(await readValues(store.log, long)).toEqual(['kept']);
    // The first segment holds both.
    const [first] = files.paths('.idx');
    accepted(await store.log.trim(long, 1n));
    await eventually(() => expect(files.paths('.idx')).not.toContain(first));
  });

  it('comes back only when no read is under way in it', async () => {
    crashing = await CrashingStore.open({ tailCacheBytesMax: 0 });
    const { files, store } = crashing;
    const shard = await openNewShard(store.log);
    for (let i = 0; i < 60; i++) accepted(await append(store.log, shard, [`${i}`.padEnd(2_000)]));
    const old = files.paths('.log').slice(0, -2);
    let openGate = () => {};
    files.readGate = new Promise((resolve) => (openGate = resolve));
    const reading = store.log.read(shard, 0n, { maxBytes: 10_000 });
    accepted(await store.log.trim(shard, 60n));
    for (let i = 0; i < 60; i++) accepted(await append(store.log, shard, [`new ${i}`.padEnd(2_000)]));
    openGate();
    const slice = accepted(await reading);
    const values = recordsOf(slice).map(({ value }) => value.trim());
    expect(values[0]).toEqual('0');
    expect(values).toEqual(values.map((_, i) => `${i}`));
    slice.release();
    // One may be kept at hand, to be used again.
    await eventually(() => expect(files.paths('.log').filter((path) => old.includes(path)).length).toBeLessThan(2));
  });

  it('comes back without the segment being missed in which the last checkpoint saw the log end', async () => {
    crashing = await CrashingStore.open();
    const { store } = crashing;
    const [gone, stays] = [await openNewShard(store.log), await openNewShard(store.log)];
    for (let i = 0; i < 20; i++) {
      accepted(await append(store.log, gone, [VALUE]));
      accepted(await store.log.trim(gone, BigInt(i + 1)));
      const next = await crashing.opened();
      accepted(await append(next.store.log, stays, ['a']));
      await next.end();
    }
  });

  it('stays what it is over a restart: trimmed segments are not there again', async () => {
    crashing = await CrashingStore.open();
    const { store } = crashing;
    const shard = await openNewShard(store.log);
    for (let i = 0; i < 200; i++) accepted(await append(store.log, shard, [VALUE]));
    accepted(await store.log.trim(shard, 199n));
    const next = await crashing.opened(() => 0);
    await eventually(() => {
      const bytes = next.files.paths('.log').reduce((sum, path) => sum + next.files.file(path).bytes.length, 0);
      expect(bytes).toBeLessThan(4 * SEGMENT_BYTES);
    });
    expect(await readValues(next.store.log, shard, 199n)).toEqual([VALUE]);
    await next.close();
  });
});
