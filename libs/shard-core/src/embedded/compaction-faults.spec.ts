import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import type { Log } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { CrashingStore } from '../testing/crashing-store.ts';
import { diskError } from '../testing/fault-file-system.ts';
import { accepted, append, compactTo, makeBatch, newShardKey, readAll } from '../testing/index.ts';

const BATCHES = 60;
const TO = 100n;
const stays = (offset: bigint) => offset >= TO || offset % 7n === 0n;
const all = Array.from({ length: 2 * BATCHES }, (_, i) => BigInt(i));
const left = all.filter(stays);

const opened: CrashingStore[] = [];

afterEach(async () => {
  for (const crashing of opened.splice(0)) await crashing.remove();
});

/** Two shards that share segments; batches of two records, their values their offsets. */
async function filled(batches = BATCHES): Promise<{ crashing: CrashingStore; shard: ShardKey; other: ShardKey }> {
  const crashing = await CrashingStore.open({ tailCacheBytesMax: 0 });
  opened.push(crashing);
  const [shard, other] = [newShardKey(0), newShardKey(1)];
  const { log } = crashing.store;
  for (const key of [shard, other]) await log.openShard(key, { startOffset: 0n });
  for (let i = 0; i < batches; i++) {
    const values = [2 * i, 2 * i + 1].map((at) => `${at}`.padEnd(300, '.'));
    const producer = { id: 9n, epoch: 0, baseSequence: 2 * i };
    for (const key of [shard, other]) accepted(await append(log, key, values, { producer }));
  }
  return { crashing, shard, other };
}

async function offsetsOf(log: Log, shard: ShardKey): Promise<bigint[]> {
  const records = await readAll(log, shard, 0n, 5_000);
  for (const { offset, value } of records) expect(value).toEqual(`${offset}`.padEnd(300, '.'));
  return records.map(({ offset }) => offset);
}

/** What the next process finds, and what it makes of it. Answers whether the compaction had been done. */
async function checkAfter(
  crashing: CrashingStore,
  shard: ShardKey,
  other: ShardKey,
  power: boolean,
  isThorough: boolean,
): Promise<boolean> {
  const next = await crashing.opened(power ? () => 0 : undefined);
  try {
    const { log } = next.store;
    const found = await offsetsOf(log, shard);
    const isDone = found.length === left.length;
    expect(found).toEqual(isDone ? left : all);
    expect(await offsetsOf(log, other)).toEqual(all);
    const producer = { id: 9n, epoch: 0, baseSequence: 2 * BATCHES };
    expect(accepted(await append(log, shard, ['next'], { producer })).baseOffset).toEqual(BigInt(2 * BATCHES));
    await compactTo(log, shard, TO, stays);
    const expected = [...left.map(String), 'next'];
    const values = async (of: Log) => (await readAll(of, shard, 0n)).map(({ value }) => value.replace(/\.+$/, ''));
    expect(await values(log)).toEqual(expected);
    if (!isThorough) return isDone;
    // And from what a clean end leaves.
    const third = await (await closed(next)).opened();
    expect(await values(third.store.log)).toEqual(expected);
    expect(await offsetsOf(third.store.log, other)).toEqual(all);
    await third.end();
    return isDone;
  } finally {
    await next.end();
  }
}

async function closed(crashing: CrashingStore): Promise<CrashingStore> {
  await crashing.close();
  return crashing;
}

describe('a process that dies in a compaction', () => {
  it.each([false, true])('leaves all of it or nothing, wherever it dies (power lost: %p)', async (power) => {
    const outcomes: boolean[] = [];
    const { crashing: first, shard, other } = await filled();
    for (let steps = 0; ; steps++) {
      const crashing = await first.opened();
      crashing.files.stepsLeft = steps;
      const compacting = compactTo(crashing.store.log, shard, TO, stays);
      const ended = await compacting.then(
        () => true,
        () => false,
      );
      // Behind the answer files are still given back.
      const isOver = ended && crashing.files.stepsLeft > 20;
      outcomes.push(await checkAfter(crashing, shard, other, power, steps % 6 === 0));
      await crashing.end();
      if (isOver) break;
    }
    // It died before the exchange and behind it.
    expect(outcomes).toContain(false);
    expect(outcomes.filter(Boolean).length).toBeGreaterThan(1);
    expect(outcomes.lastIndexOf(false)).toBeLessThan(outcomes.indexOf(true));
  });
});

