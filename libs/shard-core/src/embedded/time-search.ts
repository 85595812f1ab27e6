import { entryAppendTimeMs, entryBaseOffset, entryMaxTimestampMs, entryNextOffset } from './entry.ts';
import type { LogReader } from './log-reader.ts';
import type { ShardExtent } from './segment.ts';
import type { ShardState } from './shard-state.ts';
import type { SparseIndex } from './sparse-index.ts';

export interface TimedBatch {
  readonly baseOffset: bigint;
  readonly timestampMs: number;
}

/** The first batch that was appended at or after the time. Append times only grow, so this is a search by halves. */
export async function firstByAppendTime(
  reader: LogReader,
  shard: ShardState,
  timeMs: number,
): Promise<TimedBatch | undefined> {
  for (const listed of [...shard.extents]) {
    if (listed.lastTimeMs < timeMs) continue;
    const found = await holding(shard, listed, async (extent) => {
      const index = await reader.indexOf(extent);
      const begin = Math.max(index.floorTime(timeMs), index.floorOffset(shard.startOffset));
      return firstEntry(reader, shard, extent, index, begin, entryAppendTimeMs, timeMs);
    });
    if (found) return found;
  }
  return undefined;
}

/** The first batch whose largest record timestamp is at or after the time: any order is possible, so each point is asked. */
export async function firstByRecordTime(
  reader: LogReader,
  shard: ShardState,
  timeMs: number,
): Promise<TimedBatch | undefined> {
  for (const listed of [...shard.extents]) {
    if (listed.maxTimestampMs < timeMs) continue;
    const found = await holding(shard, listed, async (extent) => {
      const index = await reader.indexOf(extent);
      const begin = index.floorOffset(shard.startOffset);
      return firstEntry(reader, shard, extent, index, begin, entryMaxTimestampMs, timeMs);
    });
    if (found) return found;
  }
  return undefined;
}

/** The batch with the largest record timestamp; the first of several. */
export async function newestByRecordTime(reader: LogReader, shard: ShardState): Promise<TimedBatch | undefined> {
  const start = shard.startOffset;
  let largestMs = -Infinity;
  for (const listed of [...shard.extents]) {
    if (listed.firstOffset >= start) {
      largestMs = Math.max(largestMs, listed.maxTimestampMs);
      continue;
    }
    // Cut by a trim: what lies before the start does not count.
    await holding(shard, listed, async (extent) => {
      const index = await reader.indexOf(extent);
      const first = index.floorOffset(start);
      for (let point = first + 1; point < index.count; point++) {
        largestMs = Math.max(largestMs, index.maxTimestampMs(point));
      }
      await reader.visit(extent, first, index, (source, at) => {
        if (entryNextOffset(source, at) > start) largestMs = Math.max(largestMs, entryMaxTimestampMs(source, at));
        return false;
      });
    });
  }
  return largestMs === -Infinity ? undefined : firstByRecordTime(reader, shard, largestMs);
}

/**
 * Works in an extent whose file stays where it is meanwhile; in its copy, if it has been moved. Not in one that was trimmed
 * away since it was listed: its file may be gone, or be another one's.
 */
async function holding<T>(
  shard: ShardState,
  listed: ShardExtent,
  work: (extent: ShardExtent) => Promise<T>,
): Promise<T | undefined> {
  let extent = listed;
  while (extent.movedTo !== undefined) extent = extent.movedTo;
  const at = shard.extentAt(extent.firstOffset);
  if (at === undefined || shard.extents[at] !== extent) return undefined;
  extent.segment.hold();
  try {
    return await work(extent);
  } finally {
    extent.segment.letGo();
  }
}

async function firstEntry(
  reader: LogReader,
  shard: ShardState,
  extent: ShardExtent,
  index: SparseIndex,
  begin: number,
  timeOf: (source: Buffer, at: number) => number,
  timeMs: number,
): Promise<TimedBatch | undefined> {
  const byRecord = timeOf === entryMaxTimestampMs;
  let found: TimedBatch | undefined;
  for (let point = begin; point < index.count; point++) {
    if (byRecord && index.maxTimestampMs(point) < timeMs) continue;
    const stop = await reader.visit(extent, point, index, (source, at) => {
      const timestampMs = timeOf(source, at);
      if (timestampMs < timeMs || entryNextOffset(source, at) <= shard.startOffset) return false;
      found = { baseOffset: BigInt(entryBaseOffset(source, at)), timestampMs };
      return true;
    });
    if (stop) return found;
  }
  return undefined;
}
