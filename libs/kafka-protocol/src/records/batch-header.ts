import { crc32c } from '@tailrace/hashing';
import { COMPRESSIONS, type Compression } from '../compression/compression.ts';

/** Bytes of a batch before its first record. */
export const BATCH_HEADER_BYTES = 61;

/** Base offset and length: the bytes that `batchLength` does not count. */
export const BATCH_PREFIX_BYTES = 12;

/** What the checksum covers begins here: base offset, length and leader epoch may be changed without computing it again. */
export const BATCH_CRC_START = 21;

export const NO_PRODUCER_ID = -1n;

/** Positions within a batch. */
export const AT = {
  baseOffset: 0, length: 8, leaderEpoch: 12, magic: 16, crc: 17, attributes: 21, lastOffsetDelta: 23,
  baseTimestamp: 27, maxTimestamp: 35, producerId: 43, producerEpoch: 51, baseSequence: 53, recordCount: 57,
} as const; // prettier-ignore

export const ATTRIBUTE = {
  compressionMask: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20, deleteHorizon: 0x40,
} as const; // prettier-ignore

/** The header of a RecordBatch v2, which is also the unit of the log. https://kafka.apache.org/documentation/#recordbatch */
export interface BatchHeader {
  /** Offset of the first record. Producers send 0 or anything; the log puts its own. */
  readonly baseOffset: bigint;
  /** Bytes of the whole batch, from base offset to the last record. */
  readonly sizeBytes: number;
  readonly leaderEpoch: number;
  readonly magic: 2;
  /** CRC-32C of everything from the attributes on, as an unsigned number. */
  readonly crc: number;
  readonly attributes: number;
  /** Offset of the last record, minus `baseOffset`. */
  readonly lastOffsetDelta: number;
  /** Milliseconds since 1970, to which the timestamps of the records are relative. */
  readonly baseTimestampMs: number;
  /** Milliseconds since 1970 of the newest record; with `LogAppendTime`, of all of them. */
  readonly maxTimestampMs: number;
  /** -1 where the producer is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Sequence number of the first record; -1 without a producer id. */
  readonly baseSequence: number;
  readonly recordCount: number;
  /** `undefined` for the three numbers that no compression has. */
  readonly compression: Compression | undefined;
  readonly isTransactional: boolean;
  /** Holds a marker that ends a transaction, no data. */
  readonly isControl: boolean;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
}

/** Why bytes are not taken for a batch. */
export type BatchRefusal =
  /** The bytes end before the batch does. */
  | { readonly ok: false; readonly code: 'cut-short'; readonly reason: string }
  /** A message set of before Kafka 0.11 (0 or 1), or something of a later time. */
  | { readonly ok: false; readonly code: 'unsupported-magic'; readonly magic: number; readonly reason: string }
  /** The checksum or the length is wrong: the bytes were damaged, or never were a batch. */
  | { readonly ok: false; readonly code: 'corrupt'; readonly reason: string }
  /** Undamaged, but no broker would take it: no records, or offsets that do not fit their count. */
  | { readonly ok: false; readonly code: 'invalid'; readonly reason: string };

export type BatchCheck = { readonly ok: true; readonly header: BatchHeader } | BatchRefusal;

/**
 * Reads the header of the batch at `position`, without a check of what it says.
 * The caller has seen that `BATCH_HEADER_BYTES` are there; otherwise RangeError.
 */
export function readBatchHeader(buffer: Buffer, position: number): BatchHeader {
  const attributes = buffer.readInt16BE(position + AT.attributes);
  return {
    baseOffset: buffer.readBigInt64BE(position + AT.baseOffset),
    sizeBytes: BATCH_PREFIX_BYTES + buffer.readInt32BE(position + AT.length),
    leaderEpoch: buffer.readInt32BE(position + AT.leaderEpoch),
    magic: buffer[position + AT.magic] as 2,
    crc: buffer.readUInt32BE(position + AT.crc),
    attributes,
    lastOffsetDelta: buffer.readInt32BE(position + AT.lastOffsetDelta),
    baseTimestampMs: readInt64AsNumber(buffer, position + AT.baseTimestamp),
    maxTimestampMs: readInt64AsNumber(buffer, position + AT.maxTimestamp),
    producerId: buffer.readBigInt64BE(position + AT.producerId),
    producerEpoch: buffer.readInt16BE(position + AT.producerEpoch),
    baseSequence: buffer.readInt32BE(position + AT.baseSequence),
    recordCount: buffer.readInt32BE(position + AT.recordCount),
    compression: COMPRESSIONS[attributes & ATTRIBUTE.compressionMask],
    isTransactional: (attributes & ATTRIBUTE.transactional) !== 0,
    isControl: (attributes & ATTRIBUTE.control) !== 0,
    timestampType: (attributes & ATTRIBUTE.logAppendTime) !== 0 ? 'LogAppendTime' : 'CreateTime',
  };
}

