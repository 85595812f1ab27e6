import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { logger } from '@tailrace/telemetry';
import {
  type EmbeddedBounds,
  PREPARE_RETRY_MS,
  SEGMENT_FILL_TARGET_MS,
  ZEROED_BYTES_PER_SECOND_MAX,
  ZERO_LEAD,
  ZERO_PIECE_BYTES,
  ZEROED_BYTES_PER_SECOND_MIN,
} from './bounds.ts';
import { type FileSystem, type LogFile, removeIfThere, writeWhole } from './file-system.ts';
import { Segment } from './segment.ts';

const PREPARED_NAME = 'next.tmp';
const SEGMENT_NAME = /^(\d{10})\.log$/;

/**
 * Generations from here on hold what was left in others. Nothing is appended to them, they are in no order with the others,
 * and recovery looks only at those that the database knows.
 */
export const REMAINS_GENERATION_MIN = 2 ** 31;

export function segmentPath(directory: string, generation: number): string {
  return join(directory, `${String(generation).padStart(10, '0')}.log`);
}

export function indexPath(directory: string, generation: number): string {
  return join(directory, `${String(generation).padStart(10, '0')}.idx`);
}

/** The generation that a file's name tells; `undefined` if it is no segment. */
export function generationOf(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match ? Number(match[1]) : undefined;
}

/**
 * Where the next segment comes from. One is prepared in the background: a file whose blocks are there, so that a sync has
 * little but data to write. That is a segment whose records are all gone, or blocks that the file system sets aside, or,
 * where it cannot, zeros. When none is ready the log goes on in a file that grows, which is slower to sync but needs no
 * waiting. Where only zeros would help, all new files grow above a certain rate: appends come in such groups that the sync
 * counts for little, and zeros would cost half of what the disk can do.
 */
export class SegmentSupply {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #bounds: EmbeddedBounds;
  readonly #clock: () => number;
  #nextGeneration: number;
  #ready: Segment | undefined;
  /** A file whose records are all gone. */
  #used: { readonly path: string; readonly byteCount: number } | undefined;
  #preparing: Promise<void> | undefined;
  #retryAt = 0;
  #bytesPerMs = 0;
  #takenAt: number | undefined;
  #closed = false;

