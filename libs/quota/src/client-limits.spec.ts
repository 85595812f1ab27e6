import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClientLimits } from './client-limits.ts';
import { THROTTLE_MS_MAX } from './rates.ts';
import { SharedBuckets } from './testing/shared-buckets.ts';

describe('ClientLimits', () => {
  let now: number;
  let shared: SharedBuckets;
  let open: ClientLimits[];
  const limits = () => {
    const one = new ClientLimits(shared, () => now);
    open.push(one);
    return one;
  };

  beforeEach(() => {
    now = 1_000;
    shared = new SharedBuckets(() => now);
    open = [];
  });
  afterEach(() => Promise.all(open.map((one) => one.close())));

  it('lets a second of the rate pass at once, and then asks for a pause as long as the debt', async () => {
    const one = limits();
    expect(await one.charge('a', 10_000, 10_000)).toBe(0);
    expect(await one.charge('a', 10_000, 5_000)).toBe(500);
    expect(await one.charge('b', 10_000, 5_000)).toBe(0);
  });

  it('makes no trip for what is at hand', async () => {
    const one = limits();
    await one.charge('a', 10_000, 100);
    const { takes } = shared;
    // What was fetched is a tenth of a second.
    expect(one.charge('a', 10_000, 800)).toBe(0);
    expect(shared.takes).toBe(takes);
  });

  it('counts what all processes use together', async () => {
    const [one, two] = [limits(), limits()];
    await one.charge('a', 10_000, 9_000);
    expect(await two.charge('a', 10_000, 9_000)).toBeGreaterThan(700);
  });

  it('asks for no longer pause than the longest, however much it was', async () => {
    // A second of the rate was there.
    expect(await limits().charge('a', 10, 1_000_000)).toBe(THROTTLE_MS_MAX - 1_000);
  });

  it('counts rates below one a second', async () => {
    const one = limits();
    expect(await one.charge('a', 0.5, 0.5)).toBe(0);
    expect(await one.charge('a', 0.5, 0.5)).toBe(1_000);
  });

  it('begins anew when the quota is another', async () => {
    const one = limits();
    await one.charge('a', 1_000, 5_000);
    expect(await one.charge('a', 100_000, 5_000)).toBe(0);
  });

  it('gives back what was not used', async () => {
    const one = limits();
    await one.charge('a', 10_000, 100);
    expect(shared.tokensOf('client/a/10000')).toBeLessThan(9_900);
    await one.close();
    expect(shared.tokensOf('client/a/10000')).toBe(9_900);
  });
});
