import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { guardTemporaryDirectory } from './process-guard.ts';

export interface TemporaryDirectory {
  /** Absolute. */
  readonly path: string;
  /** Removes the directory and what is in it; a second call does nothing. */
  remove(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A new, empty directory of the caller's own. Whatever is not removed by the caller goes when the process ends. */
export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'tailrace-test-'));
  const release = guardTemporaryDirectory(basename(path));
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    release();
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
}
