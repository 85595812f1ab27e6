import { shareGroupDescribeApi } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { describeAssignment, describeGroups } from '../groups/describe-groups.ts';
import type { ShareGroup, ShareMember } from '../share-groups/share-group.ts';
import { SIMPLE_ASSIGNOR } from '../share-groups/simple-assignor.ts';
import { handler } from './handler.ts';

/**
 * ShareGroupDescribe: state and members of share groups (KIP-932).
 * Per group: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (none of the name, or a group of
 * another kind).
 */
export const shareGroupDescribe = handler({
  api: shareGroupDescribeApi,
  versions: shareGroupDescribeApi.advertised,
  run(request, exchange, bridge) {
    const describe = ({ groupEpoch, members }: ShareGroup) => ({
      groupEpoch,
      assignmentEpoch: groupEpoch,
      assignorName: SIMPLE_ASSIGNOR,
      members: members.map((member) => describeMember(member, bridge)),
    });
    return describeGroups('share', request, describe, exchange, bridge);
  },
});

function describeMember(member: ShareMember, bridge: Bridge) {
  const { memberId, rackId, memberEpoch, clientId, clientHost, topicNames, assigned } = member;
  return {
    memberId,
    rackId,
    memberEpoch,
    clientId,
    clientHost: `/${clientHost}`,
    subscribedTopicNames: topicNames,
    assignment: describeAssignment(assigned, bridge),
  };
}
