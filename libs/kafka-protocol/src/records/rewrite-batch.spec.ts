import { describe, expect, it } from '@jest/globals';
import { COMPRESSIONS } from '../compression/compression.ts';
import { UncompressedTooLarge } from '../compression/errors.ts';
import { checkBatch, readBatchHeader } from './batch-header.ts';
import { CorruptBatch } from './corrupt-batch.ts';
import { decodeBatch, scanRecords } from './decode-batch.ts';
import { encodeBatch, type RecordDraft } from './encode-batch.ts';
import { rewriteBatch } from './rewrite-batch.ts';

const limits = { uncompressedBytesMax: 1_000_000 };
const drafts: readonly RecordDraft[] = [
  { key: Buffer.from('a'), value: Buffer.from('first'.repeat(40)), timestampMs: 5_000 },
  { key: null, value: null, timestampMs: 4_000, headers: [{ key: 'h', value: Buffer.from('v') }] },
  { key: Buffer.alloc(0), value: Buffer.from('third'), timestampMs: 9_000 },
];
const producer = { id: 7n, epoch: 2, baseSequence: 11 };

function contentOf(batch: Buffer) {
  const records = decodeBatch(batch, 0, readBatchHeader(batch, 0), limits);
  return records.map(({ key, value, headers, offsetDelta }) => ({ key, value, headers: [...headers], offsetDelta }));
}

describe('rewriteBatch', () => {
  describe.each(COMPRESSIONS)('from %s', (from) => {
    it.each(COMPRESSIONS)('to %s keeps records, times and producer, and has a good checksum', (to) => {
      const before = encodeBatch(drafts, { compression: from, producer, baseOffset: 3n, isTransactional: true });
      const header = readBatchHeader(before, 0);
      const content = contentOf(before);
      const after = rewriteBatch(Buffer.from(before), header, { compression: to, ...limits });
      const checked = checkBatch(after, 0, after.length);
      expect(checked).toMatchObject({ ok: true });
      const { crc: _crc, sizeBytes, attributes: _attributes, ...rest } = readBatchHeader(after, 0);
      const { crc: _before, sizeBytes: _size, attributes: _bits, ...wanted } = header;
      expect([rest, sizeBytes]).toEqual([{ ...wanted, compression: to }, after.length]);
      expect(contentOf(after)).toEqual(content);
      const times = decodeBatch(after, 0, readBatchHeader(after, 0), limits).map(({ timestampMs }) => timestampMs);
      expect(times).toEqual([5_000, 4_000, 9_000]);
    });
  });

  it('gives all records the time of the append, in place', () => {
    const batch = encodeBatch(drafts, { compression: 'gzip' });
    const header = readBatchHeader(batch, 0);
    const after = rewriteBatch(batch, header, { appendTimeMs: 1_795_448_135_727, ...limits });
    expect(after).toBe(batch);
    expect(checkBatch(after, 0, after.length)).toMatchObject({
      ok: true,
      header: { timestampType: 'LogAppendTime', maxTimestampMs: 1_795_448_135_727, baseTimestampMs: 5_000 },
    });
    const times = decodeBatch(after, 0, readBatchHeader(after, 0), limits).map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([1_795_448_135_727, 1_795_448_135_727, 1_795_448_135_727]);
  });

  it('gives the records their own times back', () => {
    const batch = encodeBatch(drafts, { timestampType: 'LogAppendTime' });
    const after = rewriteBatch(batch, readBatchHeader(batch, 0), { createTime: true, ...limits });
    expect(checkBatch(after, 0, after.length)).toMatchObject({ ok: true, header: { timestampType: 'CreateTime' } });
    const times = decodeBatch(after, 0, readBatchHeader(after, 0), limits).map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([5_000, 4_000, 9_000]);
  });

  it('takes no more memory than it may, and refuses what cannot be unpacked', () => {
    const batch = encodeBatch([{ key: null, value: Buffer.alloc(100_000), timestampMs: 1 }], { compression: 'zstd' });
    const header = readBatchHeader(batch, 0);
    const rewrite = (uncompressedBytesMax: number) => () =>
      rewriteBatch(Buffer.from(batch), header, { compression: 'none', uncompressedBytesMax });
    expect(rewrite(100_000)).toThrow(UncompressedTooLarge);
    expect(rewrite(101_000)().length).toBeGreaterThan(100_000);
    const damaged = Buffer.from(batch).fill(0xff, 61);
    expect(() => rewriteBatch(damaged, header, { compression: 'none', ...limits })).toThrow(CorruptBatch);
  });
});

describe('scanRecords', () => {
  it.each(COMPRESSIONS)('sees times and keys of every record: %s', (compression) => {
    const batch = encodeBatch(drafts, { compression });
    const seen: number[][] = [];
    scanRecords(batch, 0, readBatchHeader(batch, 0), limits, (...one) => seen.push(one));
    expect(seen).toEqual([
      [0, 5_000, 1],
      [1, 4_000, -1],
      [2, 9_000, 0],
    ]);
  });

  it('refuses every batch whose records do not fill it, and never runs beyond it', () => {
    const batch = encodeBatch(drafts);
    const header = readBatchHeader(batch, 0);
    const scan = (buffer: Buffer, recordCount: number) => () =>
      scanRecords(buffer, 0, { ...header, recordCount }, limits, () => undefined);
    expect(scan(batch, 2)).toThrow(CorruptBatch);
    expect(scan(batch, 4)).toThrow(CorruptBatch);
    expect(scan(batch.subarray(0, -1), 3)).toThrow(CorruptBatch);
    for (let at = 61; at < batch.length; at++) {
      const damaged = Buffer.from(batch);
      damaged[at] = 0xff;
      try {
        scan(damaged, 3)();
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptBatch);
      }
    }
  });
});
