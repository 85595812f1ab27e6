import { createHash } from 'node:crypto';
import type { AssignableMember, Assignor } from './assignors/assignor.ts';
import { ASSIGNORS, DEFAULT_ASSIGNOR } from './assignors/index.ts';
import type { ConsumerMember, ConsumerMemberFacts } from './consumer-member.ts';
import type { SubscribableTopics } from './subscribable-topics.ts';
import type { PartitionSets } from './topic-partitions.ts';

type Topics = Pick<SubscribableTopics, 'find' | 'nameOf' | 'matching'> & Partial<Pick<SubscribableTopics, 'maySee'>>;
type Members = ReadonlyMap<string, ConsumerMember>;

/** The expressions that members subscribe to. */
export function subscribedRegexes(members: Members): ReadonlySet<string> {
  const regexes = new Set<string>();
  for (const { facts } of members.values()) if (facts.topicRegex !== '') regexes.add(facts.topicRegex);
  return regexes;
}

/**
 * A text that is another one when the subscribed topics are others, or have other partitions; `undefined` while it is not
 * known what an expression matches.
 */
export function topicsStampOf(members: Members, topics: Topics): string | undefined {
  const names = new Set<string>();
  for (const { topicNames } of distinctSubscriptions(members)) for (const name of topicNames) names.add(name);
  for (const regex of subscribedRegexes(members)) {
    const matching = topics.matching(regex);
    if (matching === undefined) return undefined;
    for (const name of matching) names.add(name);
  }
  const hash = createHash('sha1');
  for (const name of [...names].sort()) {
    const topic = topics.find(name);
    if (topic !== undefined) hash.update(`${topic.topicId} ${topic.partitionCount}\n`);
  }
  return hash.digest('base64url');
}

export interface Targets {
  /** By which they were made: the one that most members ask for. */
  readonly assignor: string;
  readonly byMemberId: ReadonlyMap<string, PartitionSets>;
}

/** Shares all partitions of the subscribed topics out among the members. */
export function makeTargets(members: Members, topics: Topics): Targets {
  const counts = new Map<string, number>();
  const topicIds = new Map<string, ReadonlySet<string>>();
  const assignable = [...members.values()].map((member): AssignableMember => {
    const { facts, target } = member;
    const key = subscriptionKey(facts);
    let ids = topicIds.get(key);
    if (ids === undefined) {
      ids = topicIdsOf(member, topics, counts);
      topicIds.set(key, ids);
    }
    return { memberId: member.memberId, instanceId: facts.instanceId, topicIds: ids, former: target };
  });
  const assignor = preferredAssignor(members);
  return { assignor, byMemberId: (ASSIGNORS.get(assignor) as Assignor)(assignable, counts) };
}

/** What members subscribe to, each combination once. */
function distinctSubscriptions(members: Members): Iterable<ConsumerMemberFacts> {
  const distinct = new Map<string, ConsumerMemberFacts>();
  for (const { facts } of members.values()) distinct.set(subscriptionKey(facts), facts);
  return distinct.values();
}

/** Ids of the topics that it subscribes to and that exist; their partition counts are added to `counts`. */
function topicIdsOf(
  { facts, target }: ConsumerMember,
  topics: Topics,
  counts: Map<string, number>,
): ReadonlySet<string> {
  const names = new Set(facts.topicNames);
  if (facts.topicRegex !== '') {
    const matching = topics.matching(facts.topicRegex);
    // Not known yet, as after a change of bridge: what it had is what it keeps until then.
    const had = () => [...target.keys()].flatMap((topicId) => topics.nameOf(topicId) ?? []);
    // Only what a client may describe is shown to it by its expression, as in Kafka.
    for (const name of matching ?? had()) if (topics.maySee?.(facts, name) ?? true) names.add(name);
  }
  const ids = new Set<string>();
  for (const name of names) {
    const topic = topics.find(name);
    if (topic === undefined) continue;
    ids.add(topic.topicId);
    counts.set(topic.topicId, topic.partitionCount);
  }
  return ids;
}

/** What most members ask for. */
function preferredAssignor(members: Members): string {
  const votes = new Map<string, number>();
  for (const { facts } of members.values())
    if (facts.serverAssignor !== null) votes.set(facts.serverAssignor, (votes.get(facts.serverAssignor) ?? 0) + 1);
  let best: string | undefined;
  for (const [name, count] of votes) if (best === undefined || count > (votes.get(best) as number)) best = name;
  return best ?? DEFAULT_ASSIGNOR;
}

function subscriptionKey({ topicNames, topicRegex, principal }: ConsumerMemberFacts): string {
  // An expression gives each user what that one may see. Of members that differ in their hosts alone, the first one counts.
  return `${topicNames.join(' ')} ${topicRegex}${topicRegex === '' ? '' : ` ${principal ?? ''}`}`;
}
