import { rangeContains } from '@tailrace/hashing';
import type { Outcome } from '../contract/refusal.ts';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import { type ReshardIntent, type Shard, type ShardDocument, Stream, type StreamDocument } from './stream.ts';

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
  return intent.kind === 'split' ? [intent.shard] : [intent.shard, intent.adjacentShard];
}

/** Numbers of the shards that the intent will make. */
export function childNumbersOf({ kind, firstChild }: ReshardIntent): readonly number[] {
  return kind === 'split' ? [firstChild, firstChild + 1] : [firstChild];
}

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
  return intent.kind === 'split' ? splitChildren(document, intent, ends) : [mergedChild(document, intent, ends)];
}

function splitChildren(
  document: StreamDocument,
  intent: Extract<ReshardIntent, { kind: 'split' }>,
  ends: ReadonlyMap<number, bigint>,
): readonly PlannedShard[] {
  const parent = shardDocument(document, intent.shard);
  const end = endOf(ends, intent.shard);
  const { start, end: last } = parent.hashRange;
  const { newStartingHashKey } = intent;
  const partition = partitionToOpen(document);
  const dormantEnd = partitionEnd(document, partition);
  return [
    {
      number: intent.firstChild,
      hashRange: { start, end: (BigInt(newStartingHashKey) - 1n).toString() },
      parent: intent.shard,
      partition: parent.partition,
      startOffset: end.toString(),
    },
    {
      number: intent.firstChild + 1,
      hashRange: { start: newStartingHashKey, end: last },
      parent: intent.shard,
      partition,
      ...startBehind(end, dormantEnd),
    },
  ];
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

/** The lowest dormant partition, else a new one. */
function partitionToOpen({ shards }: StreamDocument): number {
  const awake = new Set(shards.filter(({ closedAtMs }) => closedAtMs === undefined).map(({ partition }) => partition));
  let partition = 0;
  while (awake.has(partition)) partition++;
  return partition;
}

/** Where a dormant partition's last link ended; `undefined` for a new one. */
function partitionEnd({ shards }: StreamDocument, partition: number): bigint | undefined {
  let end: bigint | undefined;
  for (const shard of shards) {
    if (shard.partition !== partition || shard.endOffset === undefined) continue;
    const offset = BigInt(shard.endOffset);
    if (end === undefined || offset > end) end = offset;
  }
  return end;
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

/**
 * The partitions whose appends go to a child once the reshard is done, with the shards to which they went until now: its
 * parents, or, where it takes up a dormant partition, the shard that stood in for that one.
 */
export function partitionsTakenOver(
  before: Stream,
  intent: ReshardIntent,
  ends: ReadonlyMap<number, bigint>,
  child: number,
): readonly { readonly shard: ShardKey; readonly partition: number }[] {
  const after = new Stream(withReshardDone(before.document, intent, ends, 0), before.version);
  return after.partitions.flatMap(({ index: partition, appendTo }) => {
    const from = before.partitions[partition];
    return appendTo.number === child && from !== undefined ? [{ shard: from.appendTo.key, partition }] : [];
  });
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
  return Math.max(nowMs, ...nextSeconds);
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
