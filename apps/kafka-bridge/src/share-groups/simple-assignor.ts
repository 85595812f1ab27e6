import { addTo, hasPartition, type PartitionSets, type TopicPartitions } from '../groups/topic-partitions.ts';

/** The one way in which share groups share out partitions, by Kafka's name. */
export const SIMPLE_ASSIGNOR = 'simple';

/** A member, as the assignor sees it. */
export interface SharingMember {
  readonly memberId: string;
  /** Ids of the topics that it subscribes to and that exist. */
  readonly topicIds: ReadonlySet<string>;
  /** What it had. */
  readonly former: TopicPartitions;
}

/**
 * Gives every partition of a subscribed topic to at least one member that subscribes to it, and every member something where
 * there is anything: with more members than partitions, several members read the same one. Among members with the same
 * subscription their numbers differ by one at most, and so do the numbers of members of a partition; what a member had it keeps
 * as far as that goes. `partitionCounts` is by topic id; answers by member id.
 */
export function assignSimply(
  members: readonly SharingMember[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, PartitionSets> {
  const targets = new Map<string, Map<string, Set<number>>>();
  for (const { memberId } of members) targets.set(memberId, new Map());
  // Topics with the same subscribers are shared out together, so that many small topics are spread like one large one.
  const byId = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const groups = new Map<string, { readonly subscribers: SharingMember[]; readonly topicIds: string[] }>();
  for (const topicId of [...partitionCounts.keys()].sort()) {
    const subscribers = byId.filter(({ topicIds }) => topicIds.has(topicId));
    const key = subscribers.map(({ memberId }) => memberId).join('\n');
    const group = groups.get(key) ?? { subscribers, topicIds: [] };
    group.topicIds.push(topicId);
    groups.set(key, group);
  }
  for (const { subscribers, topicIds } of groups.values()) {
    const partitions = topicIds.flatMap((topicId) =>
      Array.from({ length: partitionCounts.get(topicId) as number }, (_, partition) => ({ topicId, partition })),
    );
    shareOut(subscribers, partitions, (memberId, topicId, partition) =>
      addTo(targets.get(memberId) as Map<string, Set<number>>, topicId, partition),
    );
  }
  return targets;
}

interface OnePartition {
  readonly topicId: string;
  readonly partition: number;
}

function shareOut(
  subscribers: readonly SharingMember[],
  partitions: readonly OnePartition[],
  give: (memberId: string, topicId: string, partition: number) => void,
): void {
  if (subscribers.length === 0 || partitions.length === 0) return;
  const had = ({ former }: SharingMember, { topicId, partition }: OnePartition) =>
    hasPartition(former, topicId, partition);
  const pair = (member: SharingMember, { topicId, partition }: OnePartition) =>
    give(member.memberId, topicId, partition);
  if (subscribers.length <= partitions.length)
    spread(partitions, subscribers, (partition, member) => had(member, partition), (partition, member) => pair(member, partition)); // prettier-ignore
  else spread(subscribers, partitions, had, pair);
}

/** Gives each thing one holder, and every holder as many things as the others, or one more. */
function spread<Thing, Holder>(
  things: readonly Thing[],
  holders: readonly Holder[],
  had: (thing: Thing, holder: Holder) => boolean,
  give: (thing: Thing, holder: Holder) => void,
): void {
  const least = Math.floor(things.length / holders.length);
  let extra = things.length % holders.length;
  const counts = holders.map(() => 0);
  const hasRoom = (index: number) => {
    const count = counts[index] as number;
    return count < least || (count === least && extra > 0);
  };
  const put = (thing: Thing, index: number) => {
    if (counts[index] === least) extra -= 1;
    counts[index] = (counts[index] as number) + 1;
    give(thing, holders[index] as Holder);
  };
  const open: Thing[] = [];
  for (const thing of things) {
    const index = holders.findIndex((holder, i) => hasRoom(i) && had(thing, holder));
    if (index < 0) open.push(thing);
    else put(thing, index);
  }
  let next = 0;
  for (const thing of open) {
    while (!hasRoom(next)) next += 1;
    put(thing, next);
  }
}
