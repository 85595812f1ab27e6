import type { TokenBuckets, TokenRequest } from '@tailrace/shard-core';

/** The shared buckets of a deployment in memory, exact by the given clock. */
export class SharedBuckets implements TokenBuckets {
  readonly #clock: () => number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  /** Trips so far. */
  takes = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  tokensOf(name: string): number {
    return this.#buckets.get(name)?.tokens ?? 0;
  }

  async take(name: string, request: TokenRequest): Promise<{ granted: number; waitMs: number }> {
    this.takes++;
    // A trip takes time: callers meet each other's.
    await new Promise((resolve) => setImmediate(resolve));
    const { ratePerSecond, capacity, max } = request;
    const min = Math.min(request.min, capacity);
    const bucket = this.#filled(name, request);
    const granted = bucket.tokens < min ? 0 : Math.min(Math.floor(bucket.tokens), max);
    bucket.tokens -= granted;
    return { granted, waitMs: granted > 0 ? 0 : Math.ceil(((min - bucket.tokens) / ratePerSecond) * 1000) };
  }

  giveBack(name: string, tokens: number, request: TokenRequest): Promise<void> {
    const bucket = this.#filled(name, request);
    bucket.tokens = Math.min(request.capacity, bucket.tokens + tokens);
    return Promise.resolve();
  }

  #filled(name: string, { ratePerSecond, capacity }: TokenRequest): { tokens: number; atMs: number } {
    const now = this.#clock();
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) this.#buckets.set(name, (bucket = { tokens: capacity, atMs: now }));
    bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.atMs) * ratePerSecond) / 1000);
    bucket.atMs = now;
    return bucket;
  }
}
