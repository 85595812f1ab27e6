import { crc32c } from '@tailrace/hashing';
import { COMPRESSIONS, compress, type Compression, decompress } from '../compression/compression.ts';
import { CorruptCompression } from '../compression/errors.ts';
import {
  AT,
  ATTRIBUTE,
  BATCH_CRC_START,
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  type BatchHeader,
  writeNumberAsInt64,
} from './batch-header.ts';
import { CorruptBatch } from './corrupt-batch.ts';

export interface BatchRewrite {
  /** Compress the records so; left out: as they are. */
  readonly compression?: Compression | undefined;
  /** Give all records this time, in milliseconds since 1970, and say that it is the log's (LogAppendTime). */
  readonly appendTimeMs?: number | undefined;
  /** Say of the records' times that they are the producer's (CreateTime), which they are. */
  readonly createTime?: boolean;
  /** A compressed batch that becomes larger is refused. */
  readonly uncompressedBytesMax: number;
}

/**
 * The batch in `batch`, from its first byte to its last, compressed otherwise or with another time, and with the checksum
 * that belongs to it. Everything else stays: offsets, producer, sequence, the records themselves. What is not compressed
 * anew is changed in place; what is has new memory. Throws CorruptBatch and UncompressedTooLarge.
 */
export function rewriteBatch(
  batch: Buffer,
  header: BatchHeader,
  { compression, appendTimeMs, createTime, uncompressedBytesMax }: BatchRewrite,
): Buffer {
  const rewritten =
    compression === undefined || compression === header.compression
      ? batch
      : compressAnew(batch, header, compression, uncompressedBytesMax);
  if (appendTimeMs !== undefined) {
    rewritten.writeInt16BE(rewritten.readInt16BE(AT.attributes) | ATTRIBUTE.logAppendTime, AT.attributes);
    // The base, to which the records' own times are relative, stays: readers take the largest time for all of them.
    writeNumberAsInt64(rewritten, AT.maxTimestamp, appendTimeMs);
  }
  if (createTime === true)
    rewritten.writeInt16BE(rewritten.readInt16BE(AT.attributes) & ~ATTRIBUTE.logAppendTime, AT.attributes);
  rewritten.writeUInt32BE(crc32c(rewritten.subarray(BATCH_CRC_START)), AT.crc);
  return rewritten;
}

function compressAnew(
  batch: Buffer,
  header: BatchHeader,
  compression: Compression,
  uncompressedBytesMax: number,
): Buffer {
  if (header.compression === undefined) throw new CorruptBatch('the compression is not known');
  const packed = batch.subarray(BATCH_HEADER_BYTES);
  let records: Buffer;
  try {
    records = compress(compression, decompress(header.compression, packed, uncompressedBytesMax));
  } catch (error) {
    if (error instanceof CorruptCompression) throw new CorruptBatch(error.message, { cause: error });
    throw error;
  }
  const rewritten = Buffer.allocUnsafe(BATCH_HEADER_BYTES + records.length);
  batch.copy(rewritten, 0, 0, BATCH_HEADER_BYTES);
  records.copy(rewritten, BATCH_HEADER_BYTES);
  rewritten.writeInt32BE(rewritten.length - BATCH_PREFIX_BYTES, AT.length);
  const attributes = (header.attributes & ~ATTRIBUTE.compressionMask) | COMPRESSIONS.indexOf(compression);
  rewritten.writeInt16BE(attributes, AT.attributes);
  return rewritten;
}
