import { StoreUnavailable } from '../contract/refusal.ts';
import type { ReadLimits } from '../contract/log.ts';
import { type EmbeddedBounds, READ_RANGES_MAX, READ_THROUGH_BYTES } from './bounds.ts';
import {
  batchFitsEntry,
  ENTRY_HEADER_BYTES,
  entryAppendTimeMs,
  entryBaseOffset,
  entryBatchBytes,
  entryNextOffset,
  entrySlot,
  isEntryHeader,
} from './entry.ts';
import { reasonOf } from './data-directory.ts';
import { type LogFile, readWhole } from './file-system.ts';
import type { IndexCache } from './index-cache.ts';
import { type SlabSlice, SliceBuilder } from './log-slices.ts';
import type { OpenFiles } from './open-files.ts';
import type { Segment, ShardExtent } from './segment.ts';
import type { ShardState } from './shard-state.ts';
import type { SlabPool } from './slab-pool.ts';
import type { SparseIndex } from './sparse-index.ts';

/** A part of a segment: from an entry of the shard to the end of another, foreign ones in between. */
interface ReadRange {
  readonly position: number;
  end: number;
}

/** Reads entries out of segments. Everything that is read is checked against the index before anybody sees it. */
export class LogReader {
  readonly #files: OpenFiles;
  readonly #indexes: IndexCache;
  readonly #slabs: SlabPool;
  readonly #bounds: EmbeddedBounds;

  constructor(files: OpenFiles, indexes: IndexCache, slabs: SlabPool, bounds: EmbeddedBounds) {
    this.#files = files;
    this.#indexes = indexes;
    this.#slabs = slabs;
    this.#bounds = bounds;
  }

