import { type ConsumerGroupDescribeResponse, consumerGroupDescribeApi, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { ConsumerGroup } from '../groups/consumer-group.ts';
import type { ConsumerMember } from '../groups/consumer-member.ts';
import { partitionLists, type TopicPartitions } from '../groups/topic-partitions.ts';
import { GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from '../topics/authorized-operations.ts';
import { handler } from './handler.ts';

type Described = ConsumerGroupDescribeResponse['groups'][number];
type DescribedMember = Described['members'][number];

const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

/**
 * ConsumerGroupDescribe: state and members of consumer groups (KIP-848).
 * Per group: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (none of the name, or a group of
 * another kind).
 */
export const consumerGroupDescribe = handler({
  api: consumerGroupDescribeApi,
  versions: consumerGroupDescribeApi.advertised,
  async run({ groupIds, includeAuthorizedOperations }, exchange, bridge) {
    const authorizedOperations = includeAuthorizedOperations ? GROUP_OPERATIONS : OPERATIONS_NOT_ASKED;
    const groups = await Promise.all(groupIds.map((groupId) => describeOne(groupId, authorizedOperations, bridge)));
    for (const { errorCode } of groups) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, groups };
  },
});

async function describeOne(groupId: string, authorizedOperations: number, bridge: Bridge): Promise<Described> {
  const empty = { groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] };
  const notFound = (why: string): Described => ({
    ...empty,
    errorCode: errorCodes.GROUP_ID_NOT_FOUND,
    errorMessage: `Group ${groupId} ${why}.`,
  });
  const inspected = await bridge.groups.inspect(groupId, (group) =>
    group.kind === 'consumer'
      ? { ...describeGroup(groupId, group, bridge), authorizedOperations }
      : notFound('is not a consumer group'),
  );
  if (typeof inspected === 'number') return { ...empty, errorCode: inspected };
  return inspected.found ?? notFound('not found');
}

function describeGroup(groupId: string, group: ConsumerGroup, bridge: Bridge): Described {
  return {
    errorCode: errorCodes.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.assignor,
    members: [...group.members].map((member) => describeMember(member, bridge)),
  };
}

function describeMember({ memberId, facts, current, target }: ConsumerMember, bridge: Bridge): DescribedMember {
  return {
    memberId,
    instanceId: facts.instanceId,
    rackId: facts.rackId,
    memberEpoch: current.memberEpoch,
    clientId: facts.clientId,
    clientHost: `/${facts.clientHost}`,
    subscribedTopicNames: facts.topicNames,
    subscribedTopicRegex: facts.topicRegex,
    assignment: describeAssignment(current.assigned, bridge),
    targetAssignment: describeAssignment(target, bridge),
    memberType: facts.classic === undefined ? CONSUMER_MEMBER : CLASSIC_MEMBER,
  };
}

/** Topics that are gone have no name, and are left out. */
function describeAssignment(partitions: TopicPartitions, { catalog }: Bridge): DescribedMember['assignment'] {
  return {
    topicPartitions: partitionLists(partitions).flatMap(({ topicId, partitions: indexes }) => {
      const topicName = catalog.peekById(topicId)?.name;
      return topicName === undefined ? [] : [{ topicId, topicName, partitions: indexes }];
    }),
  };
}
