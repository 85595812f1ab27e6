import { checkStoredBatch } from '@tailrace/kafka-protocol';
import { REMAINS_SHARE_MAX } from './bounds.ts';
import {
  batchCrcAt,
  ENTRY_HEADER_BYTES,
  entryAppendTimeMs,
  entryBatchBytes,
  entryMaxTimestampMs,
  entryNextOffset,
  readEntryHeader,
} from './entry.ts';
import { EntryWriter } from './entry-writer.ts';
import { type FileSystem, type LogFile, readWhole, removeIfThere } from './file-system.ts';
import type { IndexCache } from './index-cache.ts';
import { writeIndexFile } from './index-file.ts';
import type { OpenFiles } from './open-files.ts';
import { Segment, ShardExtent } from './segment.ts';
import { indexPath, segmentPath } from './segment-supply.ts';
import type { ShardState } from './shard-state.ts';
import { SparseIndex } from './sparse-index.ts';

export interface RemainsParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly files: OpenFiles;
  readonly indexes: IndexCache;
}

/** A segment's remains in a segment of their own, durable, and which extent has become which. */
export interface Remains {
  readonly segment: Segment;
  readonly extents: ReadonlyMap<ShardExtent, ShardExtent>;
}

/** Whether so little is left in a segment that copying it costs less than it gives back. */
export function isMostlyGone(segment: Segment, shards: ReadonlyMap<number, ShardState>): boolean {
  // One shard's alone, and the next compaction writes it anew.
  if (segment.compacted) return false;
  let live = 0;
  for (const { slot, firstOffset, nextOffset, byteCount } of segment.extents.values()) {
    const start = Math.max(firstOffset, shards.get(slot)?.startOffset ?? nextOffset);
    live += (byteCount * Math.max(0, nextOffset - start)) / (nextOffset - firstOffset);
  }
  return live <= segment.end * REMAINS_SHARE_MAX;
}

/**
 * Copies what is left in a closed segment to a new one: the entries as they are, but for generation and chain. Each is
 * checked, so that damage stays where it is and shows. Throws when the segment cannot be read, or the copy not be
 * written; then nothing has changed.
 */
export async function copyRemains(
  { fileSystem, directory, files, indexes }: RemainsParts,
  from: Segment,
  generation: number,
  shards: ReadonlyMap<number, ShardState>,
): Promise<Remains> {
  const path = segmentPath(directory, generation);
  // As one that grew: its file is as long as what was copied, and is used again as such.
  const segment = new Segment(generation, path, from.end, true);
  const extents = new Map<ShardExtent, ShardExtent>();
  from.hold();
  try {
    const source = from.file ?? (await files.of(from));
    // A process that died here has left one behind that nothing knows of.
    await removeIfThere(fileSystem, path);
    const target = await fileSystem.open(path, { create: true });
    try {
      const writer = new EntryWriter(target, generation);
      for (const extent of [...from.extents.values()]) {
        const shard = shards.get(extent.slot);
        if (shard === undefined) continue;
        const start = Math.max(shard.startOffset, extent.firstOffset);
        const copy = await copyExtent(extent, start, await indexes.of(extent), source, segment, writer);
        if (copy !== undefined) extents.set(extent, copy);
      }
      await writer.flush();
      segment.end = writer.end;
      await target.sync();
    } finally {
      await target.close();
    }
    for (const copy of extents.values()) segment.extents.set(copy.slot, copy);
    await writeIndexFile(fileSystem, indexPath(directory, generation), segment);
    await fileSystem.syncDirectory(directory);
  } catch (error) {
    await removeIfThere(fileSystem, path).catch(() => {});
    throw error;
  } finally {
    from.letGo();
  }
  for (const copy of extents.values()) copy.index = undefined;
  segment.closed = true;
  segment.indexed = true;
  return { segment, extents };
}

async function copyExtent(
  extent: ShardExtent,
  startOffset: number,
  index: SparseIndex,
  source: LogFile,
  segment: Segment,
  writer: EntryWriter,
): Promise<ShardExtent | undefined> {
  const { slot, segment: from } = extent;
  let copy: ShardExtent | undefined;
  for (let point = index.floorOffset(startOffset); point < index.count; point++) {
    const position = index.position(point);
    const range = Buffer.allocUnsafeSlow(index.end(point) - position);
    if ((await readWhole(source, range, 0, range.length, position)) !== range.length) throw damaged(from, position);
    for (let at = 0; at < range.length; at += ENTRY_HEADER_BYTES + entryBatchBytes(range, at)) {
      const header = readEntryHeader(range, at, from.generation);
      if (header === undefined) throw damaged(from, position + at);
      if (header.slot !== slot || entryNextOffset(range, at) <= startOffset) continue;
      const batchAt = at + ENTRY_HEADER_BYTES;
      const batch = range.subarray(batchAt, batchAt + header.batchBytes);
      const checked = checkStoredBatch(batch, 0, batch.length);
      if (!checked.ok || batchCrcAt(batch, 0) !== header.batchCrc) throw damaged(from, position + at);
      const nextOffset = entryNextOffset(range, at);
      const timestampMs = entryMaxTimestampMs(range, at);
      const placed = await writer.add(header, batch);
      copy ??= new ShardExtent(segment, slot, header.baseOffset, new SparseIndex());
      const { baseOffset, batchBytes } = header;
      copy.add(baseOffset, nextOffset, placed, writer.end, batchBytes, entryAppendTimeMs(range, at), timestampMs);
    }
  }
  return copy;
}

function damaged({ path }: Segment, position: number): Error {
  return new Error(`${path} is damaged at byte ${position}: what is left in it stays there`);
}
