import { describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import type { Leases } from '../contract/leases.ts';
import { startLeasedSweep } from './leased-sweep.ts';

const fail = (error: unknown) => {
  throw error;
};

/** One lease, held by whoever asks first until it is given up. */
function oneLease(): Leases & { owner: string | undefined } {
  const leases = {
    owner: undefined as string | undefined,
    acquire(name: string, holder: string) {
      leases.owner ??= holder;
      return Promise.resolve({
        held: leases.owner === holder,
        lease: { name, holder: leases.owner, value: '', leaseEpoch: 1 },
      });
    },
    release(_name: string, holder: string) {
      if (leases.owner === holder) leases.owner = undefined;
      return Promise.resolve();
    },
    list: () => Promise.resolve([]),
  };
  return leases;
}

describe('startLeasedSweep', () => {
  it('lets one of two holders look, and the other one when the first has ended', async () => {
    const leases = oneLease();
    const looks = { one: 0, two: 0 };
    const start = (holder: 'one' | 'two') =>
      startLeasedSweep(leases, 'a', { holder, intervalMs: 1, onError: fail }, () => Promise.resolve(looks[holder]++));
    const endOne = start('one');
    expect(await eventually(() => looks.one >= 3)).toBe(true);
    const endTwo = start('two');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks.two).toBe(0);
    await endOne();
    expect(await eventually(() => looks.two >= 1)).toBe(true);
    await endTwo();
    expect(leases.owner).toBeUndefined();
  });

  it('does not overtake a look that takes long, waits for it at the end, and goes on after a failure', async () => {
    const errors: unknown[] = [];
    const pending: (() => void)[] = [];
    let looks = 0;
    const end = startLeasedSweep(
      oneLease(),
      'a',
      { holder: 'one', intervalMs: 1, onError: (error) => errors.push(error) },
      () => {
        looks++;
        if (looks === 1) return Promise.reject(new Error('the first look'));
        return new Promise<void>((resolve) => pending.push(resolve));
      },
    );
    expect(await eventually(() => pending.length > 0)).toBe(true);
    expect(errors).toEqual([new Error('the first look')]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks).toBe(2);
    let ended = false;
    const ending = end().then(() => (ended = true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ended).toBe(false);
    for (const resolve of pending) resolve();
    await ending;
    expect(looks).toBe(2);
  });
});
