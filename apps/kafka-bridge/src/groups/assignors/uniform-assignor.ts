import { addTo, countPartitions, type PartitionSets } from '../topic-partitions.ts';
import type { AssignableMember, AssignableTopics } from './assignor.ts';

interface Share {
  readonly member: AssignableMember;
  readonly partitions: Map<string, Set<number>>;
  count: number;
}

/** How many readers may be looked at in exchanging partitions between members whose subscriptions differ (some 0.1 s). */
const BALANCING_STEPS_MAX = 20_000_000;

/**
 * `uniform`: every member gets as many partitions as every other, but for one, as far as subscriptions allow; and keeps what
 * it had as far as that allows.
 */
export function assignUniform(
  members: readonly AssignableMember[],
  topics: AssignableTopics,
): ReadonlyMap<string, PartitionSets> {
  if (members.length === 0) return new Map();
  const shares = members.map((member): Share => ({ member, partitions: new Map(), count: 0 }));
  if (allSubscribeAlike(members)) shareAmongEqual(shares, onlyThose(topics, members[0] as AssignableMember));
  else shareAmongDifferent(shares, topics);
  return new Map(shares.map(({ member, partitions }) => [member.memberId, partitions]));
}

function allSubscribeAlike(members: readonly AssignableMember[]): boolean {
  const first = (members[0] as AssignableMember).topicIds;
  return members.every(({ topicIds }) => topicIds.size === first.size && [...topicIds].every((id) => first.has(id)));
}

/** Of all topics those to which the member subscribes. */
function onlyThose(topics: AssignableTopics, { topicIds }: AssignableMember): AssignableTopics {
  if (topicIds.size === topics.size) return topics;
  return new Map([...topics].filter(([topicId]) => topicIds.has(topicId)));
}

function shareAmongEqual(shares: readonly Share[], topics: AssignableTopics): void {
  let total = 0;
  for (const count of topics.values()) total += count;
  const quota = Math.floor(total / shares.length);
  // So many members may have one more; those who had more before are the first to keep it.
  let larger = total % shares.length;
  const taken = new Map<string, Set<number>>();
  const most = [...shares].sort((a, b) => countPartitions(b.member.former) - countPartitions(a.member.former));
  for (const share of most) {
    keepFormer(share, topics, taken, quota);
    if (larger > 0 && keepFormer(share, topics, taken, quota + 1)) larger -= 1;
  }
  const free = partitionsNotIn(taken, topics);
  for (const share of shares) {
    while (share.count < quota) take(share, free.next().value as [string, number]);
  }
  for (const share of shares) {
    if (share.count > quota) continue;
    const next = free.next();
    if (next.done) return;
    take(share, next.value);
  }
}

/** Gives a member what it had, up to so many in all. Answers whether it kept any. */
function keepFormer(
  share: Share,
  topics: AssignableTopics,
  taken: Map<string, Set<number>>,
  countMax: number,
): boolean {
  const before = share.count;
  if (share.count >= countMax) return false;
  for (const [topicId, partitions] of share.member.former) {
    const partitionCount = share.member.topicIds.has(topicId) ? (topics.get(topicId) ?? 0) : 0;
    for (const partition of partitions.keys()) {
      if (share.count >= countMax) return share.count > before;
      if (partition >= partitionCount || taken.get(topicId)?.has(partition)) continue;
      addTo(taken, topicId, partition);
      take(share, [topicId, partition]);
    }
  }
  return share.count > before;
}

function shareAmongDifferent(shares: readonly Share[], topics: AssignableTopics): void {
  const taken = new Map<string, Set<number>>();
  for (const share of shares) keepFormer(share, topics, taken, Number.POSITIVE_INFINITY);
  const readers = new Map<string, Share[]>();
  for (const share of shares) {
    for (const topicId of share.member.topicIds) {
      const known = readers.get(topicId);
      if (known === undefined) readers.set(topicId, [share]);
      else known.push(share);
    }
  }
  // Topics that few can read first: those who can read more are then filled up from what is left.
  const scarceFirst = [...topics].sort(([a], [b]) => (readers.get(a)?.length ?? 0) - (readers.get(b)?.length ?? 0));
  for (const [topicId, partitionCount] of scarceFirst) {
    const its = readers.get(topicId);
    if (its === undefined) continue;
    const inOrder = [...its].sort((a, b) => a.count - b.count);
    // All before `at` have one more than `level`, and none has less.
    let level = (inOrder[0] as Share).count;
    let at = 0;
    for (let partition = 0; partition < partitionCount; partition++) {
      if (taken.get(topicId)?.has(partition)) continue;
      const here = inOrder[at];
      if (here === undefined || here.count > level) {
        level += 1;
        at = 0;
      }
      take(inOrder[at] as Share, [topicId, partition]);
      at += 1;
    }
  }
  let steps = 0;
  for (let moved = true; moved;) {
    moved = false;
    for (const [topicId, its] of readers) {
      steps += its.length;
      if (steps > BALANCING_STEPS_MAX) return;
      moved = moveOne(topicId, its) || moved;
    }
  }
}

/** Moves a partition of the topic from its most to its least loaded reader, where that makes them more alike. */
function moveOne(topicId: string, readers: readonly Share[]): boolean {
  const to = leastLoaded(readers);
  let from: Share | undefined;
  for (const share of readers) {
    if (share.partitions.has(topicId) && (from === undefined || share.count > from.count)) from = share;
  }
  if (from === undefined || from.count - to.count < 2) return false;
  const its = from.partitions.get(topicId) as Set<number>;
  const partition = [...its].at(-1) as number;
  its.delete(partition);
  if (its.size === 0) from.partitions.delete(topicId);
  from.count -= 1;
  take(to, [topicId, partition]);
  return true;
}

function leastLoaded(shares: readonly Share[]): Share {
  let least = shares[0] as Share;
  for (const share of shares) if (share.count < least.count) least = share;
  return least;
}

function take(share: Share, [topicId, partition]: readonly [string, number]): void {
  addTo(share.partitions, topicId, partition);
  share.count += 1;
}

function* partitionsNotIn(
  taken: ReadonlyMap<string, ReadonlySet<number>>,
  topics: AssignableTopics,
): Generator<[string, number], undefined> {
  for (const [topicId, partitionCount] of topics) {
    const ofTopic = taken.get(topicId);
    for (let partition = 0; partition < partitionCount; partition++) {
      if (!ofTopic?.has(partition)) yield [topicId, partition];
    }
  }
  return undefined;
}
