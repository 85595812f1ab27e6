import { type BatchHeader, CorruptBatch, UncompressedTooLarge, visitSpans } from '@tailrace/kafka-protocol';
import { logger } from '@tailrace/telemetry';
import { isAborted } from '../contract/aborted-transactions.ts';
import type { Log } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { COMPACTION_READ_BYTES, COMPACTION_UNCOMPRESSED_BYTES_MAX } from './bounds.ts';
import type { KeyOffsets } from './key-offsets.ts';
import type { Pace } from './pace.ts';
import { batchesOf } from './slice-batches.ts';

/**
 * Puts the keys of a shard's records into the table, from the batch that begins at `from` or behind it up to `to`. Answers where it
 * ended: `to`, or the base offset of the first batch for which the table had no room. Records that were aborted do not count, nor
 * those of a batch that cannot be read. Throws StoreUnavailable.
 */
export async function collectKeys(
  log: Log,
  shard: ShardKey,
  from: bigint,
  to: bigint,
  keys: KeyOffsets,
  pace: Pace,
): Promise<bigint> {
  for (let offset = from; offset < to;) {
    const outcome = await log.read(shard, offset, { maxBytes: COMPACTION_READ_BYTES, isolation: 'readCommitted' });
    // Trimmed or deleted: the round that comes next finds it as it is then.
    if (!outcome.ok) return offset;
    const slice = outcome.value;
    try {
      if (slice.batchCount === 0) return to;
      for (const { header, chunk, position } of batchesOf(slice)) {
        if (header.baseOffset < from) continue;
        if (header.baseOffset >= to) return to;
        if (!header.isControl && !isAborted(slice, header)) {
          if (!keys.hasRoomFor(header.recordCount)) return header.baseOffset;
          putKeys(chunk, position, header, keys, shard);
        }
        await pace.took(header.sizeBytes);
      }
      offset = slice.nextOffset;
    } finally {
      slice.release();
    }
  }
  return to;
}

function putKeys(chunk: Buffer, position: number, header: BatchHeader, keys: KeyOffsets, shard: ShardKey): void {
  const base = Number(header.baseOffset);
  const limits = { uncompressedBytesMax: COMPACTION_UNCOMPRESSED_BYTES_MAX };
  try {
    visitSpans(chunk, position, header, limits, ({ keyStart, keyBytes, offsetDelta }, source) => {
      if (keyStart >= 0) keys.put(source.subarray(keyStart, keyStart + keyBytes), base + offsetDelta);
    });
  } catch (error) {
    tellUnreadable(error, shard, header);
  }
}

/** The log takes what is compressed unseen, as Kafka does. What is no such fault is thrown on. */
export function tellUnreadable(error: unknown, shard: ShardKey, { baseOffset }: BatchHeader): void {
  if (!(error instanceof CorruptBatch || error instanceof UncompressedTooLarge)) throw error;
  logger.warn(
    { shard, offset: String(baseOffset), err: error },
    'compaction: a batch that cannot be read stays as it is',
  );
}
