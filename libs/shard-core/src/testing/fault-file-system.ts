import { basename, dirname } from 'node:path';
import type { FileSystem, LogFile } from '../embedded/index.ts';

interface PendingWrite {
  readonly position: number;
  readonly bytes: Buffer;
}

/** A file in memory: what readers see, and what a power loss would leave. */
class FaultFile {
  bytes: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  /** Since the last sync, the oldest first. */
  pending: PendingWrite[] = [];

  put(position: number, bytes: Buffer): void {
    this.bytes = overwritten(this.bytes, position, bytes);
    this.pending.push({ position, bytes: Buffer.from(bytes) });
  }
}

function overwritten(before: Buffer, position: number, bytes: Buffer): Buffer {
  const after = before.length >= position + bytes.length ? before : Buffer.alloc(position + bytes.length);
  if (after !== before) before.copy(after);
  bytes.copy(after, position);
  return after;
}

/** Nothing but zeros where the first entry would stand. */
function isEmpty(bytes: Buffer): boolean {
  return bytes.subarray(0, 8).every((byte) => byte === 0);
}

export function diskError(code: 'ENOSPC' | 'EIO'): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** What survives of a write that was not synced: so many of its bytes, from the front. */
export type Survival = (write: { readonly index: number; readonly byteCount: number }) => number;

/** Files in memory that fill up, break, dawdle, and forget at a power loss what was not synced. */
export class FaultFileSystem implements FileSystem {
  #files = new Map<string, FaultFile>();
  /** What the directory says after a power loss. */
  #durableNames = new Map<string, FaultFile>();
  /** Set: the disk takes no more, once `bytesBefore` bytes have been written to segments. */
  writeFailure: { readonly error: Error; bytesBefore: number } | undefined;
  /** Set: the next sync of a segment fails, and what it was to write is lost to the disk. */
  syncFailure: Error | undefined;
  /** Set: syncs of segments wait for it. */
  syncGate: Promise<void> | undefined;
  /** Set: the first sync of a segment that nothing was written to before waits for it. */
  freshSyncGate: Promise<void> | undefined;
  /** Set: reads wait for it. */
  readGate: Promise<void> | undefined;
  /** Bytes that one write takes at most. */
  writeBytesMax = Infinity;
  /** Blocks can be set aside without being written. */
  allocates = true;
  /** Set: the process dies when it asks for something, other than to read, once more than so often. */
  stepsLeft = Infinity;
  /** Segments that were made of earlier ones. */
  reusedCount = 0;
  /** The process is dead: nothing is done any more, and what was waiting fails. */
  #dead = false;
  #died!: (error: Error) => void;
  readonly #death = new Promise<never>((_, reject) => (this.#died = reject));

  constructor() {
    this.#death.catch(() => {});
  }

  async open(path: string, { create }: { readonly create: boolean }): Promise<LogFile> {
    this.#check();
    let file = this.#files.get(path);
    if (file === undefined) {
      if (!create) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
      if (this.writeFailure) throw this.writeFailure.error;
      file = new FaultFile();
      this.#files.set(path, file);
    } else if (create) {
      throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' });
    }
    return this.#handle(file);
  }

