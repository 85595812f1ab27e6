import { describe, expect, it } from '@jest/globals';
import { evenHashRanges } from '@tailrace/hashing';
import { offsetInShard, shardForOffset, Stream, type StreamDocument, type ShardDocument } from './stream.ts';

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

describe('a partition whose links leave offsets out', () => {
  // Partition 0: written to 5, gone on at 8 behind a merge, split at 8 at once, closed at 11, gone on at 20.
  const whole = { hashRange: { start: '0', end: ((1n << 128n) - 1n).toString() } };
  const gaps = stream([
    shard(0, { hashRange: half(lower), endOffset: '5', closedAtMs: 2 }),
    shard(1, { hashRange: half(upper), endOffset: '8', closedAtMs: 2 }),
    shard(2, { ...whole, partition: 0, startOffset: '8', continuesFrom: '5', endOffset: '8', closedAtMs: 3 }),
    shard(3, { hashRange: half(lower), partition: 0, startOffset: '8', endOffset: '11', closedAtMs: 4 }),
    shard(4, { hashRange: half(upper), partition: 1, startOffset: '8', endOffset: '20', closedAtMs: 4 }),
    shard(5, { ...whole, partition: 0, startOffset: '20', continuesFrom: '11' }),
  ]);

  it.each([
    [0n, 0, 0n],
    [4n, 0, 4n],
    [5n, 2, 8n],
    [7n, 2, 8n],
    [8n, 3, 8n],
    [10n, 3, 10n],
    [11n, 5, 20n],
    [19n, 5, 20n],
    [20n, 5, 20n],
    [21n, 5, 21n],
  ])('is read from offset %s in shard %d at %s', (offset, number, readFrom) => {
    const [partition] = gaps.partitions;
    const found = shardForOffset(partition as NonNullable<typeof partition>, offset);
    expect([found.number, offsetInShard(found, offset)]).toEqual([number, readFrom]);
  });

  it('is read over them also when its older links have expired', () => {
    const rest = stream([
      shard(4, { hashRange: half(upper), partition: 1, endOffset: '20', closedAtMs: 4, expired: true }),
      shard(5, { ...whole, partition: 0, startOffset: '20', continuesFrom: '11' }),
    ]);
    const [partition, dormant] = rest.partitions as [Stream['partitions'][0], Stream['partitions'][0]];
    const found = shardForOffset(partition, 11n);
    expect([found.number, offsetInShard(found, 11n)]).toEqual([5, 20n]);
    // What lies before was there and is gone: no offset that may be read over.
    expect(offsetInShard(shardForOffset(partition, 10n), 10n)).toBe(10n);
    expect([dormant.chain.map(({ number }) => number), dormant.appendTo.number]).toEqual([[4], 5]);
    expect([rest.shards.map(({ number }) => number), rest.shard(4)]).toEqual([[5], undefined]);
    expect(rest.logKeys).toEqual([`${rest.id}/4`, `${rest.id}/5`]);
  });
});

describe('a stream', () => {
  it.each([
    [{ origin: 'kinesis', mode: 'PROVISIONED' }, true],
    [{ origin: 'kinesis', mode: 'ON_DEMAND' }, false],
    [{ origin: 'kafka', mode: 'PROVISIONED' }, true],
    [{ origin: 'kafka', mode: 'ON_DEMAND' }, false],
  ] as const)('made as %p has per-shard write limits: %p', (more, expected) => {
    expect(stream([shard(0)], more).writeLimited).toBe(expected);
  });

  it('takes min.insync.replicas from its settings, else from the deployment', () => {
    expect(stream([shard(0)]).minInsyncReplicas(2)).toBe(2);
    expect(stream([shard(0)], { configs: { 'min.insync.replicas': '3' } }).minInsyncReplicas(2)).toBe(3);
  });
});
