import { rangeContains } from '@tailrace/hashing';
import type { Outcome } from '../contract/refusal.ts';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import {
  type Partition,
  type ReshardIntent,
  type Shard,
  type ShardDocument,
  Stream,
  type StreamDocument,
} from './stream.ts';

/**
 * Shards, open and closed, that one stream keeps. A stream is one document of at most 1 MiB, in which a shard takes up to
 * 330 bytes, and a wanted boundary 42.
 */
export const SHARDS_KEPT_MAX = 2_500;

/**
 * What a split will be. `newStartingHashKey` is where the upper child begins. Refuses: shardNotFound, shardClosed,
 * hashKeyOutOfRange, tooManyShards.
 */
export function planSplit(stream: Stream, shardNumber: number, newStartingHashKey: bigint): Outcome<ReshardIntent> {
  const parent = openShard(stream, shardNumber);
  if (!parent.ok) return parent;
  const { key: shard, hashRange } = parent.value;
  // Kinesis' own rule; it keeps a child from having one hash key alone.
  if (newStartingHashKey <= hashRange.start + 1n || newStartingHashKey >= hashRange.end) {
    return { ok: false, refusal: { code: 'hashKeyOutOfRange', shard, hashKey: newStartingHashKey, hashRange } };
  }
  const room = roomFor(stream, 2);
  if (!room.ok) return room;
  const firstChild = nextShardNumber(stream.document);
  return {
    ok: true,
    value: { kind: 'split', shard: shardNumber, newStartingHashKey: newStartingHashKey.toString(), firstChild },
  };
}

/** What a merge will be; either of the two may be the lower one. Refuses: shardNotFound, shardClosed, shardsNotAdjacent, tooManyShards. */
export function planMerge(stream: Stream, shardNumber: number, adjacentNumber: number): Outcome<ReshardIntent> {
  const parent = openShard(stream, shardNumber);
  if (!parent.ok) return parent;
  const adjacent = openShard(stream, adjacentNumber);
  if (!adjacent.ok) return adjacent;
  const [one, other] = [parent.value, adjacent.value];
  if (one.hashRange.end + 1n !== other.hashRange.start && other.hashRange.end + 1n !== one.hashRange.start) {
    return { ok: false, refusal: { code: 'shardsNotAdjacent', shard: one.key, adjacentShard: other.key } };
  }
  const room = roomFor(stream, 1);
  if (!room.ok) return room;
  const firstChild = nextShardNumber(stream.document);
  return { ok: true, value: { kind: 'merge', shard: shardNumber, adjacentShard: adjacentNumber, firstChild } };
}

/** Whether the stream can keep so many shards more. Refuses: tooManyShards. */
export function roomFor({ name, document }: Stream, more: number): Outcome<undefined> {
  const shards = document.shards.length + more;
  if (shards <= SHARDS_KEPT_MAX) return { ok: true, value: undefined };
  return { ok: false, refusal: { code: 'tooManyShards', stream: name, shards, shardsMax: SHARDS_KEPT_MAX } };
}

function openShard(stream: Stream, shardNumber: number): Outcome<Shard> {
  const shard = stream.shard(shardNumber);
  if (shard === undefined) {
    return { ok: false, refusal: { code: 'shardNotFound', shard: shardKey(stream.id, shardNumber) } };
  }
  if (shard.closedAtMs !== undefined) return { ok: false, refusal: { code: 'shardClosed', shard: shard.key } };
  return { ok: true, value: shard };
}

/** Numbers never come back, although shards expire: the newest shard is open until a newer one takes over. */
function nextShardNumber({ shards }: StreamDocument): number {
  return 1 + shards.reduce((largest, { number }) => Math.max(largest, number), -1);
}

export function parentsOf(intent: ReshardIntent): readonly number[] {
  switch (intent.kind) {
    case 'split':
      return [intent.shard];
    case 'merge':
      return [intent.shard, intent.adjacentShard];
    case 'splits':
      return intent.splits.map(({ shard }) => shard);
  }
}

/** Numbers of the shards that the intent will make. */
export function childNumbersOf(intent: ReshardIntent): readonly number[] {
  const { firstChild } = intent;
  const count = intent.kind === 'merge' ? 1 : intent.kind === 'split' ? 2 : 2 * intent.splits.length;
  return Array.from({ length: count }, (_, index) => firstChild + index);
}

/** So many logs are closed, and twice as many opened, in one step. */
export const SPLITS_AT_ONCE_MAX = 256;

/** A child before it is known when it opens. */
export type PlannedShard = Omit<ShardDocument, 'openedAtMs'>;

/**
 * The shards that follow from an intent and the ends of its parents: whoever computes them, and however often, gets the
 * same. `document` still has the intent in it.
 */
