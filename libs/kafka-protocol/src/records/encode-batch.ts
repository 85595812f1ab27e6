import { crc32c } from '@tailrace/hashing';
import { COMPRESSIONS, compress, type Compression } from '../compression/compression.ts';
import { textBytes, writeText } from '../codec/text.ts';
import {
  AT,
  ATTRIBUTE,
  BATCH_CRC_START,
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  NO_PRODUCER_ID,
  writeNumberAsInt64,
} from './batch-header.ts';

/** A name and a value that travel with a record. Names may repeat; their order is kept. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record to be written. A key given as text is written as UTF-8, without a buffer of its own. */
export interface RecordDraft {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[] | undefined;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
}

export interface BatchOptions {
  readonly baseOffset?: bigint;
  readonly leaderEpoch?: number;
  readonly compression?: Compression;
  /** Of an idempotent producer. */
  readonly producer?: { readonly id: bigint; readonly epoch: number; readonly baseSequence: number };
  readonly isTransactional?: boolean;
  /** The records are markers; see `encodeEndTransactionMarker`. */
  readonly isControl?: boolean;
  readonly timestampType?: 'CreateTime' | 'LogAppendTime';
  /** Where the memory for the batch comes from: exactly so many bytes, which need not be zero. */
  readonly allocate?: (sizeBytes: number) => Buffer;
}

/** Sizes of the records of the batch at hand. Encoding is synchronous, so one table serves all. */
let recordBytes = new Int32Array(1024);

/**
 * Encodes records, at least one, as one batch: one pass to measure, one allocation, one pass to write.
 * Timestamps are stored relative to that of the first record. Throws RangeError without records.
 */
export function encodeBatch(records: readonly RecordDraft[], options: BatchOptions = {}): Buffer {
  const count = records.length;
  const first = records[0];
  if (first === undefined) throw new RangeError('a batch without records');
  if (count > recordBytes.length) recordBytes = new Int32Array(count * 2);
  const sizes = recordBytes;
  const baseTimestampMs = first.timestampMs;
  let maxTimestampMs = baseTimestampMs;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const record = records[i] as RecordDraft;
    if (record.timestampMs > maxTimestampMs) maxTimestampMs = record.timestampMs;
    const size = bodyBytes(record, record.timestampMs - baseTimestampMs, i);
    sizes[i] = size;
    total += size + varintBytes(size);
  }
  const allocate = options.allocate ?? allocateFresh;
  const compression = options.compression ?? 'none';
  let batch: Buffer;
  let sectionBytes = total;
  if (compression === 'none') {
    batch = allocate(BATCH_HEADER_BYTES + total);
    writeRecords(batch, BATCH_HEADER_BYTES, records, sizes, baseTimestampMs);
  } else {
    const plain = Buffer.allocUnsafe(total);
    writeRecords(plain, 0, records, sizes, baseTimestampMs);
    const packed = compress(compression, plain);
    sectionBytes = packed.length;
    batch = allocate(BATCH_HEADER_BYTES + packed.length);
    batch.set(packed, BATCH_HEADER_BYTES);
  }
  if (batch.length !== BATCH_HEADER_BYTES + sectionBytes)
    throw new RangeError(`${batch.length} bytes were allocated for a batch of ${BATCH_HEADER_BYTES + sectionBytes}`);
  writeHeader(batch, count, baseTimestampMs, maxTimestampMs, compression, options);
  return batch;
}

function allocateFresh(sizeBytes: number): Buffer {
  return Buffer.allocUnsafe(sizeBytes);
}

/** Version of key and value of a marker. */
const MARKER_VERSION = 0;

/** The control batch by which a transaction ends in a partition: one record, whose key says commit or abort. */
export function encodeEndTransactionMarker(marker: {
  readonly commits: boolean;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestampMs: number;
}): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt16BE(MARKER_VERSION, 0);
  key.writeInt16BE(marker.commits ? 1 : 0, 2);
  const value = Buffer.alloc(6);
  value.writeInt16BE(MARKER_VERSION, 0);
  value.writeInt32BE(marker.coordinatorEpoch, 2);
  return encodeBatch([{ key, value, timestampMs: marker.timestampMs }], {
    isControl: true,
    isTransactional: true,
    producer: { id: marker.producerId, epoch: marker.producerEpoch, baseSequence: -1 },
  });
}

