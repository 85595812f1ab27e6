import { describe, expect, it } from '@jest/globals';
import { type ShardKey, StoreUnavailable, type TokenBuckets } from '@tailrace/shard-core';
import { THROTTLE_MS_MAX } from './rates.ts';
import { ShardLimits } from './shard-limits.ts';
import { SharedBuckets } from './testing/shared-buckets.ts';

const shard = 'stream/0' as ShardKey;
const MIB = 1024 * 1024;

function setup(processes = 1) {
  const clock = { nowMs: 0 };
  const now = (): number => clock.nowMs;
  const buckets = new SharedBuckets(now);
  const limits = Array.from({ length: processes }, () => new ShardLimits(buckets, { enabled: true, clock: now }));
  return { clock, buckets, limits, one: limits[0] as ShardLimits };
}

/** How many single records of `bytes` are taken before the first refusal. */
async function drain(limits: ShardLimits, bytes: number): Promise<number> {
  for (let taken = 0; ; taken++) {
    const decision = await limits.takeWrite(shard, 1, bytes);
    if (!decision.ok) return taken;
  }
}

describe('ShardLimits', () => {
  it('takes 1,000 records at once and then refuses, saying when to come again', async () => {
    const { one, clock } = setup();
    expect(await drain(one, 1)).toBe(1000);
    const refused = await one.takeWrite(shard, 1, 1);
    expect(refused).toEqual({ ok: false, retryAfterMs: 1 });
    clock.nowMs += 500;
    expect(await drain(one, 1)).toBe(500);
  });

  it('takes 1 MiB at once and then refuses', async () => {
    const { one, clock } = setup();
    expect(await drain(one, MIB / 4)).toBe(4);
    expect(await one.takeWrite(shard, 1, MIB / 4)).toEqual({ ok: false, retryAfterMs: 250 });
    clock.nowMs += 250;
    expect(await drain(one, MIB / 4)).toBe(1);
  });

  it('counts a write above the capacity as the whole of it', async () => {
    const { one } = setup();
    expect(await one.takeWrite(shard, 1, MIB + 256)).toEqual({ ok: true });
    expect(await one.takeWrite(shard, 1, 1)).toMatchObject({ ok: false });
  });

  it('answers without a promise and without a trip while the portion lasts', async () => {
    const { one, buckets } = setup();
    await one.takeWrite(shard, 1, 10);
    const trips = buckets.takes;
    for (let i = 1; i < 100; i++) expect(one.takeWrite(shard, 1, 10)).toEqual({ ok: true });
    expect(buckets.takes).toBe(trips);
    expect(one.takeWrite(shard, 1, 10)).toBeInstanceOf(Promise);
  });

  it('makes no trip for what it knows to be refused', async () => {
    const { one, buckets } = setup();
    await drain(one, 1);
    const trips = buckets.takes;
    for (let i = 0; i < 100; i++) expect(await one.takeWrite(shard, 1, 1)).toMatchObject({ ok: false });
    expect(buckets.takes).toBe(trips);
  });

  it('takes nothing of either kind when one of them is spent', async () => {
    const { one, clock } = setup();
    await one.takeWrite(shard, 1, MIB);
    for (let i = 0; i < 50; i++) expect(await one.takeWrite(shard, 20, 1000)).toMatchObject({ ok: false });
    clock.nowMs += 1000;
    // The bucket is full again; up to a portion of records lies at hand beside it.
    const taken = await drain(one, 1);
    expect(taken).toBeGreaterThanOrEqual(1000);
    expect(taken).toBeLessThanOrEqual(1100);
  });

  it('decides many records each alone, in order, on one trip', async () => {
    const { one, buckets } = setup();
    const sizes = [MIB / 2, MIB / 4, MIB / 2, MIB / 4, 1];
    const decisions = await one.takeWrites(shard, sizes);
    expect(decisions.map(({ ok }) => ok)).toEqual([true, true, false, true, false]);
    expect(buckets.takes).toBeLessThanOrEqual(6);
    expect(await setup().one.takeWrites(shard, Array<number>(500).fill(100))).toEqual(Array(500).fill({ ok: true }));
  });

  it('is exact across processes: in sum what one process would get', async () => {
    const { limits, clock } = setup(2);
    const [first, second] = limits as [ShardLimits, ShardLimits];
    let taken = 0;
    for (let ms = 0; ms < 3000; ms += 10) {
      const bursts = await Promise.all([drain(first, 100), drain(second, 100)]);
      taken += bursts[0] + bursts[1];
      clock.nowMs += 10;
    }
    // Capacity and three seconds less the last step; up to a portion may lie in a process at the end.
    expect(taken).toBeLessThanOrEqual(1000 + 3000);
    expect(taken).toBeGreaterThanOrEqual(1000 + 2990 - 200);
  });

  it('gives back what lies idle, so that another process can have it', async () => {
    const { limits, buckets } = setup(2);
    const [first, second] = limits as [ShardLimits, ShardLimits];
    await first.takeWrite(shard, 1, 1);
    expect(await drain(second, 1)).toBeLessThan(999);
    await first.close();
    expect(buckets.tokensOf(`shard/${shard}/write-records`)).toBe(99);
    // What the second was told a moment ago holds for a millisecond.
    await second.close();
    expect(await drain(second, 1)).toBe(99);
  });

  it('lets Kafka writers go into debt, and says how long to pause, never more than the bound', async () => {
    const { one, clock } = setup();
    expect(await one.chargeWrite(shard, 10, MIB)).toBe(0);
    expect(await one.chargeWrite(shard, 10, MIB / 2)).toBe(500);
    expect(await one.chargeWrite(shard, 10, 100 * MIB)).toBe(THROTTLE_MS_MAX);
    // Others are refused meanwhile.
    expect(await one.takeWrite(shard, 1, 1)).toMatchObject({ ok: false });
    clock.nowMs += THROTTLE_MS_MAX;
    // One second's worth flows into the bucket; the debt is paid as it does, step by step.
    for (let i = 0; i < 6; i++) {
      await one.chargeWrite(shard, 1, 0);
      clock.nowMs += 1000;
    }
    expect(await one.chargeWrite(shard, 1, 100)).toBe(0);
    await one.close();
  });

  it('allows five read calls a second', async () => {
    const { one, clock } = setup();
    const calls = async (count: number) => {
      const decisions = [];
      for (let i = 0; i < count; i++) decisions.push((await one.takeReadCall(shard)).ok);
      return decisions;
    };
    expect(await calls(6)).toEqual([true, true, true, true, true, false]);
    clock.nowMs += 200;
    expect(await calls(2)).toEqual([true, false]);
  });

  it('refuses reads after a large one until it has been paid for', async () => {
    const { one, clock } = setup();
    expect(await one.takeReadCall(shard)).toEqual({ ok: true });
    await one.chargeRead(shard, 10 * MIB);
    const refused: boolean[] = [];
    for (let ms = 0; ms < 5000; ms += 250) {
      refused.push(!(await one.takeReadCall(shard)).ok);
      clock.nowMs += 250;
    }
    // 2 MiB were at hand; the other 8 take four seconds.
    const first = refused.indexOf(false);
    expect(first * 250).toBeGreaterThanOrEqual(4000);
    expect(first * 250).toBeLessThanOrEqual(4500);
    await one.close();
  });

  it('paces each consumer of a shard alone, and beside the shard itself', async () => {
    const { one, clock } = setup();
    expect(await one.chargeConsumerRead(shard, 'a', 2 * MIB)).toBe(0);
    expect(await one.chargeConsumerRead(shard, 'a', MIB)).toBe(500);
    expect(await one.chargeConsumerRead(shard, 'b', 2 * MIB)).toBe(0);
    expect(await one.chargeConsumerRead('stream/1' as ShardKey, 'a', 2 * MIB)).toBe(0);
    expect(await one.takeReadCall(shard)).toEqual({ ok: true });
    expect(await one.chargeConsumerRead(shard, 'a', 100 * MIB)).toBe(THROTTLE_MS_MAX);
    clock.nowMs += THROTTLE_MS_MAX;
    await one.close();
  });

  it('costs nothing when it is off', async () => {
    const buckets = new SharedBuckets(() => 0);
    const off = new ShardLimits(buckets, { enabled: false });
    expect(off.takeWrite(shard, 1e9, 1e12)).toEqual({ ok: true });
    expect(off.takeWrites(shard, [1e12])).toEqual([{ ok: true }]);
    expect(off.chargeWrite(shard, 1e9, 1e12)).toBe(0);
    expect(off.takeReadCall(shard)).toEqual({ ok: true });
    await off.chargeRead(shard, 1e12);
    expect(off.chargeConsumerRead(shard, 'consumer', 1e12)).toBe(0);
    expect(buckets.takes).toBe(0);
  });

  it('refuses by chance, each record for itself, and does not count what it refuses so', async () => {
    const chances = [0.09, 0.1, 0.5, 0.0, 0.9];
    let turn = 0;
    const random = (): number => chances[turn++ % chances.length] as number;
    const buckets = new SharedBuckets(() => 0);
    const one = new ShardLimits(buckets, { enabled: false, refusePercent: 10, random, clock: () => 0 });
    expect(one.enabled).toBe(true);
    const refused = { ok: false, retryAfterMs: 100 };
    const taken = { ok: true };
    expect(one.takeWrites(shard, [1, 2, 3, 4, 5])).toEqual([refused, taken, taken, refused, taken]);
    expect([one.takeWrite(shard, 1, 1), one.takeReadCall(shard)]).toEqual([refused, taken]);
    expect(one.chargeWrite(shard, 1, 1)).toBe(0);
    expect(buckets.takes).toBe(0);

    // With limits beside it: of six records of 1 MiB / 4, chance takes one and the limit one.
    turn = 2;
    const both = new ShardLimits(buckets, { enabled: true, refusePercent: 10, random, clock: () => 0 });
    const decisions = await both.takeWrites(shard, new Array<number>(6).fill(MIB / 4));
    expect(decisions.map(({ ok }) => ok)).toEqual([true, false, true, false, true, true]);
    turn = 1;
    expect(await both.takeWrite(shard, 1, MIB / 4)).toEqual({ ok: false, retryAfterMs: 250 });
    await both.close();
  });

  it('says so when the buckets cannot be reached, and works again afterwards', async () => {
    const { clock } = setup();
    const buckets = new SharedBuckets(() => clock.nowMs);
    let away = true;
    const failing: TokenBuckets = {
      take: (name, request) => (away ? Promise.reject(new StoreUnavailable('away')) : buckets.take(name, request)),
      giveBack: (name, tokens, request) => buckets.giveBack(name, tokens, request),
    };
    const one = new ShardLimits(failing, { enabled: true, clock: () => clock.nowMs });
    await expect(one.takeWrite(shard, 1, 1)).rejects.toThrow(StoreUnavailable);
    await expect(one.takeReadCall(shard)).rejects.toThrow(StoreUnavailable);
    away = false;
    expect(await one.takeWrite(shard, 1, 1)).toEqual({ ok: true });
    await one.close();
  });
});