export function plannedChildren(
  document: StreamDocument,
  intent: ReshardIntent,
  ends: ReadonlyMap<number, bigint>,
): readonly PlannedShard[] {
  switch (intent.kind) {
    case 'split':
      return splitsChildren(document, [intent], intent.firstChild, ends);
    case 'merge':
      return [mergedChild(document, intent, ends)];
    case 'splits':
      return splitsChildren(document, intent.splits, intent.firstChild, ends);
  }
}

type Split = Pick<Extract<ReshardIntent, { kind: 'split' }>, 'shard' | 'newStartingHashKey'>;

function splitsChildren(
  document: StreamDocument,
  splits: readonly Split[],
  firstChild: number,
  ends: ReadonlyMap<number, bigint>,
): readonly PlannedShard[] {
  const partitions = partitionsToTakeUp(document, splits);
  const dormantEnds = partitionEnds(document);
  return splits.flatMap(({ shard, newStartingHashKey }, index): PlannedShard[] => {
    const parent = shardDocument(document, shard);
    const end = endOf(ends, shard);
    const { start, end: last } = parent.hashRange;
    const partition = partitions[index] as number;
    return [
      {
        number: firstChild + 2 * index,
        hashRange: { start, end: (BigInt(newStartingHashKey) - 1n).toString() },
        parent: shard,
        partition: parent.partition,
        startOffset: end.toString(),
      },
      {
        number: firstChild + 2 * index + 1,
        hashRange: { start: newStartingHashKey, end: last },
        parent: shard,
        partition,
        ...startBehind(end, dormantEnds.get(partition)),
      },
    ];
  });
}

function mergedChild(
  document: StreamDocument,
  intent: Extract<ReshardIntent, { kind: 'merge' }>,
  ends: ReadonlyMap<number, bigint>,
): PlannedShard {
  const parents = [shardDocument(document, intent.shard), shardDocument(document, intent.adjacentShard)];
  const [lower, upper] = parents.sort((a, b) => (BigInt(a.hashRange.start) < BigInt(b.hashRange.start) ? -1 : 1)) as [
    ShardDocument,
    ShardDocument,
  ];
  return {
    number: intent.firstChild,
    hashRange: { start: lower.hashRange.start, end: upper.hashRange.end },
    parent: intent.shard,
    adjacentParent: intent.adjacentShard,
    partition: lower.partition,
    ...startBehind(endOf(ends, upper.number), endOf(ends, lower.number)),
  };
}

/** A child starts at or behind the end of its parents and of what its partition had before. */
function startBehind(
  parentEnd: bigint,
  partitionEndedAt: bigint | undefined,
): Pick<ShardDocument, 'startOffset' | 'continuesFrom'> {
  if (partitionEndedAt === undefined || partitionEndedAt === parentEnd) return { startOffset: parentEnd.toString() };
  if (partitionEndedAt > parentEnd) return { startOffset: partitionEndedAt.toString() };
  return { startOffset: parentEnd.toString(), continuesFrom: partitionEndedAt.toString() };
}

/**
 * The partition of each upper child: a dormant one whose appends went to the shard that is split, else a new one. One that
 * sleeps in another shard stays there: its records would go on in a shard that is no child of the one that has them, and
 * who reads parents before children would read both at once.
 */
function partitionsToTakeUp(document: StreamDocument, splits: readonly Split[]): readonly number[] {
  const { partitions } = new Stream(document, 0);
  let opened = partitions.length;
  return splits.map(({ shard, newStartingHashKey }) => {
    const asleep = partitionsAsleepIn(shard, partitions);
    const from = BigInt(newStartingHashKey);
    // One whose range begins in the upper half belongs there.
    const own = asleep.find(({ chain }) => (chain.at(-1) as Shard).hashRange.start >= from);
    return (own ?? asleep[0])?.index ?? opened++;
  });
}

/** Dormant partitions whose appends go to a shard. */
function partitionsAsleepIn(shardNumber: number, partitions: readonly Partition[]): readonly Partition[] {
  return partitions.filter(({ chain, appendTo }) => appendTo.number === shardNumber && chain.at(-1) !== appendTo);
}

/** Where the last closed link of each partition ended; what a dormant one goes on from. */
function partitionEnds({ shards }: StreamDocument): ReadonlyMap<number, bigint> {
  const ends = new Map<number, bigint>();
  for (const { partition, endOffset } of shards) {
    if (endOffset === undefined) continue;
    const offset = BigInt(endOffset);
    const known = ends.get(partition);
    if (known === undefined || offset > known) ends.set(partition, offset);
  }
  return ends;
}

/**
 * The document when the reshard is done: parents closed, children open, the intent gone. The status stays UPDATING while
 * a change of the shard count goes on.
 */