  constructor(
    fileSystem: FileSystem,
    directory: string,
    bounds: EmbeddedBounds,
    nextGeneration: number,
    clock: () => number = () => performance.now(),
  ) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#bounds = bounds;
    this.#nextGeneration = nextGeneration;
    this.#clock = clock;
  }

  /** Whether a segment waits whose blocks are written, with room for so many bytes. */
  hasPrepared(byteCount: number): boolean {
    return this.#ready !== undefined && !this.#ready.grows && this.#ready.capacity >= byteCount;
  }

  /**
   * A segment of a generation above all before, open for writing, with room for at least so many bytes.
   * `writtenBytes` is what the one before it took, by which the size of the next ones is chosen.
   */
  async take(byteCount: number, writtenBytes: number): Promise<Segment> {
    const segment = (await this.#takeReady(byteCount)) ?? (await this.#makeGrowing(byteCount));
    const now = this.#clock();
    if (this.#takenAt !== undefined) this.#bytesPerMs = writtenBytes / Math.max(1, now - this.#takenAt);
    this.#takenAt = now;
    return segment;
  }

  /** Begins to prepare the next segment, unless one is ready or being prepared. */
  prepare(): void {
    if (this.#ready || this.#preparing || this.#closed || this.#clock() < this.#retryAt) return;
    this.#preparing = this.#prepare()
      .catch((err: unknown) => {
        // The log does without. A full disk shows where it matters, at an append.
        if (!this.#closed) logger.warn({ err, directory: this.#directory }, 'no segment could be prepared');
        this.#retryAt = this.#clock() + PREPARE_RETRY_MS;
      })
      .finally(() => {
        this.#preparing = undefined;
      });
  }

  /** Takes the file of a closed segment of which nothing is needed any more. */
  async recycle(segment: Segment): Promise<void> {
    await this.#keepOrRemove(segment.path, segment.grows ? segment.end : segment.capacity);
  }

  /** A segment that was prepared and not used in an earlier life of the process. */
  async adopt(generation: number, byteCount: number): Promise<void> {
    const path = segmentPath(this.#directory, generation);
    if (byteCount < this.#bounds.segmentBytesMin || this.#ready) return this.#fileSystem.remove(path);
    const segment = new Segment(generation, path, byteCount, false);
    segment.file = await this.#fileSystem.open(path, { create: false });
    this.#ready = segment;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#preparing;
    const ready = this.#ready;
    await ready?.file?.close();
    if (ready?.grows) await this.#fileSystem.remove(ready.path);
    if (this.#used) await this.#fileSystem.remove(this.#used.path);
  }

  /** What is written in a few seconds, as a power of two within the bounds. */
  get #targetBytes(): number {
    const { segmentBytesMin, segmentBytesMax } = this.#bounds;
    let byteCount = segmentBytesMin;
    while (byteCount < segmentBytesMax && byteCount < this.#bytesPerMs * SEGMENT_FILL_TARGET_MS) byteCount *= 2;
    return Math.min(byteCount, segmentBytesMax);
  }

  async #takeReady(byteCount: number): Promise<Segment | undefined> {
    const ready = this.#ready;
    this.#ready = undefined;
    if (ready === undefined || ready.capacity >= byteCount) return ready;
    if (ready.grows) {
      const larger = new Segment(ready.generation, ready.path, byteCount, true);
      larger.file = ready.file;
      return larger;
    }
    // Its generation would be out of order behind the one that is made instead.
    await this.#putAside(ready);
    return undefined;
  }

  /** Only its file is of use still. */
  async #putAside({ file, path, grows, capacity }: Segment): Promise<void> {
    await file?.close();
    await this.#keepOrRemove(path, grows ? 0 : capacity);
  }

  async #makeGrowing(byteCount: number): Promise<Segment> {
    const late = this.#ready;
    this.#ready = undefined;
    const generation = this.#nextGeneration++;
    const path = segmentPath(this.#directory, generation);
    const file = await this.#fileSystem.open(path, { create: true });
    try {
      await this.#fileSystem.syncDirectory(this.#directory);
    } catch (error) {
      await file.close().catch(() => {});
      await this.#fileSystem.remove(path).catch(() => {});
      throw error;
    }
    const segment = new Segment(generation, path, Math.max(this.#targetBytes, byteCount), true);
    segment.file = file;
    // Became ready while this one was decided on: its generation would be out of order behind it.
    if (late !== undefined) await this.#putAside(late);
    return segment;
  }

  async #prepare(): Promise<void> {
    const used = this.#used;
    this.#used = undefined;
    if (used !== undefined) {
      await this.#makeReady(used.path, used.byteCount, await this.#fileSystem.open(used.path, { create: false }));
    } else if (await this.#prepareAllocated()) {
      return;
    } else if (this.#bytesPerMs * 1000 > ZEROED_BYTES_PER_SECOND_MAX) {
      await this.#prepareGrowing();
    } else {
      await this.#prepareZeros();
    }
  }

  /** Only the name: to make it lasting takes milliseconds that an append would wait for. */
  async #prepareGrowing(): Promise<void> {
    const segment = await this.#makeGrowing(0);
    if (this.#nextGeneration === segment.generation + 1) {
      this.#ready = segment;
      return;
    }
    // The log could not wait, and has gone past this generation.
    await segment.file?.close();
    await this.#fileSystem.remove(segment.path);
  }

  async #prepareAllocated(): Promise<boolean> {
    const byteCount = this.#targetBytes;
    const path = join(this.#directory, PREPARED_NAME);
    await removeIfThere(this.#fileSystem, path);
    if (this.#closed || !(await this.#fileSystem.allocate(path, byteCount))) return false;
    const file = await this.#fileSystem.open(path, { create: false });
    try {
      await file.sync();
      if (this.#closed) throw new Error('closed while a segment was being prepared');
    } catch (error) {
      await this.#giveUp(path, file);
      throw error;
    }
    await this.#makeReady(path, byteCount, file);
    return true;
  }

  async #prepareZeros(): Promise<void> {
    const byteCount = this.#targetBytes;
    const path = join(this.#directory, PREPARED_NAME);
    await removeIfThere(this.#fileSystem, path);
    const file = await this.#fileSystem.open(path, { create: true });
    try {
      const zeros = Buffer.alloc(ZERO_PIECE_BYTES);
      const bytesPerMs = Math.max(ZEROED_BYTES_PER_SECOND_MIN / 1000, this.#bytesPerMs * ZERO_LEAD);
      for (let position = 0; position < byteCount && !this.#closed; position += ZERO_PIECE_BYTES) {
        const begun = this.#clock();
        const piece = zeros.subarray(0, Math.min(ZERO_PIECE_BYTES, byteCount - position));
        await writeWhole(file, [piece], position);
        await file.sync();
        // As fast as the disk can, they would make a sync of the log wait for 10 to 20 ms.
        await sleep(Math.max(0, piece.length / bytesPerMs - (this.#clock() - begun)));
      }
      if (this.#closed) throw new Error('closed while a segment was being prepared');
    } catch (error) {
      await this.#giveUp(path, file);
      throw error;
    }
    await this.#makeReady(path, byteCount, file);
  }

  /** Takes the file over, also where it fails. */
  async #makeReady(from: string, byteCount: number, file: LogFile): Promise<void> {
    let generation: number;
    let path = from;
    try {
      // Should a growing segment have been begun meanwhile, this one must come behind it.
      do {
        generation = this.#nextGeneration++;
        const renamed = segmentPath(this.#directory, generation);
        await this.#fileSystem.rename(path, renamed);
        path = renamed;
        await this.#fileSystem.syncDirectory(this.#directory);
      } while (this.#nextGeneration !== generation + 1);
    } catch (error) {
      await this.#giveUp(path, file);
      throw error;
    }
    const segment = new Segment(generation, path, byteCount, false);
    segment.file = file;
    this.#ready = segment;
  }

  /** What made it useless is told; that it could not be cleared away would not help anybody. */
  async #giveUp(path: string, file: LogFile): Promise<void> {
    await file.close().catch(() => {});
    await this.#fileSystem.remove(path).catch(() => {});
  }

  async #keepOrRemove(path: string, byteCount: number): Promise<void> {
    if (this.#used === undefined && byteCount * 2 >= this.#targetBytes && byteCount > 0) {
      this.#used = { path, byteCount };
      this.prepare();
    } else {
      await this.#fileSystem.remove(path);
    }
  }
}
