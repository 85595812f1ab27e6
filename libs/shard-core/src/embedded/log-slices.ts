import type { LogSlice, ShardBounds } from '../contract/log.ts';
import type { SlabPool } from './slab-pool.ts';

/** A slice that lies in memory of the pool. */
export class SlabSlice implements LogSlice {
  readonly chunks: readonly Buffer[];
  readonly byteCount: number;
  readonly batchCount: number;
  readonly appendTimesMs: readonly number[];
  readonly nextOffset: bigint;
  readonly bounds: ShardBounds;
  readonly #pool: SlabPool;
  #slab: Buffer | undefined;

  constructor(slice: Omit<LogSlice, 'release'>, slab: Buffer, pool: SlabPool) {
    this.chunks = slice.chunks;
    this.byteCount = slice.byteCount;
    this.batchCount = slice.batchCount;
    this.appendTimesMs = slice.appendTimesMs;
    this.nextOffset = slice.nextOffset;
    this.bounds = slice.bounds;
    this.#slab = slab;
    this.#pool = pool;
  }

  release(): void {
    // Twice would hand the same memory to two readers.
    if (this.#slab === undefined) return;
    this.#pool.giveBack(this.#slab);
    this.#slab = undefined;
  }
}

export function emptySlice(fromOffset: bigint, bounds: ShardBounds): LogSlice {
  return {
    chunks: [],
    byteCount: 0,
    batchCount: 0,
    appendTimesMs: [],
    nextOffset: fromOffset,
    bounds,
    release() {},
  };
}
