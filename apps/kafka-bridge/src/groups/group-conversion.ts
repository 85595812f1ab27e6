import type { ConsumerGroupDocument, ConsumerMemberDocument } from './consumer-group-document.ts';
import { formatPartitions, parseEpochedPartitions } from './consumer-group-document.ts';
import { CONSUMER_PROTOCOL, readAssignment, readSubscription, writeAssignment } from './consumer-protocol.ts';
import { ASSIGNORS, DEFAULT_ASSIGNOR } from './assignors/index.ts';
import type { GroupDocument } from './group-document.ts';
import type { SubscribableTopics } from './subscribable-topics.ts';

/**
 * Assignors that every client has. What they put into an assignment for themselves is no reason to leave a group as it is
 * (librdkafka's cooperative-sticky puts the last assignment there); of others it may be what makes them read at all.
 */
const COMMON_ASSIGNORS: ReadonlySet<string> = new Set(['range', 'roundrobin', 'sticky', 'cooperative-sticky']);

/**
 * A classic group as a consumer group in which all members speak the classic protocol: what they read they go on reading.
 * `undefined` when they are no consumers, or share out partitions by means that only they understand.
 */
export function toConsumerGroup(
  { generation, protocolType, protocolName, members, emptySinceMs }: GroupDocument,
  topics: Pick<SubscribableTopics, 'find'>,
): ConsumerGroupDocument | undefined {
  if (members.length > 0 && protocolType !== CONSUMER_PROTOCOL) return undefined;
  const converted: ConsumerMemberDocument[] = [];
  for (const member of members) {
    const metadata =
      (member.protocols.find(({ name }) => name === protocolName) ?? member.protocols[0])?.metadata ?? '';
    const subscription = readSubscription(Buffer.from(metadata, 'base64'));
    const assignment = readAssignment(Buffer.from(member.assignment, 'base64'));
    if (subscription === undefined || assignment === undefined) return undefined;
    if (assignment.hasUserData && !COMMON_ASSIGNORS.has(protocolName ?? '')) return undefined;
    const assigned = new Map<string, ReadonlyMap<number, number>>();
    for (const [name, partitions] of assignment.partitions) {
      const topicId = topics.find(name)?.topicId;
      if (topicId !== undefined)
        assigned.set(topicId, new Map([...partitions].map((partition) => [partition, generation])));
    }
    const { memberId, instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = member;
    const kept = formatPartitions(assigned);
    converted.push({
      memberId,
      instanceId,
      rackId: subscription.rackId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      topicNames: [...new Set(subscription.topics)].sort(),
      topicRegex: '',
      serverAssignor: null,
      memberEpoch: generation,
      previousMemberEpoch: generation,
      state: 'stable',
      assigned: kept,
      revoking: {},
      target: kept,
      classic: { sessionTimeoutMs, protocols },
    });
  }
  return {
    kind: 'consumer',
    groupEpoch: generation,
    assignmentEpoch: generation,
    assignor: protocolName !== null && ASSIGNORS.has(protocolName) ? protocolName : DEFAULT_ASSIGNOR,
    topicsStamp: '',
    emptySinceMs: emptySinceMs ?? null,
    members: converted,
  };
}

/**
 * A consumer group whose members all speak the classic protocol, or that is empty, as a classic group. Its generation is the
 * epoch in which its members are, so that they are told to rebalance, and not that they are strangers.
 */
export function toClassicGroup(
  { groupEpoch, assignmentEpoch, members, emptySinceMs }: ConsumerGroupDocument,
  topics: Pick<SubscribableTopics, 'nameOf'>,
): GroupDocument {
  const first = members[0]?.classic?.protocols ?? [];
  const isKnownToAll = ({ name }: { readonly name: string }) =>
    members.every(({ classic }) => classic?.protocols.some((protocol) => protocol.name === name));
  return {
    // Nobody has had a generation beyond the assignment epoch; an empty group goes on behind all of them.
    generation: members.length > 0 ? assignmentEpoch : groupEpoch,
    protocolType: CONSUMER_PROTOCOL,
    protocolName: first.find(isKnownToAll)?.name ?? null,
    leaderId: members[0]?.memberId ?? null,
    ...(emptySinceMs === null ? {} : { emptySinceMs }),
    members: members.map(({ memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs, classic, assigned }) => {
      const protocols = classic?.protocols ?? [];
      const version = readSubscription(Buffer.from(protocols[0]?.metadata ?? '', 'base64'))?.version ?? 0;
      const assignment = writeAssignment(parseEpochedPartitions(assigned), version, (topicId) =>
        topics.nameOf(topicId),
      );
      return {
        memberId,
        instanceId,
        clientId,
        clientHost,
        sessionTimeoutMs: classic?.sessionTimeoutMs ?? 0,
        rebalanceTimeoutMs,
        protocols,
        assignment: assignment.toString('base64'),
      };
    }),
  };
}
