import { logger } from '@tailrace/telemetry';
import type { EmbeddedBounds } from './bounds.ts';
import type { Checkpoint } from './checkpoint.ts';
import { DataDirectoryUnusable } from './data-directory.ts';
import { EntryList } from './entry-list.ts';
import { type FileSystem, removeIfThere } from './file-system.ts';
import type { LogPosition } from './group-commit.ts';
import { type ExtentRow, readExtentRows, writeIndexFile } from './index-file.ts';
import { producerAfter } from './producer-state.ts';
import { transactionOf } from './pending-append.ts';
import { joinChain, type ScannedSegment } from './recovery-chain.ts';
import { Segment, ShardExtent } from './segment.ts';
import { type ScannedEntry, scanSegment } from './segment-scan.ts';
import { generationOf, indexPath, REMAINS_GENERATION_MIN, segmentPath } from './segment-supply.ts';
import { NO_PRODUCERS, ShardState } from './shard-state.ts';

export interface Recovered {
  readonly shards: ReadonlyMap<number, ShardState>;
  /** All closed, the oldest first. Those behind the checkpoint have their indexes in memory and no row yet. */
  readonly segments: readonly Segment[];
  /** Where the log ends: the next entry names this chain. */
  readonly end: LogPosition;
  /** A prepared segment that holds nothing. */
  readonly unused: { readonly generation: number; readonly byteCount: number } | undefined;
  readonly nextGeneration: number;
  /** The same for copies of what was left in others. */
  readonly nextRemainsGeneration: number;
}

interface FoundFile {
  readonly generation: number;
  readonly byteCount: number;
}

/**
 * Brings the log to where it was: what the checkpoint tells, and behind it all entries that follow each other without
 * a break. What lies behind a break was never acknowledged, and is cut off. Throws DataDirectoryUnusable when something
 * is missing that was acknowledged: it must not go on as if nothing had been there.
 */
export async function recover(
  fileSystem: FileSystem,
  directory: string,
  checkpoint: Checkpoint,
  bounds: EmbeddedBounds,
): Promise<Recovered> {
  const shards = new Map(checkpoint.shards.map((row) => [row.slot, new ShardState(row)]));
  for (const [slot, lastOffset] of checkpoint.lastAborted) shards.get(slot)?.loadAborted(lastOffset);
  for (const { slot, partition } of checkpoint.departed) {
    const shard = shards.get(slot);
    if (shard !== undefined) (shard.departed ??= new Set()).add(partition);
  }
  for (const [slot, endOffset] of checkpoint.compactedEnds) {
    const shard = shards.get(slot);
    if (shard !== undefined) shard.compactedEnd = endOffset;
  }
  const files: FoundFile[] = [];
  for (const { name, byteCount } of await fileSystem.list(directory)) {
    const generation = generationOf(name);
    if (generation !== undefined) files.push({ generation, byteCount });
  }
  files.sort((a, b) => a.generation - b.generation);

  const bySize = new Map(files.map(({ generation, byteCount }) => [generation, byteCount]));
  const segments: Segment[] = [];
  for (const { generation, end } of checkpoint.segments) {
    const byteCount = bySize.get(generation);
    if (byteCount === undefined) {
      throw new DataDirectoryUnusable(directory, `the segment ${segmentPath('', generation)} is missing`);
    }
    if (byteCount < end) throw damagedAt(directory, generation, byteCount, end);
    bySize.delete(generation);
    const file = { generation, byteCount };
    const compactedSlot = checkpoint.compacted.get(generation);
    segments.push(await restoreClosed(fileSystem, directory, file, end, shards, bounds, compactedSlot));
  }

  // What was copied lies behind what came later.
  for (const { extents } of shards.values()) extents.sort((a, b) => a.firstOffset - b.firstOffset);

  const scanned: ScannedSegment[] = [];
  for (const [generation, byteCount] of bySize) {
    if (generation < checkpoint.position.generation || generation >= REMAINS_GENERATION_MIN) {
      // Its records were all gone, or copied, and its row with them; or it is a copy that was not finished.
      await removeSegment(fileSystem, directory, generation);
      continue;
    }
    const entries = new EntryList();
    let firstChain: number | undefined;
    await visitEntries(fileSystem, directory, generation, byteCount, bounds, ({ header, end }) => {
      firstChain ??= header.chain;
      entries.add(header.crc, end);
    });
    scanned.push({ generation, byteCount, entries, firstChain });
  }
  const { kept, unused, dropped, chain } = joinChain(scanned, checkpoint.position);
  checkAgainst(checkpoint, segments, kept, directory);
  const replayed: Segment[] = [];
  for (const { generation, entries } of kept) {
    const { end } = entries;
    const segment = new Segment(generation, segmentPath(directory, generation), end, false);
    segment.closed = true;
    const seenBefore = generation === checkpoint.position.generation ? checkpoint.position.position : 0;
    // A second time, rather than to hold them all: they may be millions.
    const good = await visitEntries(fileSystem, directory, generation, end, bounds, (entry) =>
      replay(entry, segment, shards, entry.position < seenBefore, directory),
    );
    if (good !== end) throw damagedAt(directory, generation, good, end);
    segment.end = end;
    segments.push(segment);
    replayed.push(segment);
  }
  // Not before the log is known to be good: what is behind damage in it may be all that is left of what was acknowledged.
  for (const { generation, entries } of dropped) {
    if (entries.length > 0) {
      logger.warn({ segment: segmentPath(directory, generation), entries: entries.length }, 'cut off a torn log');
    }
    await removeSegment(fileSystem, directory, generation);
  }
  for (const segment of replayed) await cutOff(fileSystem, segment);
  for (const { slot, producerId, commits } of checkpoint.released) {
    shards.get(slot)?.release(BigInt(producerId), commits === 1);
  }
  for (const shard of shards.values()) settleStart(shard);
  const last = kept.at(-1);
  const generations = files.map(({ generation }) => generation);
  const isOrdinary = (generation: number) => generation < REMAINS_GENERATION_MIN;
  return {
    shards,
    segments,
    end: last === undefined ? checkpoint.position : { generation: last.generation, position: last.entries.end, chain },
    unused,
    nextGeneration: 1 + Math.max(checkpoint.position.generation, ...generations.filter(isOrdinary)),
    nextRemainsGeneration: 1 + Math.max(REMAINS_GENERATION_MIN - 1, ...generations),
  };
}