describe('a compaction on a disk that is full', () => {
  it('changes nothing, leaves no file behind, and is done when there is room', async () => {
    const { crashing, shard, other } = await filled();
    const { log } = crashing.store;
    const before = crashing.files.paths('.log');
    crashing.files.writeFailure = { error: diskError('ENOSPC'), bytesBefore: 0 };
    await expect(compactTo(log, shard, TO, stays)).rejects.toMatchObject({ name: 'StoreUnavailable' });
    expect(crashing.files.paths('.log')).toEqual(before);
    crashing.files.writeFailure = undefined;
    expect(await offsetsOf(log, shard)).toEqual(all);
    await compactTo(log, shard, TO, stays);
    expect(await offsetsOf(log, shard)).toEqual(left);
    expect(await offsetsOf(log, other)).toEqual(all);
  });
});

describe('a compaction that goes less far than the one before', () => {
  it('has what lies behind it after a restart as well', async () => {
    const { crashing, shard, other } = await filled();
    const { log } = crashing.store;
    await compactTo(log, shard, TO, stays);
    await compactTo(log, shard, 42n, (offset) => stays(offset) && offset !== 7n);
    const expected = left.filter((offset) => offset !== 7n);
    for (const power of [undefined, () => 0]) {
      const next = await crashing.opened(power);
      expect(await offsetsOf(next.store.log, shard)).toEqual(expected);
      expect(await offsetsOf(next.store.log, other)).toEqual(all);
      await next.end();
    }
  });
});

describe('a compaction that ends in the segment that is being written', () => {
  it('leaves nothing there of what it dropped, for the next process either', async () => {
    const { crashing, shard, other } = await filled(5);
    const left = [3n, 8n, 9n];
    await compactTo(crashing.store.log, shard, 8n, (offset) => left.includes(offset));
    for (const power of [undefined, () => 0]) {
      const next = await crashing.opened(power);
      expect(await offsetsOf(next.store.log, shard)).toEqual(left);
      expect(await offsetsOf(next.store.log, other)).toEqual(all.slice(0, 10));
      await next.end();
    }
  });
});

describe('a compaction of a log that is damaged', () => {
  it.each([
    ['kept', () => true],
    ['written anew', (offset: bigint) => offset !== 1n],
    ['dropped', (offset: bigint) => offset > 1n],
  ])('changes nothing, also where the damaged batch would be %s', async (_, keeps) => {
    const { crashing, shard } = await filled();
    const { log } = crashing.store;
    const [first] = crashing.files.paths('.log');
    // In the value of the first record: behind two headers.
    const at = 40 + 61 + 100;
    crashing.files.file(first as string).bytes.writeUInt8(33, at);
    await expect(compactTo(log, shard, TO, (offset) => keeps(offset) && offset !== 50n)).rejects.toThrow('is damaged');
    expect((await readAll(log, shard, 2n)).length).toEqual(2 * BATCHES - 2);
  });

  it('takes nothing in the place of a batch that has other offsets', async () => {
    const { crashing, shard } = await filled();
    const { log } = crashing.store;
    const judge = async () => [makeBatch(['x'])];
    await expect(log.compact({ shard, to: 2n, judge })).rejects.toMatchObject({ name: 'StoreUnavailable' });
    expect(await offsetsOf(log, shard)).toEqual(all);
  });
});

describe('space', () => {
  it('comes back: segments in which nothing is left go, and what a compaction wrote goes with the next', async () => {
    const { crashing, shard, other } = await filled(300);
    const { log } = crashing.store;
    await log.deleteShards([other]);
    const files = () => crashing.files.paths('.log').length;
    const before = files();
    expect(before).toBeGreaterThan(12);
    const to = BigInt(2 * 300 - 2);
    // The one that is written, one that is ready, and what is left.
    await compactTo(log, shard, to, (offset) => offset >= to || offset % 50n === 0n);
    await eventually(() => expect(files()).toBeLessThanOrEqual(4));
    await compactTo(log, shard, to, (offset) => offset >= to);
    await eventually(() => expect(files()).toBeLessThanOrEqual(3));
    expect(await offsetsOf(log, shard)).toEqual([to, to + 1n]);
  });
});
