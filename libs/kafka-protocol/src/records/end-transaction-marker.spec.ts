import { describe, expect, it } from '@jest/globals';
import { readBatchHeader } from './batch-header.ts';
import { encodeBatch, encodeEndTransactionMarker } from './encode-batch.ts';
import { readEndTransactionMarker } from './end-transaction-marker.ts';

const read = (batch: Buffer) => readEndTransactionMarker(batch, 0, readBatchHeader(batch, 0));

describe('a marker that ends a transaction', () => {
  it.each([true, false])('is read as it was written (commits: %s)', (commits) => {
    const marker = { commits, producerId: 2n ** 40n, producerEpoch: 3, coordinatorEpoch: 70_000, timestampMs: 5 };
    expect(read(encodeEndTransactionMarker(marker))).toEqual({ commits, coordinatorEpoch: 70_000 });
  });

  it.each([
    ['data', { isControl: false }, Buffer.alloc(4), Buffer.alloc(6)],
    ['a control record of another type', { isControl: true }, Buffer.from([0, 0, 0, 3]), Buffer.alloc(6)],
    ['a control record without a key', { isControl: true }, null, Buffer.alloc(6)],
    ['a control record that is cut short', { isControl: true }, Buffer.alloc(3), Buffer.alloc(6)],
    ['a control record without an epoch', { isControl: true }, Buffer.alloc(4), null],
    ['a large control record', { isControl: true }, Buffer.alloc(4), Buffer.alloc(1_000)],
  ])('is not %s', (_, options, key, value) => {
    expect(read(encodeBatch([{ key, value, timestampMs: 5 }], options))).toBeUndefined();
  });
});
