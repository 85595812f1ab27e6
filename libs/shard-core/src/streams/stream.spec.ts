import { describe, expect, it } from '@jest/globals';
import { evenHashRanges } from '@tailrace/hashing';
import { shardForOffset, Stream, type StreamDocument, type ShardDocument } from './stream.ts';

const [lower, upper] = evenHashRanges(2);

function shard(number: number, more: Partial<ShardDocument> = {}): ShardDocument {
  return {
    number,
    hashRange: { start: '0', end: ((1n << 128n) - 1n).toString() },
    partition: number,
    startOffset: '0',
    openedAtMs: 1,
    ...more,
  };
}

function stream(shards: readonly ShardDocument[], more: Partial<StreamDocument> = {}): Stream {
  return new Stream(
    {
      id: 'AAAAAAAAAAAAAAAAAAAAAA',
      name: 's',
      status: 'ACTIVE',
      mode: 'PROVISIONED',
      origin: 'kinesis',
      createdAtMs: 1,
      retentionMs: 1,
      shards,
      configs: {},
      ...more,
    },
    1,
  );
}

const half = (range = lower) => ({ start: String(range?.start), end: String(range?.end) });

describe('a stream whose only shard was split', () => {
  const split = stream([
    shard(0, { endOffset: '10', closedAtMs: 2 }),
    shard(1, { hashRange: half(lower), partition: 0, parent: 0, startOffset: '10' }),
    shard(2, { hashRange: half(upper), partition: 1, parent: 0, startOffset: '10' }),
  ]);

  it('goes on with the partition in the lower child and opens another for the upper', () => {
    expect(split.partitions.map(({ chain }) => chain.map(({ number }) => number))).toEqual([[0, 1], [2]]);
    expect(split.partitions.map(({ appendTo }) => appendTo.number)).toEqual([1, 2]);
    expect(split.openShards.map(({ shardId }) => shardId)).toEqual(['shardId-000000000001', 'shardId-000000000002']);
  });

  it.each([
    [0n, 0],
    [9n, 0],
    [10n, 1],
    [11n, 1],
  ])('finds offset %s of partition 0 in shard %d', (offset, number) => {
    const [partition] = split.partitions;
    expect(partition && shardForOffset(partition, offset).number).toEqual(number);
  });
});

describe('a stream whose two shards were merged', () => {
  const merged = stream([
    shard(0, { hashRange: half(lower), endOffset: '5', closedAtMs: 2 }),
    shard(1, { hashRange: half(upper), endOffset: '8', closedAtMs: 2 }),
    shard(2, { partition: 0, parent: 0, adjacentParent: 1, startOffset: '8' }),
  ]);

  it('appends what is meant for the dormant partition to the shard that took over its range', () => {
    expect(merged.partitions.map(({ appendTo }) => appendTo.number)).toEqual([2, 2]);
    expect(merged.partitions.map(({ chain }) => chain.map(({ number }) => number))).toEqual([[0, 2], [1]]);
  });
});

describe('a stream', () => {
  it.each([
    [{ origin: 'kinesis', mode: 'PROVISIONED' }, true],
    [{ origin: 'kinesis', mode: 'ON_DEMAND' }, false],
    [{ origin: 'kafka', mode: 'PROVISIONED' }, false],
  ] as const)('made as %p has per-shard write limits: %p', (more, expected) => {
    expect(stream([shard(0)], more).writeLimited).toBe(expected);
  });

  it('takes min.insync.replicas from its settings, else from the deployment', () => {
    expect(stream([shard(0)]).minInsyncReplicas(2)).toBe(2);
    expect(stream([shard(0)], { configs: { 'min.insync.replicas': '3' } }).minInsyncReplicas(2)).toBe(3);
  });
});
