import { addTo, type PartitionSets } from '../topic-partitions.ts';
import type { AssignableMember, AssignableTopics } from './assignor.ts';

/**
 * `range`: of each topic a member gets partitions that lie side by side; those with the same subscriptions get the same
 * numbers of topics with the same partition count, so that keys which lie together are read together. Members are taken in
 * the order of their instance ids, then of their member ids: a static member keeps its place when it comes back.
 */
export function assignRange(
  members: readonly AssignableMember[],
  topics: AssignableTopics,
): ReadonlyMap<string, PartitionSets> {
  const inOrder = [...members].sort(byInstanceThenMember);
  const assignment = new Map<string, Map<string, Set<number>>>(members.map(({ memberId }) => [memberId, new Map()]));
  const subscribers = new Map<string, AssignableMember[]>();
  for (const member of inOrder) {
    for (const topicId of member.topicIds) {
      const known = subscribers.get(topicId);
      if (known === undefined) subscribers.set(topicId, [member]);
      else known.push(member);
    }
  }
  for (const [topicId, partitionCount] of topics) {
    const readers = subscribers.get(topicId) ?? [];
    const each = Math.floor(partitionCount / readers.length);
    const more = partitionCount % readers.length;
    let next = 0;
    readers.forEach(({ memberId }, i) => {
      const end = next + each + (i < more ? 1 : 0);
      const its = assignment.get(memberId) as Map<string, Set<number>>;
      for (; next < end; next++) addTo(its, topicId, next);
    });
  }
  return assignment;
}

function byInstanceThenMember(a: AssignableMember, b: AssignableMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return compare(a.memberId, b.memberId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
