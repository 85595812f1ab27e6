import { batchSizeAt, checkStoredBatch, readBatchHeader, readEndTransactionMarker } from '@tailrace/kafka-protocol';
import type { BatchVerdict, Compacted, CompactRequest, LogSlice } from '../contract/log.ts';
import { StoreUnavailable } from '../contract/refusal.ts';
import { COMPACTION_SLICE_BYTES } from './bounds.ts';
import { type DroppedMarker, writeCompaction } from './checkpoint.ts';
import { reasonOf } from './data-directory.ts';
import type { Database } from './database.ts';
import { batchCrcAt, ENTRY_HEADER_BYTES } from './entry.ts';
import { EntryWriter } from './entry-writer.ts';
import { type FileSystem, type LogFile, removeIfThere } from './file-system.ts';
import { writeIndexFile } from './index-file.ts';
import type { LogReader } from './log-reader.ts';
import { Segment, ShardExtent } from './segment.ts';
import type { SegmentKeeper } from './segment-keeper.ts';
import { indexPath, segmentPath } from './segment-supply.ts';
import type { ShardDirectory } from './shard-directory.ts';
import type { ShardState } from './shard-state.ts';
import { SparseIndex } from './sparse-index.ts';

export interface CompactionParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly database: Database;
  readonly shards: ShardDirectory;
  readonly keeper: SegmentKeeper;
  readonly reader: LogReader;
  /** A compacted segment is no larger, save for its last batch. */
  readonly segmentBytesMax: number;
  readonly droppedMarkersMax: number;
}

/** Compacts shards: see `Log.compact`. */
export class ShardCompaction {
  readonly #parts: CompactionParts;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(parts: CompactionParts) {
    this.#parts = parts;
  }

  /** `to` has been seen to be the base offset of a batch below the last stable offset. Throws StoreUnavailable. */
  run(shard: ShardState, to: number, judge: CompactRequest['judge']): Promise<Compacted> {
    if (shard.compacting) return Promise.reject(new StoreUnavailable(`shard ${shard.key} is being compacted already`));
    shard.compacting = true;
    const run = this.#run(shard, to, judge).finally(() => {
      shard.compacting = false;
      this.#running.delete(run);
    });
    this.#running.add(run);
    return run;
  }

  /** Ends what is under way without effect, and waits for it. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }

  async #run(shard: ShardState, to: number, judge: CompactRequest['judge']): Promise<Compacted> {
    const { segmentBytesMax, droppedMarkersMax } = this.#parts;
    const target = new CompactedSegments(this.#parts, shard.slot, segmentBytesMax);
    /** Bytes below the end in the segment in which it lies: what is to be taken off its figure. */
    const boundary = shard.extents[shard.extentAt(Math.max(to, shard.compactedEnd)) ?? 0];
    let boundaryBytes = 0;
    let changed = false;
    const markers: DroppedMarker[] = [];
    const compacted = { bytesBefore: 0, bytesAfter: 0 };
    // What was compacted further than that before stays as it is now.
    const end = Math.max(to, shard.compactedEnd);
    try {
      for (let from = shard.startOffset; from < end;) {
        this.#checkGoesOn(shard);
        const limit = from < to ? to : end;
        const slice = await this.#parts.reader.read(shard, from, limit, { maxBytes: COMPACTION_SLICE_BYTES });
        try {
          if (slice.batchCount > 0) {
            slice.abortedTransactions = this.#parts.shards.abortedWithin(shard, from, Number(slice.nextOffset));
            const verdicts = limit === to ? await judge(slice) : Array<'keep'>(slice.batchCount).fill('keep');
            for (const { batch, appendTimeMs, ...given } of judged(slice, verdicts)) {
              // Also what goes: who knows whose key that was. And what is written anew would have a good checksum.
              checkUndamaged(shard, batch);
              const base = Number(batch.readBigInt64BE(0));
              let { verdict } = given;
              if (verdict === 'drop') {
                const header = readBatchHeader(batch, 0);
                // Of those of committed ones nothing is known.
                if (header.isControl && readEndTransactionMarker(batch, 0, header)?.commits === false) {
                  if (markers.length < droppedMarkersMax) markers.push({ offset: base, producerId: header.producerId });
                  else verdict = 'keep';
                }
              }
              compacted.bytesBefore += batch.length;
              if (boundary !== undefined && base >= boundary.firstOffset) boundaryBytes += batch.length;
              changed ||= verdict !== 'keep';
              if (verdict === 'drop') continue;
              const left = verdict === 'keep' ? batch : verdict;
              checkReplacement(batch, left);
              compacted.bytesAfter += left.length;
              await target.add(base, left, appendTimeMs);
            }
          }
          from = slice.batchCount > 0 ? Number(slice.nextOffset) : limit;
        } finally {
          slice.release();
        }
      }
      // Nothing that it could give back.
      if (!changed) {
        await target.discard();
        return compacted;
      }
      await target.finish();
    } catch (error) {
      await target.discard();
      throw error instanceof StoreUnavailable ? error : unavailable(shard, error);
    }
    await this.#parts.keeper.exclusively(() => this.#exchange(shard, end, target, markers, boundaryBytes));
    return compacted;
  }

  async #exchange(
    shard: ShardState,
    to: number,
    target: CompactedSegments,
    markers: readonly DroppedMarker[],
    boundaryBytes: number,
  ): Promise<void> {
    const { database, keeper } = this.#parts;
    try {
      // So that recovery finds ends, producers and aborted transactions of all that lies before without its entries.
      await keeper.checkpoint();
      this.#checkGoesOn(shard);
      if (shard.startOffset >= to) throw new StoreUnavailable(`shard ${shard.key} was trimmed while it was compacted`);
    } catch (error) {
      await target.discard();
      throw error instanceof StoreUnavailable ? error : unavailable(shard, error);
    }
    const { segments } = target;
    const rows = segments.map(({ generation, end }) => ({ generation, end }));
    // Should this fail, it is not known whether it was done: the files stay for the next opening to tell.
    await database.change((sqlite) => writeCompaction(sqlite, shard.slot, to, rows, markers));
    if (shard.deleted) {
      for (const segment of segments) segment.extents.clear();
      await keeper.compacted(segments, []);
      return;
    }
    const superseded = exchangeExtents(shard, to, segments, boundaryBytes);
    await keeper.compacted(segments, superseded);
  }

  #checkGoesOn(shard: ShardState): void {
    if (this.#closed) throw new StoreUnavailable('the store is closed');
    if (shard.deleted) throw new StoreUnavailable(`shard ${shard.key} was deleted while it was compacted`);
  }
}

