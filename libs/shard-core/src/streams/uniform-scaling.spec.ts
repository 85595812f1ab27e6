import { describe, expect, it } from '@jest/globals';
import { evenHashRanges, HASH_KEY_MAX, type HashRange } from '@tailrace/hashing';
import { seededRandom } from '@tailrace/testkit';
import {
  BOUNDARY_TOLERANCE,
  evenBoundaries,
  openShardsOnTheWay,
  planUniformScaling,
  type ScalingStep,
  stepsTo,
} from './uniform-scaling.ts';

/** Does a step, as the stream would. */
function take(ranges: readonly HashRange[], { kind, at }: ScalingStep): HashRange[] {
  const index = ranges.findIndex(({ start, end }) => start <= at && at <= end);
  const range = ranges[index] as HashRange;
  if (kind === 'split') {
    if (at <= range.start + 1n || at >= range.end) throw new Error(`${at} cannot split ${range.start} to ${range.end}`);
    return ranges.toSpliced(index, 1, { start: range.start, end: at - 1n }, { start: at, end: range.end });
  }
  const below = ranges[index - 1];
  if (below === undefined || range.start !== at) throw new Error(`${at} is no boundary`);
  return ranges.toSpliced(index - 1, 2, { start: below.start, end: range.end });
}

function run(ranges: readonly HashRange[], steps: readonly ScalingStep[]) {
  let current = [...ranges];
  let openMax = current.length;
  for (const step of steps) {
    current = take(current, step);
    openMax = Math.max(openMax, current.length);
  }
  return { ranges: current, openMax };
}

/** All shards that a stream has had after the plan, closed ones among them. */
function shardsEver(from: number, to: number): number {
  return planUniformScaling(evenHashRanges(from), to).reduce(
    (count, { kind }) => count + (kind === 'split' ? 2 : 1),
    from,
  );
}

function uneven(count: number, random: () => number): HashRange[] {
  const starts = new Set<bigint>([0n]);
  while (starts.size < count) starts.add(BigInt(Math.floor(random() * 2 ** 48)) << 80n);
  const sorted = [...starts].sort((a, b) => (a < b ? -1 : 1));
  return sorted.map((start, index) => ({ start, end: (sorted[index + 1] ?? HASH_KEY_MAX + 1n) - 1n }));
}

function expectEven(ranges: readonly HashRange[], count: number): void {
  const even = evenHashRanges(count);
  expect(ranges.length).toBe(count);
  expect([ranges[0]?.start, ranges.at(-1)?.end]).toEqual([0n, HASH_KEY_MAX]);
  const tolerance = (((even[0] as HashRange).end + 1n) * BOUNDARY_TOLERANCE.numerator) / BOUNDARY_TOLERANCE.denominator;
  for (const [index, { start }] of ranges.entries()) {
    const off = start - (even[index] as HashRange).start;
    const isClosed = index === 0 || start === (ranges[index - 1] as HashRange).end + 1n;
    if (!isClosed || off > tolerance || off < -tolerance) throw new Error(`range ${index} of ${count}: off by ${off}`);
  }
}

