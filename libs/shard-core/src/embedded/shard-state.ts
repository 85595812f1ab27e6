import type { ShardBounds } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { ShardExtent } from './segment.ts';
import { ProducerTable } from './producer-state.ts';
import type { AppendWaiter } from './append-waiters.ts';

/** A shard's row in the database. */
export interface ShardRow {
  /** Stands for the shard in the entries. Never given twice. */
  readonly slot: number;
  readonly key: ShardKey;
  readonly startOffset: number;
  /** As of the last checkpoint. */
  readonly endOffset: number;
  /** Where it was closed. */
  readonly sealedEnd: number | null;
  readonly appendTimeMs: number;
  readonly producers: string;
}

/** One shard in memory. Offsets are numbers in here, exact to 2^53, and bigints at the contract. */
export class ShardState {
  readonly slot: number;
  readonly key: ShardKey;
  readonly producers = new ProducerTable();
  /** Where its records lie, the oldest first. */
  readonly extents: ShardExtent[] = [];
  startOffset: number;
  startOffsetBig: bigint;
  /** What the next append gets; above `durableEnd` while appends are under way. */
  endOffset: number;
  /** Readers see what lies below. */
  durableEnd: number;
  appendTimeMs: number;
  /** Closed: takes no appends any more. */
  sealed: boolean;
  /** Being closed: takes none either, but nobody is told yet. */
  sealing: Promise<void> | undefined;
  /** Where it ends, if it was closed in an earlier life of the process. */
  readonly sealedEnd: number | undefined;
  deleted = false;
  /** Something has changed since the last checkpoint. */
  dirty = false;
  /** Those who wait for an append, a seal or the end of the shard. */
  readonly waiters = new Set<AppendWaiter>();

  constructor(row: ShardRow) {
    this.slot = row.slot;
    this.key = row.key;
    this.startOffset = row.startOffset;
    this.startOffsetBig = BigInt(row.startOffset);
    this.endOffset = row.endOffset;
    this.durableEnd = row.endOffset;
    this.appendTimeMs = row.appendTimeMs;
    this.sealed = row.sealedEnd !== null;
    this.sealedEnd = row.sealedEnd ?? undefined;
    this.producers.load(row.producers);
  }

  bounds(): ShardBounds {
    const end = BigInt(this.durableEnd);
    return {
      logStartOffset: this.startOffsetBig,
      highWatermark: end,
      logEndOffset: end,
      lastStableOffset: end,
      sealed: this.sealed,
      leaderEpoch: 0,
      sizeBytes: this.#sizeBytes(),
    };
  }

  /** Of the extent that was cut by a trim, the part by offsets: how the bytes lie in it is not known here. */
  #sizeBytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.extents.length; i++) {
      const { firstOffset, nextOffset, byteCount } = this.extents[i] as ShardExtent;
      const cut = i === 0 ? Math.max(0, this.startOffset - firstOffset) : 0;
      bytes +=
        cut === 0 ? byteCount : Math.round((byteCount * (nextOffset - firstOffset - cut)) / (nextOffset - firstOffset));
    }
    return bytes;
  }

  /** Moves the start and answers the extents that lie before it now. */
  moveStart(offset: number): ShardExtent[] {
    if (offset > this.startOffset) {
      this.startOffset = offset;
      this.startOffsetBig = BigInt(offset);
    }
    let gone = 0;
    while (gone < this.extents.length && (this.extents[gone] as ShardExtent).nextOffset <= this.startOffset) gone++;
    return this.extents.splice(0, gone);
  }

  /** The extent that holds the offset, or the first behind it; `undefined` past the end. */
  extentAt(offset: number): number | undefined {
    let low = 0;
    let high = this.extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.extents[middle] as ShardExtent).nextOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low === this.extents.length ? undefined : low;
  }
}