  /**
   * Reads batches of one shard from the one that holds `from`, which is not below the start, up to `end`. Less than `maxBytes` where
   * other shards' entries lie in between. Throws StoreUnavailable.
   */
  async read(shard: ShardState, from: number, end: number, limits: ReadLimits): Promise<SlabSlice> {
    const slice = new SliceBuilder(from, end, limits);
    for (;;) {
      const at = shard.extentAt(slice.next);
      if (at === undefined) break;
      const extent = shard.extents[at] as ShardExtent;
      // Trimmed meanwhile: what would follow is gone.
      if (slice.batchCount > 0 && shard.startOffset > slice.next) break;
      if (extent.firstOffset >= end) break;
      // Compacted away; or read before, and not looked at again where the same offsets lie in another form.
      if (extent.firstOffset > slice.next) slice.next = extent.firstOffset;
      try {
        await this.#readExtent(extent, slice);
      } catch (error) {
        // What is good goes out; the next read begins at the damage, and tells.
        if (slice.batchCount > 0) break;
        throw error;
      }
      const full = slice.full || slice.byteCount >= Math.min(limits.maxBytes, this.#bounds.readBytesMax);
      if (full || slice.next < extent.nextOffset) break;
    }
    return slice.finish(shard.bounds(), this.#slabs);
  }

  async #readExtent(extent: ShardExtent, slice: SliceBuilder): Promise<void> {
    const { segment } = extent;
    segment.hold();
    try {
      const loaded = this.#indexes.of(extent);
      const index = loaded instanceof Promise ? await loaded : loaded;
      const ranges = this.#plan(index, slice);
      const byteCount = ranges.reduce((sum, { position, end }) => sum + end - position, 0);
      const slab = this.#slabs.take(byteCount);
      const file = segment.file ?? (await this.#files.of(segment));
      await readRanges(file, slab, ranges, segment);
      collect(slab, byteCount, extent, slice);
    } catch (error) {
      // The slab is not given back: another part of the read may still be writing into it.
      throw unreadable(segment, error);
    } finally {
      segment.letGo();
    }
  }

  /** The entries of one point of the index, in order, until `visit` answers true. The buffer is only lent. Throws StoreUnavailable. */
  async visit(
    extent: ShardExtent,
    point: number,
    index: SparseIndex,
    visit: (source: Buffer, at: number) => boolean,
  ): Promise<boolean> {
    const { segment, slot } = extent;
    segment.hold();
    const range = { position: index.position(point), end: index.end(point) };
    const slab = this.#slabs.take(range.end - range.position);
    try {
      const file = segment.file ?? (await this.#files.of(segment));
      await readRanges(file, slab, [range], segment);
      const limit = range.end - range.position;
      for (let at = 0; at < limit; at += ENTRY_HEADER_BYTES + entryBatchBytes(slab, at)) {
        checkEntry(slab, at, limit, segment);
        if (entrySlot(slab, at) === slot && visit(slab, at)) return true;
      }
      return false;
    } catch (error) {
      throw unreadable(segment, error);
    } finally {
      this.#slabs.giveBack(slab);
      segment.letGo();
    }
  }

  /** The index of an extent. Throws StoreUnavailable. */
  async indexOf(extent: ShardExtent): Promise<SparseIndex> {
    extent.segment.hold();
    try {
      return await this.#indexes.of(extent);
    } catch (error) {
      throw unreadable(extent.segment, error);
    } finally {
      extent.segment.letGo();
    }
  }

  /** What to read for so many bytes of the shard; always all of the first point, so that the first batch is whole. */
  #plan(index: SparseIndex, { next, limits: { maxBytes, maxBatches } }: SliceBuilder): ReadRange[] {
    // Entry headers come on top: 4 % where batches have 1 KiB.
    const wanted = Math.min(this.#bounds.readBytesMax, maxBytes + maxBytes / 16);
    let point = index.floorOffset(next);
    let last: ReadRange = { position: index.position(point), end: index.end(point) };
    const ranges = [last];
    let byteCount = last.end - last.position;
    // Each point holds at least one batch.
    const pointsEnd = Math.min(index.count, point + 1 + maxBatches);
    while (++point < pointsEnd) {
      const position = index.position(point);
      const end = index.end(point);
      const together = position - last.end <= READ_THROUGH_BYTES;
      byteCount += end - (together ? last.end : position);
      if (byteCount > wanted) break;
      if (together) {
        last.end = end;
      } else {
        if (ranges.length === READ_RANGES_MAX) break;
        last = { position, end };
        ranges.push(last);
      }
    }
    return ranges;
  }
}

function unreadable({ path }: Segment, error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error;
  return new StoreUnavailable(`${path} could not be read: ${reasonOf(error)}`, { cause: error });
}

/** Adds the shard's batches among the entries in the slab to the slice. */
function collect(slab: Buffer, byteCount: number, { segment, slot }: ShardExtent, slice: SliceBuilder): void {
  slice.begin(slab);
  for (let at = 0; at < byteCount && !slice.full;) {
    checkEntry(slab, at, byteCount, segment);
    const size = entryBatchBytes(slab, at);
    const batch = at + ENTRY_HEADER_BYTES;
    if (entrySlot(slab, at) === slot) {
      const after = entryNextOffset(slab, at);
      if (after > slice.next) {
        const base = entryBaseOffset(slab, at);
        const isGap = slice.batchCount === 0 ? base > slice.next : base !== slice.next;
        if (isGap && !(segment.compacted && base > slice.next)) {
          throw new StoreUnavailable(`${segment.path} has offset ${base} where ${slice.next} belongs`);
        }
        slice.add(batch, size, after, entryAppendTimeMs(slab, at));
      }
    }
    at = batch + size;
  }
}

/** Reads the ranges one behind the other into the slab. */
async function readRanges(file: LogFile, slab: Buffer, ranges: readonly ReadRange[], segment: Segment): Promise<void> {
  let at = 0;
  const reads = ranges.map(({ position, end }) => {
    const read = readWhole(file, slab, at, end - position, position);
    at += end - position;
    return read;
  });
  const counts = reads.length === 1 ? [await (reads[0] as Promise<number>)] : await Promise.all(reads);
  for (const [i, { position, end }] of ranges.entries()) {
    if (counts[i] !== end - position) {
      throw new StoreUnavailable(
        `${segment.path} ends at byte ${position + (counts[i] as number)}, entries go to ${end}`,
      );
    }
  }
}

/** What the disk gave must be an entry of this life of the segment, and end within what was read. */
function checkEntry(slab: Buffer, at: number, limit: number, segment: Segment): void {
  if (
    at + ENTRY_HEADER_BYTES <= limit &&
    isEntryHeader(slab, at, segment.generation) &&
    at + ENTRY_HEADER_BYTES + entryBatchBytes(slab, at) <= limit &&
    batchFitsEntry(slab, at)
  ) {
    return;
  }
  throw new StoreUnavailable(`${segment.path} is damaged: an entry was expected and is not there`);
}
