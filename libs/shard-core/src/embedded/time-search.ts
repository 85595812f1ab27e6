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
export function firstByAppendTime(
  reader: LogReader,
  shard: ShardState,
  timeMs: number,
): Promise<TimedBatch | undefined> {
  return firstIn(shard, async (extent) => {
    if (extent.lastTimeMs < timeMs) return undefined;
    const index = await reader.indexOf(extent);
    const begin = Math.max(index.floorTime(timeMs), index.floorOffset(beginOf(shard, extent)));
    return firstEntry(reader, shard, extent, index, begin, entryAppendTimeMs, timeMs);
  });
}

/** The first batch whose largest record timestamp is at or after the time: any order is possible, so each point is asked. */
export function firstByRecordTime(
  reader: LogReader,
  shard: ShardState,
  timeMs: number,
): Promise<TimedBatch | undefined> {
  return firstIn(shard, async (extent) => {
    if (extent.maxTimestampMs < timeMs) return undefined;
    const index = await reader.indexOf(extent);
    const begin = index.floorOffset(beginOf(shard, extent));
    return firstEntry(reader, shard, extent, index, begin, entryMaxTimestampMs, timeMs);
  });
}

/** The batch with the largest record timestamp; the first of several. */
export async function newestByRecordTime(reader: LogReader, shard: ShardState): Promise<TimedBatch | undefined> {
  let largestMs = -Infinity;
  await firstIn(shard, async (extent) => {
    const from = beginOf(shard, extent);
    // Cut by a trim, or where a compaction ended: what lies before does not count, and its figures may know of it.
    const isCut = from > extent.firstOffset || (!extent.segment.compacted && from <= shard.compactedEnd);
    if (!isCut) {
      largestMs = Math.max(largestMs, extent.maxTimestampMs);
      return undefined;
    }
    const index = await reader.indexOf(extent);
    const first = index.floorOffset(from);
    for (let point = first + 1; point < index.count; point++) {
      largestMs = Math.max(largestMs, index.maxTimestampMs(point));
    }
    await reader.visit(extent, first, index, (source, at) => {
      if (entryNextOffset(source, at) > from) largestMs = Math.max(largestMs, entryMaxTimestampMs(source, at));
      return false;
    });
    return undefined;
  });
  return largestMs === -Infinity ? undefined : firstByRecordTime(reader, shard, largestMs);
}

/** Where the shard begins in an extent. */
function beginOf({ startOffset }: ShardState, { firstOffset }: ShardExtent): number {
  return Math.max(startOffset, firstOffset);
}

/**
 * Asks one extent after the other until one has an answer. Each is looked up when its turn comes, and its file stays where it is
 * meanwhile: what was copied, compacted or trimmed while another was asked is met as it is then.
 */
async function firstIn(
  shard: ShardState,
  ask: (extent: ShardExtent) => Promise<TimedBatch | undefined>,
): Promise<TimedBatch | undefined> {
  for (let offset = shard.startOffset; ;) {
    const at = shard.extentAt(offset);
    if (at === undefined) return undefined;
    const extent = shard.extents[at] as ShardExtent;
    offset = extent.nextOffset;
    extent.segment.hold();
    try {
      const found = await ask(extent);
      if (found !== undefined) return found;
    } finally {
      extent.segment.letGo();
    }
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
      if (timestampMs < timeMs || entryNextOffset(source, at) <= beginOf(shard, extent)) return false;
      found = { baseOffset: BigInt(entryBaseOffset(source, at)), timestampMs };
      return true;
    });
    if (stop) return found;
  }
  return undefined;
}