/** Puts the new extents in the place of what lies before `to`. Answers those that nothing is read from any more. */
function exchangeExtents(
  shard: ShardState,
  to: number,
  segments: readonly Segment[],
  boundaryBytes: number,
): ShardExtent[] {
  const superseded: ShardExtent[] = [];
  const extents: ShardExtent[] = [];
  for (const segment of segments) {
    const extent = segment.extents.get(shard.slot) as ShardExtent;
    // Trimmed away meanwhile.
    if (extent.nextOffset <= shard.startOffset) segment.extents.clear();
    else extents.push(extent);
  }
  for (const extent of shard.extents) {
    if (extent.nextOffset <= to) {
      superseded.push(extent);
    } else if (extent.firstOffset < to) {
      const rest = extent.cutAt(to, Math.max(0, extent.byteCount - boundaryBytes));
      extent.segment.extents.set(shard.slot, rest);
      extents.push(rest);
    } else {
      extents.push(extent);
    }
  }
  shard.extents.splice(0, shard.extents.length, ...extents);
  shard.compactedEnd = to;
  return superseded;
}

/** Each batch of a slice with its verdict. */
function* judged(slice: LogSlice, verdicts: readonly BatchVerdict[]) {
  if (verdicts.length !== slice.batchCount) {
    throw new RangeError(`${verdicts.length} verdicts for ${slice.batchCount} batches`);
  }
  let at = 0;
  for (const chunk of slice.chunks) {
    for (let position = 0; position < chunk.length;) {
      const size = batchSizeAt(chunk, position);
      yield {
        batch: chunk.subarray(position, position + size),
        verdict: verdicts[at] as BatchVerdict,
        appendTimeMs: slice.appendTimesMs[at] as number,
      };
      at++;
      position += size;
    }
  }
}

/** Damage stays where it is, and shows. */
function checkUndamaged({ key }: ShardState, batch: Buffer): void {
  const checked = checkStoredBatch(batch, 0, batch.length);
  if (checked.ok) return;
  throw new StoreUnavailable(
    `the batch at offset ${batch.readBigInt64BE(0)} of shard ${key} is damaged: ${checked.reason}`,
  );
}

