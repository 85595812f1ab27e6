import type { TokenBuckets } from '@tailrace/shard-core';
import { type Rate, THROTTLE_MS_MAX } from './rates.ts';

/** The part of a bucket's capacity that is fetched in advance: ten trips a second at full rate, and little to hoard. */
const PORTION_OF_CAPACITY = 0.1;
/** How often a process that owes tokens takes what has flowed in, so that the other processes see the bucket empty. */
const REPAY_INTERVAL_MS = 100;

/**
 * This process's portion of one shared bucket. What is at hand is spent without a trip; below zero it is a debt, which
 * is paid from the shared bucket as that fills.
 */
export class LeasedBucket {
  readonly #buckets: TokenBuckets;
  readonly #name: string;
  readonly #rate: Rate;
  readonly #clock: () => number;
  #balance = 0;
  /** One trip at a time: whoever comes meanwhile looks again when it is back. */
  #trip: Promise<void> | undefined;
  /** The shared bucket has said that so many tokens will not be there before this time. */
  #emptyUntilMs = 0;
  #emptyForTokens = Infinity;
  #repayTimer: NodeJS.Timeout | undefined;
  usedAtMs: number;

  constructor(buckets: TokenBuckets, name: string, rate: Rate, clock: () => number) {
    this.#buckets = buckets;
    this.#name = name;
    this.#rate = rate;
    this.#clock = clock;
    this.usedAtMs = clock();
  }

  /** A demand above the capacity could never be met: it counts as the whole capacity. */
  has(tokens: number): boolean {
    return this.#balance >= Math.min(tokens, this.#rate.capacity);
  }

  get inDebt(): boolean {
    return this.#balance < 0;
  }

  /** Only after `has`. */
  spend(tokens: number): void {
    this.#balance -= Math.min(tokens, this.#rate.capacity);
    this.usedAtMs = this.#clock();
  }

  /**
   * Fetches at least `need` and, if there are as many, `wish` tokens. Answers 0, or after how many milliseconds `need`
   * will be there. Others may spend what it fetches: look again. Throws StoreUnavailable.
   */
  async fetch(need: number, wish: number): Promise<number> {
    this.usedAtMs = this.#clock();
    if (this.#trip !== undefined) {
      await this.#trip;
      return 0;
    }
    const { capacity, ratePerSecond } = this.#rate;
    const missing = Math.min(need, capacity) - this.#balance;
    if (missing <= 0) return 0;
    const now = this.#clock();
    if (now < this.#emptyUntilMs && missing >= this.#emptyForTokens) return this.#emptyUntilMs - now;
    const min = Math.min(missing, capacity);
    const max = Math.min(Math.max(wish - this.#balance, capacity * PORTION_OF_CAPACITY, min), capacity);
    let waitMs = 0;
    const trip = async () => {
      const taken = await this.#buckets.take(this.#name, { ratePerSecond, capacity, min, max });
      this.#balance += taken.granted;
      if (taken.granted > 0) {
        this.#emptyUntilMs = 0;
        return;
      }
      waitMs = Math.max(taken.waitMs, 1);
      this.#emptyUntilMs = this.#clock() + waitMs;
      this.#emptyForTokens = min;
    };
    await this.#alone(trip());
    return waitMs;
  }

  /**
   * Spends whatever is asked, into debt if need be. Answers for how many milliseconds the caller should pause: 0 at once
   * while the portion suffices. Throws StoreUnavailable.
   */
  charge(tokens: number): number | Promise<number> {
    const debtMax = (this.#rate.ratePerSecond * THROTTLE_MS_MAX) / 1000;
    this.#balance = Math.max(this.#balance - tokens, -debtMax);
    this.usedAtMs = this.#clock();
    if (this.#balance >= 0) return 0;
    return this.#payAndPause();
  }

  /** Brings back what is not spent. */
  async giveBack(): Promise<void> {
    if (this.#repayTimer !== undefined) clearInterval(this.#repayTimer);
    this.#repayTimer = undefined;
    await this.#trip;
    const tokens = Math.floor(this.#balance);
    if (tokens <= 0) return;
    this.#balance -= tokens;
    const { capacity, ratePerSecond } = this.#rate;
    await this.#buckets.giveBack(this.#name, tokens, { ratePerSecond, capacity, min: 1, max: tokens });
  }

  async #payAndPause(): Promise<number> {
    if (this.#trip !== undefined) await this.#trip;
    if (this.#balance < 0) await this.#pay(this.#rate.capacity * PORTION_OF_CAPACITY);
    if (this.#balance >= 0) return 0;
    this.#repayTimer ??= setInterval(() => this.#repay(), REPAY_INTERVAL_MS).unref();
    return Math.ceil((-this.#balance / this.#rate.ratePerSecond) * 1000);
  }

  #repay(): void {
    if (this.#balance >= 0) {
      clearInterval(this.#repayTimer);
      this.#repayTimer = undefined;
      return;
    }
    if (this.#trip !== undefined) return;
    this.#pay(0).catch(() => {
      // The store is away. The debt stays, and the next tick tries again; whoever writes meanwhile hears of it anyway.
    });
  }

  /** Takes what the bucket has, up to the debt and `more`. */
  #pay(more: number): Promise<void> {
    const { capacity, ratePerSecond } = this.#rate;
    const max = Math.max(Math.min(more - this.#balance, capacity), 1);
    const trip = async () => {
      const { granted } = await this.#buckets.take(this.#name, { ratePerSecond, capacity, min: 1, max });
      this.#balance += granted;
    };
    return this.#alone(trip());
  }

  async #alone(trip: Promise<void>): Promise<void> {
    // Whoever waits for the trip looks at the balance then; the error is for the one who made it.
    this.#trip = trip.catch(() => {});
    try {
      await trip;
    } finally {
      this.#trip = undefined;
    }
  }
}
