import {
  type BatchHeader,
  type BatchRecord,
  batchSizeAt,
  CorruptBatch,
  decodeBatch,
  readBatchHeader,
  UncompressedTooLarge,
} from '@tailrace/kafka-protocol';
import {
  isAborted,
  type Log,
  type LogSlice,
  type Outcome,
  type ShardBounds,
  type ShardKey,
} from '@tailrace/shard-core';
import { logger, TRACEPARENT } from '@tailrace/telemetry';

/** Records of one batch, which share base offset and append time. */
export interface RecordRun {
  readonly records: readonly BatchRecord[];
  readonly baseOffset: bigint;
  /** Milliseconds since 1970. */
  readonly appendTimeMs: number;
  /** Whether they lay encrypted. */
  readonly encrypted: boolean;
}

/** Records in offset order. Keys and values are views of memory that `release` gives back. */
export interface RecordPage {
  readonly runs: readonly RecordRun[];
  readonly recordCount: number;
  /** Data and keys. */
  readonly byteCount: number;
  readonly nextOffset: bigint;
  readonly bounds: ShardBounds;
  release(): void;
}

export interface PageLimits {
  readonly records: number;
  /** Data and keys; the first record is given whatever its size. */
  readonly bytes: number;
  /** Looks into the log at most. One look makes smaller pages, and reads nothing that the page has no room for. */
  readonly reads?: number;
}

/** A compressed batch that becomes larger is passed over: nothing that a client may send unpacks to this. */
const UNCOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;
/** The first look into the log; later ones double, so that a page of one record does not fetch ten MiB. */
const FIRST_READ_BYTES = 64 * 1024;
const READ_BYTES_MAX = 4 * 1024 * 1024;
/** A guess at a record's size in the log, for the size of the first look. */
const RECORD_BYTES_GUESS = 1200;
/** Looks into the log for one page: enough for ten MiB, and an end where batches hold nothing to show. */
const READS_PER_PAGE_MAX = 64;

/**
 * Reads a page of records from an offset on, of transactions those that are committed. Passes over control batches, and over batches that cannot be decoded (the
 * log took them unseen, as Kafka does). An offset that has been trimmed away counts as the start of the log, one beyond
 * the end as the end. Refuses: shardNotFound.
 */
export async function readPage(
  log: Log,
  shard: ShardKey,
  fromOffset: bigint,
  limits: PageLimits,
): Promise<Outcome<RecordPage>> {
  const runs: RecordRun[] = [];
  const slices: LogSlice[] = [];
  let recordCount = 0;
  let byteCount = 0;
  let offset = fromOffset;
  let bounds: ShardBounds | undefined;
  let full = false;
  const { reads: readsMax = READS_PER_PAGE_MAX } = limits;
  let maxBytes = Math.min(
    Math.max(FIRST_READ_BYTES, limits.records * RECORD_BYTES_GUESS),
    Math.max(FIRST_READ_BYTES, limits.bytes),
    READ_BYTES_MAX,
  );
  const release = () => {
    for (const slice of slices) slice.release();
  };

  try {
    for (let reads = 0; reads < readsMax && !full; reads++) {
      const read = await log.read(shard, offset, { maxBytes, isolation: 'readCommitted' });
      if (!read.ok) {
        const { refusal } = read;
        if (refusal.code !== 'offsetOutOfRange') {
          release();
          return read;
        }
        const start = refusal.logStartOffset;
        if (offset >= start) break;
        offset = start;
        continue;
      }
      const slice = read.value;
      slices.push(slice);
      bounds = slice.bounds;
      if (slice.batchCount === 0) break;
      take(slice);
      if (!full && offset >= slice.bounds.lastStableOffset) break;
      maxBytes = Math.min(maxBytes * 2, READ_BYTES_MAX);
    }
    if (bounds === undefined) {
      const now = await log.bounds(shard);
      if (!now.ok) return now;
      bounds = now.value;
    }
  } catch (error) {
    release();
    throw error;
  }
  return { ok: true, value: { runs, recordCount, byteCount, nextOffset: offset, bounds, release } };

  /** Adds the records of a slice until the page is full, and moves `offset` behind the last. */
  function take(slice: LogSlice): void {
    let batchIndex = 0;
    for (const chunk of slice.chunks) {
      for (let position = 0; position < chunk.length; position += batchSizeAt(chunk, position)) {
        const appendTimeMs = slice.appendTimesMs[batchIndex] as number;
        const encrypted = slice.sealed !== undefined && (slice.sealed[batchIndex] as boolean);
        batchIndex++;
        const header = readBatchHeader(chunk, position);
        if (header.isControl || isAborted(slice, header)) offset = endOf(header);
        else takeBatch(header, chunk, position, appendTimeMs, encrypted);
        if (full) return;
      }
    }
    offset = slice.nextOffset;
  }

  function takeBatch(
    header: BatchHeader,
    chunk: Buffer,
    position: number,
    appendTimeMs: number,
    encrypted: boolean,
  ): void {
    const { baseOffset } = header;
    const end = endOf(header);
    let records: BatchRecord[];
    try {
      records = decodeBatch(chunk, position, header, {
        uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX,
        fromOffsetDelta: offset > baseOffset ? Number(offset - baseOffset) : 0,
        recordsMax: limits.records - recordCount,
      });
    } catch (error) {
      if (!(error instanceof CorruptBatch) && !(error instanceof UncompressedTooLarge)) throw error;
      logger.warn(
        { shard, offset: String(baseOffset), err: error, door: 'http' },
        'batch passed over: it cannot be decoded',
      );
      offset = end;
      return;
    }
    let count = 0;
    for (; count < records.length; count++) {
      const { key, value } = records[count] as BatchRecord;
      const size = (key?.length ?? 0) + (value?.length ?? 0);
      if (byteCount + size > limits.bytes && recordCount + count > 0) {
        full = true;
        break;
      }
      byteCount += size;
    }
    if (count < records.length) records.length = count;
    if (count > 0) {
      runs.push({ records, baseOffset, appendTimeMs, encrypted });
      recordCount += count;
    }
    const last = records[count - 1];
    if (recordCount >= limits.records) full = true;
    // Full in the middle of the batch: the next page begins behind the last record that was taken.
    offset = !full ? end : last === undefined ? offset : baseOffset + BigInt(last.offsetDelta) + 1n;
  }
}

function endOf({ baseOffset, lastOffsetDelta }: BatchHeader): bigint {
  return baseOffset + BigInt(lastOffsetDelta) + 1n;
}

/** Whether everything that will ever be in the shard has been read. */
export function isAtEnd({ bounds, nextOffset }: RecordPage): boolean {
  return bounds.sealed && nextOffset >= bounds.logEndOffset;
}

/** How old the last record of the page is, if there are more behind it; at the tip, nothing. */
export function millisBehind({ runs, nextOffset, bounds }: RecordPage, nowMs: number): number {
  const last = runs.at(-1);
  if (last === undefined || nextOffset >= bounds.lastStableOffset) return 0;
  return Math.max(0, nowMs - last.appendTimeMs);
}

/** The trace context that each record carries, as far as it has one. */
export function* traceparentsOf({ runs }: RecordPage): Iterable<Buffer | null> {
  for (const { records } of runs) {
    for (const record of records) {
      for (const { key, value } of record.headers) if (key === TRACEPARENT) yield value;
    }
  }
}