function writeHeader(
  batch: Buffer,
  count: number,
  baseTimestampMs: number,
  maxTimestampMs: number,
  compression: Compression,
  { baseOffset, leaderEpoch, producer, isTransactional, isControl, timestampType }: BatchOptions,
): void {
  const attributes =
    COMPRESSIONS.indexOf(compression) |
    (timestampType === 'LogAppendTime' ? ATTRIBUTE.logAppendTime : 0) |
    (isTransactional === true ? ATTRIBUTE.transactional : 0) |
    (isControl === true ? ATTRIBUTE.control : 0);
  batch.writeBigInt64BE(baseOffset ?? 0n, AT.baseOffset);
  batch.writeInt32BE(batch.length - BATCH_PREFIX_BYTES, AT.length);
  batch.writeInt32BE(leaderEpoch ?? -1, AT.leaderEpoch);
  batch[AT.magic] = 2;
  batch.writeInt16BE(attributes, AT.attributes);
  batch.writeInt32BE(count - 1, AT.lastOffsetDelta);
  writeNumberAsInt64(batch, AT.baseTimestamp, baseTimestampMs);
  writeNumberAsInt64(batch, AT.maxTimestamp, maxTimestampMs);
  batch.writeBigInt64BE(producer?.id ?? NO_PRODUCER_ID, AT.producerId);
  batch.writeInt16BE(producer?.epoch ?? -1, AT.producerEpoch);
  batch.writeInt32BE(producer?.baseSequence ?? -1, AT.baseSequence);
  batch.writeInt32BE(count, AT.recordCount);
  batch.writeUInt32BE(crc32c(batch.subarray(BATCH_CRC_START)), AT.crc);
}

/** Bytes of a record behind its length. */
function bodyBytes({ key, value, headers }: RecordDraft, timestampDelta: number, offsetDelta: number): number {
  const keyBytes = key === null ? -1 : typeof key === 'string' ? textBytes(key) : key.length;
  const valueBytes = value === null ? -1 : value.length;
  let size =
    1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + varintBytes(keyBytes) + varintBytes(valueBytes);
  if (keyBytes > 0) size += keyBytes;
  if (valueBytes > 0) size += valueBytes;
  if (headers === undefined) return size + 1;
  size += varintBytes(headers.length);
  for (const header of headers) {
    const nameBytes = textBytes(header.key);
    size += varintBytes(nameBytes) + nameBytes;
    size += header.value === null ? 1 : varintBytes(header.value.length) + header.value.length;
  }
  return size;
}

function writeRecords(
  target: Buffer,
  start: number,
  records: readonly RecordDraft[],
  sizes: Int32Array,
  baseTimestampMs: number,
): void {
  let position = start;
  for (let i = 0; i < records.length; i++) {
    const { key, value, headers, timestampMs } = records[i] as RecordDraft;
    position = putVarint(target, position, sizes[i] as number);
    target[position++] = 0;
    position = putVarint(target, position, timestampMs - baseTimestampMs);
    position = putVarint(target, position, i);
    if (key === null) target[position++] = 1;
    else if (typeof key === 'string') position = putText(target, position, key);
    else position = putBytes(target, position, key);
    if (value === null) target[position++] = 1;
    else position = putBytes(target, position, value);
    if (headers === undefined) {
      target[position++] = 0;
      continue;
    }
    position = putVarint(target, position, headers.length);
    for (const header of headers) {
      position = putText(target, position, header.key);
      if (header.value === null) target[position++] = 1;
      else position = putBytes(target, position, header.value);
    }
  }
}

function putBytes(target: Buffer, position: number, bytes: Buffer): number {
  position = putVarint(target, position, bytes.length);
  bytes.copy(target, position);
  return position + bytes.length;
}

function putText(target: Buffer, position: number, text: string): number {
  const size = textBytes(text);
  position = putVarint(target, position, size);
  return position + writeText(target, position, text);
}

/** Zigzag, as protocol buffers have it: the sign is the lowest bit, so that small negative numbers stay small. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** Bytes of a signed varint of up to 53 bits. */
export function varintBytes(value: number): number {
  const rest = zigzag(value);
  if (rest < 0x80) return 1;
  if (rest < 0x4000) return 2;
  if (rest < 0x20_0000) return 3;
  if (rest < 0x1000_0000) return 4;
  let size = 4;
  for (let more = rest / 0x1000_0000; more >= 1; more /= 0x80) size++;
  return size;
}

export function putVarint(target: Buffer, position: number, value: number): number {
  let rest = zigzag(value);
  while (rest >= 0x8000_0000) {
    target[position++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    target[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[position] = rest;
  return position + 1;
}
