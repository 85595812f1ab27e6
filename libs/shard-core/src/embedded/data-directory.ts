import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Another process has the data directory open. The message is for the operator. */
export class DataDirectoryLocked extends Error {
  override readonly name = 'DataDirectoryLocked';

  constructor(dataDir: string, options?: { cause?: unknown }) {
    super(
      `The data directory ${dataDir} is in use by another process; stop that one, or name another directory.`,
      options,
    );
  }
}

/** The data directory cannot be made, read or written, or holds something else. The message is for the operator. */
export class DataDirectoryUnusable extends Error {
  override readonly name = 'DataDirectoryUnusable';

  constructor(dataDir: string, reason: string, options?: { cause?: unknown }) {
    super(`The data directory ${dataDir} cannot be used: ${reason}.`, options);
  }
}

export interface DataDirectory {
  readonly path: string;
  /** The SQLite file of everything that is not log. */
  readonly database: string;
  /** Where the segments lie. */
  readonly segments: string;
  /** Directories whose list of names has, or may have, changed; the highest first. */
  readonly changed: readonly string[];
}

/** Makes the directory if it is not there. Throws DataDirectoryUnusable. */
export function prepareDataDirectory(path: string): DataDirectory {
  const segments = join(path, 'log');
  const changed = [path];
  try {
    const first = makeDirectories(segments);
    for (let made = path; first !== undefined && first !== segments && made.length >= first.length;) {
      made = dirname(made);
      changed.unshift(made);
    }
    for (const directory of [path, segments]) {
      if (!isDirectory(directory)) throw new Error(`${directory} is no directory`);
      accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    }
  } catch (error) {
    throw new DataDirectoryUnusable(path, reasonOf(error), { cause: error });
  }
  return { path, database: join(path, 'tailrace.db'), segments, changed };
}

/** Makes a directory and those above it that are not there; answers the highest one made. Node's own does not end below /proc. */
function makeDirectories(path: string): string | undefined {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const directory of missing) {
    try {
      mkdirSync(directory);
    } catch (error) {
      // Another process has been quicker.
      if (!isDirectory(directory)) throw error;
    }
  }
  return missing[0];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ENOENT: 'no directory can be made there',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'there is a file of that name',
};

export function reasonOf(error: unknown): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  return (code !== undefined && REASONS[code]) || message || String(error);
}
