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
