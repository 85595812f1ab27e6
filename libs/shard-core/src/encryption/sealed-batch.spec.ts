import { describe, expect, it } from '@jest/globals';
import {
  BATCH_HEADER_BYTES,
  checkBatch,
  encodeBatch,
  encodeEndTransactionMarker,
  patchBaseOffset,
  patchLeaderEpoch,
  readBatchHeader,
} from '@tailrace/kafka-protocol';
import { StoreUnavailable } from '../contract/refusal.ts';
import { newShardKey } from '../testing/index.ts';
import {
  EncryptionKeyMissing,
  holdsSealed,
  isSealed,
  openChunk,
  sealBatch,
  sealedOverheadBytes,
} from './sealed-batch.ts';
import { KEY_ID, keyRingOf } from './testing/keys.ts';

const ring = keyRingOf(KEY_ID, 'key-2');
const shard = newShardKey();
const record = (value: string) => ({
  key: Buffer.from('k'),
  value: Buffer.from(value),
  timestampMs: 1_700_000_000_000,
});
const batchOf = (...values: string[]) =>
  encodeBatch(values.map(record), { producer: { id: 7n, epoch: 2, baseSequence: 40 } });
const seal = (batch: Buffer, keyId = KEY_ID) => sealBatch(batch, shard, keyId, ring);

describe('a sealed batch', () => {
  it('keeps its header, but for length, checksum and the bit that says so', () => {
    const plain = batchOf('secret', 'more');
    const { batch, header } = seal(plain);
    const before = readBatchHeader(plain, 0);
    expect(header).toEqual({
      ...before,
      sizeBytes: before.sizeBytes + sealedOverheadBytes(KEY_ID),
      crc: header.crc,
      attributes: before.attributes | 0x4000,
    });
    expect(isSealed(before)).toBe(false);
    expect(isSealed(header)).toBe(true);
    // The checksum is over what lies there: recovery needs no key.
    expect(checkBatch(batch, 0, batch.length)).toEqual({ ok: true, header });
    expect(batch.includes('secret')).toBe(false);
    expect(batch.subarray(BATCH_HEADER_BYTES).includes(KEY_ID)).toBe(true);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('opens to the very bytes it was (%s)', (compression) => {
    const plain = encodeBatch([record('x'.repeat(5_000)), record('y')], { compression });
    const { batch } = seal(plain);
    expect(openChunk(batch, shard, ring)).toEqual({ chunk: plain, sealed: [true] });
  });

  it('opens where the log has put base offset and leader epoch', () => {
    const plain = batchOf('v');
    const { batch } = seal(plain);
    for (const each of [plain, batch]) {
      patchBaseOffset(each, 0, 12_345n);
      patchLeaderEpoch(each, 0, 9);
    }
    expect(openChunk(batch, shard, ring).chunk).toEqual(plain);
  });

  it('is another one each time', () => {
    const plain = batchOf('v');
    const sealed = new Set(Array.from({ length: 600 }, () => seal(plain).batch.toString('base64')));
    expect(sealed.size).toBe(600);
  });

  it('opens among plain ones and those of other keys', () => {
    const marker = encodeEndTransactionMarker({
      commits: true,
      producerId: 7n,
      producerEpoch: 2,
      coordinatorEpoch: 0,
      timestampMs: 0,
    });
    const [first, second, third] = [batchOf('1'), batchOf('2', '2'), batchOf('3')];
    const chunk = Buffer.concat([first, seal(second).batch, marker, seal(third, 'key-2').batch, first]);
    expect(holdsSealed(chunk)).toBe(true);
    expect(holdsSealed(Buffer.concat([first, marker]))).toBe(false);
    expect(openChunk(chunk, shard, ring)).toEqual({
      chunk: Buffer.concat([first, second, marker, third, first]),
      sealed: [false, true, false, true, false],
    });
  });

  it('does not open in another shard', () => {
    const { batch } = seal(batchOf('v'));
    expect(() => openChunk(batch, newShardKey(), ring)).toThrow(StoreUnavailable);
  });

  it('does not open when any byte was changed that is not the log’s to change', () => {
    const { batch } = seal(batchOf('value'));
    const [lengthAt, crcAt] = [8, 17];
    for (let at = 0; at < batch.length; at++) {
      const isLogs = at < lengthAt || (at >= 12 && at < 17) || (at >= crcAt && at < crcAt + 4);
      if (isLogs || (at >= lengthAt && at < 12)) continue;
      const changed = Buffer.from(batch);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => openChunk(changed, shard, ring)).toThrow(StoreUnavailable);
    }
  });

  it('names the key that is missing, to open as to seal', () => {
    const { batch } = seal(batchOf('v'));
    const without = keyRingOf('key-2');
    for (const attempt of [
      () => openChunk(batch, shard, without),
      () => sealBatch(batchOf('v'), shard, KEY_ID, without),
    ]) {
      expect(attempt).toThrow(EncryptionKeyMissing);
      expect(attempt).toThrow(`the key ${KEY_ID} of stream`);
    }
  });

  it('does not open with another key of the same id', () => {
    const { batch } = seal(batchOf('v'));
    const other = keyRingOf(KEY_ID);
    Object.assign(other, { key: () => ring.key('key-2') });
    expect(() => openChunk(batch, shard, other)).toThrow('key key-1 is another one now');
  });
});
