import { crc32c } from '@tailrace/hashing';
import { describe, expect, it } from '@jest/globals';
import { COMPRESSIONS } from '../compression/compression.ts';
import { UncompressedTooLarge } from '../compression/errors.ts';
import { Random } from '../testing/random.ts';
import {
  AT,
  BATCH_CRC_START,
  BATCH_HEADER_BYTES,
  batchSizeAt,
  checkBatch,
  patchBaseOffset,
  patchLeaderEpoch,
  readBatchHeader,
} from './batch-header.ts';
import { CorruptBatch } from './corrupt-batch.ts';
import { type BatchRecord, decodeBatch, type DecodeLimits } from './decode-batch.ts';
import { encodeBatch, encodeEndTransactionMarker, type RecordDraft, varintBytes } from './encode-batch.ts';

const limits: DecodeLimits = { uncompressedBytesMax: 10_000_000 };
const NOW_MS = 1_795_000_000_000;

const drafts: readonly RecordDraft[] = [
  { key: Buffer.from('k'), value: Buffer.from('v'), timestampMs: NOW_MS },
  { key: 'orders/ключ', value: null, timestampMs: NOW_MS + 70 },
  { key: null, value: Buffer.alloc(0), timestampMs: NOW_MS - 5_000, headers: [] },
  { key: Buffer.alloc(0), value: Buffer.alloc(70_000, 'x'), timestampMs: NOW_MS + 9_000_000_000 },
  {
    key: 'a'.repeat(300),
    value: Buffer.from([0, 255]),
    timestampMs: NOW_MS + 10_000,
    headers: [
      { key: 'traceparent', value: Buffer.from('00-01') },
      { key: 'ü', value: null },
      { key: 'ü', value: Buffer.alloc(0) },
    ],
  },
];

const plain = ({ offsetDelta, timestampMs, key, value, headers }: BatchRecord) => ({
  offsetDelta,
  timestampMs,
  key,
  value,
  headers,
});
const wanted = drafts.map(({ key, value, timestampMs, headers }, offsetDelta) => ({
  offsetDelta,
  timestampMs,
  key: typeof key === 'string' ? Buffer.from(key) : key,
  value,
  headers: headers ?? [],
}));

function headerOf(batch: Buffer, position = 0) {
  const check = checkBatch(batch, position, batch.length);
  if (!check.ok) throw new Error(check.reason);
  return check.header;
}

/** Puts the right checksum on a batch that was changed, so that what lies behind the checksum is tried. */
function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(BATCH_CRC_START)), AT.crc);
  return batch;
}

