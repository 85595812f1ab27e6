import { NO_ABORTED_TRANSACTIONS } from '../contract/aborted-transactions.ts';
import type { AbortedTransaction, LogSlice, ReadLimits, ShardBounds } from '../contract/log.ts';
import { COMPACTED_BATCH_BYTES_MAX } from './bounds.ts';
import type { SlabPool } from './slab-pool.ts';

/** A slice that lies in memory of the pool. */
export class SlabSlice implements LogSlice {
  readonly chunks: readonly Buffer[];
  readonly byteCount: number;
  readonly batchCount: number;
  readonly appendTimesMs: readonly number[];
  readonly nextOffset: bigint;
  readonly bounds: ShardBounds;
  abortedTransactions: readonly AbortedTransaction[] = NO_ABORTED_TRANSACTIONS;
  readonly #pool: SlabPool;
  #slabs: readonly Buffer[];

  constructor(slice: Omit<LogSlice, 'release' | 'abortedTransactions'>, slabs: readonly Buffer[], pool: SlabPool) {
    this.chunks = slice.chunks;
    this.byteCount = slice.byteCount;
    this.batchCount = slice.batchCount;
    this.appendTimesMs = slice.appendTimesMs;
    this.nextOffset = slice.nextOffset;
    this.bounds = slice.bounds;
    this.#slabs = slabs;
    this.#pool = pool;
  }

  release(): void {
    const slabs = this.#slabs;
    // Twice would hand the same memory to two readers.
    this.#slabs = [];
    for (const slab of slabs) this.#pool.giveBack(slab);
  }
}

/** A slice in the making: batches that follow each other up to an end, moved together where they are small. */
export class SliceBuilder {
  /** The offset that comes next. */
  next: number;
  byteCount = 0;
  /** A batch was left out because of the limits: nothing may come behind it. */
  full = false;
  /** Behind the last batch; `next` may lie behind offsets that nobody has any more. */
  #nextOffset: number;
  readonly #end: number;
  readonly #maxBytes: number;
  readonly #maxBatches: number;
  readonly #chunks: Buffer[] = [];
  readonly #appendTimesMs: number[] = [];
  readonly #slabs: Buffer[] = [];
  /** The chunk that grows, in the last slab. Empty: there is none. */
  #chunkStart = 0;
  #chunkEnd = 0;

  constructor(from: number, end: number, { maxBytes, maxBatches = Infinity }: ReadLimits) {
    this.next = from;
    this.#nextOffset = from;
    this.#end = end;
    this.#maxBytes = maxBytes;
    this.#maxBatches = maxBatches;
  }

  get batchCount(): number {
    return this.#appendTimesMs.length;
  }

  /** What may still come. */
  get limits(): { readonly maxBytes: number; readonly maxBatches: number } {
    return { maxBytes: this.#maxBytes - this.byteCount, maxBatches: this.#maxBatches - this.batchCount };
  }

  /** The following batches lie in this memory, which goes back to the pool with the slice. */
  begin(slab: Buffer): void {
    this.#endChunk();
    this.#slabs.push(slab);
  }

  /** Adds the batch at `at` of the slab, if the limits let it; the first one in any case. */
  add(at: number, byteCount: number, nextOffset: number, appendTimeMs: number): void {
    const { batchCount } = this;
    if (nextOffset > this.#end) {
      this.full = true;
      return;
    }
    if (batchCount > 0 && (this.byteCount + byteCount > this.#maxBytes || batchCount >= this.#maxBatches)) {
      this.full = true;
      return;
    }
    if (this.#chunkEnd > this.#chunkStart && byteCount <= COMPACTED_BATCH_BYTES_MAX) {
      (this.#slabs.at(-1) as Buffer).copyWithin(this.#chunkEnd, at, at + byteCount);
      this.#chunkEnd += byteCount;
    } else {
      this.#endChunk();
      this.#chunkStart = at;
      this.#chunkEnd = at + byteCount;
    }
    this.#appendTimesMs.push(appendTimeMs);
    this.byteCount += byteCount;
    this.next = nextOffset;
    this.#nextOffset = nextOffset;
  }

  finish(bounds: ShardBounds, pool: SlabPool): SlabSlice {
    this.#endChunk();
    const { byteCount, batchCount } = this;
    const nextOffset = BigInt(this.#nextOffset);
    const appendTimesMs = this.#appendTimesMs;
    return new SlabSlice(
      { chunks: this.#chunks, byteCount, batchCount, appendTimesMs, nextOffset, bounds },
      this.#slabs,
      pool,
    );
  }

  #endChunk(): void {
    if (this.#chunkEnd === this.#chunkStart) return;
    this.#chunks.push((this.#slabs.at(-1) as Buffer).subarray(this.#chunkStart, this.#chunkEnd));
    this.#chunkStart = 0;
    this.#chunkEnd = 0;
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
    abortedTransactions: NO_ABORTED_TRANSACTIONS,
    release() {},
  };
}
