import { describe, expect, it } from '@jest/globals';
import { type BatchHeader, readBatchHeader } from '@tailrace/kafka-protocol';
import { shardKey } from './contract/shard-key.ts';
import { FAILED_APPENDS_MAX, FAILED_APPENDS_MS, FailedAppends } from './failed-appends.ts';
import { makeBatch, newShardKey } from './testing/index.ts';

function header(id: bigint, epoch: number, baseSequence: number): BatchHeader {
  return readBatchHeader(makeBatch(['v'], { producer: { id, epoch, baseSequence } }), 0);
}

describe('appends that met a failing store', () => {
  it('are remembered by their first sequence, for one partition of one stream, whichever its shard', () => {
    const failed = new FailedAppends(() => 0);
    failed.add(shardKey('stream', 1), header(7n, 0, 4), 3);
    failed.add(shardKey('stream', 1), header(7n, 0, 5), 3);
    expect(failed.mustBeginWith(shardKey('stream', 2), header(7n, 0, 5), 3)).toBe(4);
    expect(failed.mustBeginWith(shardKey('stream', 2), header(7n, 0, 5), 2)).toBeUndefined();
    expect(failed.mustBeginWith(shardKey('other', 2), header(7n, 0, 5), 3)).toBeUndefined();
    expect(failed.mustBeginWith(shardKey('stream', 2), header(8n, 0, 5), 3)).toBeUndefined();
  });

  it('count for their epoch alone', () => {
    const failed = new FailedAppends(() => 0);
    const shard = newShardKey();
    failed.add(shard, header(7n, 1, 4), 0);
    failed.add(shard, header(7n, 0, 9), 0);
    expect(failed.mustBeginWith(shard, header(7n, 1, 5), 0)).toBe(4);
    expect(failed.mustBeginWith(shard, header(7n, 2, 5), 0)).toBeUndefined();
    failed.add(shard, header(7n, 2, 0), 0);
    expect(failed.mustBeginWith(shard, header(7n, 2, 5), 0)).toBe(0);
  });

  it('are forgotten when no client tries any more, and the oldest when there are too many', () => {
    let now = 0;
    const failed = new FailedAppends(() => now);
    const shard = newShardKey();
    for (let i = 0; i < FAILED_APPENDS_MAX; i++) failed.add(shard, header(BigInt(i), 0, 4), 0);
    expect(failed.mustBeginWith(shard, header(0n, 0, 5), 0)).toBe(4);
    failed.add(shard, header(BigInt(FAILED_APPENDS_MAX), 0, 4), 0);
    expect(failed.mustBeginWith(shard, header(0n, 0, 5), 0)).toBeUndefined();
    now = FAILED_APPENDS_MS - 1;
    expect(failed.mustBeginWith(shard, header(1n, 0, 5), 0)).toBe(4);
    now = FAILED_APPENDS_MS;
    expect(failed.mustBeginWith(shard, header(1n, 0, 5), 0)).toBeUndefined();
    failed.add(shard, header(1n, 0, 8), 0);
    expect(failed.mustBeginWith(shard, header(1n, 0, 9), 0)).toBe(8);
  });

  it('are none of producers without ids', () => {
    const failed = new FailedAppends(() => 0);
    const shard = newShardKey();
    const plain = readBatchHeader(makeBatch(['v']), 0);
    failed.add(shard, plain, 0);
    expect(failed.mustBeginWith(shard, plain, 0)).toBeUndefined();
  });
});
