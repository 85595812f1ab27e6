import { describe, expect, it } from '@jest/globals';
import { evenHashRanges } from '@tailrace/hashing';
import { seededRandom } from '@tailrace/testkit';
import type { Outcome } from '../contract/refusal.ts';
import { parentsOf, planMerge, planSplit, planSplitsAtOnce, planStep, withReshardDone } from './reshard-plan.ts';
import { type ReshardIntent, type Shard, Stream } from './stream.ts';
import { planUniformScaling } from './uniform-scaling.ts';

function streamOf(shardCount: number): Stream {
  return new Stream(
    {
      id: 'AAAAAAAAAAAAAAAAAAAAAA',
      name: 's',
      status: 'ACTIVE',
      mode: 'PROVISIONED',
      origin: 'kinesis',
      createdAtMs: 0,
      retentionMs: 86_400_000,
      configs: {},
      shards: evenHashRanges(shardCount).map((range, number) => ({
        number,
        hashRange: { start: range.start.toString(), end: range.end.toString() },
        partition: number,
        startOffset: '0',
        openedAtMs: 0,
      })),
    },
    1,
  );
}

function accepted<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.refusal.code);
  return outcome.value;
}

function done(stream: Stream, intent: ReshardIntent): Stream {
  const ends = new Map(parentsOf(intent).map((number) => [number, stream.shard(number)?.startOffset as bigint]));
  const document = { ...stream.document, status: 'UPDATING', resharding: intent } as const;
  return new Stream(withReshardDone(document, intent, ends, 0), stream.version + 1);
}

/** Whether who reads parents before children has read all of `earlier` before the first record of `later`. */
function comesBehind(stream: Stream, later: number, earlier: number): boolean {
  if (later === earlier) return true;
  const { parent, adjacentParent } = stream.shard(later) as Shard;
  return [parent, adjacentParent].some((number) => number !== undefined && comesBehind(stream, number, earlier));
}

/** Where what a Kafka producer sends to each partition goes on. */
function expectOrder(before: Stream, after: Stream): void {
  for (const { index, appendTo } of before.partitions) {
    const next = after.partitions[index]?.appendTo.number as number;
    if (comesBehind(after, next, appendTo.number)) continue;
    throw new Error(`partition ${index} goes on in shard ${next}, which is no child of shard ${appendTo.number}`);
  }
}

function scaled(stream: Stream, targetShardCount: number): Stream {
  const ranges = stream.openShards.map(({ hashRange }) => hashRange);
  return planUniformScaling(ranges, targetShardCount).reduce((now, step) => {
    const next = done(now, planStep(now, step));
    expectOrder(now, next);
    return next;
  }, stream);
}

describe('a partition', () => {
  it('goes on in a child of the shard that took its records, whatever is split and merged', () => {
    const random = seededRandom(77);
    const below = (count: number) => Math.floor(random() * count);
    for (let round = 0; round < 20; round++) {
      let stream = streamOf(1 + below(6));
      for (let i = 0; i < 60; i++) {
        const open = [...stream.openShards].sort((a, b) => (a.hashRange.start < b.hashRange.start ? -1 : 1));
        const at = below(open.length);
        const { number, hashRange } = open[at] as Shard;
        const next = open[at + 1];
        const size = hashRange.end - hashRange.start;
        const intent =
          next !== undefined && random() < 0.5
            ? planMerge(stream, number, next.number)
            : planSplit(stream, number, hashRange.start + 2n + ((size - 4n) * BigInt(below(1_000))) / 1_000n);
        const changed = done(stream, accepted(intent));
        expectOrder(stream, changed);
        // Each open shard has one, and no two the same.
        expect(new Set(changed.openShards.map(({ partition }) => partition)).size).toBe(changed.openShards.length);
        expect(changed.openShards.map(({ partition }) => changed.partitions[partition]?.appendTo)).toEqual(
          changed.openShards,
        );
        stream = changed;
      }
    }
  });

  it('comes back to its range when what was merged is split there again', () => {
    const stream = streamOf(4);
    const starts = stream.openShards.map(({ hashRange }) => hashRange.start) as [bigint, bigint, bigint, bigint];
    let merged = done(stream, accepted(planMerge(stream, 0, 1)));
    merged = done(merged, accepted(planMerge(merged, 4, 2)));
    merged = done(merged, accepted(planMerge(merged, 5, 3)));
    expect(merged.partitions.map(({ appendTo }) => appendTo.number)).toEqual([6, 6, 6, 6]);
    for (const order of [
      [1, 2, 3],
      [3, 2, 1],
      [2, 1, 3],
    ]) {
      const parted = order.reduce((now, index) => {
        const at = starts[index] as bigint;
        return done(now, accepted(planSplit(now, now.router.forHashKey(at).number, at)));
      }, merged); // prettier-ignore
      expect(parted.partitions.map(({ appendTo }) => appendTo.hashRange.start)).toEqual(starts);
    }
  });

  it('is opened by a split where none sleeps, also when one sleeps elsewhere', () => {
    const stream = streamOf(3);
    const merged = done(stream, accepted(planMerge(stream, 1, 2)));
    const { start, end } = merged.shard(0)?.hashRange as Shard['hashRange'];
    const parted = done(merged, accepted(planSplit(merged, 0, (start + end) / 2n)));
    expect(parted.partitions.map(({ appendTo }) => appendTo.number)).toEqual([4, 3, 3, 5]);
  });
});

describe('the number of partitions', () => {
  it('is the larger of both counts when shards are changed from one count to another', () => {
    for (let from = 1; from <= 24; from++) {
      for (let to = Math.ceil(from / 2); to <= 2 * from; to++) {
        const stream = scaled(streamOf(from), to);
        expect([from, to, stream.partitions.length]).toEqual([from, to, Math.max(from, to)]);
      }
    }
  });

  it('grows to what a Kafka client asks for, also when some sleep', () => {
    const random = seededRandom(5);
    for (let round = 0; round < 50; round++) {
      let stream = streamOf(1 + Math.floor(random() * 12));
      const target = stream.partitions.length + 1 + Math.floor(random() * 40);
      while (stream.openShards.length > 1 && random() < 0.8) {
        const open = [...stream.openShards].sort((a, b) => (a.hashRange.start < b.hashRange.start ? -1 : 1));
        const at = Math.floor(random() * (open.length - 1));
        stream = done(stream, accepted(planMerge(stream, open[at]?.number as number, open[at + 1]?.number as number)));
      }
      for (let steps = 0; ; steps++) {
        const intent = planSplitsAtOnce(stream, target);
        if (intent === undefined) break;
        expect(steps).toBeLessThan(12);
        const next = done(stream, intent);
        expectOrder(stream, next);
        stream = next;
      }
      expect(stream.partitions.length).toBe(target);
    }
  });
});
