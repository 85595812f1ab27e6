import { crc32c } from '@tailrace/hashing';
import { BATCH_HEADER_BYTES } from '@tailrace/kafka-protocol';
import { ENTRY_HEADER_BYTES } from './entry.ts';
import { type FileSystem, readWhole, removeIfThere, writeWhole } from './file-system.ts';
import type { Segment } from './segment.ts';
import { POINT_FIELDS, SparseIndex } from './sparse-index.ts';

/**
 * The sidecar of a closed segment: what it holds of which shard, and the points of the sparse indexes. All numbers are
 * little-endian doubles, so that points are used where they are read to:
 *
 *      4 fields   magic, generation, end of the entries, number of shards
 *     16 bytes    CRC-32C of the header and the rows, CRC-32C of the points, as doubles
 *     per shard   slot, first offset, next offset, last append time, largest timestamp, bytes, number of points
 *     points      five fields each, shard by shard in the order of the rows
 *
 * It can always be made anew from the segment, so it is written without a sync and checked when it is read.
 */
const MAGIC = 0x7472_6978;
const HEADER_FIELDS = 6;
const ROW_FIELDS = 7;
const BYTES = Float64Array.BYTES_PER_ELEMENT;

/** One shard's part of a segment, as the sidecar tells it. */
export interface ExtentRow {
  readonly slot: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly lastTimeMs: number;
  readonly maxTimestampMs: number;
  readonly byteCount: number;
}

/** With the number of its points. */
type StoredRow = ExtentRow & { readonly pointCount: number };

/** Writes the sidecar of a segment whose indexes are all in memory. */
export async function writeIndexFile(fileSystem: FileSystem, path: string, segment: Segment): Promise<void> {
  const extents = [...segment.extents.values()];
  const pointFields = extents.reduce((sum, { index }) => sum + (index as SparseIndex).points.length, 0);
  const rowsEnd = HEADER_FIELDS + extents.length * ROW_FIELDS;
  const fields = new Float64Array(rowsEnd + pointFields);
  let row = HEADER_FIELDS;
  let point = rowsEnd;
  for (const extent of extents) {
    const { points, count } = extent.index as SparseIndex;
    const { slot, firstOffset, nextOffset, lastTimeMs, maxTimestampMs, byteCount } = extent;
    fields.set([slot, firstOffset, nextOffset, lastTimeMs, maxTimestampMs, byteCount, count], row);
    fields.set(points, point);
    row += ROW_FIELDS;
    point += points.length;
  }
  fields.set([MAGIC, segment.generation, segment.end, extents.length]);
  const bytes = Buffer.from(fields.buffer);
  fields[4] = rowsChecksum(bytes, rowsEnd);
  fields[5] = crc32c(bytes.subarray(rowsEnd * BYTES));
  await removeIfThere(fileSystem, path);
  const file = await fileSystem.open(path, { create: true });
  try {
    await writeWhole(file, [bytes], 0);
  } finally {
    await file.close();
  }
}

function rowsChecksum(bytes: Buffer, rowsEnd: number): number {
  return crc32c(bytes.subarray(HEADER_FIELDS * BYTES, rowsEnd * BYTES), crc32c(bytes.subarray(0, 4 * BYTES)));
}

/** The rows of a sidecar; `undefined` when it is not there, damaged, or of another life of the segment. */
export async function readExtentRows(
  fileSystem: FileSystem,
  path: string,
  generation: number,
  end: number,
): Promise<ExtentRow[] | undefined> {
  const rows = await readParts(fileSystem, path, generation, end);
  return rows?.extents;
}

/** The indexes of a closed segment by slot; `undefined` as above. */
export async function readIndexes(
  fileSystem: FileSystem,
  path: string,
  generation: number,
  end: number,
): Promise<{ readonly bySlot: ReadonlyMap<number, SparseIndex>; readonly byteCount: number } | undefined> {
  const parts = await readParts(fileSystem, path, generation, end, true);
  if (parts?.points === undefined) return undefined;
  const bySlot = new Map<number, SparseIndex>();
  let point = 0;
  for (const { slot, pointCount } of parts.extents) {
    bySlot.set(slot, new SparseIndex(parts.points.subarray(point, point + pointCount * POINT_FIELDS)));
    point += pointCount * POINT_FIELDS;
  }
  return { bySlot, byteCount: parts.points.byteLength };
}

async function readParts(
  fileSystem: FileSystem,
  path: string,
  generation: number,
  end: number,
  withPoints = false,
): Promise<{ extents: StoredRow[]; points: Float64Array | undefined } | undefined> {
  let file;
  try {
    file = await fileSystem.open(path, { create: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const readFields = async (from: number, count: number): Promise<Float64Array | undefined> => {
      const fields = new Float64Array(count);
      const wanted = count * BYTES;
      const got = await readWhole(file, Buffer.from(fields.buffer), 0, wanted, from * BYTES);
      return got === wanted ? fields : undefined;
    };
    const header = await readFields(0, HEADER_FIELDS);
    if (header === undefined) return undefined;
    const [magic, fileGeneration, fileEnd, extentCount] = header as unknown as [number, number, number, number];
    if (magic !== MAGIC || fileGeneration !== generation || fileEnd !== end) return undefined;
    // A damaged count must not ask for the machine's memory: a shard has at least one entry in the segment.
    const extentsMax = end / (ENTRY_HEADER_BYTES + BATCH_HEADER_BYTES);
    if (!Number.isInteger(extentCount) || extentCount < 0 || extentCount > extentsMax) return undefined;
    const rowsEnd = HEADER_FIELDS + extentCount * ROW_FIELDS;
    const all = await readFields(0, rowsEnd);
    if (all === undefined || rowsChecksum(Buffer.from(all.buffer), rowsEnd) !== header[4]) return undefined;
    const extents: StoredRow[] = [];
    let pointCount = 0;
    for (let at = HEADER_FIELDS; at < rowsEnd; at += ROW_FIELDS) {
      const row = all.subarray(at, at + ROW_FIELDS) as unknown as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const [slot, firstOffset, nextOffset, lastTimeMs, maxTimestampMs, byteCount, points] = row;
      extents.push({ slot, firstOffset, nextOffset, lastTimeMs, maxTimestampMs, byteCount, pointCount: points });
      pointCount += points;
    }
    if (!withPoints) return { extents, points: undefined };
    const points = await readFields(rowsEnd, pointCount * POINT_FIELDS);
    if (points === undefined || crc32c(Buffer.from(points.buffer)) !== header[5]) return undefined;
    return { extents, points };
  } finally {
    await file.close();
  }
}
