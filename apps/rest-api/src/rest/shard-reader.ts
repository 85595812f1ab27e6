import {
  BATCH_HEADER_BYTES,
  type BatchRecord,
  CorruptBatch,
  decodeBatch,
  readBatchHeader,
  UncompressedTooLarge,
} from '@tailrace/kafka-protocol';
import { isAborted, type Outcome, type Shard, type ShardBounds, type Store } from '@tailrace/shard-core';

/** A batch that becomes larger when decompressed is reported as unreadable. */
export const UNCOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** Offsets, `fromOffset` to `toOffset` inclusive, whose records cannot be shown, and why. */
export interface UnreadableRange {
  readonly fromOffset: bigint;
  readonly toOffset: bigint;
  readonly reason: string;
}

export interface ShardPage<T> {
  readonly records: readonly T[];
  readonly unreadable: readonly UnreadableRange[];
  /** Where to read on: behind the last record, or behind control and aborted records, which are passed over. */
  readonly nextOffset: bigint;
  /** Bytes of the keys and values of the page. */
  readonly byteCount: number;
  /** Append time of the last record of the page. */
  readonly lastAppendTimeMs: number | undefined;
  readonly bounds: ShardBounds;
}

export interface PageLimits {
  readonly recordsMax: number;
  /** Of batches as stored, and of values as decoded; the first record is returned however large it is. */
  readonly bytesMax: number;
}

/**
 * Reads one page of records. `view` is called while the bytes are there: what it returns must not hold on to them.
 * Records of transactions are there once these are committed; control records are left out, and aborted ones. A batch that cannot be decoded (its producer wrote it so: the log checks the checksum
 * only) is told of in `unreadable` and passed over, so that it holds up nobody.
 * Refuses: shardNotFound, offsetOutOfRange. Throws StoreUnavailable.
 */
export async function readPage<T>(
  store: Store,
  shard: Shard,
  fromOffset: bigint,
  limits: PageLimits,
  view: (record: BatchRecord, offset: bigint, appendTimeMs: number) => T,
): Promise<Outcome<ShardPage<T>>> {
  const outcome = await store.log.read(shard.key, fromOffset, {
    maxBytes: limits.bytesMax,
    isolation: 'readCommitted',
  });
  if (!outcome.ok) return outcome;
  const slice = outcome.value;
  const records: T[] = [];
  const unreadable: UnreadableRange[] = [];
  let nextOffset = fromOffset;
  let lastAppendTimeMs: number | undefined;
  let byteCount = 0;
  let batchIndex = 0;
  try {
    for (const chunk of slice.chunks) {
      for (let position = 0; position + BATCH_HEADER_BYTES <= chunk.length;) {
        const header = readBatchHeader(chunk, position);
        const appendTimeMs = slice.appendTimesMs[batchIndex++] as number;
        const afterBatch = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n;
        if (!header.isControl && !isAborted(slice, header)) {
          let decoded: readonly BatchRecord[] = [];
          try {
            decoded = decodeBatch(chunk, position, header, {
              uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX,
              fromOffsetDelta: nextOffset > header.baseOffset ? Number(nextOffset - header.baseOffset) : 0,
              recordsMax: limits.recordsMax - records.length,
            });
          } catch (error) {
            if (!(error instanceof CorruptBatch || error instanceof UncompressedTooLarge)) throw error;
            unreadable.push({ fromOffset: header.baseOffset, toOffset: afterBatch - 1n, reason: error.message });
          }
          for (const record of decoded) {
            const recordBytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
            if (byteCount + recordBytes > limits.bytesMax && records.length > 0) return { ok: true, value: page() };
            const offset = header.baseOffset + BigInt(record.offsetDelta);
            byteCount += recordBytes;
            nextOffset = offset + 1n;
            lastAppendTimeMs = appendTimeMs;
            try {
              records.push(view(record, offset, appendTimeMs));
            } catch (error) {
              // Headers are decoded when they are looked at, and only those of this record are broken.
              if (!(error instanceof CorruptBatch)) throw error;
              unreadable.push({ fromOffset: offset, toOffset: offset, reason: error.message });
            }
          }
        }
        // A full page may end inside the batch; then it is not passed.
        if (records.length >= limits.recordsMax) return { ok: true, value: page() };
        nextOffset = afterBatch;
        position += header.sizeBytes;
      }
    }
    return { ok: true, value: page() };
  } finally {
    slice.release();
  }

  function page(): ShardPage<T> {
    return { records, unreadable, nextOffset, byteCount, lastAppendTimeMs, bounds: slice.bounds };
  }
}

/** Whether everything that will ever be in the shard has been read. */
export function isEndOfShard({ bounds, nextOffset }: Pick<ShardPage<unknown>, 'bounds' | 'nextOffset'>): boolean {
  return bounds.sealed && nextOffset >= bounds.logEndOffset;
}
