import { StoreUnavailable } from '../contract/refusal.ts';
import type { TokenBuckets, TokenRequest } from '../contract/token-buckets.ts';
import { TOKEN_BUCKETS_MAX } from './bounds.ts';

interface Bucket {
  tokens: number;
  /** When `tokens` was right, on the clock of the buckets. */
  atMs: number;
  /** From then on it is full, like one that was never used. */
  fullAtMs: number;
}

/** Token buckets in memory: there is one process. */
export class EmbeddedTokenBuckets implements TokenBuckets {
  readonly #clock: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async take(name: string, request: TokenRequest): Promise<{ readonly granted: number; readonly waitMs: number }> {
    const bucket = this.#refilled(name, request);
    const { min, max, ratePerSecond } = request;
    if (bucket.tokens < min) return { granted: 0, waitMs: Math.ceil(((min - bucket.tokens) / ratePerSecond) * 1000) };
    // Whole tokens, save that the least that is of use may be a fraction.
    const granted = Math.max(min, Math.floor(Math.min(max, bucket.tokens)));
    this.#set(bucket, bucket.tokens - granted, request);
    return { granted, waitMs: 0 };
  }

  async giveBack(name: string, tokens: number, request: TokenRequest): Promise<void> {
    const bucket = this.#refilled(name, request);
    this.#set(bucket, bucket.tokens + tokens, request);
  }

  #refilled(name: string, request: TokenRequest): Bucket {
    const now = this.#clock();
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= TOKEN_BUCKETS_MAX) this.#dropFull(now);
      bucket = { tokens: request.capacity, atMs: now, fullAtMs: now };
      this.#buckets.set(name, bucket);
      return bucket;
    }
    // A clock that goes back takes nothing away and lets no time flow in twice.
    const passedMs = Math.max(0, now - bucket.atMs);
    bucket.atMs += passedMs;
    this.#set(bucket, bucket.tokens + (passedMs * request.ratePerSecond) / 1000, request);
    return bucket;
  }

  #set(bucket: Bucket, tokens: number, { capacity, ratePerSecond }: TokenRequest): void {
    bucket.tokens = Math.min(capacity, tokens);
    bucket.fullAtMs = bucket.atMs + ((capacity - bucket.tokens) / ratePerSecond) * 1000;
  }

  #dropFull(now: number): void {
    for (const [name, { fullAtMs }] of this.#buckets) if (fullAtMs <= now) this.#buckets.delete(name);
    if (this.#buckets.size >= TOKEN_BUCKETS_MAX) {
      throw new StoreUnavailable(`more than ${TOKEN_BUCKETS_MAX} token buckets are in use`);
    }
  }
}
