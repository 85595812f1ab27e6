import { describe, expect, it } from '@jest/globals';
import { COMPRESSIONS } from '../compression/compression.ts';
import { checkBatch, checkStoredBatch, deleteHorizonMsOf, readBatchHeader } from './batch-header.ts';
import { decodeBatch } from './decode-batch.ts';
import { encodeBatch } from './encode-batch.ts';
import { type BatchFilter, filterBatch } from './filter-batch.ts';

const LIMITS = { uncompressedBytesMax: 1 << 20 };
const TIME = 1_700_000_000_000;
const HORIZON = TIME + 86_400_000;

function makeBatch(values: readonly (string | null)[], options: Parameters<typeof encodeBatch>[1] = {}): Buffer {
  const records = values.map((value, i) => ({
    key: `key-${i}`,
    value: value === null ? null : Buffer.from(value),
    timestampMs: TIME + i * 1_000,
    headers: [{ key: 'trace', value: Buffer.from(`${i}`) }],
  }));
  return encodeBatch(records, { baseOffset: 100n, ...options });
}

function filter(
  batch: Buffer,
  retains: (offsetDelta: number, key: string) => boolean,
  more: Partial<BatchFilter> = {},
) {
  return filterBatch(batch, readBatchHeader(batch, 0), {
    retains: ({ offsetDelta, keyStart, keyBytes }, source) =>
      retains(offsetDelta, source.toString('utf8', keyStart, keyStart + keyBytes)),
    deleteHorizonMs: HORIZON,
    horizonFor: 'tombstones',
    ...LIMITS,
    ...more,
  });
}

function recordsOf(batch: Buffer) {
  return decodeBatch(batch, 0, readBatchHeader(batch, 0), LIMITS).map((record) => ({
    delta: record.offsetDelta,
    timestampMs: record.timestampMs,
    key: record.key?.toString(),
    value: record.value?.toString(),
    trace: record.headers[0]?.value?.toString(),
  }));
}

describe('filterBatch', () => {
  it.each(COMPRESSIONS)('leaves the rest of a batch as it was (%s)', (compression) => {
    const values = ['a', 'b'.repeat(300), 'c', 'd', 'e'];
    const producer = { id: 7n, epoch: 3, baseSequence: 11 };
    const batch = makeBatch(values, { compression, producer, isTransactional: true });
    const filtered = filter(batch, (delta) => delta !== 0 && delta !== 3 && delta !== 4) as Buffer;
    const checked = checkStoredBatch(filtered, 0, filtered.length);
    expect(checked).toMatchObject({ ok: true });
    const before = readBatchHeader(batch, 0);
    expect(readBatchHeader(filtered, 0)).toEqual({
      ...before,
      sizeBytes: filtered.length,
      crc: expect.any(Number),
      recordCount: 2,
      maxTimestampMs: TIME + 2_000,
    });
    expect(recordsOf(filtered)).toEqual(recordsOf(batch).slice(1, 3));
    // No producer may send such a batch.
    expect(checkBatch(filtered, 0, filtered.length)).toMatchObject({ ok: false, code: 'invalid' });
    const again = filter(filtered, (delta) => delta === 2) as Buffer;
    expect(recordsOf(again)).toEqual(recordsOf(batch).slice(2, 3));
  });

  it('says that all stay, or none', () => {
    const batch = makeBatch(['a', 'b']);
    expect(filter(batch, () => true)).toEqual('keep');
    expect(filter(batch, () => false)).toEqual('drop');
  });

  it.each(COMPRESSIONS)('marks a batch in which a tombstone stays, once (%s)', (compression) => {
    const batch = makeBatch(['a', null, 'c'], { compression });
    const filtered = filter(batch, () => true) as Buffer;
    expect(deleteHorizonMsOf(readBatchHeader(batch, 0))).toBeUndefined();
    expect(deleteHorizonMsOf(readBatchHeader(filtered, 0))).toEqual(HORIZON);
    expect(recordsOf(filtered)).toEqual(recordsOf(batch));
    expect(checkStoredBatch(filtered, 0, filtered.length)).toMatchObject({
      ok: true,
      header: { maxTimestampMs: TIME + 2_000 },
    });
    expect(filter(filtered, () => true, { deleteHorizonMs: HORIZON + 5 })).toEqual('keep');
    const later = filter(filtered, (delta) => delta !== 0, { deleteHorizonMs: HORIZON + 5 }) as Buffer;
    expect(deleteHorizonMsOf(readBatchHeader(later, 0))).toEqual(HORIZON);
    expect(recordsOf(later)).toEqual(recordsOf(batch).slice(1));
  });

  it('marks no batch whose tombstones all go, and any batch where that is asked for', () => {
    const batch = makeBatch(['a', null]);
    expect(deleteHorizonMsOf(readBatchHeader(filter(batch, (delta) => delta === 0) as Buffer, 0))).toBeUndefined();
    const plain = makeBatch(['a']);
    const marked = filter(plain, () => true, { horizonFor: 'any' }) as Buffer;
    expect(deleteHorizonMsOf(readBatchHeader(marked, 0))).toEqual(HORIZON);
    expect(recordsOf(marked)).toEqual(recordsOf(plain));
  });

  it('leaves the time of a batch whose time is the log’s', () => {
    const batch = makeBatch(['a', 'b', 'c'], { timestampType: 'LogAppendTime' });
    const filtered = filter(batch, (delta) => delta === 0) as Buffer;
    expect(readBatchHeader(filtered, 0).maxTimestampMs).toEqual(readBatchHeader(batch, 0).maxTimestampMs);
    expect(recordsOf(filtered)).toEqual(recordsOf(batch).slice(0, 1));
  });

  it('refuses a batch whose records do not fill it', () => {
    const batch = makeBatch(['a', 'b']);
    batch.writeInt32BE(1, 57);
    expect(() => filter(batch, () => false)).toThrow('bytes behind the last of 1 records');
    batch.writeInt32BE(3, 57);
    expect(() => filter(batch, () => false)).toThrow();
  });
});
