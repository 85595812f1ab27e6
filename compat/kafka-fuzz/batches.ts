import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '@tailrace/hashing';
import { compress, type Compression, COMPRESSIONS, encodeBatch } from '@tailrace/kafka-protocol';
import type { Random } from '@tailrace/kafka-protocol/testing';

const HEADER_BYTES = 61;
const CRC_START = 21;
/** Fields of a batch behind its checksum: position, bytes. */
const FIELDS = [
  [21, 2], // attributes
  [23, 4], // last offset delta
  [27, 8], // base timestamp
  [35, 8], // max timestamp
  [43, 8], // producer id
  [51, 2], // producer epoch
  [53, 4], // base sequence
  [57, 4], // record count
] as const;
const ODD_BYTES = [0, 1, 2, 0x7f, 0x80, 0xff];

/** What the bombs come apart into: more than any batch may hold, and more than the process should ever take for one. */
const BOMB_BYTES = 128 * 1024 * 1024;
const zeros = Buffer.alloc(BOMB_BYTES);
const bombs: readonly Buffer[] = [
  bombOf('gzip', gzipSync(zeros)),
  bombOf('zstd', zstdCompressSync(zeros)),
  bombOf('lz4', compress('lz4', zeros.subarray(0, BOMB_BYTES / 4))),
  bombOf('snappy', compress('snappy', zeros.subarray(0, BOMB_BYTES / 16))),
];

function bombOf(compression: Compression, payload: Buffer): Buffer {
  const batch = Buffer.concat([plainBatch(1).subarray(0, HEADER_BYTES), payload]);
  batch.writeInt16BE(COMPRESSIONS.indexOf(compression), 21);
  return sealed(batch);
}

function plainBatch(records: number): Buffer {
  const timestampMs = Date.now();
  return encodeBatch(
    Array.from({ length: records }, (_, i) => ({ key: `k${i}`, value: Buffer.from(`value ${i}`), timestampMs })),
  );
}

/** Puts length and checksum right, so that what is wrong lies behind them. */
function sealed(batch: Buffer): Buffer {
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_START)), 17);
  return batch;
}

/** Small batches whose records are more than they seem. */
export function bomb(random: Random): Buffer {
  return random.oneOf(bombs);
}

/** A batch that is right, or wrong in one of many ways; mostly its length and checksum are right all the same. */
export function oddBatch(random: Random): Buffer {
  const compression = random.oneOf(COMPRESSIONS);
  const timestampMs = random.below(4) === 0 ? 0 : Date.now();
  const records = Array.from({ length: 1 + random.below(4) }, (_, i) => ({
    key: random.below(4) === 0 ? null : `k${i}`,
    value: random.below(6) === 0 ? null : random.bytes(random.below(40)),
    timestampMs: timestampMs + i,
    headers: random.below(3) === 0 ? [{ key: 'h', value: random.bytes(3) }] : [],
  }));
  const producer =
    random.below(3) === 0
      ? { id: BigInt(random.below(20)), epoch: random.below(3), baseSequence: random.below(5) }
      : undefined;
  const batch = encodeBatch(records, {
    ...(random.below(2) === 0 ? { compression } : {}),
    ...(producer === undefined ? {} : { producer }),
    isTransactional: producer !== undefined && random.below(4) === 0,
  });
  switch (random.below(8)) {
    case 0:
      return batch;
    case 1: {
      const [at, size] = random.oneOf(FIELDS);
      for (let i = 0; i < size; i++) batch[at + i] = random.oneOf(ODD_BYTES);
      return sealed(batch);
    }
    case 2: {
      // One bit of the records: a length, a delta, a byte of the compressed text.
      const at = HEADER_BYTES + random.below(batch.length - HEADER_BYTES);
      batch[at] = (batch[at] as number) ^ (1 << random.below(8));
      return sealed(batch);
    }
    case 3:
      return sealed(Buffer.concat([batch.subarray(0, HEADER_BYTES), random.bytes(random.below(200))]));
    case 4:
      return sealed(batch.subarray(0, HEADER_BYTES + random.below(batch.length - HEADER_BYTES)));
    case 5:
      return sealed(Buffer.concat([batch, random.bytes(1 + random.below(20))]));
    case 6:
      // Two batches where one is allowed; the second may be cut.
      return Buffer.concat([batch, batch.subarray(0, random.below(batch.length + 1))]);
    default: {
      const at = random.below(batch.length);
      batch[at] = random.oneOf(ODD_BYTES);
      return batch;
    }
  }
}
