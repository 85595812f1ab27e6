import type { ShardKey, TokenBuckets } from '@tailrace/shard-core';
import { LeasedBucket } from './leased-bucket.ts';
import {
  CONSUMER_READ_BYTES,
  type Rate,
  SHARD_READ_BYTES,
  SHARD_READ_CALLS,
  SHARD_WRITE_BYTES,
  SHARD_WRITE_RECORDS,
} from './rates.ts';

export type Decision = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

export interface ShardLimitsOptions {
  /** `false`: everything is allowed, and nothing is counted. */
  readonly enabled: boolean;
  /**
   * Refuses so many of a hundred records and read calls by chance, whatever the limits say, so that clients can be
   * tested for how they take it. What is refused so is not counted. Charges refuse nobody.
   */
  readonly refusePercent?: number;
  /** From 0 to below 1. */
  readonly random?: () => number;
  /** Milliseconds, never going back. */
  readonly clock?: () => number;
}

/** A portion that nobody has touched for so long goes back, for the other processes. */
const IDLE_MS = 300;
const SWEEP_INTERVAL_MS = 150;

const TAKEN: Decision = { ok: true };
/** What is told to who is refused by chance. */
const REFUSED: Decision = { ok: false, retryAfterMs: 100 };

/** The four limits of one shard, as far as this process has used them. */
class ShardBuckets {
  readonly #bucket: (kind: string, rate: Rate) => LeasedBucket;
  #writeRecords: LeasedBucket | undefined;
  #writeBytes: LeasedBucket | undefined;
  #readCalls: LeasedBucket | undefined;
  #readBytes: LeasedBucket | undefined;

  constructor(bucket: (kind: string, rate: Rate) => LeasedBucket) {
    this.#bucket = bucket;
  }

