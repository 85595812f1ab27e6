import { StoreUnavailable } from '../contract/refusal.ts';
import type { Lease, Leases } from '../contract/leases.ts';
import { LEASES_MAX } from './bounds.ts';
import type { Database } from './database.ts';
import { readCounter } from './documents.ts';

interface Held {
  readonly lease: Lease;
  readonly expiresAtMs: number;
}

/**
 * Leases, in memory: all holders live in this process and end with it. Only the fence is kept, because it must not go
 * back: one counter for all leases, made durable before a lease is handed over.
 */
export class EmbeddedLeases implements Leases {
  readonly #database: Database;
  readonly #clock: () => number;
  readonly #held = new Map<string, Held>();
  #epoch: number;

  constructor(database: Database, clock: () => number) {
    this.#database = database;
    this.#clock = clock;
    this.#epoch = readCounter(database.sqlite, 'leaseEpoch');
  }

  async acquire(name: string, holder: string, ttlMs: number, value = ''): Promise<{ held: boolean; lease: Lease }> {
    const now = this.#clock();
    const current = this.#held.get(name);
    const inForce = current !== undefined && current.expiresAtMs > now;
    if (inForce && current.lease.holder !== holder) return { held: false, lease: current.lease };
    if (!current && this.#held.size >= LEASES_MAX) this.#dropExpired(now);
    const lease = { name, holder, value, leaseEpoch: inForce ? current.lease.leaseEpoch : ++this.#epoch };
    const mine = { lease, expiresAtMs: now + ttlMs };
    this.#held.set(name, mine);
    if (inForce) return { held: true, lease };
    try {
      await this.#database.change((sqlite) =>
        sqlite
          .prepare(
            "INSERT INTO counter VALUES ('leaseEpoch', ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
          )
          .run(lease.leaseEpoch),
      );
    } catch (error) {
      if (this.#held.get(name) === mine) this.#held.delete(name);
      throw error;
    }
    return { held: true, lease };
  }

  async release(name: string, holder: string): Promise<void> {
    if (this.#held.get(name)?.lease.holder === holder) this.#held.delete(name);
  }

  async list(prefix: string): Promise<readonly Lease[]> {
    const now = this.#clock();
    const found: Lease[] = [];
    for (const [name, { lease, expiresAtMs }] of this.#held) {
      if (expiresAtMs > now && name.startsWith(prefix)) found.push(lease);
    }
    return found.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  }

  #dropExpired(now: number): void {
    for (const [name, { expiresAtMs }] of this.#held) if (expiresAtMs <= now) this.#held.delete(name);
    if (this.#held.size >= LEASES_MAX) throw new StoreUnavailable(`more than ${LEASES_MAX} leases are held`);
  }
}