export function withReshardDone(
  document: StreamDocument,
  intent: ReshardIntent,
  ends: ReadonlyMap<number, bigint>,
  nowMs: number,
): StreamDocument {
  const children = plannedChildren(document, intent, ends);
  const atMs = reshardTime(document, intent, nowMs);
  const shards = document.shards.map((shard) => {
    const end = ends.get(shard.number);
    return end === undefined ? shard : { ...shard, endOffset: end.toString(), closedAtMs: atMs };
  });
  const { resharding: _done, ...rest } = document;
  return {
    ...rest,
    status: document.scaling === undefined ? 'ACTIVE' : 'UPDATING',
    shards: [...shards, ...children.map((child) => ({ ...child, openedAtMs: atMs }))],
  };
}

/** A partition, and the shard to which its appends went until now. */
export interface TakenOver {
  readonly shard: ShardKey;
  readonly partition: number;
}

/**
 * The partitions whose appends go to each child once the reshard is done, with the shards to which they went until now: its
 * parents.
 */
export function partitionsTakenOver(
  before: Stream,
  intent: ReshardIntent,
  ends: ReadonlyMap<number, bigint>,
): ReadonlyMap<number, readonly TakenOver[]> {
  const after = new Stream(withReshardDone(before.document, intent, ends, 0), before.version);
  const byChild = new Map<number, TakenOver[]>(childNumbersOf(intent).map((child) => [child, []]));
  for (const { index: partition, appendTo } of after.partitions) {
    const from = before.partitions[partition];
    if (from !== undefined) byChild.get(appendTo.number)?.push({ shard: from.appendTo.key, partition });
  }
  return byChild;
}

/**
 * When children open and parents close. Sequence numbers lead with the whole second in which their shard was opened, and a
 * child's must be larger than its parents': so a reshard within its parent's first second is dated into the next one.
 */
function reshardTime(document: StreamDocument, intent: ReshardIntent, nowMs: number): number {
  const nextSeconds = parentsOf(intent).map((number) => {
    const { openedAtMs } = shardDocument(document, number);
    return (Math.floor(openedAtMs / 1000) + 1) * 1000;
  });
  return nextSeconds.reduce((latest, second) => Math.max(latest, second), nowMs);
}

function shardDocument({ name, shards }: StreamDocument, shardNumber: number): ShardDocument {
  const shard = shards.find(({ number }) => number === shardNumber);
  if (shard === undefined) throw new Error(`stream ${name} reshards shard ${shardNumber}, which it does not have`);
  return shard;
}

function endOf(ends: ReadonlyMap<number, bigint>, shardNumber: number): bigint {
  const end = ends.get(shardNumber);
  if (end === undefined) throw new Error(`shard ${shardNumber} is to be resharded and was not sealed`);
  return end;
}

/** The open shards that a step of a scaling plan means: it names a hash key, not a shard. Throws when the plan is not of this stream. */
export function planStep(
  stream: Stream,
  step: { readonly kind: 'split' | 'merge'; readonly at: bigint },
): ReshardIntent {
  const upper = stream.openShards.find(({ hashRange }) => rangeContains(hashRange, step.at)) as Shard;
  const planned =
    step.kind === 'split'
      ? planSplit(stream, upper.number, step.at)
      : planMerge(stream, stream.router.forHashKey(step.at - 1n).number, upper.number);
  if (planned.ok) return planned.value;
  throw new Error(`a step of a plan for stream ${stream.name} was refused: ${planned.refusal.code}`);
}

/** A range with fewer hash keys is not split. */
const SPLITTABLE_KEYS_MIN = 4n;

/**
 * Halves the largest hash ranges, as many at once as come before any of their halves and as are needed for so many
 * partitions; after a few such steps there are as many. `undefined`: there are, or no range can be halved. A split that
 * wakes a dormant partition opens none.
 */
export function planSplitsAtOnce(stream: Stream, partitionCount: number): ReshardIntent | undefined {
  let missing = partitionCount - stream.partitions.length;
  const ranges = stream.openShards
    .map(({ number, hashRange: { start, end } }) => ({ number, start, size: end - start + 1n }))
    .sort((a, b) => (a.size > b.size ? -1 : a.size < b.size ? 1 : a.start < b.start ? -1 : 1));
  const largest = ranges[0]?.size ?? 0n;
  const splits: Split[] = [];
  for (const { number, start, size } of ranges) {
    if (missing <= 0 || splits.length === SPLITS_AT_ONCE_MAX || 2n * size <= largest || size < SPLITTABLE_KEYS_MIN)
      break;
    splits.push({ shard: number, newStartingHashKey: (start + (size + 1n) / 2n).toString() });
    if (partitionsAsleepIn(number, stream.partitions).length === 0) missing--;
  }
  if (splits.length === 0) return undefined;
  return { kind: 'splits', splits, firstChild: nextShardNumber(stream.document) };
}