describe('the plan of an even change of the shard count', () => {
  // The first two are what the service was seen to leave behind.
  it.each([
    [4, 5, 15],
    [10, 13, 37],
    [1, 2, 3],
    [2, 4, 6],
    [4, 2, 6],
    [3, 6, 9],
    [6, 3, 9],
    [2, 3, 7],
    [3, 2, 7],
    [10, 11, 39],
    [100, 101, 399],
    [100, 125, 375],
    [100, 150, 350],
    [6, 8, 22],
    [5, 5, 5],
    [100, 200, 300],
  ])('from %d shards to %d leaves %d shards in all, open and closed', (from, to, expected) => {
    expect(shardsEver(from, to)).toBe(expected);
  });

  it.each([
    [4, 5],
    [2, 3],
    [4, 6],
    [4, 7],
    [3, 2],
    [5, 3],
    [8, 7],
    [10, 15],
    [100, 125],
  ])('from %d shards to %d ends with even ranges, but for a rounded hash key', (from, to) => {
    const ranges = evenHashRanges(from);
    const even = evenHashRanges(to);
    const end = run(ranges, planUniformScaling(ranges, to)).ranges;
    const off = end.map(({ start }, index) => Number(start - (even[index] as HashRange).start));
    expect(off.length).toBe(to);
    expect(Math.max(...off.map(Math.abs))).toBeLessThanOrEqual(to);
  });

  it('from 10 shards to 13 cuts groups of 3, 4 and 3 shards into 4, 5 and 4 ranges', () => {
    const ranges = evenHashRanges(10);
    const widths = run(ranges, planUniformScaling(ranges, 13)).ranges.map(
      ({ start, end }) => Number(((end - start + 10n) * 1000n) / (HASH_KEY_MAX + 1n)) / 1000,
    );
    expect(widths).toEqual([...Array(4).fill(0.075), ...Array(5).fill(0.08), ...Array(4).fill(0.075)]);
  });

  it('splits from the low end, and merges as soon as no more shards may be open', () => {
    const twentieth = (part: bigint) => ((HASH_KEY_MAX + 1n) / 20n) * part;
    const steps = planUniformScaling(evenHashRanges(4), 5);
    const where = steps.map(({ kind, at }) => `${kind} ${(at + 10n) / twentieth(1n)}`);
    expect(where).toEqual([
      'split 4', 'merge 5', 'split 8', 'merge 10', 'split 12', 'merge 15', 'split 16',
    ]); // prettier-ignore
  });

  it('ends evenly, over the whole hash space, from any number to any allowed one', () => {
    for (let from = 1; from <= 24; from++) {
      for (let to = Math.ceil(from / 2); to <= 2 * from; to++) {
        const ranges = evenHashRanges(from);
        const steps = planUniformScaling(ranges, to);
        const end = run(ranges, steps);
        expectEven(end.ranges, to);
        expect(end.openMax).toBeLessThanOrEqual(Math.max(from, to));
        // Each boundary is made or taken away once at most.
        expect(new Set(steps.map(({ at }) => at)).size).toBe(steps.length);
        expect(steps.length).toBeLessThanOrEqual(from - 1 + to - 1);
        // Once as many shards, or half as many, take no detour.
        if (to === 2 * from || 2 * to === from) expect(steps.length).toBe(Math.abs(to - from));
      }
    }
  });

  it('ends evenly from uneven ranges too, and is the same when it is made again after each step', () => {
    const random = seededRandom(4711);
    for (let round = 0; round < 100; round++) {
      const from = 1 + Math.floor(random() * 30);
      const to = 1 + Math.floor(random() * 40);
      const open = openShardsOnTheWay(from, to);
      let ranges = uneven(from, random);
      const steps = planUniformScaling(ranges, to);
      const boundaries = evenBoundaries(ranges, to);
      expect(run(ranges, steps).openMax).toBeLessThanOrEqual(open.max);
      for (const [index, step] of steps.entries()) {
        const again = stepsTo(ranges.toReversed(), boundaries, open);
        expect(again).toEqual(steps.slice(index));
        ranges = take(ranges, step);
      }
      expectEven(ranges, to);
      expect(stepsTo(ranges, boundaries, open)).toEqual([]);
      // Done again, it has nothing to do.
      expect(planUniformScaling(ranges, to)).toEqual([]);
    }
  });
});

describe('evenBoundaries', () => {
  it('reaches any number of ranges from any other, also where groups of neighbours would be too small', () => {
    for (let from = 1; from <= 24; from++) {
      for (let to = 1; to <= 24; to++) expect(evenBoundaries(evenHashRanges(from), to)).toHaveLength(to - 1);
    }
  });
});