/**
 * Is there, between `position` and `limit`, a whole and undamaged batch such as a producer may send?
 * Checked in this order: magic, length, checksum, compression, record count against offsets. More may follow behind it.
 */
export function checkBatch(buffer: Buffer, position: number, limit: number): BatchCheck {
  const checked = checkStoredBatch(buffer, position, limit);
  if (!checked.ok) return checked;
  const { recordCount, lastOffsetDelta } = checked.header;
  if (recordCount >= 1 && lastOffsetDelta === recordCount - 1) return checked;
  return { ok: false, code: 'invalid', reason: `${recordCount} records, last offset delta ${lastOffsetDelta}` };
}

/**
 * The same for a batch that comes out of a log: compaction takes records out of it, and the offsets of those that stay are what
 * they were. Checked in this order: magic, length, checksum, compression.
 */
export function checkStoredBatch(buffer: Buffer, position: number, limit: number): BatchCheck {
  const available = Math.min(limit, buffer.length) - position;
  // The magic has been in this place in every format, so an old message set can be told from garbage.
  if (available <= AT.magic) return { ok: false, code: 'cut-short', reason: `${available} bytes are no batch` };
  const magic = buffer.readInt8(position + AT.magic);
  if (magic === 0 || magic === 1 || magic > 2) {
    return { ok: false, code: 'unsupported-magic', magic, reason: `magic ${magic}; only RecordBatch v2 is taken` };
  }
  const sizeBytes = batchSizeAt(buffer, position);
  if (magic !== 2 || sizeBytes < BATCH_HEADER_BYTES)
    return { ok: false, code: 'corrupt', reason: `magic ${magic}, size ${sizeBytes}` };
  if (sizeBytes > available) return { ok: false, code: 'cut-short', reason: `${available} of ${sizeBytes} bytes` };
  const header = readBatchHeader(buffer, position);
  const crc = crc32c(buffer.subarray(position + BATCH_CRC_START, position + sizeBytes));
  if (crc !== header.crc)
    return { ok: false, code: 'corrupt', reason: `checksum ${crc}, the header says ${header.crc}` };
  if (header.compression === undefined) {
    return {
      ok: false,
      code: 'invalid',
      reason: `compression ${header.attributes & ATTRIBUTE.compressionMask} is not known`,
    };
  }
  return { ok: true, header };
}

/**
 * From when on compaction drops the tombstones, or the marker, in a batch that it has seen before; `undefined`: it has not, or there
 * are none. In milliseconds since 1970; kept in the base timestamp (KIP-534).
 */
export function deleteHorizonMsOf({ attributes, baseTimestampMs }: BatchHeader): number | undefined {
  return (attributes & ATTRIBUTE.deleteHorizon) === 0 ? undefined : baseTimestampMs;
}

/** Bytes of the batch at `position`, by its own word. The first `BATCH_PREFIX_BYTES` must be there; otherwise RangeError. */
export function batchSizeAt(buffer: Buffer, position: number): number {
  return BATCH_PREFIX_BYTES + buffer.readInt32BE(position + AT.length);
}

/** Puts the offset that the log has given to the first record. Outside the checksum. */
export function patchBaseOffset(buffer: Buffer, position: number, baseOffset: bigint): void {
  buffer.writeBigInt64BE(baseOffset, position + AT.baseOffset);
}

/** Puts the epoch of the leader that appended the batch. Outside the checksum. */
export function patchLeaderEpoch(buffer: Buffer, position: number, leaderEpoch: number): void {
  buffer.writeInt32BE(leaderEpoch, position + AT.leaderEpoch);
}

/** Exact up to 2^53, which no time and no count of ours exceeds. */
export function readInt64AsNumber(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * 0x1_0000_0000 + buffer.readUInt32BE(position + 4);
}

export function writeNumberAsInt64(buffer: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  buffer.writeInt32BE(high, position);
  buffer.writeUInt32BE(value - high * 0x1_0000_0000, position + 4);
}
