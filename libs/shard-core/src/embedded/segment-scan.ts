import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  checkStoredBatch,
  type EndTransactionMarker,
  readEndTransactionMarker,
} from '@tailrace/kafka-protocol';
import { RECOVERY_WINDOW_BYTES } from './bounds.ts';
import { batchFitsEntry, ENTRY_HEADER_BYTES, type EntryHeader, readEntryHeader } from './entry.ts';
import { type LogFile, readWhole } from './file-system.ts';

export interface ScannedEntry {
  readonly header: EntryHeader;
  readonly batch: BatchHeader;
  /** If the batch is one that ends a transaction. */
  readonly marker: EndTransactionMarker | undefined;
  /** Where it begins and ends in the segment. */
  readonly position: number;
  readonly end: number;
}

/**
 * Reads a segment from its beginning for as long as entries follow each other: of this generation, each naming the one
 * before it, whole and undamaged. `visit` is called with each. Answers where the last good one ends.
 *
 * @param limit where to stop at the latest, e.g. the recorded end of a closed segment
 */
export async function scanSegment(
  file: LogFile,
  generation: number,
  limit: number,
  batchBytesMax: number,
  visit: (entry: ScannedEntry) => void,
): Promise<number> {
  let window = Buffer.allocUnsafeSlow(Math.min(RECOVERY_WINDOW_BYTES, Math.max(limit, ENTRY_HEADER_BYTES)));
  let windowStart = 0;
  let filled = 0;
  let position = 0;
  let chain: number | undefined;

  /** Sees to it that the bytes from `position` on are in the window; false when the file has no more. */
  const load = async (byteCount: number): Promise<boolean> => {
    if (position + byteCount > limit) return false;
    if (position + byteCount <= windowStart + filled) return true;
    const rest = windowStart + filled - position;
    const next = byteCount > window.length ? Buffer.allocUnsafeSlow(byteCount) : window;
    window.copy(next, 0, position - windowStart, position - windowStart + rest);
    window = next;
    windowStart = position;
    const wanted = Math.min(window.length - rest, limit - position - rest);
    filled = rest + (await readWhole(file, window, rest, wanted, position + rest));
    return filled >= byteCount;
  };

  while (await load(ENTRY_HEADER_BYTES)) {
    const header = readEntryHeader(window, position - windowStart, generation);
    if (header === undefined || (chain !== undefined && header.chain !== chain)) break;
    const size = ENTRY_HEADER_BYTES + header.batchBytes;
    if (header.batchBytes < BATCH_HEADER_BYTES || header.batchBytes > batchBytesMax || !(await load(size))) break;
    const at = position - windowStart;
    if (!batchFitsEntry(window, at)) break;
    const checked = checkStoredBatch(window, at + ENTRY_HEADER_BYTES, at + size);
    if (!checked.ok) break;
    const marker = readEndTransactionMarker(window, at + ENTRY_HEADER_BYTES, checked.header);
    visit({ header, batch: checked.header, marker, position, end: position + size });
    chain = header.crc;
    position += size;
  }
  return position;
}
