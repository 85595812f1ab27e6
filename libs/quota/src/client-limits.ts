import type { TokenBuckets } from '@tailrace/shard-core';
import { LeasedBucket } from './leased-bucket.ts';

/** A portion that nobody has touched for so long goes back, for the other processes. */
const IDLE_MS = 1_000;
const SWEEP_INTERVAL_MS = 500;
/** What may be spent at once after a pause, in seconds of the rate. */
const BURST_SECONDS = 1;
/** Buckets count in whole tokens: below that rate they count in smaller ones. */
const TOKENS_A_SECOND_MIN = 1_000;

/**
 * Quotas of clients, each shared by all processes: what is used is charged, and whoever is over its quota is asked to pause,
 * never refused. Who has used a tenth of what is allowed in a second makes a trip to the shared bucket, everybody else none.
 */
export class ClientLimits {
  readonly #buckets: TokenBuckets;
  readonly #clock: () => number;
  readonly #leased = new Map<string, LeasedBucket>();
  #sweep: NodeJS.Timeout | undefined;

  /** `clock`: milliseconds, never going back. */
  constructor(buckets: TokenBuckets, clock: () => number = () => performance.now()) {
    this.#buckets = buckets;
    this.#clock = clock;
  }

  /**
   * Charges `amount` to the quota `name` of `ratePerSecond`. Answers for how many milliseconds the client should pause, at most
   * THROTTLE_MS_MAX; 0 at once while the portion at hand suffices. Rejects with StoreUnavailable.
   */
  charge(name: string, ratePerSecond: number, amount: number): number | Promise<number> {
    if (amount === 0) return 0;
    // One bucket a rate: a quota that is changed begins anew.
    const key = `client/${name}/${ratePerSecond}`;
    const scale = ratePerSecond < TOKENS_A_SECOND_MIN ? Math.ceil(TOKENS_A_SECOND_MIN / ratePerSecond) : 1;
    let bucket = this.#leased.get(key);
    if (bucket === undefined) {
      const rate = Math.round(ratePerSecond * scale);
      bucket = new LeasedBucket(
        this.#buckets,
        key,
        { ratePerSecond: rate, capacity: rate * BURST_SECONDS },
        this.#clock,
      );
      this.#leased.set(key, bucket);
      this.#sweep ??= setInterval(() => this.#giveBackIdle(), SWEEP_INTERVAL_MS).unref();
    }
    return bucket.charge(Math.ceil(amount * scale));
  }

  /** Gives back all portions. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    const all = [...this.#leased.values()];
    this.#leased.clear();
    await Promise.all(all.map((bucket) => bucket.giveBack()));
  }

  #giveBackIdle(): void {
    const idleSince = this.#clock() - IDLE_MS;
    for (const [key, bucket] of this.#leased) {
      // A debt is still being paid: forgetting it would be a present.
      if (bucket.usedAtMs > idleSince || bucket.inDebt) continue;
      this.#leased.delete(key);
      bucket.giveBack().catch(() => {
        // The store is away: these tokens are lost to all for a moment, and flow in again at the bucket's rate.
      });
    }
    if (this.#leased.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