  get writeRecords(): LeasedBucket {
    return (this.#writeRecords ??= this.#bucket('write-records', SHARD_WRITE_RECORDS));
  }

  get writeBytes(): LeasedBucket {
    return (this.#writeBytes ??= this.#bucket('write-bytes', SHARD_WRITE_BYTES));
  }

  get readCalls(): LeasedBucket {
    return (this.#readCalls ??= this.#bucket('read-calls', SHARD_READ_CALLS));
  }

  get readBytes(): LeasedBucket {
    return (this.#readBytes ??= this.#bucket('read-bytes', SHARD_READ_BYTES));
  }

  inUse(): LeasedBucket[] {
    return [this.#writeRecords, this.#writeBytes, this.#readCalls, this.#readBytes].filter(
      (bucket) => bucket !== undefined,
    );
  }
}

/**
 * The limits of every shard, exact across processes: the tokens lie in buckets that all processes share; this process
 * takes them in small portions and spends them without a trip. What is not spent goes back soon, and on `close`.
 */
export class ShardLimits {
  /** `false`: nothing is refused, and nobody needs to ask. */
  readonly enabled: boolean;
  readonly #counts: boolean;
  readonly #refuses: () => boolean;
  readonly #buckets: TokenBuckets;
  readonly #clock: () => number;
  readonly #shards = new Map<ShardKey, ShardBuckets>();
  /** Of consumers with enhanced fan-out, by shard and consumer. */
  readonly #consumers = new Map<string, LeasedBucket>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(
    buckets: TokenBuckets,
    { enabled, refusePercent = 0, random = Math.random, clock = () => performance.now() }: ShardLimitsOptions,
  ) {
    this.#buckets = buckets;
    this.#counts = enabled;
    this.#refuses = refusePercent > 0 ? () => random() * 100 < refusePercent : () => false;
    this.enabled = enabled || refusePercent > 0;
    this.#clock = clock;
  }

  /**
   * Takes what a write of `records` records and `bytes` bytes costs, all or nothing. Answers at once while the portion at
   * hand suffices. Rejects with StoreUnavailable.
   */
  takeWrite(shard: ShardKey, records: number, bytes: number): Decision | Promise<Decision> {
    if (this.#refuses()) return REFUSED;
    if (!this.#counts) return TAKEN;
    const buckets = this.#of(shard);
    return takeBoth(buckets, records, bytes) ? TAKEN : this.#takeWriteSlowly(buckets, records, bytes);
  }

  /**
   * Takes for several records, each of `sizes` bytes; each is decided alone and in order, with one trip for all of them
   * at most. Rejects with StoreUnavailable.
   */
  takeWrites(shard: ShardKey, sizes: readonly number[]): readonly Decision[] | Promise<readonly Decision[]> {
    const refused = sizes.map(() => this.#refuses());
    if (!refused.includes(true)) return this.#takeWrites(shard, sizes);
    const taken = this.#takeWrites(
      shard,
      sizes.filter((_, i) => !refused[i]),
    );
    const inPlace = (decisions: readonly Decision[]): readonly Decision[] => {
      let next = 0;
      return refused.map((isRefused) => (isRefused ? REFUSED : (decisions[next++] as Decision)));
    };
    return taken instanceof Promise ? taken.then(inPlace) : inPlace(taken);
  }

  #takeWrites(shard: ShardKey, sizes: readonly number[]): readonly Decision[] | Promise<readonly Decision[]> {
    if (!this.#counts) return sizes.map(() => TAKEN);
    const buckets = this.#of(shard);
    let bytes = 0;
    for (const size of sizes) bytes += size;
    if (takeBoth(buckets, sizes.length, bytes)) return sizes.map(() => TAKEN);
    return this.#takeWritesSlowly(buckets, sizes, bytes);
  }

  /**
   * Charges a write that is not refused: a Kafka produce. Answers for how many milliseconds the client should pause, at
   * most THROTTLE_MS_MAX; 0 at once while the portion suffices. Rejects with StoreUnavailable.
   */
  chargeWrite(shard: ShardKey, records: number, bytes: number): number | Promise<number> {
    if (!this.#counts) return 0;
    const buckets = this.#of(shard);
    const forRecords = buckets.writeRecords.charge(records);
    const forBytes = buckets.writeBytes.charge(bytes);
    if (typeof forRecords === 'number' && typeof forBytes === 'number') return Math.max(forRecords, forBytes);
    return Promise.all([forRecords, forBytes]).then(([a, b]) => Math.max(a, b));
  }

  /** Takes one read call, and looks whether earlier reads have been paid for. Rejects with StoreUnavailable. */
  takeReadCall(shard: ShardKey): Decision | Promise<Decision> {
    if (this.#refuses()) return REFUSED;
    if (!this.#counts) return TAKEN;
    return this.#takeReadCall(this.#of(shard));
  }

  /**
   * Charges what a read has returned. A large read overdraws, and then the next calls are refused until it has been
   * paid for, as the service does it. Rejects with StoreUnavailable.
   */
  async chargeRead(shard: ShardKey, bytes: number): Promise<void> {
    if (!this.#counts || bytes === 0) return;
    await this.#of(shard).readBytes.charge(bytes);
  }

  /**
   * Charges what a consumer with enhanced fan-out has been sent, which is not refused: answers for how many milliseconds
   * the sender should pause, at most THROTTLE_MS_MAX; 0 at once while the portion suffices. Rejects with StoreUnavailable.
   */
  chargeConsumerRead(shard: ShardKey, consumer: string, bytes: number): number | Promise<number> {
    if (!this.#counts || bytes === 0) return 0;
    const name = `shard/${shard}/consumer/${consumer}/read-bytes`;
    let bucket = this.#consumers.get(name);
    if (bucket === undefined) {
      bucket = new LeasedBucket(this.#buckets, name, CONSUMER_READ_BYTES, this.#clock);
      this.#consumers.set(name, bucket);
      this.#startSweep();
    }
    return bucket.charge(bytes);
  }

  /** Gives back all portions. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    const all = [...this.#shards.values()].flatMap((buckets) => buckets.inUse()).concat(...this.#consumers.values());
    this.#shards.clear();
    this.#consumers.clear();
    await Promise.all(all.map((bucket) => bucket.giveBack()));
  }

  #of(shard: ShardKey): ShardBuckets {
    let buckets = this.#shards.get(shard);
    if (buckets === undefined) {
      buckets = new ShardBuckets(
        (kind, rate) => new LeasedBucket(this.#buckets, `shard/${shard}/${kind}`, rate, this.#clock),
      );
      this.#shards.set(shard, buckets);
      this.#startSweep();
    }
    return buckets;
  }

  #startSweep(): void {
    this.#sweep ??= setInterval(() => this.#giveBackIdle(), SWEEP_INTERVAL_MS).unref();
  }

  async #takeWriteSlowly(buckets: ShardBuckets, records: number, bytes: number): Promise<Decision> {
    // Each turn either decides, or somebody else has spent what was fetched and is done: it ends.
    for (;;) {
      const waitMs = Math.max(
        ...(await Promise.all([buckets.writeRecords.fetch(records, records), buckets.writeBytes.fetch(bytes, bytes)])),
      );
      if (takeBoth(buckets, records, bytes)) return TAKEN;
      if (waitMs > 0) return { ok: false, retryAfterMs: Math.ceil(waitMs) };
    }
  }

  async #takeWritesSlowly(
    buckets: ShardBuckets,
    sizes: readonly number[],
    bytes: number,
  ): Promise<readonly Decision[]> {
    const decisions: Decision[] = [];
    for (const size of sizes) {
      // The first one fetches for all; while its portion lasts, the others find theirs at hand.
      if (takeBoth(buckets, 1, size)) decisions.push(TAKEN);
      else decisions.push(await this.#takeOneOfMany(buckets, size, sizes.length - decisions.length, bytes));
      bytes -= size;
    }
    return decisions;
  }

  async #takeOneOfMany(buckets: ShardBuckets, size: number, recordsLeft: number, bytesLeft: number): Promise<Decision> {
    for (;;) {
      const waitMs = Math.max(
        ...(await Promise.all([buckets.writeRecords.fetch(1, recordsLeft), buckets.writeBytes.fetch(size, bytesLeft)])),
      );
      if (takeBoth(buckets, 1, size)) return TAKEN;
      if (waitMs > 0) return { ok: false, retryAfterMs: Math.ceil(waitMs) };
    }
  }

  async #takeReadCall({ readCalls, readBytes }: ShardBuckets): Promise<Decision> {
    for (;;) {
      const waitMs = Math.max(...(await Promise.all([readCalls.fetch(1, 1), readBytes.fetch(1, 1)])));
      if (readCalls.has(1) && readBytes.has(1)) {
        readCalls.spend(1);
        return TAKEN;
      }
      if (waitMs > 0) return { ok: false, retryAfterMs: Math.ceil(waitMs) };
    }
  }

  #giveBackIdle(): void {
    const idleSince = this.#clock() - IDLE_MS;
    // A debt is still being paid: forgetting it would be a present.
    const isIdle = (bucket: LeasedBucket): boolean => bucket.usedAtMs <= idleSince && !bucket.inDebt;
    for (const [shard, buckets] of this.#shards) {
      const inUse = buckets.inUse();
      if (!inUse.every(isIdle)) continue;
      this.#shards.delete(shard);
      inUse.forEach(giveBack);
    }
    for (const [name, bucket] of this.#consumers) {
      if (!isIdle(bucket)) continue;
      this.#consumers.delete(name);
      giveBack(bucket);
    }
    if (this.#shards.size === 0 && this.#consumers.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }
  }
}

function giveBack(bucket: LeasedBucket): void {
  bucket.giveBack().catch(() => {
    // The store is away: these tokens are lost to all for a moment, and flow in again at the bucket's rate.
  });
}

function takeBoth({ writeRecords, writeBytes }: ShardBuckets, records: number, bytes: number): boolean {
  if (!writeRecords.has(records) || !writeBytes.has(bytes)) return false;
  writeRecords.spend(records);
  writeBytes.spend(bytes);
  return true;
}
