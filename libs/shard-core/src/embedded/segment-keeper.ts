import { logger } from '@tailrace/telemetry';
import { REMAINS_COPIED_AT_ONCE_MAX } from './bounds.ts';
import { type ShardSnapshot, snapshotOf, writeCheckpoint } from './checkpoint.ts';
import type { Database } from './database.ts';
import { type FileSystem, removeIfThere } from './file-system.ts';
import type { LogPosition } from './group-commit.ts';
import type { IndexCache } from './index-cache.ts';
import { writeIndexFile } from './index-file.ts';
import type { OpenFiles } from './open-files.ts';
import type { Segment, ShardExtent } from './segment.ts';
import { copyRemains, isMostlyGone } from './segment-remains.ts';
import { indexPath, REMAINS_GENERATION_MIN, type SegmentSupply } from './segment-supply.ts';
import type { ShardState } from './shard-state.ts';

export interface SegmentKeeperParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly database: Database;
  readonly supply: SegmentSupply;
  readonly files: OpenFiles;
  readonly indexes: IndexCache;
  readonly shards: () => Iterable<ShardState>;
  /** What is left in one of less than half of this is not worth copying. */
  readonly segmentBytesMin: number;
  /** Where the durable part of the log ends. */
  readonly durableEnd: () => LogPosition;
  /** Makes these segments and the one that is written now lasting, where appends do not do so themselves. */
  readonly syncWritten: (segments: readonly Segment[]) => Promise<void>;
}

/**
 * Looks after segments that nothing is written to any more: writes their indexes, has the database know of them, and
 * gives their files back when no shard has records in them. All of it in the background, one thing after the other.
 */
export class SegmentKeeper {
  readonly #parts: SegmentKeeperParts;
  /** Closed, and known to the database. */
  readonly #recorded: Set<Segment>;
  /** Closed, and not known to it yet. */
  readonly #unrecorded = new Set<Segment>();
  #work: Promise<void> = Promise.resolve();
  #nextRemainsGeneration: number;
  /** Where the last checkpoint says that the log ended: recovery looks for that segment, whatever is left in it. */
  #checkpointed = 0;

  constructor(parts: SegmentKeeperParts, closed: readonly Segment[], nextRemainsGeneration: number) {
    this.#parts = parts;
    this.#nextRemainsGeneration = nextRemainsGeneration;
    this.#recorded = new Set(closed.filter(({ indexed }) => indexed));
    for (const segment of closed) if (!segment.indexed) this.#unrecorded.add(segment);
  }

  /** Takes over a segment that the writer has left, its last entries durable. */
  closed(segment: Segment): void {
    segment.closed = true;
    this.#unrecorded.add(segment);
    if (segment.file !== undefined) this.#parts.files.adopt(segment);
    // One checkpoint records all that were closed by then.
    this.#then(async () => (this.#unrecorded.has(segment) ? this.checkpoint() : undefined));
  }

  /** A shard has nothing in these parts any more. */
  dropped(extents: readonly ShardExtent[]): void {
    for (const { segment, slot } of extents) segment.extents.delete(slot);
    if (extents.some(({ segment }) => segment.closed && segment.extents.size === 0)) this.#then(() => this.#retire());
  }

