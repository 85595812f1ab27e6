import { type Compression, decompress } from '../compression/compression.ts';
import { CorruptCompression } from '../compression/errors.ts';
import { BATCH_HEADER_BYTES, type BatchHeader } from './batch-header.ts';
import { CorruptBatch } from './corrupt-batch.ts';
import type { RecordHeader } from './encode-batch.ts';

const NO_HEADERS: readonly RecordHeader[] = [];

/** One record of a batch. Key and value are views of the batch, or of what it was decompressed to. */
export class BatchRecord {
  /** Offset, minus the base offset of the batch. */
  readonly offsetDelta: number;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly #source: Buffer;
  readonly #headersStart: number;
  readonly #end: number;

  constructor(
    offsetDelta: number,
    timestampMs: number,
    key: Buffer | null,
    value: Buffer | null,
    source: Buffer,
    headersStart: number,
    end: number,
  ) {
    this.offsetDelta = offsetDelta;
    this.timestampMs = timestampMs;
    this.key = key;
    this.value = value;
    this.#source = source;
    this.#headersStart = headersStart;
    this.#end = end;
  }

  /** Decoded each time it is asked for: most readers never do. Throws CorruptBatch. */
  get headers(): readonly RecordHeader[] {
    return this.#source[this.#headersStart] === 0
      ? NO_HEADERS
      : decodeHeaders(this.#source, this.#headersStart, this.#end);
  }
}

export interface DecodeLimits {
  /** A compressed batch that becomes larger is refused. */
  readonly uncompressedBytesMax: number;
  /** Skip the records before it, at the cost of reading their lengths. */
  readonly fromOffsetDelta?: number;
  /** Stop after so many. */
  readonly recordsMax?: number;
}

/** The smallest record: length, attributes, two deltas, two null lengths, no headers. */
const RECORD_BYTES_MIN = 7;

/**
 * The records of the batch at `position`, whose header has been read and whose bytes are all there (`checkBatch`, or
 * the log's word). Throws CorruptBatch and UncompressedTooLarge.
 *
 * With `LogAppendTime` every record has the batch's time.
 */
export function decodeBatch(
  buffer: Buffer,
  position: number,
  header: BatchHeader,
  limits: DecodeLimits,
): BatchRecord[] {
  const { compression, recordCount } = header;
  const end = position + header.sizeBytes;
  if (end > buffer.length || header.sizeBytes < BATCH_HEADER_BYTES)
    throw new CorruptBatch(`a batch of ${header.sizeBytes} bytes, ${buffer.length - position} are there`);
  if (compression === undefined) throw new CorruptBatch('the compression is not known');
  if (compression === 'none') return decodeRecords(buffer, position + BATCH_HEADER_BYTES, end, header, limits);
  const packed = buffer.subarray(position + BATCH_HEADER_BYTES, end);
  const plain = unpack(compression, packed, limits.uncompressedBytesMax);
  if (recordCount < 0) throw new CorruptBatch(`${recordCount} records`);
  return decodeRecords(plain, 0, plain.length, header, limits);
}

/** What a look over the records of a batch sees of each: which it is, its time, and how long its key is (-1: none). */
export type RecordVisitor = (index: number, timestampMs: number, keyBytes: number) => void;

/**
 * Looks over the records of the batch at `position` and makes no objects of them. The time is the producer's, also in a batch
 * with `LogAppendTime`. As `decodeBatch` otherwise.
 */
export function scanRecords(
  buffer: Buffer,
  position: number,
  header: BatchHeader,
  { uncompressedBytesMax }: Pick<DecodeLimits, 'uncompressedBytesMax'>,
  visit: RecordVisitor,
): void {
  const { compression, recordCount, baseTimestampMs } = header;
  const batchEnd = position + header.sizeBytes;
  if (batchEnd > buffer.length || header.sizeBytes < BATCH_HEADER_BYTES)
    throw new CorruptBatch(`a batch of ${header.sizeBytes} bytes, ${buffer.length - position} are there`);
  if (compression === undefined) throw new CorruptBatch('the compression is not known');
  const isPlain = compression === 'none';
  const source = isPlain
    ? buffer
    : unpack(compression, buffer.subarray(position + BATCH_HEADER_BYTES, batchEnd), uncompressedBytesMax);
  let at = isPlain ? position + BATCH_HEADER_BYTES : 0;
  const end = isPlain ? batchEnd : source.length;
  for (let i = 0; i < recordCount; i++) {
    const size = readVarint(source, at, end);
    const recordEnd = after + size;
    if (size < RECORD_BYTES_MIN - 1 || recordEnd > end)
      throw new CorruptBatch(`record ${i} of ${size} bytes, ${end - after} are left`);
    const timestampDelta = readVarint(source, after + 1, recordEnd);
    readVarint(source, after, recordEnd);
    visit(i, baseTimestampMs + timestampDelta, readVarint(source, after, recordEnd));
    at = recordEnd;
  }
  if (at !== end) throw new CorruptBatch(`${end - at} bytes behind the last of ${recordCount} records`);
}

/** Where one record lies in the bytes of its batch. Lent to a visitor: the next record overwrites it. */
export interface RecordSpan {
  offsetDelta: number;
  /** Its time, minus the batch's base timestamp. */
  timestampDelta: number;
  /** Of the whole record, its length in front. */
  start: number;
  end: number;
  /** Where the offset delta begins; all from there on does not depend on times. */
  offsetDeltaStart: number;
  /** Of the key; -1: there is none. */
  keyStart: number;
  keyBytes: number;
  /** The value is null. */
  isTombstone: boolean;
}

/**
 * Looks over the records of the batch at `position` where they lie, and answers the bytes that hold them: the batch's own, or what it was
 * decompressed to. As `decodeBatch` otherwise.
 */
export function visitSpans(
  buffer: Buffer,
  position: number,
  header: BatchHeader,
  { uncompressedBytesMax }: Pick<DecodeLimits, 'uncompressedBytesMax'>,
  visit: (span: RecordSpan, source: Buffer) => void,
): Buffer {
  const { compression, recordCount, lastOffsetDelta } = header;
  const batchEnd = position + header.sizeBytes;
  if (batchEnd > buffer.length || header.sizeBytes < BATCH_HEADER_BYTES)
    throw new CorruptBatch(`a batch of ${header.sizeBytes} bytes, ${buffer.length - position} are there`);
  if (compression === undefined) throw new CorruptBatch('the compression is not known');
  const packed = buffer.subarray(position + BATCH_HEADER_BYTES, batchEnd);
  const source = compression === 'none' ? packed : unpack(compression, packed, uncompressedBytesMax);
  const end = source.length;
  const span: RecordSpan = {
    offsetDelta: 0, timestampDelta: 0, start: 0, end: 0, offsetDeltaStart: 0, keyStart: -1, keyBytes: -1, isTombstone: false,
  }; // prettier-ignore
  let at = 0;
  for (let i = 0; i < recordCount; i++) {
    const size = readVarint(source, at, end);
    const recordEnd = after + size;
    if (size < RECORD_BYTES_MIN - 1 || recordEnd > end)
      throw new CorruptBatch(`record ${i} of ${size} bytes, ${end - after} are left`);
    span.start = at;
    span.end = recordEnd;
    span.timestampDelta = readVarint(source, after + 1, recordEnd);
    span.offsetDeltaStart = after;
    span.offsetDelta = readVarint(source, after, recordEnd);
    if (span.offsetDelta < 0 || span.offsetDelta > lastOffsetDelta)
      throw new CorruptBatch(`record ${i} at offset delta ${span.offsetDelta}, the last is ${lastOffsetDelta}`);
    span.keyBytes = readVarint(source, after, recordEnd);
    span.keyStart = span.keyBytes < 0 ? -1 : after;
    const keyEnd = after + Math.max(0, span.keyBytes);
    if (keyEnd >= recordEnd) throw new CorruptBatch(`record ${i} ends in its key`);
    span.isTombstone = readVarint(source, keyEnd, recordEnd) < 0;
    visit(span, source);
    at = recordEnd;
  }
  if (at !== end) throw new CorruptBatch(`${end - at} bytes behind the last of ${recordCount} records`);
  return source;
}

function unpack(compression: Compression, packed: Buffer, bytesMax: number): Buffer {
  try {
    return decompress(compression, packed, bytesMax);
  } catch (error) {
    if (error instanceof CorruptCompression) throw new CorruptBatch(error.message, { cause: error });
    throw error;
  }
}

/** Where the varint that was read last has ended. */
let after = 0;

function decodeRecords(
  source: Buffer,
  start: number,
  end: number,
  header: BatchHeader,
  limits: DecodeLimits,
): BatchRecord[] {
  const { recordCount, baseTimestampMs } = header;
  if (recordCount < 0 || recordCount * RECORD_BYTES_MIN > end - start)
    throw new CorruptBatch(`${recordCount} records in ${end - start} bytes`);
  const appendTimeMs = header.timestampType === 'LogAppendTime' ? header.maxTimestampMs : undefined;
  const from = limits.fromOffsetDelta ?? 0;
  const recordsMax = limits.recordsMax ?? recordCount;
  const records: BatchRecord[] = [];
  let position = start;
  let i = 0;
  for (; i < recordCount && records.length < recordsMax; i++) {
    const size = readVarint(source, position, end);
    // The attributes of a record are not used.
    const body = after + 1;
    const recordEnd = after + size;
    if (size < RECORD_BYTES_MIN - 1 || recordEnd > end)
      throw new CorruptBatch(`record ${i} of ${size} bytes, ${end - after} are left`);
    const timestampDelta = readVarint(source, body, recordEnd);
    const offsetDelta = readVarint(source, after, recordEnd);
    position = recordEnd;
    if (offsetDelta < 0 || offsetDelta > header.lastOffsetDelta)
      throw new CorruptBatch(`record ${i} at offset delta ${offsetDelta}, the last is ${header.lastOffsetDelta}`);
    if (offsetDelta < from) continue;
    const key = readBytes(source, after, recordEnd);
    const value = readBytes(source, after, recordEnd);
    if (after >= recordEnd) throw new CorruptBatch(`record ${i} ends before its headers`);
    records.push(
      new BatchRecord(
        offsetDelta,
        appendTimeMs ?? baseTimestampMs + timestampDelta,
        key,
        value,
        source,
        after,
        recordEnd,
      ),
    );
  }
  if (i === recordCount && position !== end)
    throw new CorruptBatch(`${end - position} bytes behind the last of ${recordCount} records`);
  return records;
}

function decodeHeaders(source: Buffer, start: number, end: number): readonly RecordHeader[] {
  const count = readVarint(source, start, end);
  // A header takes at least two bytes, for the lengths of its name and value.
  if (count < 0 || count * 2 > end - after) throw new CorruptBatch(`${count} headers in ${end - after} bytes`);
  const headers = new Array<RecordHeader>(count);
  for (let i = 0; i < count; i++) {
    const size = readVarint(source, after, end);
    const nameStart = after;
    if (size < 0 || size > end - nameStart)
      throw new CorruptBatch(`a header name of ${size} bytes, ${end - nameStart} are left`);
    const key = source.toString('utf8', nameStart, nameStart + size);
    headers[i] = { key, value: readBytes(source, nameStart + size, end) };
  }
  return headers;
}

function readBytes(source: Buffer, position: number, end: number): Buffer | null {
  const size = readVarint(source, position, end);
  if (size < 0) return null;
  const start = after;
  if (size > end - start) throw new CorruptBatch(`${size} bytes, ${end - start} are left`);
  after = start + size;
  return source.subarray(start, after);
}

/** A zigzag varint of up to 53 bits; sets `after`. */
function readVarint(source: Buffer, position: number, end: number): number {
  if (position < end) {
    const first = source[position] as number;
    if (first < 0x80) {
      after = position + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    if (position + 1 < end) {
      const second = source[position + 1] as number;
      if (second < 0x80) {
        after = position + 2;
        const raw = (first & 0x7f) | (second << 7);
        return (raw >>> 1) ^ -(raw & 1);
      }
    }
  }
  return readLongVarint(source, position, end);
}

/** Bytes of a varint of 64 bits. */
const VARINT_BYTES_MAX = 10;

function readLongVarint(source: Buffer, position: number, end: number): number {
  if (position + 4 <= end && ((source[position + 2] as number) < 0x80 || (source[position + 3] as number) < 0x80)) {
    // Three or four bytes: records of 8 KiB and more, timestamps seconds apart.
    let small = ((source[position] as number) & 0x7f) | (((source[position + 1] as number) & 0x7f) << 7);
    const third = source[position + 2] as number;
    small |= (third & 0x7f) << 14;
    after = position + 3;
    if (third >= 0x80) {
      small |= (source[position + 3] as number) << 21;
      after = position + 4;
    }
    return (small >>> 1) ^ -(small & 1);
  }
  let raw = 0n;
  for (let i = 0; i < VARINT_BYTES_MAX && position + i < end; i++) {
    const byte = source[position + i] as number;
    raw |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) {
      after = position + i + 1;
      return Number(BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n)));
    }
  }
  throw new CorruptBatch(position < end ? 'a varint without an end' : 'the record ends too early');
}
