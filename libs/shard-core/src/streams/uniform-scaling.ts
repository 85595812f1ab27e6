import { evenHashRanges, HASH_KEY_MAX, type HashRange } from '@tailrace/hashing';

/** One split or merge, named by the boundary between hash ranges that it makes or takes away. */
export interface ScalingStep {
  readonly kind: 'split' | 'merge';
  /** The first hash key of the range above the boundary. */
  readonly at: bigint;
}

/**
 * Ranges count as even while each boundary is no further from its place than this part of an even range: two steps, with
 * new shards for every reader, would buy too little. So no range is more than a quarter larger or smaller than an even one.
 */
export const BOUNDARY_TOLERANCE = { numerator: 1n, denominator: 8n } as const;

/**
 * The boundaries between `targetCount` even ranges that are reached best from these: the starts of all ranges but the
 * lowest, in order.
 *
 * From even ranges, groups of neighbours get one range more (or less) each, cut evenly: `targetCount` − `ranges.length`
 * groups as large as possible. That is how the service does it, as far as it was seen: each shard is split once, and what
 * is too much is merged (4 → 5 leaves 15 shards, closed ones among them, 10 → 13 leaves 37). Thirteen ranges of exactly
 * the same size cannot be had from ten so: two of the twelve new boundaries would need splits of their own. Where groups
 * would end up less even than the tolerance, or the ranges are not even to begin with, every boundary goes to its place,
 * but for those that lie near enough.
 *
 * @param ranges cover the hash space, in any order
 */
export function evenBoundaries(ranges: readonly HashRange[], targetCount: number): readonly bigint[] {
  const present = boundariesOf(ranges);
  const even = evenPlaces(targetCount);
  const change = Math.abs(targetCount - ranges.length);
  if (change > 0 && areNear(present, evenPlaces(ranges.length))) {
    const grouped = groupBoundaries([0n, ...present, HASH_KEY_MAX + 1n], ranges.length, targetCount, change);
    if (areNear(grouped, even)) return grouped;
  }
  return even.map((place) => {
    const near = nearest(present, place);
    return near !== undefined && isNear(near, place, targetCount) ? near : place;
  });
}

/** Groups of nearly the same number of ranges; a large number of groups has some with a range more than others. */
function groupBoundaries(edges: readonly bigint[], fromCount: number, targetCount: number, groups: number): bigint[] {
  const boundaries: bigint[] = [];
  const growth = targetCount > fromCount ? 1 : -1;
  let first = 0;
  for (let group = 1; group <= groups; group++) {
    const last = Math.round((group * fromCount) / groups);
    const [start, end] = [edges[first] as bigint, edges[last] as bigint];
    const count = last - first + growth;
    for (let index = 1; index < count; index++)
      boundaries.push(start + ((end - start) * BigInt(index)) / BigInt(count));
    if (group < groups) boundaries.push(end);
    first = last;
  }
  return boundaries;
}

/** How many shards are open on the way from one count to another. */
export interface OpenShards {
  readonly min: number;
  readonly max: number;
}

/** One less than the smaller count, because it may take a merge to make room for a split. */
export function openShardsOnTheWay(fromCount: number, targetCount: number): OpenShards {
  return { min: Math.min(fromCount, targetCount) - 1, max: Math.max(fromCount, targetCount) };
}

/**
 * The way from ranges to others: missing boundaries are split in, those that are too much are merged away, in the order
 * in which they lie from the low end of the hash space to the high one, for as long as neither too few nor too many shards
 * are open. So a split follows a merge next to it, and takes up the partition which that one has put to sleep: no more
 * partitions are opened than the larger of both counts needs, but for uneven ranges that are far from where they should be.
 *
 * What is left to do after a step is the way from there with the same `open`: it need not be kept.
 *
 * @param ranges cover the hash space, in any order
 */
export function stepsTo(
  ranges: readonly HashRange[],
  boundaries: readonly bigint[],
  open: OpenShards,
): readonly ScalingStep[] {
  const present = boundariesOf(ranges);
  const [had, wanted] = [new Set(present), new Set(boundaries)];
  const missing = boundaries.filter((boundary) => !had.has(boundary));
  const surplus = present.filter((boundary) => !wanted.has(boundary));
  return inOrder(missing, surplus, ranges.length, open);
}

/** The whole way from these ranges to `targetCount` even ones. */
export function planUniformScaling(ranges: readonly HashRange[], targetCount: number): readonly ScalingStep[] {
  return stepsTo(ranges, evenBoundaries(ranges, targetCount), openShardsOnTheWay(ranges.length, targetCount));
}

function boundariesOf(ranges: readonly HashRange[]): bigint[] {
  return ranges
    .map(({ start }) => start)
    .filter((start) => start > 0n)
    .sort((a, b) => (a < b ? -1 : 1));
}

function evenPlaces(count: number): bigint[] {
  return evenHashRanges(count)
    .slice(1)
    .map(({ start }) => start);
}

/** Groups that are too small to lose a range each leave too many boundaries: then they are not the ones looked for. */
function areNear(boundaries: readonly bigint[], places: readonly bigint[]): boolean {
  if (boundaries.length !== places.length) return false;
  return boundaries.every((boundary, index) => isNear(boundary, places[index] as bigint, places.length + 1));
}

function isNear(boundary: bigint, place: bigint, count: number): boolean {
  const { numerator, denominator } = BOUNDARY_TOLERANCE;
  return distance(boundary, place) * denominator * BigInt(count) <= (HASH_KEY_MAX + 1n) * numerator;
}

function inOrder(
  missing: readonly bigint[],
  surplus: readonly bigint[],
  openCount: number,
  { min, max }: OpenShards,
): readonly ScalingStep[] {
  const steps: ScalingStep[] = [];
  let open = openCount;
  let splits = 0;
  let merges = 0;
  while (splits < missing.length || merges < surplus.length) {
    const [split, merge] = [missing[splits], surplus[merges]];
    const isSplit = merge === undefined || (split !== undefined && (open <= min || (open < max && split < merge)));
    steps.push(isSplit ? { kind: 'split', at: split as bigint } : { kind: 'merge', at: merge });
    if (isSplit) splits++;
    else merges++;
    open += isSplit ? 1 : -1;
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