describe('a batch', () => {
  it.each(COMPRESSIONS)('gives back its records: %s', (compression) => {
    const batch = encodeBatch(drafts, { compression });
    expect(decodeBatch(batch, 0, headerOf(batch), limits).map(plain)).toEqual(wanted);
  });

  it('has the bytes that Kafka documents', () => {
    const batch = encodeBatch(
      [{ key: 'k', value: Buffer.from('v'), timestampMs: 5, headers: [{ key: 'h', value: null }] }],
      {
        baseOffset: 7n,
        leaderEpoch: 3,
        producer: { id: 9n, epoch: 1, baseSequence: 4 },
      },
    );
    const crc = batch.subarray(AT.crc, AT.crc + 4).toString('hex');
    expect(batch.toString('hex')).toBe(
      [
        '0000000000000007', '0000003d', '00000003', '02', crc, '0000', '00000000', '0000000000000005', '0000000000000005', '0000000000000009', '0001', '00000004', '00000001',
        '16', '00', '00', '00', '02', '6b', '02', '76', '02', '02', '68', '01',
      ].join(''),
    ); // prettier-ignore
  });

  it('tells in its header what it was made with', () => {
    const batch = encodeBatch(drafts, {
      baseOffset: 1n << 40n,
      leaderEpoch: 12,
      compression: 'lz4',
      producer: { id: 77n, epoch: 5, baseSequence: 900 },
      isTransactional: true,
      timestampType: 'LogAppendTime',
    });
    expect(headerOf(batch)).toEqual({
      baseOffset: 1n << 40n,
      sizeBytes: batch.length,
      leaderEpoch: 12,
      magic: 2,
      crc: crc32c(batch.subarray(21)),
      attributes: 3 | 8 | 16,
      lastOffsetDelta: 4,
      baseTimestampMs: NOW_MS,
      maxTimestampMs: NOW_MS + 9_000_000_000,
      producerId: 77n,
      producerEpoch: 5,
      baseSequence: 900,
      recordCount: 5,
      compression: 'lz4',
      isTransactional: true,
      isControl: false,
      timestampType: 'LogAppendTime',
    });
    expect(batchSizeAt(batch, 0)).toBe(batch.length);
  });

  it('without a producer has -1 for all that belongs to it', () => {
    expect(headerOf(encodeBatch(drafts))).toMatchObject({
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      baseOffset: 0n,
      leaderEpoch: -1,
      timestampType: 'CreateTime',
    });
  });

  it('with LogAppendTime gives its own time to every record', () => {
    const batch = encodeBatch(drafts, { timestampType: 'LogAppendTime' });
    expect(new Set(decodeBatch(batch, 0, headerOf(batch), limits).map(({ timestampMs }) => timestampMs))).toEqual(
      new Set([NOW_MS + 9_000_000_000]),
    );
  });

  it('keeps its checksum when offset and epoch are put', () => {
    const batch = encodeBatch(drafts);
    patchBaseOffset(batch, 0, (1n << 62n) + 3n);
    patchLeaderEpoch(batch, 0, 41);
    expect(headerOf(batch)).toMatchObject({ baseOffset: (1n << 62n) + 3n, leaderEpoch: 41 });
  });

  it('may lie in the middle of a buffer', () => {
    const batch = encodeBatch(drafts, { compression: 'gzip' });
    const among = Buffer.concat([Buffer.alloc(13, 9), batch, Buffer.alloc(5, 9)]);
    expect(decodeBatch(among, 13, headerOf(among, 13), limits).map(plain)).toEqual(wanted);
  });

  it('is made in the memory that it is given', () => {
    const slab = Buffer.alloc(200_000, 0xee);
    const batch = encodeBatch(drafts, { allocate: (size) => slab.subarray(100, 100 + size) });
    expect(batch.buffer).toBe(slab.buffer);
    expect(decodeBatch(batch, 0, headerOf(batch), limits).map(plain)).toEqual(wanted);
    expect(slab[99]).toBe(0xee);
    expect(slab[100 + batch.length]).toBe(0xee);
    expect(() => encodeBatch(drafts, { allocate: () => slab })).toThrow(RangeError);
  });

  it('of no records is not made', () => {
    expect(() => encodeBatch([])).toThrow('a batch without records');
  });

  it('of many records, more than the first table of sizes holds', () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({
      key: `key-${i}`,
      value: Buffer.from(String(i)),
      timestampMs: NOW_MS + i,
    }));
    const batch = encodeBatch(many);
    const decoded = decodeBatch(batch, 0, headerOf(batch), limits);
    expect(
      decoded.map(({ key, value, timestampMs, offsetDelta }) => [String(key), String(value), timestampMs, offsetDelta]),
    ).toEqual(many.map(({ key, value, timestampMs }, i) => [key, String(value), timestampMs, i]));
  });
});

