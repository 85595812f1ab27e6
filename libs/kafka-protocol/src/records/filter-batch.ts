import { crc32c } from '@tailrace/hashing';
import { compress } from '../compression/compression.ts';
import {
  AT,
  ATTRIBUTE,
  BATCH_CRC_START,
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  type BatchHeader,
  deleteHorizonMsOf,
  writeNumberAsInt64,
} from './batch-header.ts';
import { type RecordSpan, visitSpans } from './decode-batch.ts';
import { putVarint, varintBytes } from './encode-batch.ts';

export interface BatchFilter {
  /** Whether the record stays. The span is lent. */
  readonly retains: (span: RecordSpan, source: Buffer) => boolean;
  /** What a batch that has no delete horizon yet gets for one, in milliseconds since 1970, when it needs one. */
  readonly deleteHorizonMs: number;
  /** What needs one: a batch with a tombstone that stays, or any batch (a marker of which nothing is needed any more). */
  readonly horizonFor: 'tombstones' | 'any';
  /** A compressed batch that becomes larger is refused. */
  readonly uncompressedBytesMax: number;
}

/** Numbers that are kept of each record that stays. */
const FIELDS = 4;
/** Bytes of the longest varint of 53 bits, twice, and of the attributes. */
const HEAD_BYTES_MAX = 17;

/**
 * The batch in `batch` without the records that do not stay; everything else as it was: first and last offset, those of the
 * records, times, headers, producer and sequence, compression. `keep`: it stays as it is. `drop`: no record stays.
 * A delete horizon takes the place of the base timestamp, so the times of the records are written anew, relative to it; they say the
 * same. Throws CorruptBatch and UncompressedTooLarge.
 */
export function filterBatch(batch: Buffer, header: BatchHeader, filter: BatchFilter): Buffer | 'keep' | 'drop' {
  const { baseTimestampMs, recordCount, compression } = header;
  const stays: number[] = [];
  let hasTombstone = false;
  let maxDelta = -Infinity;
  const source = visitSpans(batch, 0, header, filter, (span, bytes) => {
    if (!filter.retains(span, bytes)) return;
    stays.push(span.start, span.end, span.timestampDelta, span.offsetDeltaStart);
    hasTombstone ||= span.isTombstone;
    if (span.timestampDelta > maxDelta) maxDelta = span.timestampDelta;
  });
  const count = stays.length / FIELDS;
  if (count === 0) return 'drop';
  const wants = filter.horizonFor === 'any' || hasTombstone;
  const horizonMs = wants && deleteHorizonMsOf(header) === undefined ? filter.deleteHorizonMs : undefined;
  if (count === recordCount && horizonMs === undefined) return 'keep';

  const shift = horizonMs === undefined ? 0 : baseTimestampMs - horizonMs;
  const records = horizonMs === undefined ? copied(source, stays) : shifted(source, stays, shift);
  const section = compression === undefined || compression === 'none' ? records : compress(compression, records);
  const filtered = Buffer.allocUnsafe(BATCH_HEADER_BYTES + section.length);
  batch.copy(filtered, 0, 0, BATCH_HEADER_BYTES);
  section.copy(filtered, BATCH_HEADER_BYTES);
  filtered.writeInt32BE(filtered.length - BATCH_PREFIX_BYTES, AT.length);
  filtered.writeInt32BE(count, AT.recordCount);
  if (header.timestampType === 'CreateTime') {
    writeNumberAsInt64(filtered, AT.maxTimestamp, baseTimestampMs + maxDelta);
  }
  if (horizonMs !== undefined) {
    filtered.writeInt16BE(header.attributes | ATTRIBUTE.deleteHorizon, AT.attributes);
    writeNumberAsInt64(filtered, AT.baseTimestamp, horizonMs);
  }
  filtered.writeUInt32BE(crc32c(filtered.subarray(BATCH_CRC_START)), AT.crc);
  return filtered;
}

function copied(source: Buffer, stays: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < stays.length; i += FIELDS) {
    const start = stays[i] as number;
    // Neighbours are copied together.
    while (i + FIELDS < stays.length && stays[i + FIELDS] === stays[i + 1]) i += FIELDS;
    parts.push(source.subarray(start, stays[i + 1]));
  }
  return Buffer.concat(parts);
}

/** The records with `shift` milliseconds more in their timestamp deltas. */
function shifted(source: Buffer, stays: readonly number[], shift: number): Buffer {
  let room = 0;
  for (let i = 0; i < stays.length; i += FIELDS)
    room += (stays[i + 1] as number) - (stays[i] as number) + HEAD_BYTES_MAX;
  const target = Buffer.allocUnsafe(room);
  let at = 0;
  for (let i = 0; i < stays.length; i += FIELDS) {
    const [end, timestampDelta, rest] = stays.slice(i + 1, i + FIELDS) as [number, number, number];
    const delta = timestampDelta + shift;
    at = putVarint(target, at, 1 + varintBytes(delta) + end - rest);
    // The attributes of a record are not used.
    target[at++] = 0;
    at = putVarint(target, at, delta);
    at += source.copy(target, at, rest, end);
  }
  return target.subarray(0, at);
}
