import { expect, it } from '@jest/globals';
import { eventually, uniqueName } from '@tailrace/testkit';
import type { CurrentStore } from './store-conformance.ts';

const LONG_MS = 60_000;
const SHORT_MS = 80;

export function leasesConformance(store: CurrentStore): void {
  it('gives a free lease, and shows it to whoever comes second', async () => {
    const { leases } = store();
    const name = uniqueName('lease');
    const first = await leases.acquire(name, 'one', LONG_MS, '{"at":1}');
    expect(first).toEqual({
      held: true,
      lease: { name, holder: 'one', value: '{"at":1}', leaseEpoch: expect.any(Number) },
    });
    expect(await leases.acquire(name, 'two', LONG_MS, '{"at":2}')).toEqual({ held: false, lease: first.lease });
  });

  it('gives it to one of many who ask at once', async () => {
    const { leases } = store();
    const name = uniqueName('lease');
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => leases.acquire(name, `holder ${i}`, LONG_MS)),
    );
    expect(answers.filter(({ held }) => held)).toHaveLength(1);
    expect(new Set(answers.map(({ lease }) => lease.holder)).size).toEqual(1);
  });

  it('renewed by its holder, keeps the epoch and takes the new value', async () => {
    const { leases } = store();
    const name = uniqueName('lease');
    const { lease } = await leases.acquire(name, 'one', LONG_MS, 'a');
    expect(await leases.acquire(name, 'one', LONG_MS, 'b')).toEqual({ held: true, lease: { ...lease, value: 'b' } });
  });

  it('runs out, and goes to another with a larger epoch', async () => {
    const { leases } = store();
    const name = uniqueName('lease');
    const { lease } = await leases.acquire(name, 'one', SHORT_MS);
    const next = await eventually(async () => {
      const answer = await leases.acquire(name, 'two', LONG_MS);
      if (!answer.held) throw new Error('still held');
      return answer.lease;
    });
    expect(next.leaseEpoch).toBeGreaterThan(lease.leaseEpoch);
    expect(await leases.acquire(name, 'one', LONG_MS)).toEqual({ held: false, lease: next });
  });

  it('lasts as long as it is renewed', async () => {
    const { leases } = store();
    const name = uniqueName('lease');
    await leases.acquire(name, 'one', SHORT_MS);
    await leases.acquire(name, 'one', LONG_MS);
    await expect(
      eventually(async () => (await leases.acquire(name, 'two', LONG_MS)).held, { timeoutMs: 2 * SHORT_MS }),
    ).rejects.toThrow();
  });

  it('given up by its holder, is free; given up by another, is not', async () => {
    const { leases } = store();
    const name = uniqueName('lease');
    const { lease } = await leases.acquire(name, 'one', LONG_MS);
    await leases.release(name, 'two');
    expect((await leases.acquire(name, 'two', LONG_MS)).held).toBe(false);
    await leases.release(name, 'one');
    await leases.release(name, 'one');
    const next = await leases.acquire(name, 'two', LONG_MS);
    expect(next.held).toBe(true);
    expect(next.lease.leaseEpoch).toBeGreaterThan(lease.leaseEpoch);
  });

  it('lists those in force under a prefix, in name order', async () => {
    const { leases } = store();
    const base = uniqueName('lease');
    for (const name of ['c', 'a', 'b', 'gone']) await leases.acquire(`${base}/${name}`, 'one', LONG_MS, name);
    await leases.acquire(`${base}/short`, 'one', 1);
    await leases.acquire(`${base}x`, 'one', LONG_MS);
    await leases.release(`${base}/gone`, 'one');
    await eventually(async () => {
      const found = await leases.list(`${base}/`);
      expect(found.map(({ name, value }) => [name.slice(base.length), value])).toEqual([
        ['/a', 'a'],
        ['/b', 'b'],
        ['/c', 'c'],
      ]);
    });
  });
}