/** What the checkpoint has seen must be there, whole. */
function checkAgainst(
  { position }: Checkpoint,
  closed: readonly Segment[],
  kept: readonly ScannedSegment[],
  directory: string,
): void {
  const isLater = ({ generation }: Segment) => generation >= position.generation && generation < REMAINS_GENERATION_MIN;
  if (position.position === 0 || closed.some(isLater)) return;
  const entries = kept.find(({ generation }) => generation === position.generation)?.entries;
  const end = entries?.end ?? 0;
  if (end >= position.position) return;
  throw damagedAt(directory, position.generation, end, position.position);
}

function damagedAt(directory: string, generation: number, at: number, end: number): DataDirectoryUnusable {
  const path = segmentPath(directory, generation);
  return new DataDirectoryUnusable(directory, `${path} is damaged at byte ${at}, it was good to ${end}`);
}

/** Trims are in the shard's row before they are in a checkpoint. */
function settleStart(shard: ShardState): void {
  for (const { segment, slot } of shard.moveStart(shard.startOffset)) segment.extents.delete(slot);
  if (shard.endOffset >= shard.startOffset) return;
  // Relaxed durability and a power loss: the records are gone that the trim had let go, and some behind them. Not so below
  // what was compacted: a checkpoint goes before.
  shard.endOffset = shard.startOffset;
  shard.durableEnd = shard.startOffset;
  shard.dirty = true;
}

/** A closed segment: from its sidecar, or from its entries when that is not good. */
async function restoreClosed(
  fileSystem: FileSystem,
  directory: string,
  { generation, byteCount }: FoundFile,
  end: number,
  shards: ReadonlyMap<number, ShardState>,
  bounds: EmbeddedBounds,
  compactedSlot: number | undefined,
): Promise<Segment> {
  const segment = new Segment(generation, segmentPath(directory, generation), byteCount, false);
  segment.compacted = compactedSlot !== undefined;
  segment.end = end;
  segment.closed = true;
  segment.indexed = true;
  const sidecar = indexPath(directory, generation);
  let rows: readonly ExtentRow[] | undefined = await readExtentRows(fileSystem, sidecar, generation, end);
  if (rows === undefined) {
    const rebuilt = await indexSegment(fileSystem, directory, segment, bounds);
    await writeIndexFile(fileSystem, sidecar, rebuilt);
    rows = [...rebuilt.extents.values()];
  }
  for (const row of rows) {
    const shard = shards.get(row.slot);
    if (shard === undefined || row.nextOffset <= shard.startOffset) continue;
    // Elsewhere, what was compacted does not count any more.
    const isSuperseded = row.slot !== compactedSlot;
    if (isSuperseded && row.nextOffset <= shard.compactedEnd) continue;
    const extent = extentOf(segment, row, isSuperseded ? shard.compactedEnd : 0);
    shard.extents.push(extent);
    segment.extents.set(row.slot, extent);
  }
  return segment;
}

