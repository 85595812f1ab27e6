import { execFile } from 'node:child_process';
import { close, fdatasync, ftruncate, open, read, writev, writevSync } from 'node:fs';
import { open as openHandle, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** One open file of the log. Specs put another in its place that is full, slow, broken or forgetful. */
export interface LogFile {
  /** Writes the buffers one behind the other; answers how many bytes were taken, which may be fewer. */
  write(buffers: Buffer[], position: number): Promise<number>;
  /** Answers how many bytes were there, 0 at the end. */
  read(target: Buffer, at: number, byteCount: number, position: number): Promise<number>;
  /** Returns when everything written before is on the disk, with what is needed to find it. */
  sync(): Promise<void>;
  truncate(byteCount: number): Promise<void>;
  close(): Promise<void>;
}

/** The operations on files that the log stands on; errors are those of Node (`code: 'ENOSPC'`). */
export interface FileSystem {
  /** For reading and writing; `create` makes it when it is not there. */
  open(path: string, options: { readonly create: boolean }): Promise<LogFile>;
  list(directory: string): Promise<readonly { readonly name: string; readonly byteCount: number }[]>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /**
   * Makes a file of so many bytes whose blocks are there and read as zeros, without writing them. Answers `false`, with no
   * file left, where that cannot be done.
   */
  allocate(path: string, byteCount: number): Promise<boolean>;
  /** Makes new, renamed and removed names lasting. */
  syncDirectory(directory: string): Promise<void>;
}

/** Callbacks rather than `fs.promises`: a FileHandle costs several promises and microtasks an operation. */
class NodeLogFile implements LogFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(buffers: Buffer[], position: number): Promise<number> {
    let byteCount = 0;
    for (const buffer of buffers) byteCount += buffer.length;
    return new Promise((resolve, reject) => {
      if (byteCount <= WRITE_AT_ONCE_BYTES_MAX) resolve(writevSync(this.#fd, buffers, position));
      else writev(this.#fd, buffers, position, (error, taken) => (error ? reject(error) : resolve(taken)));
    });
  }

  read(target: Buffer, at: number, byteCount: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, target, at, byteCount, position, (error, got) => (error ? reject(error) : resolve(got)));
    });
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  truncate(byteCount: number): Promise<void> {
    return new Promise((resolve, reject) => {
      ftruncate(this.#fd, byteCount, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      close(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/**
 * Writes up to here are made in place: the system copies them into its page cache in some microseconds, while a thread
 * that does it has to be woken, which takes several times as long where cores are few.
 */
const WRITE_AT_ONCE_BYTES_MAX = 64 * 1024;
const ALLOCATE_TIMEOUT_MS = 10_000;
const CREATE_FLAGS = 'wx+';
const OPEN_FLAGS = 'r+';

export const nodeFileSystem: FileSystem = {
  open(path, { create }) {
    return new Promise((resolve, reject) => {
      open(path, create ? CREATE_FLAGS : OPEN_FLAGS, (error, fd) =>
        error ? reject(error) : resolve(new NodeLogFile(fd)),
      );
    });
  },

  async list(directory) {
    const names = await readdir(directory);
    return Promise.all(names.map(async (name) => ({ name, byteCount: (await stat(join(directory, name))).size })));
  },

  rename,
  remove: unlink,

  // Node.js has no call for it; util-linux has a program, which takes a millisecond for any size.
  allocate(path, byteCount) {
    if (process.platform !== 'linux') return Promise.resolve(false);
    return new Promise((resolve) => {
      execFile('fallocate', ['--length', String(byteCount), path], { timeout: ALLOCATE_TIMEOUT_MS }, (error) => {
        if (error === null) resolve(true);
        else
          unlink(path).then(
            () => resolve(false),
            () => resolve(false),
          );
      });
    });
  },

  async syncDirectory(directory) {
    const handle = await openHandle(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/** Writes all of it, also where the file takes it in parts. Changes `buffers`. */
export async function writeWhole(file: LogFile, buffers: Buffer[], position: number): Promise<void> {
  for (;;) {
    let written = await file.write(buffers, position);
    position += written;
    let whole = 0;
    while (whole < buffers.length && written >= (buffers[whole] as Buffer).length) {
      written -= (buffers[whole] as Buffer).length;
      whole++;
    }
    if (whole === buffers.length) return;
    buffers.splice(0, whole);
    buffers[0] = (buffers[0] as Buffer).subarray(written);
  }
}

/** Removes a file; that it is not there is as good. */
export async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.remove(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Reads until the range is full or the file ends; answers the bytes that were there. */
export async function readWhole(
  file: LogFile,
  target: Buffer,
  at: number,
  byteCount: number,
  position: number,
): Promise<number> {
  let got = 0;
  while (got < byteCount) {
    const more = await file.read(target, at + got, byteCount - got, position + got);
    if (more === 0) break;
    got += more;
  }
  return got;
}