  async list(directory: string) {
    return [...this.#files]
      .filter(([path]) => dirname(path) === directory)
      .map(([path, { bytes }]) => ({ name: basename(path), byteCount: bytes.length }));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#check();
    if (from.endsWith('.log')) this.reusedCount++;
    this.#files.set(to, this.file(from));
    this.#files.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.#check();
    if (!this.#files.delete(path)) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
  }

  async allocate(path: string, byteCount: number): Promise<boolean> {
    this.#check();
    if (!this.allocates || this.writeFailure) return false;
    const file = new FaultFile();
    file.put(0, Buffer.alloc(byteCount));
    this.#files.set(path, file);
    return true;
  }

  async syncDirectory(): Promise<void> {
    this.#check();
    this.#durableNames = new Map(this.#files);
  }

  file(path: string): FaultFile {
    const file = this.#files.get(path);
    if (file === undefined) throw new Error(`no file ${path}`);
    return file;
  }

  paths(extension: string): string[] {
    return [...this.#files.keys()].filter((path) => path.endsWith(extension)).sort();
  }

  /** Writes to segments that were not synced. */
  pendingCount(): number {
    return this.paths('.log').reduce((sum, path) => sum + this.file(path).pending.length, 0);
  }

  /** The process is gone: what it still asks for fails. */
  kill(): void {
    this.#dead = true;
    this.#died(new Error('the process is dead'));
  }

  /**
   * The disk as the next process finds it. `power`: names that were not synced are as they were, and of each write that
   * was not synced (numbered over all files) what `survival` says is there; the gap is what was there before.
   */
  afterCrash(power?: Survival): FaultFileSystem {
    const next = new FaultFileSystem();
    next.allocates = this.allocates;
    let index = 0;
    if (power === undefined) {
      // Nothing is lost, and nothing more lasting than it was.
      const copies = new Map<FaultFile, FaultFile>();
      const copyOf = (file: FaultFile) => {
        const copy = copies.get(file) ?? new FaultFile();
        copies.set(file, copy);
        copy.bytes = Buffer.from(file.bytes);
        copy.durable = Buffer.from(file.durable);
        copy.pending = [...file.pending];
        return copy;
      };
      for (const [path, file] of this.#files) next.#files.set(path, copyOf(file));
      for (const [path, file] of this.#durableNames) next.#durableNames.set(path, copyOf(file));
      return next;
    }
    for (const [path, file] of this.#durableNames) {
      const copy = new FaultFile();
      copy.bytes = Buffer.from(file.durable);
      for (const { position, bytes } of file.pending) {
        const kept = power({ index: index++, byteCount: bytes.length });
        if (kept > 0) copy.bytes = overwritten(copy.bytes, position, bytes.subarray(0, kept));
      }
      copy.durable = Buffer.from(copy.bytes);
      next.#files.set(path, copy);
    }
    next.#durableNames = new Map(next.#files);
    return next;
  }

  /** The same files in another directory. */
  moved(from: string, to: string): this {
    const renamed = (files: ReadonlyMap<string, FaultFile>) =>
      new Map([...files].map(([path, file]) => [path.replace(from, to), file]));
    this.#files = renamed(this.#files);
    this.#durableNames = renamed(this.#durableNames);
    return this;
  }

  #check(): void {
    if (this.stepsLeft-- <= 0) this.kill();
    if (this.#dead) throw new Error('the process is dead');
  }

  #handle(file: FaultFile): LogFile {
    return {
      write: async (buffers, position) => {
        this.#check();
        const bytes = Buffer.concat(buffers).subarray(0, this.writeBytesMax);
        const failure = this.writeFailure;
        if (failure === undefined) {
          file.put(position, bytes);
          return bytes.length;
        }
        if (failure.bytesBefore === 0) throw failure.error;
        const taken = bytes.subarray(0, failure.bytesBefore);
        failure.bytesBefore -= taken.length;
        file.put(position, taken);
        return taken.length;
      },
      read: async (target, at, byteCount, position) => {
        await Promise.race([this.readGate, this.#death]);
        if (this.#dead) throw new Error('the process is dead');
        return file.bytes.copy(target, at, position, position + byteCount);
      },
      sync: async () => {
        const { pending } = file;
        const { bytes } = file;
        const durable = Buffer.from(bytes);
        const count = pending.length;
        await Promise.race([this.syncGate, this.#death]);
        if (isEmpty(file.durable) && !isEmpty(file.bytes)) await Promise.race([this.freshSyncGate, this.#death]);
        this.#check();
        // Not that of a file in which only zeros stand: nobody waits for it.
        if (this.syncFailure && !isEmpty(file.bytes)) {
          const error = this.syncFailure;
          this.syncFailure = undefined;
          // As Linux does: the pages count as clean from now on, and are not written.
          file.pending.splice(0, count);
          throw error;
        }
        file.durable = durable;
        file.pending.splice(0, count);
      },
      truncate: async (byteCount) => {
        this.#check();
        file.bytes = Buffer.from(file.bytes.subarray(0, byteCount));
        file.durable = Buffer.from(file.durable.subarray(0, byteCount));
        file.pending = file.pending.filter(({ position }) => position < byteCount);
      },
      close: async () => {},
    };
  }
}
