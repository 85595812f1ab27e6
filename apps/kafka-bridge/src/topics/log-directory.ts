import { statfs } from 'node:fs/promises';
import { isAbsolute } from 'node:path';

/** Of the volume that a directory lies on; -1 where that is not known, because it is no directory of this machine. */
export interface Volume {
  readonly totalBytes: bigint;
  readonly usableBytes: bigint;
}

const UNKNOWN: Volume = { totalBytes: -1n, usableBytes: -1n };

export async function volumeOf(logDir: string): Promise<Volume> {
  if (!isAbsolute(logDir)) return UNKNOWN;
  try {
    const { blocks, bavail, bsize } = await statfs(logDir, { bigint: true });
    return { totalBytes: blocks * bsize, usableBytes: bavail * bsize };
  } catch {
    // Kafka's word for "not known" is an answer here: sizes of partitions are of use without it.
    return UNKNOWN;
  }
}