describe('decoding', () => {
  const batch = encodeBatch(drafts);
  const header = headerOf(batch);

  it('begins where it is told, and stops after so many', () => {
    const deltas = (more: Partial<DecodeLimits>) =>
      decodeBatch(batch, 0, header, { ...limits, ...more }).map(({ offsetDelta }) => offsetDelta);
    expect(deltas({ fromOffsetDelta: 3 })).toEqual([3, 4]);
    expect(deltas({ recordsMax: 2 })).toEqual([0, 1]);
    expect(deltas({ fromOffsetDelta: 1, recordsMax: 2 })).toEqual([1, 2]);
    expect(deltas({ fromOffsetDelta: 9 })).toEqual([]);
    expect(deltas({ recordsMax: 0 })).toEqual([]);
  });

  it('copies neither keys nor values', () => {
    const [first] = decodeBatch(batch, 0, header, limits);
    expect(first?.value?.buffer).toBe(batch.buffer);
  });

  it('refuses a batch that grows beyond its limit', () => {
    const packed = encodeBatch([{ key: null, value: Buffer.alloc(1_000_000), timestampMs: NOW_MS }], {
      compression: 'zstd',
    });
    expect(packed.length).toBeLessThan(1000);
    expect(() => decodeBatch(packed, 0, headerOf(packed), { uncompressedBytesMax: 1_000_000 })).toThrow(
      UncompressedTooLarge,
    );
    expect(decodeBatch(packed, 0, headerOf(packed), { uncompressedBytesMax: 1_000_100 }).length).toBe(1);
  });

  it('refuses records that do not fill the batch', () => {
    const fewer = Buffer.from(encodeBatch(drafts));
    fewer.writeInt32BE(4, AT.recordCount);
    expect(() => decodeBatch(fewer, 0, readBatchHeader(fewer, 0), limits)).toThrow(
      /bytes behind the last of 4 records/,
    );
    fewer.writeInt32BE(0x7fff_ffff, AT.recordCount);
    expect(() => decodeBatch(fewer, 0, readBatchHeader(fewer, 0), limits)).toThrow(/2147483647 records in/);
    fewer.writeInt32BE(-1, AT.recordCount);
    expect(() => decodeBatch(fewer, 0, readBatchHeader(fewer, 0), limits)).toThrow(/-1 records/);
  });

  describe('of a record whose lengths leave it', () => {
    // Size, attributes, two deltas, key length, key, value length, value, no headers; and bytes of somebody else behind the batch.
    const one = encodeBatch([{ key: 'k', value: Buffer.from('v'), timestampMs: NOW_MS }]);
    const decodeChanged = (position: number, byte: number) => {
      const among = Buffer.concat([one, Buffer.alloc(100)]);
      among[BATCH_HEADER_BYTES + position] = byte;
      return () => decodeBatch(among, 0, readBatchHeader(among, 0), limits).map(({ headers }) => headers);
    };

    it.each([
      ['its size', 0, 20, 'record 0 of 10 bytes, 8 are left'],
      ['its size, below the smallest record', 0, 10, 'record 0 of 5 bytes, 8 are left'],
      ['its offset', 3, 2, 'record 0 at offset delta 1, the last is 0'],
      ['its key', 4, 20, '10 bytes, 4 are left'],
      ['its key, up to the very end', 4, 8, 'the record ends too early'],
      ['its value', 6, 6, '3 bytes, 2 are left'],
      ['its value, up to the very end', 6, 4, 'record 0 ends before its headers'],
      ['its headers', 8, 2, '1 headers in 0 bytes'],
    ])('refuses %s', (_what, position, byte, reason) => {
      expect(decodeChanged(position, byte)).toThrow(new CorruptBatch(reason));
    });
  });

  it('reads garbage or refuses it, and nothing else happens', () => {
    const random = new Random(99);
    const small = [drafts[0], drafts[1], drafts[2], drafts[4]] as RecordDraft[];
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 10_000; i++) {
      const mutated = encodeBatch(small, { compression: i % 50 === 0 ? random.oneOf(COMPRESSIONS) : 'none' });
      for (let change = 0; change < 2; change++) {
        mutated[BATCH_HEADER_BYTES + random.below(mutated.length - BATCH_HEADER_BYTES)] = random.oneOf([
          0,
          1,
          0x7f,
          0x80,
          0xff,
          random.below(256),
        ]);
      }
      const check = checkBatch(sealed(mutated), 0, mutated.length);
      if (!check.ok) throw new Error(check.reason);
      try {
        for (const record of decodeBatch(mutated, 0, check.header, limits)) void record.headers;
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof CorruptBatch || error instanceof UncompressedTooLarge)) throw error;
        outcomes.refused++;
      }
    }
    expect(outcomes.read).toBeGreaterThan(500);
    expect(outcomes.refused).toBeGreaterThan(500);
  });
});