/** Nothing takes the place of a batch that has other offsets, or is none. */
function checkReplacement(batch: Buffer, left: Buffer): void {
  if (left === batch) return;
  const checked = checkStoredBatch(left, 0, left.length);
  if (!checked.ok) throw new RangeError(`no batch in the place of another: ${checked.reason}`);
  const before = readBatchHeader(batch, 0);
  const { baseOffset, lastOffsetDelta, sizeBytes } = checked.header;
  if (baseOffset !== before.baseOffset || lastOffsetDelta !== before.lastOffsetDelta || sizeBytes !== left.length) {
    throw new RangeError(
      `offsets ${baseOffset} + ${lastOffsetDelta} in the place of ${before.baseOffset} + ${before.lastOffsetDelta}`,
    );
  }
}

/** Writes what is left of one shard to segments of its own, which nobody knows of until they are exchanged. */
class CompactedSegments {
  readonly #parts: CompactionParts;
  readonly #slot: number;
  readonly #bytesMax: number;
  readonly segments: Segment[] = [];
  #current:
    | { readonly segment: Segment; readonly extent: ShardExtent; readonly file: LogFile; readonly writer: EntryWriter }
    | undefined;

  constructor(parts: CompactionParts, slot: number, bytesMax: number) {
    this.#parts = parts;
    this.#slot = slot;
    this.#bytesMax = bytesMax;
  }

  /** Copies the batch, which is only lent. */
  async add(baseOffset: number, batch: Buffer, appendTimeMs: number): Promise<void> {
    if (this.#current !== undefined && this.#current.writer.end >= this.#bytesMax) await this.#close();
    const { extent, writer } = (this.#current ??= await this.#open(baseOffset));
    const { lastOffsetDelta, maxTimestampMs } = readBatchHeader(batch, 0);
    const batchBytes = batch.length;
    const position = await writer.add(
      { batchBytes, batchCrc: batchCrcAt(batch, 0), slot: this.#slot, baseOffset, appendTimeMs, partition: 0 },
      Buffer.from(batch),
    );
    const end = position + ENTRY_HEADER_BYTES + batchBytes;
    extent.add(baseOffset, baseOffset + lastOffsetDelta + 1, position, end, batchBytes, appendTimeMs, maxTimestampMs);
  }

  /** Makes it all lasting. */
  async finish(): Promise<void> {
    await this.#close();
    const { fileSystem, directory } = this.#parts;
    for (const segment of this.segments) {
      await writeIndexFile(fileSystem, indexPath(directory, segment.generation), segment);
      for (const extent of segment.extents.values()) extent.index = undefined;
      segment.indexed = true;
    }
    await fileSystem.syncDirectory(directory);
  }

  /** Removes it all. What cannot be removed is removed with the next opening. */
  async discard(): Promise<void> {
    const { fileSystem, directory } = this.#parts;
    const { file } = this.#current ?? {};
    this.#current = undefined;
    await file?.close().catch(() => {});
    for (const { path, generation } of this.segments) {
      await removeIfThere(fileSystem, path).catch(() => {});
      await removeIfThere(fileSystem, indexPath(directory, generation)).catch(() => {});
    }
  }

  async #open(firstOffset: number) {
    const { fileSystem, directory, keeper } = this.#parts;
    const generation = keeper.nextRemainsGeneration();
    const path = segmentPath(directory, generation);
    const segment = new Segment(generation, path, this.#bytesMax, true);
    segment.compacted = true;
    segment.closed = true;
    const file = await fileSystem.open(path, { create: true });
    this.segments.push(segment);
    const extent = new ShardExtent(segment, this.#slot, firstOffset, new SparseIndex());
    segment.extents.set(this.#slot, extent);
    return { segment, extent, file, writer: new EntryWriter(file, generation) };
  }

  async #close(): Promise<void> {
    if (this.#current === undefined) return;
    const { segment, file, writer } = this.#current;
    await writer.flush();
    await file.sync();
    segment.end = writer.end;
    this.#current = undefined;
    await file.close();
  }
}

function unavailable({ key }: ShardState, error: unknown): StoreUnavailable {
  return new StoreUnavailable(`shard ${key} could not be compacted: ${reasonOf(error)}`, { cause: error });
}