  /** Saves what recovery begins with: from here on it needs nothing of what was written before. */
  async checkpoint(): Promise<void> {
    const { database, shards, durableEnd, syncWritten } = this.#parts;
    for (const segment of this.#unrecorded) await this.#writeIndex(segment);
    const changed = [...shards()].filter(({ dirty }) => dirty);
    const position = durableEnd();
    const segments = [...this.#unrecorded];
    const rows = segments.map(({ generation, end }) => ({ generation, end }));
    const snapshots = changed.map(snapshotOf);
    for (const shard of changed) shard.dirty = false;
    try {
      await syncWritten(segments);
      await database.change((sqlite) => writeCheckpoint(sqlite, position, rows, snapshots));
    } catch (error) {
      for (const shard of changed) shard.dirty = true;
      throw error;
    }
    for (const [i, shard] of changed.entries()) shard.transactions?.saved((snapshots[i] as ShardSnapshot).aborted);
    for (const segment of segments) {
      this.#unrecorded.delete(segment);
      this.#recorded.add(segment);
    }
    this.#checkpointed = position.generation;
    await this.#retire();
    await this.#copyRemains();
  }

  /** For a segment of what is left of others. Never given twice. */
  nextRemainsGeneration(): number {
    return this.#nextRemainsGeneration++;
  }

  /** Does something when nothing else is done to closed segments, and answers what it answers. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#work.then(task);
    this.#work = run.then(
      () => {},
      () => {},
    );
    return run;
  }

  /** Segments that a compaction wrote have taken the place of others, and the database knows it. */
  async compacted(segments: readonly Segment[], superseded: readonly ShardExtent[]): Promise<void> {
    for (const segment of segments) this.#recorded.add(segment);
    for (const { segment, slot } of superseded) segment.extents.delete(slot);
    // Their rows went with the change that brought the new ones.
    for (const { segment } of superseded) if (segment.compacted) await this.#letGo(segment);
    await this.#retire();
  }

  /** Closes the last segment, cut to what was written, and returns when all that was begun is done. */
  async finish(active: Segment | undefined): Promise<void> {
    if (active !== undefined) {
      this.#then(async () => active.file?.truncate(active.end));
      this.closed(active);
    } else {
      this.#then(() => this.checkpoint());
    }
    await this.#work;
  }

  async #writeIndex(segment: Segment): Promise<void> {
    if (segment.indexed) return;
    const { fileSystem, directory } = this.#parts;
    await writeIndexFile(fileSystem, indexPath(directory, segment.generation), segment);
    for (const extent of segment.extents.values()) extent.index = undefined;
    segment.indexed = true;
  }

  /** Gives back the files in which no shard has records. */
  async #retire(): Promise<void> {
    for (const segment of this.#recorded) {
      if (segment.extents.size === 0 && this.#isBehindCheckpoint(segment)) await this.#giveBack(segment);
    }
  }

  async #giveBack(segment: Segment): Promise<void> {
    // First the row: a segment of which there is a row must be there.
    await this.#parts.database.change((sqlite) => {
      for (const table of ['segment', 'compacted']) {
        sqlite.prepare(`DELETE FROM ${table} WHERE generation = ?`).run(segment.generation);
      }
    });
    await this.#letGo(segment);
  }

  /**
   * Copies what is left in segments of which most is gone, so that one stream of long retention does not hold the space of
   * all others.
   */
  async #copyRemains(): Promise<void> {
    const { database, shards, segmentBytesMin } = this.#parts;
    const bySlot = new Map([...shards()].map((shard) => [shard.slot, shard]));
    const old = [...this.#recorded].filter(
      (segment) =>
        segment.end * 2 >= segmentBytesMin && this.#isBehindCheckpoint(segment) && isMostlyGone(segment, bySlot),
    );
    for (const from of old.slice(0, REMAINS_COPIED_AT_ONCE_MAX)) {
      const { segment, extents } = await copyRemains(this.#parts, from, this.nextRemainsGeneration(), bySlot);
      await database.change((sqlite) => {
        sqlite.prepare('DELETE FROM segment WHERE generation = ?').run(from.generation);
        sqlite.prepare('INSERT INTO segment VALUES (?, ?)').run(segment.generation, segment.end);
      });
      for (const [extent, copy] of extents) {
        const at = bySlot.get(extent.slot)?.extents.indexOf(extent) ?? -1;
        // Trimmed away or deleted meanwhile.
        if (at < 0) segment.extents.delete(extent.slot);
        else (bySlot.get(extent.slot) as ShardState).extents[at] = copy;
      }
      from.extents.clear();
      this.#recorded.add(segment);
      await this.#letGo(from);
    }
    if (old.length > 0) await this.#retire();
  }

  #isBehindCheckpoint({ generation }: Segment): boolean {
    return generation < this.#checkpointed || generation >= REMAINS_GENERATION_MIN;
  }

  /** Gives the file of a segment back, of which the database knows no more, once no read is under way in it. */
  async #letGo(segment: Segment): Promise<void> {
    const { fileSystem, directory, database, supply, files, indexes } = this.#parts;
    this.#recorded.delete(segment);
    await database.lasting();
    if (segment.readers > 0) await new Promise<void>((resolve) => (segment.onIdle = resolve));
    indexes.forget(segment);
    await files.close(segment);
    await removeIfThere(fileSystem, indexPath(directory, segment.generation));
    await supply.recycle(segment);
  }

  /** What fails here costs no record: a longer recovery, or space that comes back later. It is tried again with the next. */
  #then(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((err: unknown) => {
      logger.warn({ err, directory: this.#parts.directory }, 'a segment could not be put in order');
    });
  }
}
