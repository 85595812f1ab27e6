import { encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { eventually, type RedisServer, startRedis } from '@tailrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from './index.ts';
import { scripts } from './scripts.ts';
import { append, batchOf, openShard, readAll, someShard } from './testing/shard-under-test.ts';

const LARGE = 'L'.repeat(100_000);

describe('the log in Redis', () => {
  let redis: RedisServer;
  let store: Store;
  let other: Store;

  beforeAll(async () => {
    redis = await startRedis();
    store = await openRedisStore({ url: redis.url, batchBytesMax: 200_000 });
    other = await openRedisStore({ url: redis.url });
  });

  afterAll(async () => {
    await store.close();
    await other.close();
    await redis.stop();
  });

  const newShard = (startOffset?: bigint) => openShard(store, startOffset);

  const keysOf = async (shard: string) => ((await redis.command('KEYS', `tr:{${shard}}:*`)) as string[]).sort();

  it('keeps a batch of 16 KiB inside the stream and a larger one beside it', async () => {
    const shard = await newShard();
    const header = batchOf(['']).length;
    for (const size of [16 * 1024, 16 * 1024 + 1]) {
      let value = 'x'.repeat(size - header);
      while (batchOf([value]).length > size) value = value.slice(1);
      expect(batchOf([value]).length).toBe(size);
      await append(store, shard, [value]);
    }
    expect(await keysOf(shard)).toEqual([`tr:{${shard}}:log`, `tr:{${shard}}:meta`, `tr:{${shard}}:payload:1`]);
    expect(await redis.command('TTL', `tr:{${shard}}:payload:1`)).toBe(-1);
  });

  it('lets so many calls wait for appends, and takes further ones when some have ended', async () => {
    const small = await openRedisStore({ url: redis.url, waitersMax: 2 });
    const shard = await newShard();
    const wait = () => small.log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 10_000 });
    for (let round = 0; round < 2; round++) {
      const aborting = new AbortController();
      const positions = [
        { shard, offset: 5n },
        { shard, offset: 6n },
      ] as const;
      const waiting = [0, 1].map(() =>
        small.log.awaitAppend(positions, { timeoutMs: 10_000, signal: aborting.signal }),
      );
      await expect(wait()).rejects.toThrow('more than 2 calls wait for appends');
      aborting.abort();
      expect(await Promise.all(waiting)).toEqual([false, false]);
    }
    const waiting = [wait(), wait()];
    await append(store, shard, ['x']);
    expect(await Promise.all(waiting)).toEqual([true, true]);
    expect(await wait()).toBe(true);
    await small.close();
  });

  it('names an entry by the offset behind it and its append time', async () => {
    const shard = await newShard(41n);
    const appended = await append(store, shard, ['a', 'b', 'c']);
    const appendTimeMs = appended.ok ? appended.value.appendTimeMs : 0;
    const [[id]] = (await redis.command('XRANGE', `tr:{${shard}}:log`, '-', '+')) as [[string]];
    expect(id).toBe(`44-${appendTimeMs}`);
  });

  it('keeps what was handed over to a shard for as long as there is the shard', async () => {
    const [parent, child] = [await newShard(), someShard()];
    const producer = { id: 5n, epoch: 0, baseSequence: 0 };
    await append(store, parent, ['x'], { producer });
    await store.log.seal(parent);
    await store.log.openShard(child, { startOffset: 1n, producersOf: [{ shard: parent, partition: 0 }] });
    expect(await redis.command('TTL', `tr:{${child}}:producers`)).toBe(-1);
    expect(await append(store, child, ['x'], { producer })).toMatchObject({ ok: true, value: { duplicate: true } });
  });

  it('lets no watermark go back for a process that comes late with an older one', async () => {
    const shard = await newShard();
    for (let i = 0; i < 3; i++) await append(store, shard, ['x']);
    const { text } = scripts['advance-watermark'];
    for (const offset of ['1', '9']) {
      const reply = await redis.command('EVAL', text, '1', `tr:{${shard}}:meta`, offset, shard, 'tr:shards');
      expect(reply).toEqual(['ok', '3', '3', '-1']);
    }
    expect(await other.log.bounds(shard)).toMatchObject({ ok: true, value: { highWatermark: 3n, logEndOffset: 3n } });
  });

  it('lets no append time go back where the clock does', async () => {
    let now = 2_000;
    const clocked = await openRedisStore({ url: redis.url, clock: () => now });
    const shard = await newShard();
    const times: number[] = [];
    for (now of [2_000, 1_000, 3_000]) {
      const outcome = await append(clocked, shard, ['x']);
      times.push(outcome.ok ? outcome.value.appendTimeMs : -1);
    }
    expect(times).toEqual([2_000, 2_000, 3_000]);
    const slice = await store.log.read(shard, 0n, { maxBytes: 1_000 });
    expect(slice.ok && slice.value.appendTimesMs).toEqual([2_000, 2_000, 3_000]);
    await clocked.close();
  });

  it('reads small and large batches in order, each with its base offset, from the middle of a batch too', async () => {
    const shard = await newShard(7n);
    await append(store, shard, ['a', 'b']);
    await append(store, shard, [LARGE, 'c']);
    await append(store, shard, ['d']);
    const all = [[7n, 'a'], [8n, 'b'], [9n, LARGE], [10n, 'c'], [11n, 'd']]; // prettier-ignore
    expect(await readAll(store, shard)).toEqual(all);
    const slice = await store.log.read(shard, 10n, { maxBytes: 1 });
    expect(slice).toMatchObject({ ok: true, value: { batchCount: 1, nextOffset: 11n } });
    expect(slice.ok && slice.value.chunks.map((chunk) => readBatchHeader(chunk, 0).baseOffset)).toEqual([9n]);
  });

  it('is exact up to 2^53', async () => {
    const start = 2n ** 53n - 4n;
    const shard = await newShard(start);
    expect(await append(store, shard, ['a', 'b'])).toMatchObject({
      ok: true,
      value: { baseOffset: start, nextOffset: start + 2n },
    });
    expect(await readAll(store, shard)).toEqual([[start, 'a'], [start + 1n, 'b']]); // prettier-ignore
  });

  it('refuses a batch above the limit, and takes one at the limit', async () => {
    const shard = await newShard();
    const overhead = batchOf(['x'.repeat(150_000)]).length - 150_000;
    expect(await append(store, shard, ['x'.repeat(200_000 - overhead)])).toMatchObject({ ok: true });
    expect(await append(store, shard, ['x'.repeat(200_001 - overhead)])).toEqual({
      ok: false,
      refusal: { code: 'batchTooLarge', bytes: 200_001, maxBytes: 200_000 },
    });
    const unknown = someShard();
    const tooLarge = ['x'.repeat(200_001)];
    expect(await append(store, unknown, tooLarge)).toEqual({
      ok: false,
      refusal: { code: 'shardNotFound', shard: unknown },
    });
    await store.log.seal(shard);
    expect(await append(store, shard, tooLarge)).toEqual({ ok: false, refusal: { code: 'shardSealed', shard } });
  });

  it('gives two stores that append at once offsets without gap and double, and each its own order', async () => {
    const shard = await newShard();
    const batches = Array.from({ length: 200 }, (_, index) => index);
    await Promise.all(
      [store, other].map((writer, which) =>
        Promise.all(
          batches.map((index) => append(writer, shard, [`${which}:${index}`, index % 10 === 0 ? LARGE : ''])),
        ),
      ),
    );
    const records = await readAll(other, shard);
    expect(records.map(([offset]) => offset)).toEqual(Array.from({ length: 800 }, (_, index) => BigInt(index)));
    for (const which of ['0', '1']) {
      const own = records.map(([, value]) => value).filter((value) => value.startsWith(`${which}:`));
      expect(own).toEqual(batches.map((index) => `${which}:${index}`));
    }
  });

  it('wakes waiters of another store, once each, and sends nothing while nobody waits', async () => {
    const shard = await newShard();
    const published = async () =>
      Number(/cmdstat_publish:calls=(\d+)/.exec(String(await redis.command('INFO', 'commandstats')))?.[1] ?? '0');
    const before = await published();
    await append(store, shard, ['a']);
    expect(await published()).toBe(before);

    const waiting = [1n, 1n, 2n].map((offset) => other.log.awaitAppend([{ shard, offset }], { timeoutMs: 5_000 }));
    await eventually(async () => (await redis.command('HEXISTS', `tr:{${shard}}:meta`, 'armed')) === 1);
    await append(store, shard, ['b']);
    expect(await Promise.all(waiting.slice(0, 2))).toEqual([true, true]);
    // The third waits for what comes next: it is armed again.
    await eventually(async () => (await redis.command('HEXISTS', `tr:{${shard}}:meta`, 'armed')) === 1);
    await append(store, shard, ['c']);
    expect(await waiting[2]).toBe(true);
  });

  it.each(['seal', 'delete'] as const)('wakes waiters of another store on %s', async (what) => {
    const shard = await newShard();
    const waiting = other.log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 5_000 });
    await eventually(async () => (await redis.command('HEXISTS', `tr:{${shard}}:meta`, 'armed')) === 1);
    if (what === 'seal') await store.log.seal(shard);
    else await store.log.deleteShards([shard]);
    expect(await waiting).toBe(true);
  });

  it('frees what was trimmed, in slices, and what was deleted', async () => {
    const shard = await newShard();
    for (let index = 0; index < 100; index++) await append(store, shard, [index % 2 === 0 ? LARGE : 'small']);
    expect(await store.log.trim(shard, 99n)).toEqual({ ok: true, value: { logStartOffset: 99n } });
    await eventually(async () => {
      expect(await redis.command('XLEN', `tr:{${shard}}:log`)).toBe(1);
      expect(await keysOf(shard)).toEqual([`tr:{${shard}}:log`, `tr:{${shard}}:meta`]);
    });
    const bounds = await store.log.bounds(shard);
    expect(bounds).toMatchObject({ ok: true, value: { sizeBytes: batchOf(['small']).length, logStartOffset: 99n } });

    await append(store, shard, [LARGE]);
    await store.log.deleteShards([shard]);
    expect(await keysOf(shard)).toEqual([]);
  });

  it('opens a shard anew over what a deleted one of its name has left behind', async () => {
    const shard = await newShard();
    await append(store, shard, [LARGE]);
    // As if the process that deleted it had ended half-way.
    await redis.command('DEL', `tr:{${shard}}:meta`);
    await store.log.openShard(shard, { startOffset: 5n });
    expect(await append(store, shard, ['a'])).toMatchObject({ ok: true, value: { baseOffset: 5n } });
    expect(await readAll(store, shard)).toEqual([[5n, 'a']]);
  });

  it('finds record timestamps that go back, also when trimmed records hide them', async () => {
    const shard = await newShard();
    for (const timestampMs of [100, 500, 300, 400, 200, 450, 600]) {
      const batch = batchOf(['x'], undefined, timestampMs);
      const header = readBatchHeader(batch, 0);
      await store.log.append({ shard, batch, header, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 });
    }
    const find = async (timestampMs: number) => {
      const found = await store.log.offsetForTime(shard, timestampMs, 'record');
      return found.ok && found.value && [Number(found.value.baseOffset), found.value.timestampMs];
    };
    expect(await Promise.all([0, 100, 101, 500, 501, 600, 601].map(find))).toEqual([
      [0, 100], [0, 100], [1, 500], [1, 500], [6, 600], [6, 600], undefined,
    ]); // prettier-ignore
    await store.log.trim(shard, 2n);
    // The largest so far, 500, is gone, but its shadow lies on what follows.
    expect(await Promise.all([0, 301, 401, 460].map(find))).toEqual([[2, 300], [3, 400], [5, 450], [6, 600]]); // prettier-ignore
    expect(await store.log.maxRecordTimestamp(shard)).toEqual({
      ok: true,
      value: { baseOffset: 6n, timestampMs: 600 },
    });
  });

  it('loads its scripts again after a SCRIPT FLUSH', async () => {
    const shard = await newShard();
    await redis.command('SCRIPT', 'FLUSH');
    expect(await append(store, shard, ['a'])).toMatchObject({ ok: true, value: { baseOffset: 0n } });
  });

  it('lets those go that were silent for a day, but none of which a marker is awaited', async () => {
    const DAY_MS = 24 * 60 * 60 * 1000;
    let nowMs = 1_000;
    const aging = await openRedisStore({ url: redis.url, clock: () => nowMs });
    const shard = someShard();
    await aging.log.openShard(shard, { startOffset: 0n });
    const write = (id: number) =>
      append(aging, shard, ['x'], { producer: { id: BigInt(id), epoch: 0, baseSequence: 0 } });
    const transactional = encodeBatch([{ key: null, value: null, timestampMs: 1 }], {
      producer: { id: 0n, epoch: 0, baseSequence: 0 },
      isTransactional: true,
    });
    const header = readBatchHeader(transactional, 0);
    const how = { acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 } as const;
    await aging.log.append({ shard, batch: transactional, header, ...how });
    for (let id = 1; id < 40; id++) await write(id);
    nowMs += DAY_MS + 1;
    for (let id = 100; id < 300; id++) await write(id);
    const states = await aging.log.producers(shard);
    const kept = states.ok ? states.value.map(({ producerId }) => Number(producerId)) : [];
    expect(kept.filter((id) => id >= 100)).toHaveLength(200);
    expect(kept.includes(0)).toBe(true);
    // Each new one looks at four.
    expect(kept.filter((id) => id < 100).length).toBeLessThan(20);
    await aging.close();
  });

  it('forgets the producer that was silent longest, not one that writes', async () => {
    const shard = await newShard();
    const write = (id: number, baseSequence: number) =>
      append(store, shard, ['x'], { producer: { id: BigInt(id), epoch: 0, baseSequence } });
    for (let id = 0; id < 20_000; id += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, index) => write(id + index, 0)));
    }
    expect(await redis.command('HLEN', `tr:{${shard}}:producers`)).toBe(20_000);
    await write(20_000, 0);
    expect(await redis.command('HLEN', `tr:{${shard}}:producers`)).toBe(20_000);
    expect(await write(20_000, 1)).toMatchObject({ ok: true });
  });
});
