import { HASH_KEY_MAX, hashKeyOf, hashKeyPrefix } from './hash-key.ts';

/** A shard's part of the 128-bit hash space, inclusive at both ends. */
export interface HashRange {
  readonly start: bigint;
  readonly end: bigint;
}

export function rangeContains(range: HashRange, hashKey: bigint): boolean {
  return hashKey >= range.start && hashKey <= range.end;
}

/** Cuts the hash space into `count` ranges of equal width; the last one takes the remainder, as Kinesis does. */
export function evenHashRanges(count: number): HashRange[] {
  const width = (HASH_KEY_MAX + 1n) / BigInt(count);
  return Array.from({ length: count }, (_, index) => ({
    start: width * BigInt(index),
    end: index === count - 1 ? HASH_KEY_MAX : width * BigInt(index + 1) - 1n,
  }));
}

/**
 * Finds the range that holds a key. The ranges must cover the hash space without overlap.
 * Routes by the first 32 bits of the MD5 where they decide, by the whole 128 bits where they do not.
 */
export class ShardRouter<T extends { readonly hashRange: HashRange }> {
  readonly #targets: readonly T[];
  readonly #startPrefixes: Float64Array;
  readonly #exact: readonly boolean[];

  constructor(targets: readonly T[]) {
    this.#targets = [...targets].sort((a, b) => (a.hashRange.start < b.hashRange.start ? -1 : 1));
    this.#startPrefixes = Float64Array.from(this.#targets, ({ hashRange }) => Number(hashRange.start >> 96n));
    this.#exact = this.#targets.map(({ hashRange }) => (hashRange.start & ((1n << 96n) - 1n)) === 0n);
  }

  forPartitionKey(partitionKey: string): T {
    const prefix = hashKeyPrefix(partitionKey);
    const index = this.#lastAtOrBefore(prefix);
    // A range that starts inside this prefix may or may not hold the key: only the whole hash tells.
    if (this.#startPrefixes[index] === prefix && !this.#exact[index]) return this.forHashKey(hashKeyOf(partitionKey));
    return this.#targets[index] as T;
  }

  forHashKey(hashKey: bigint): T {
    let low = 0;
    let high = this.#targets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#targets[middle] as T).hashRange.start <= hashKey) low = middle;
      else high = middle - 1;
    }
    return this.#targets[low] as T;
  }

  #lastAtOrBefore(prefix: number): number {
    let low = 0;
    let high = this.#targets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#startPrefixes[middle] as number) <= prefix) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
