import type { LogFile } from './file-system.ts';
import type { ShardState } from './shard-state.ts';
import { SparseIndex } from './sparse-index.ts';

/** What one segment holds of one shard. */
export class ShardExtent {
  readonly segment: Segment;
  readonly slot: number;
  readonly firstOffset: number;
  /** The offset after the last record. */
  nextOffset: number;
  lastTimeMs = 0;
  maxTimestampMs = -Infinity;
  /** Bytes of the batches, without entry headers. */
  byteCount = 0;
  /** In memory while the segment is written; afterwards it comes from the sidecar through the index cache. */
  index: SparseIndex | undefined;

  constructor(segment: Segment, slot: number, firstOffset: number, index?: SparseIndex) {
    this.segment = segment;
    this.slot = slot;
    this.firstOffset = firstOffset;
    this.nextOffset = firstOffset;
    this.index = index;
  }

  /** What is left of it when all before an offset of it lies in a compacted segment; `byteCount` is what this one keeps. */
  cutAt(firstOffset: number, byteCount: number): ShardExtent {
    const rest = new ShardExtent(this.segment, this.slot, firstOffset, this.index);
    rest.nextOffset = this.nextOffset;
    rest.lastTimeMs = this.lastTimeMs;
    rest.maxTimestampMs = this.maxTimestampMs;
    rest.byteCount = byteCount;
    return rest;
  }

  /** Adds an entry that has become durable. */
  add(
    baseOffset: number,
    nextOffset: number,
    position: number,
    end: number,
    batchBytes: number,
    timeMs: number,
    maxTimestampMs: number,
  ): void {
    this.nextOffset = nextOffset;
    this.lastTimeMs = timeMs;
    if (maxTimestampMs > this.maxTimestampMs) this.maxTimestampMs = maxTimestampMs;
    this.byteCount += batchBytes;
    this.index?.add(baseOffset, position, end, timeMs, maxTimestampMs);
  }
}

/** One life of one file of the log. Its generation names the file, and every entry in it carries it. */
export class Segment {
  readonly generation: number;
  readonly path: string;
  /** Bytes that may be written: those prepared with zeros or earlier entries, or the size it may grow to. */
  readonly capacity: number;
  /** Not prepared: each write makes the file longer, and each sync has that to commit too. */
  readonly grows: boolean;
  /** Open for the writer, or by `OpenFiles` for readers. */
  file: LogFile | undefined;
  /** Entries lie below it, durable ones. */
  end = 0;
  /** Nothing is written to it any more. */
  closed = false;
  /** Its sidecar is written: the indexes need not be in memory. */
  indexed = false;
  /** Holds what compaction left of one shard: between its batches there are offsets that nobody has any more. */
  compacted = false;
  /** What it holds of each shard that still has records here, by slot. Empty and closed: the file can go. */
  readonly extents = new Map<number, ShardExtent>();
  /** Reads under way: the file must stay what it is. */
  readers = 0;
  /** Called when the last reader has gone. */
  onIdle: (() => void) | undefined;

  constructor(generation: number, path: string, capacity: number, grows: boolean) {
    this.generation = generation;
    this.path = path;
    this.capacity = capacity;
    this.grows = grows;
  }

  /** The extent of a shard whose newest entry lies here. */
  extentFor(shard: ShardState, firstOffset: number): ShardExtent {
    const last = shard.extents.at(-1);
    if (last !== undefined && last.segment === this) return last;
    const extent = new ShardExtent(this, shard.slot, firstOffset, new SparseIndex());
    shard.extents.push(extent);
    this.extents.set(shard.slot, extent);
    return extent;
  }

  hold(): void {
    this.readers++;
  }

  letGo(): void {
    this.readers--;
    if (this.readers === 0) this.onIdle?.();
  }
}
