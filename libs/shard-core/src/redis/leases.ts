import type { Lease, Leases } from '../contract/leases.ts';
import { LEASE_LIST_MAX } from './bounds.ts';
import type { Keys } from './keys.ts';
import type { Topology } from './topology.ts';

export interface RedisLeasesOptions {
  readonly keys: Keys;
  readonly topology: Topology;
  readonly clock: (() => number) | undefined;
  /** As for documents. */
  readonly replicated: (key: string) => Promise<void>;
}

/** Leases by Redis' clock, so that holders need not agree on the time. */
export class RedisLeases implements Leases {
  readonly #options: RedisLeasesOptions;

  constructor(options: RedisLeasesOptions) {
    this.#options = options;
  }

  async acquire(name: string, holder: string, ttlMs: number, value = ''): Promise<{ held: boolean; lease: Lease }> {
    const { keys, topology, replicated } = this.#options;
    const args = [name, holder, String(ttlMs), value, this.#now()];
    const reply = await topology.at(keys.leases[0], (node) => node.run('acquire-lease', keys.leases, args));
    const [tag, holderNow, valueNow, epoch, handedOver] = reply as [string, string, string, string, string?];
    // A failover that forgot who holds it would give it, and its epoch, away twice. Renewals come again anyway.
    if (handedOver === '1') await replicated(keys.leases[0]);
    const lease = { name, holder: holderNow, value: valueNow, leaseEpoch: Number(epoch) };
    return { held: tag === 'held', lease };
  }

  async release(name: string, holder: string): Promise<void> {
    const { keys, topology } = this.#options;
    const released = keys.leases.slice(0, 3);
    await topology.at(keys.leases[0], (node) => node.run('release-lease', released, [name, holder]));
  }

  async list(prefix: string): Promise<readonly Lease[]> {
    const { keys, topology } = this.#options;
    const args = [prefix, String(LEASE_LIST_MAX), this.#now()];
    const [, ...fields] = await topology.at(keys.leases[0], (node) =>
      node.run('list-leases', keys.leases.slice(0, 3), args),
    );
    const leases: Lease[] = [];
    for (let at = 0; at + 3 < fields.length; at += 4) {
      const [name, holder, value, epoch] = fields.slice(at, at + 4) as [string, string, string, string];
      leases.push({ name, holder, value, leaseEpoch: Number(epoch) });
    }
    return leases;
  }

  #now(): string {
    const { clock } = this.#options;
    return clock === undefined ? '' : String(clock());
  }
}