describe('checkBatch', () => {
  const batch = encodeBatch(drafts.slice(0, 3));
  const changed = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(batch);
    change(copy);
    return copy;
  };

  it.each([
    ['nothing', Buffer.alloc(0), 'cut-short'],
    ['too little to hold a magic', batch.subarray(0, AT.magic), 'cut-short'],
    ['magic 0', changed((copy) => (copy[AT.magic] = 0)), 'unsupported-magic'],
    [
      'magic 1, whatever its length says',
      changed((copy) => (copy[AT.magic] = 1) && copy.writeInt32BE(14, AT.length)),
      'unsupported-magic',
    ],
    ['magic 3', changed((copy) => (copy[AT.magic] = 3)), 'unsupported-magic'],
    ['a negative magic', changed((copy) => (copy[AT.magic] = 0x82)), 'corrupt'],
    ['a negative length', changed((copy) => copy.writeInt32BE(-1, AT.length)), 'corrupt'],
    ['a length shorter than the header', changed((copy) => copy.writeInt32BE(48, AT.length)), 'corrupt'],
    ['a length beyond the bytes', changed((copy) => copy.writeInt32BE(batch.length - 11, AT.length)), 'cut-short'],
    ['a wrong checksum', changed((copy) => copy.writeUInt32BE(1, AT.crc)), 'corrupt'],
    ['no records', sealed(changed((copy) => copy.writeInt32BE(0, AT.recordCount))), 'invalid'],
    [
      'a last offset that the count does not give',
      sealed(changed((copy) => copy.writeInt32BE(3, AT.lastOffsetDelta))),
      'invalid',
    ],
    ['a compression that does not exist', sealed(changed((copy) => copy.writeInt16BE(5, AT.attributes))), 'invalid'],
  ])('refuses %s', (_what, bytes, code) => {
    expect(checkBatch(bytes, 0, bytes.length)).toMatchObject({ ok: false, code });
  });

  it('refuses every cut and every flipped bit behind the patched fields', () => {
    for (let length = 0; length < batch.length; length++) expect(checkBatch(batch, 0, length).ok).toBe(false);
    for (let bit = AT.magic * 8; bit < batch.length * 8; bit++) {
      const flipped = changed((copy) => (copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))));
      if (checkBatch(flipped, 0, flipped.length).ok) throw new Error(`bit ${bit} may be flipped`);
    }
  });

  it('leaves what follows alone', () => {
    const two = Buffer.concat([batch, batch]);
    const check = checkBatch(two, 0, two.length);
    expect(check.ok && check.header.sizeBytes).toBe(batch.length);
    expect(checkBatch(two, batch.length, two.length).ok).toBe(true);
    expect(checkBatch(two, batch.length, two.length - 1)).toMatchObject({ ok: false, code: 'cut-short' });
  });
});

describe('the marker that ends a transaction', () => {
  it.each([true, false])('says commits: %s', (commits) => {
    const batch = encodeEndTransactionMarker({
      commits,
      producerId: 5n,
      producerEpoch: 2,
      coordinatorEpoch: 8,
      timestampMs: NOW_MS,
    });
    const header = headerOf(batch);
    expect(header).toMatchObject({
      isControl: true,
      isTransactional: true,
      producerId: 5n,
      producerEpoch: 2,
      baseSequence: -1,
      recordCount: 1,
    });
    const [record] = decodeBatch(batch, 0, header, limits);
    expect(record?.key?.toString('hex')).toBe(commits ? '00000001' : '00000000');
    expect(record?.value?.toString('hex')).toBe('000000000008');
  });
});

describe('a signed varint', () => {
  it.each([[0, 1], [-1, 1], [63, 1], [64, 2], [-64, 1], [-65, 2], [8191, 2], [8192, 3], [1_048_576, 4], [134_217_727, 4], [134_217_728, 5], [2 ** 40, 6], [2 ** 52, 8]])(
    'of %d takes %d bytes',
    (value, size) => {
      expect(varintBytes(value)).toBe(size);
      const batch = encodeBatch([
        { key: null, value: null, timestampMs: 0 },
        { key: null, value: null, timestampMs: value },
      ]);
      const [, second] = decodeBatch(batch, 0, headerOf(batch), limits);
      expect(second?.timestampMs).toBe(value);
    },
  ); // prettier-ignore
});
