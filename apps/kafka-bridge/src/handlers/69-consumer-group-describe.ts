import { type ConsumerGroupDescribeResponse, consumerGroupDescribeApi } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { ConsumerGroup } from '../groups/consumer-group.ts';
import type { ConsumerMember } from '../groups/consumer-member.ts';
import { describeAssignment, describeGroups } from '../groups/describe-groups.ts';
import { handler } from './handler.ts';

type DescribedMember = ConsumerGroupDescribeResponse['groups'][number]['members'][number];

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
  run(request, exchange, bridge) {
    const describe = ({ groupEpoch, assignmentEpoch, assignor: assignorName, members }: ConsumerGroup) => ({
      groupEpoch,
      assignmentEpoch,
      assignorName,
      members: [...members].map((member) => describeMember(member, bridge)),
    });
    return describeGroups('consumer', request, describe, exchange, bridge);
  },
});

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
