import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { uniqueName } from '@tailrace/testkit';
import type { CurrentStore } from './store-conformance.ts';

/** So slow that nothing flows in during a test: what was granted can be counted. */
const SLOW = { ratePerSecond: 0.001, capacity: 100 };

export function tokenBucketsConformance(store: CurrentStore): void {
  it('begins full, and gives as many as it has', async () => {
    const { tokenBuckets } = store();
    const bucket = uniqueName('bucket');
    expect(await tokenBuckets.take(bucket, { ...SLOW, min: 1, max: 30 })).toEqual({ granted: 30, waitMs: 0 });
    expect(await tokenBuckets.take(bucket, { ...SLOW, min: 1, max: 500 })).toEqual({ granted: 70, waitMs: 0 });
  });

  it('gives nothing when it has less than the least, and says how long that will be so', async () => {
    const { tokenBuckets } = store();
    const bucket = uniqueName('bucket');
    const request = { ratePerSecond: 10, capacity: 100 };
    await tokenBuckets.take(bucket, { ...request, min: 100, max: 100 });
    const { granted, waitMs } = await tokenBuckets.take(bucket, { ...request, min: 50, max: 100 });
    expect(granted).toEqual(0);
    expect(waitMs).toBeGreaterThan(4_000);
    expect(waitMs).toBeLessThanOrEqual(5_000);
  });

  it('has what was asked for after the time it told', async () => {
    const { tokenBuckets } = store();
    const bucket = uniqueName('bucket');
    const request = { ratePerSecond: 1_000, capacity: 100, min: 50, max: 50 };
    await tokenBuckets.take(bucket, { ...request, min: 100, max: 100 });
    const { granted, waitMs } = await tokenBuckets.take(bucket, request);
    expect(granted).toEqual(0);
    await sleep(waitMs + 1);
    expect(await tokenBuckets.take(bucket, request)).toEqual({ granted: 50, waitMs: 0 });
  });

  it('takes nothing away from the bucket when it gives nothing', async () => {
    const { tokenBuckets } = store();
    const bucket = uniqueName('bucket');
    await tokenBuckets.take(bucket, { ...SLOW, min: 60, max: 60 });
    expect((await tokenBuckets.take(bucket, { ...SLOW, min: 60, max: 60 })).granted).toEqual(0);
    expect((await tokenBuckets.take(bucket, { ...SLOW, min: 40, max: 40 })).granted).toEqual(40);
  });

  it('holds no more than its capacity', async () => {
    const { tokenBuckets } = store();
    const bucket = uniqueName('bucket');
    const request = { ratePerSecond: 100_000, capacity: 10 };
    await tokenBuckets.take(bucket, { ...request, min: 1, max: 1 });
    await sleep(5);
    expect((await tokenBuckets.take(bucket, { ...request, min: 1, max: 1_000 })).granted).toBeLessThanOrEqual(10);
  });

  it('takes unspent tokens back, up to its capacity', async () => {
    const { tokenBuckets } = store();
    const bucket = uniqueName('bucket');
    await tokenBuckets.take(bucket, { ...SLOW, min: 100, max: 100 });
    await tokenBuckets.giveBack(bucket, 25, { ...SLOW, min: 1, max: 1 });
    expect((await tokenBuckets.take(bucket, { ...SLOW, min: 1, max: 100 })).granted).toEqual(25);
    await tokenBuckets.giveBack(bucket, 1_000, { ...SLOW, min: 1, max: 1 });
    expect((await tokenBuckets.take(bucket, { ...SLOW, min: 1, max: 1_000 })).granted).toEqual(100);
  });

  it('never grants more than capacity and inflow, however many ask at once', async () => {
    const { tokenBuckets } = store();
    const bucket = uniqueName('bucket');
    const request = { ratePerSecond: 2_000, capacity: 200, min: 1, max: 7 };
    const begun = performance.now();
    let granted = 0;
    const take = async () => {
      while (performance.now() - begun < 150) {
        const taken = await tokenBuckets.take(bucket, request);
        granted += taken.granted;
      }
    };
    await Promise.all(Array.from({ length: 8 }, take));
    const seconds = (performance.now() - begun) / 1000;
    expect(granted).toBeGreaterThan(200);
    // The clocks of a store and of this process may round apart by a millisecond.
    expect(granted).toBeLessThanOrEqual(200 + 2_000 * (seconds + 0.002));
  });

  it('keeps buckets apart', async () => {
    const { tokenBuckets } = store();
    const [one, other] = [uniqueName('bucket'), uniqueName('bucket')];
    await tokenBuckets.take(one, { ...SLOW, min: 100, max: 100 });
    expect((await tokenBuckets.take(other, { ...SLOW, min: 100, max: 100 })).granted).toEqual(100);
  });
}