/** An extent as the sidecar tells of it, without what lies before `from`; of its bytes the part by offsets. */
function extentOf(segment: Segment, row: ExtentRow, from: number): ShardExtent {
  const { slot, firstOffset, nextOffset, lastTimeMs, maxTimestampMs, byteCount } = row;
  const extent = new ShardExtent(segment, slot, Math.max(firstOffset, from));
  const share = (nextOffset - extent.firstOffset) / (nextOffset - firstOffset);
  return Object.assign(extent, { nextOffset, lastTimeMs, maxTimestampMs, byteCount: Math.round(byteCount * share) });
}

/** The sidecar tells of every shard in the segment, also of those that are gone. */
function strangerFor(strangers: Map<number, ShardState>, { header }: ScannedEntry): ShardState {
  let shard = strangers.get(header.slot);
  if (shard === undefined) {
    const { slot, baseOffset } = header;
    shard = new ShardState({
      slot,
      key: `${slot}/0` as ShardState['key'],
      startOffset: baseOffset,
      endOffset: baseOffset,
      sealedEnd: null,
      appendTimeMs: 0,
      producers: NO_PRODUCERS,
    });
    strangers.set(slot, shard);
  }
  return shard;
}

/** Makes the indexes of a closed segment from its entries. Throws DataDirectoryUnusable when one is damaged. */
export async function indexSegment(
  fileSystem: FileSystem,
  directory: string,
  { generation, path, end }: Segment,
  bounds: EmbeddedBounds,
): Promise<Segment> {
  const rebuilt = new Segment(generation, path, end, false);
  const strangers = new Map<number, ShardState>();
  const good = await visitEntries(fileSystem, directory, generation, end, bounds, (entry) =>
    indexEntry(entry, rebuilt, strangerFor(strangers, entry)),
  );
  if (good !== end) throw new DataDirectoryUnusable(directory, `${path} is damaged at byte ${good} of ${end}`);
  rebuilt.end = end;
  return rebuilt;
}

/** Answers where the last good entry ends. */
async function visitEntries(
  fileSystem: FileSystem,
  directory: string,
  generation: number,
  limit: number,
  { batchBytesMax }: EmbeddedBounds,
  visit: (entry: ScannedEntry) => void,
): Promise<number> {
  const file = await fileSystem.open(segmentPath(directory, generation), { create: false });
  try {
    return await scanSegment(file, generation, limit, batchBytesMax, visit);
  } finally {
    await file.close();
  }
}

function replay(
  entry: ScannedEntry,
  segment: Segment,
  shards: ReadonlyMap<number, ShardState>,
  seenBefore: boolean,
  directory: string,
): void {
  const { header, batch, marker } = entry;
  const shard = shards.get(header.slot);
  // Deleted since.
  if (shard === undefined) return;
  // An append that had failed before the shard was closed, and turned out to be there after all.
  if (shard.sealedEnd !== undefined && header.baseOffset >= shard.sealedEnd) return;
  if (!seenBefore) {
    if (header.baseOffset !== shard.endOffset) {
      throw new DataDirectoryUnusable(
        directory,
        `${segment.path} goes on with offset ${header.baseOffset} of shard ${shard.key}, expected ${shard.endOffset}`,
      );
    }
    shard.endOffset = header.baseOffset + batch.lastOffsetDelta + 1;
    shard.durableEnd = shard.endOffset;
    if (batch.producerId >= 0n) {
      const { baseOffset, appendTimeMs, partition } = header;
      const known = shard.producers.get(batch.producerId, partition);
      const producer = producerAfter(known, batch, baseOffset, appendTimeMs, marker?.coordinatorEpoch);
      shard.producers.commit(batch.producerId, producer, partition);
      const transaction = transactionOf(batch, marker);
      if (transaction !== 'none') shard.track(transaction, batch.producerId, producer, baseOffset);
    }
    shard.appendTimeMs = header.appendTimeMs;
    shard.dirty = true;
  }
  if (header.baseOffset >= shard.compactedEnd) indexEntry(entry, segment, shard);
}

function indexEntry({ header, batch, position, end }: ScannedEntry, segment: Segment, shard: ShardState): void {
  const { baseOffset, batchBytes, appendTimeMs } = header;
  const nextOffset = baseOffset + batch.lastOffsetDelta + 1;
  const extent = segment.extentFor(shard, baseOffset);
  extent.add(baseOffset, nextOffset, position, end, batchBytes, appendTimeMs, batch.maxTimestampMs);
}

/** Makes what was found lasting, and what lies behind it gone. */
async function cutOff(fileSystem: FileSystem, segment: Segment): Promise<void> {
  const file = await fileSystem.open(segment.path, { create: false });
  try {
    await file.truncate(segment.end);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removeSegment(fileSystem: FileSystem, directory: string, generation: number): Promise<void> {
  await fileSystem.remove(segmentPath(directory, generation));
  await removeIfThere(fileSystem, indexPath(directory, generation));
}
