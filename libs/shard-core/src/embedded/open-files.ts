import type { FileSystem, LogFile } from './file-system.ts';
import type { Segment } from './segment.ts';

/** The files of closed segments that are open for reading: at most so many, and the longest unused are closed first. */
export class OpenFiles {
  readonly #fileSystem: FileSystem;
  readonly #filesMax: number;
  /** In order of use. */
  readonly #open = new Set<Segment>();
  readonly #opening = new Map<Segment, Promise<LogFile>>();

  constructor(fileSystem: FileSystem, filesMax: number) {
    this.#fileSystem = fileSystem;
    this.#filesMax = filesMax;
  }

  /** The segment's file. The caller holds the segment until it has read; its file is not closed before. */
  async of(segment: Segment): Promise<LogFile> {
    if (segment.file !== undefined) {
      if (this.#open.delete(segment)) this.#open.add(segment);
      return segment.file;
    }
    let opening = this.#opening.get(segment);
    if (opening === undefined) {
      opening = this.#fileSystem.open(segment.path, { create: false });
      this.#opening.set(segment, opening);
      try {
        segment.file = await opening;
        this.adopt(segment);
      } finally {
        this.#opening.delete(segment);
      }
      return segment.file;
    }
    return opening;
  }

  /** Takes over the open file of a segment that the writer is done with. */
  adopt(segment: Segment): void {
    this.#open.add(segment);
    if (this.#open.size <= this.#filesMax) return;
    for (const candidate of this.#open) {
      if (candidate.readers > 0) continue;
      void this.close(candidate);
      if (this.#open.size <= this.#filesMax) return;
    }
  }

  /** Nobody may read the segment now. An error of closing a file that was only read says nothing about its bytes. */
  async close(segment: Segment): Promise<void> {
    this.#open.delete(segment);
    const { file } = segment;
    segment.file = undefined;
    await file?.close().catch(() => {});
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((segment) => this.close(segment)));
  }
}
