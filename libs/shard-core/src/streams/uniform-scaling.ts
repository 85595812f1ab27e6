import { evenHashRanges, type HashRange } from '@tailrace/hashing';

/** One split or merge, named by the boundary between hash ranges that it makes or takes away. */
export interface ScalingStep {
  readonly kind: 'split' | 'merge';
  /** The first hash key of the range above the boundary. */
  readonly at: bigint;
}

/**
 * A boundary no further from where it should be than this part of an even range stays: two steps, with new shards for
 * every reader, would buy too little. So no range ends up more than a quarter larger or smaller than an even one.
 */
export const BOUNDARY_TOLERANCE = { numerator: 1n, denominator: 8n } as const;

/**
 * The way from these ranges to `targetCount` even ones: the boundaries that are missing are split in, those that are too
 * much are merged away, from the low end of the hash space to the high one. It splits while fewer than `openMax` shards
 * are open and merges otherwise, so that no more partitions are opened than the larger of both counts needs.
 *
 * What is left to do after a step is the plan from the new ranges with the same `openMax`: the plan need not be kept.
 *
 * @param ranges cover the hash space, in any order
 */
export function planUniformScaling(
  ranges: readonly HashRange[],
  targetCount: number,
  openMax: number = Math.max(ranges.length, targetCount),
): readonly ScalingStep[] {
  const present = ranges
    .map(({ start }) => start)
    .filter((start) => start > 0n)
    .sort(ascending);
  const kept = new Set<bigint>();
  const missing: bigint[] = [];
  const even = evenHashRanges(targetCount);
  const width = (even[0] as HashRange).end + 1n;
  const tolerance = (width * BOUNDARY_TOLERANCE.numerator) / BOUNDARY_TOLERANCE.denominator;
  for (const { start } of even.slice(1)) {
    const near = nearest(present, start);
    if (near !== undefined && distance(near, start) <= tolerance) kept.add(near);
    else missing.push(start);
  }
  const surplus = present.filter((boundary) => !kept.has(boundary));
  return inOrder(missing, surplus, ranges.length, openMax);
}

function inOrder(missing: bigint[], surplus: bigint[], openCount: number, openMax: number): readonly ScalingStep[] {
  const steps: ScalingStep[] = [];
  let open = openCount;
  let splits = 0;
  let merges = 0;
  while (splits < missing.length || merges < surplus.length) {
    const split = splits < missing.length && (open < openMax || merges === surplus.length);
    steps.push(
      split ? { kind: 'split', at: missing[splits++] as bigint } : { kind: 'merge', at: surplus[merges++] as bigint },
    );
    open += split ? 1 : -1;
  }
  return steps;
}

/** The nearest of sorted boundaries; the lower of two. */
function nearest(sorted: readonly bigint[], wanted: bigint): bigint | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as bigint) < wanted) low = middle + 1;
    else high = middle;
  }
  const [below, above] = [sorted[low - 1], sorted[low]];
  if (below === undefined || above === undefined) return below ?? above;
  return distance(above, wanted) < distance(below, wanted) ? above : below;
}

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
