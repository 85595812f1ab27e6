import { batchSizeAt } from '@tailrace/kafka-protocol';

/**
 * An entry of a segment is this header and, behind it, one RecordBatch as it came, its base offset in place. Numbers
 * are little-endian. Positions:
 *
 *      0  u32  CRC-32C of bytes 4 to 39
 *      4  u32  generation: the life of the file; a reused file still holds good entries of an earlier one
 *      8  u32  chain: the CRC of the entry that was written before this one, in this or an earlier segment
 *     12  u32  bytes of the batch
 *     16  u32  slot of the shard
 *     20  u32  the CRC of the batch, which stands in the batch too
 *     24  u64  base offset
 *     32  u48  append time, milliseconds since 1970
 *     38  u16  Kafka partition to which an idempotent producer sent the batch; else 0
 *
 * The chain tells recovery that an entry stands behind the very one it was written behind: what is left of a failed
 * write, or of writes that a crash took in part, does not fit. The batch's CRC makes entries differ whose batches do: an
 * append that takes the place of a failed one may be like it in all else.
 */
export const ENTRY_HEADER_BYTES = 40;

const AT = {
  crc: 0,
  generation: 4,
  chain: 8,
  batchBytes: 12,
  slot: 16,
  batchCrc: 20,
  baseOffset: 24,
  appendTime: 32,
  partition: 38,
} as const;

export interface EntryHeader {
  readonly crc: number;
  readonly generation: number;
  readonly chain: number;
  readonly batchBytes: number;
  readonly batchCrc: number;
  readonly slot: number;
  readonly baseOffset: number;
  readonly appendTimeMs: number;
  readonly partition: number;
}

/** What the header has room for. */
export const PARTITION_MAX = 0xffff;

const TWO_32 = 0x1_0000_0000;

function writeU64(target: Buffer, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  target.writeUInt32LE(value - high * TWO_32, at);
  target.writeUInt32LE(high, at + 4);
}

function readU64(source: Buffer, at: number): number {
  return source.readUInt32LE(at + 4) * TWO_32 + source.readUInt32LE(at);
}

/** Writes the header and answers its CRC. */
export function writeEntryHeader(
  target: Buffer,
  at: number,
  generation: number,
  chain: number,
  batchBytes: number,
  batchCrc: number,
  slot: number,
  baseOffset: number,
  appendTimeMs: number,
  partition: number,
): number {
  target.writeUInt32LE(generation, at + AT.generation);
  target.writeUInt32LE(chain, at + AT.chain);
  target.writeUInt32LE(batchBytes, at + AT.batchBytes);
  target.writeUInt32LE(slot, at + AT.slot);
  target.writeUInt32LE(batchCrc, at + AT.batchCrc);
  writeU64(target, at + AT.baseOffset, baseOffset);
  target.writeUIntLE(appendTimeMs, at + AT.appendTime, 6);
  target.writeUInt16LE(partition, at + AT.partition);
  const crc = headerChecksum(target, at);
  target.writeUInt32LE(crc, at + AT.crc);
  return crc;
}

/** Whether a header of this generation stands at `at`. All its bytes are there. */
export function isEntryHeader(source: Buffer, at: number, generation: number): boolean {
  return (
    source.readUInt32LE(at + AT.generation) === generation &&
    source.readUInt32LE(at + AT.crc) === headerChecksum(source, at)
  );
}

/** The header at `at`, all of whose bytes are there; `undefined` when it is none of this generation. */
export function readEntryHeader(source: Buffer, at: number, generation: number): EntryHeader | undefined {
  if (!isEntryHeader(source, at, generation)) return undefined;
  return {
    crc: source.readUInt32LE(at + AT.crc),
    generation,
    chain: source.readUInt32LE(at + AT.chain),
    batchBytes: entryBatchBytes(source, at),
    batchCrc: source.readUInt32LE(at + AT.batchCrc),
    slot: entrySlot(source, at),
    baseOffset: entryBaseOffset(source, at),
    appendTimeMs: entryAppendTimeMs(source, at),
    partition: source.readUInt16LE(at + AT.partition),
  };
}

// Reads go through millions of entries: they ask for what they need, and no object is made.

export function entryBatchBytes(source: Buffer, at: number): number {
  return source.readUInt32LE(at + AT.batchBytes);
}

export function entrySlot(source: Buffer, at: number): number {
  return source.readUInt32LE(at + AT.slot);
}

export function entryBaseOffset(source: Buffer, at: number): number {
  return readU64(source, at + AT.baseOffset);
}

export function entryAppendTimeMs(source: Buffer, at: number): number {
  return source.readUInt16LE(at + AT.appendTime + 4) * TWO_32 + source.readUInt32LE(at + AT.appendTime);
}

/** Whether the batch behind the header at `at` is the one that the header tells of, by what both say of it. */
export function batchFitsEntry(source: Buffer, at: number): boolean {
  const batch = at + ENTRY_HEADER_BYTES;
  return (
    batchSizeAt(source, batch) === entryBatchBytes(source, at) &&
    batchCrcAt(source, batch) === source.readUInt32LE(at + AT.batchCrc) &&
    source.readUInt32BE(batch) * TWO_32 + source.readUInt32BE(batch + 4) === entryBaseOffset(source, at)
  );
}

/** The CRC in the header of the batch at `batch`: where RecordBatch v2 has it. */
export function batchCrcAt(source: Buffer, batch: number): number {
  return source.readUInt32BE(batch + 17);
}

/** Offset of the batch's last record minus its base offset: where RecordBatch v2 has it. */
const LAST_OFFSET_DELTA = ENTRY_HEADER_BYTES + 23;
const MAX_TIMESTAMP = ENTRY_HEADER_BYTES + 35;

/** The offset after the last record of the batch behind the header at `at`. */
export function entryNextOffset(source: Buffer, at: number): number {
  return entryBaseOffset(source, at) + source.readInt32BE(at + LAST_OFFSET_DELTA) + 1;
}

/** The largest record timestamp of that batch, in milliseconds. */
export function entryMaxTimestampMs(source: Buffer, at: number): number {
  return source.readInt32BE(at + MAX_TIMESTAMP) * TWO_32 + source.readUInt32BE(at + MAX_TIMESTAMP + 4);
}

/**
 * CRC-32C, four bytes a step, over a header where it lies. The native function (libs/hashing) is five times as fast for
 * a batch, but for 36 bytes the call and the view that it wants cost three times what this does.
 */
const TABLES = makeTables();

function makeTables(): readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    first[byte] = value >>> 0;
  }
  const follow = (before: Uint32Array) =>
    before.map((value) => ((value >>> 8) ^ (first[value & 0xff] as number)) >>> 0);
  const second = follow(first);
  const third = follow(second);
  return [first, second, third, follow(third)];
}

function headerChecksum(source: Buffer, at: number): number {
  const [first, second, third, fourth] = TABLES;
  let crc = -1;
  for (let i = at + AT.generation; i < at + ENTRY_HEADER_BYTES; i += 4) {
    crc ^=
      (source[i] as number) |
      ((source[i + 1] as number) << 8) |
      ((source[i + 2] as number) << 16) |
      ((source[i + 3] as number) << 24);
    crc =
      (fourth[crc & 0xff] as number) ^
      (third[(crc >>> 8) & 0xff] as number) ^
      (second[(crc >>> 16) & 0xff] as number) ^
      (first[crc >>> 24] as number);
  }
  return ~crc >>> 0;
}
