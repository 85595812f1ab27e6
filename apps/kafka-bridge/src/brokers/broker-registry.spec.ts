import { afterEach, describe, expect, it } from '@jest/globals';
import { type Lease, type Leases, StoreUnavailable } from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import { eventually } from '@tailrace/testkit';
import { BROKER_LEASE_TTL_MS, BROKER_RENEWAL_MS, BrokerRegistry } from './broker-registry.ts';

/** Leases that end only when a test says so. */
class MemoryLeases implements Leases {
  readonly held = new Map<string, Lease>();
  away = false;

  async acquire(name: string, holder: string, _ttlMs: number, value = '') {
    if (this.away) throw new StoreUnavailable('away');
    const current = this.held.get(name);
    if (current !== undefined && current.holder !== holder) return { held: false, lease: current };
    const lease = { name, holder, value, leaseEpoch: 1 };
    this.held.set(name, lease);
    return { held: true, lease };
  }

  async release(name: string, holder: string) {
    if (this.held.get(name)?.holder === holder) this.held.delete(name);
  }

  async list(prefix: string) {
    return [...this.held.values()].filter(({ name }) => name.startsWith(prefix));
  }
}

const logger = createLogger({ level: 'silent' });
const open: BrokerRegistry[] = [];
async function join(leases: Leases, port: number, nodeId?: number, clock?: () => number): Promise<BrokerRegistry> {
  const registry = await BrokerRegistry.join({ leases, host: 'h', port, nodeId, logger, clock });
  open.push(registry);
  return registry;
}
afterEach(async () => {
  for (const registry of open.splice(0)) await registry.leave();
});

describe('BrokerRegistry', () => {
  it('takes the lowest free node id, and the one it had when it comes back to its address', async () => {
    const leases = new MemoryLeases();
    const nodeIds = [
      (await join(leases, 1)).self.nodeId,
      (await join(leases, 2)).self.nodeId,
      (await join(leases, 2)).self.nodeId,
      (await join(leases, 3)).self.nodeId,
    ];
    expect(nodeIds).toEqual([1, 2, 2, 3]);
  });

  it('takes the configured node id, and says so when another bridge has it', async () => {
    const leases = new MemoryLeases();
    expect((await join(leases, 1, 7)).self.nodeId).toBe(7);
    await expect(join(leases, 2, 7)).rejects.toThrow(
      'node id 7 belongs to another bridge that is alive; give each bridge its own',
    );
  });

  it('sees others come and go, and agrees with them who owns what', async () => {
    const leases = new MemoryLeases();
    const first = await join(leases, 1);
    const groups = Array.from({ length: 100 }, (_, i) => `g${i}`);
    expect(groups.every((group) => first.ownsGroup(group))).toBe(true);
    let changes = 0;
    first.onChange(() => changes++);
    const second = await join(leases, 2);
    await eventually(() => first.brokers.length === 2, { timeoutMs: 3 * BROKER_RENEWAL_MS });
    expect([changes, first.brokers]).toEqual([1, second.brokers]);
    expect(groups.filter((group) => first.ownsGroup(group) === second.ownsGroup(group))).toEqual([]);
    expect(groups.filter((group) => first.ownsGroup(group)).length).toBeGreaterThan(20);
    await second.leave();
    await eventually(() => first.brokers.length === 1, { timeoutMs: 3 * BROKER_RENEWAL_MS });
    expect(groups.every((group) => first.ownsGroup(group))).toBe(true);
  });

  it('answers for nothing from the end of its lease until it has it again, and says that others may have', async () => {
    const leases = new MemoryLeases();
    let nowMs = 1_000;
    const registry = await join(leases, 1, undefined, () => nowMs);
    const told: boolean[] = [];
    registry.onChange(() => told.push(registry.owns('x')));
    const seen = () => [registry.owns('x'), registry.ownsGroup('g'), registry.term];
    leases.away = true;
    nowMs += BROKER_LEASE_TTL_MS - 1;
    expect(seen()).toEqual([true, true, 1]);
    nowMs += 1;
    expect(seen()).toEqual([false, false, 2]);
    // Clients are still sent to it: nobody else is known.
    expect([registry.ownerOf('x').port, told]).toEqual([1, [false]]);
    leases.away = false;
    await eventually(() => registry.holdsLease, { timeoutMs: 3 * BROKER_RENEWAL_MS });
    expect([seen(), told]).toEqual([[true, true, 3], [false, true]]); // prettier-ignore
  });

  it('has lost its lease, too, when nobody asked until it had it again', async () => {
    const leases = new MemoryLeases();
    let nowMs = 1_000;
    const registry = await join(leases, 1, undefined, () => nowMs);
    let told = 0;
    registry.onChange(() => told++);
    nowMs += BROKER_LEASE_TTL_MS;
    await eventually(() => told === 2, { timeoutMs: 3 * BROKER_RENEWAL_MS });
    expect([registry.term, registry.holdsLease]).toEqual([3, true]);
  });

  it('cannot lose to anybody what it has alone', async () => {
    let nowMs = 1_000;
    const leases = new MemoryLeases();
    const options = { leases, host: 'h', port: 1, logger, clock: () => nowMs, isAlone: true };
    const registry = await BrokerRegistry.join(options);
    open.push(registry);
    nowMs += 100 * BROKER_LEASE_TTL_MS;
    expect([registry.owns('x'), registry.term]).toEqual([true, 1]);
  });

  it('takes another node id when its own went to somebody else', async () => {
    const leases = new MemoryLeases();
    const first = await join(leases, 1);
    leases.held.set('broker/1', {
      name: 'broker/1',
      holder: 'other:9',
      value: '{"host":"other","port":9}',
      leaseEpoch: 2,
    });
    await eventually(() => first.self.nodeId === 2, { timeoutMs: 3 * BROKER_RENEWAL_MS });
    await eventually(() => first.brokers.map(({ host, nodeId }) => `${nodeId} ${host}`).join() === '1 other,2 h');
  });
});
