import { errorCodes, type ShareGroupDescribeResponse, shareGroupDescribeApi } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { partitionLists } from '../groups/topic-partitions.ts';
import type { ShareGroup, ShareMember } from '../share-groups/share-group.ts';
import { SIMPLE_ASSIGNOR } from '../share-groups/simple-assignor.ts';
import { GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from '../topics/authorized-operations.ts';
import { handler } from './handler.ts';

type Described = ShareGroupDescribeResponse['groups'][number];

/**
 * ShareGroupDescribe: state and members of share groups (KIP-932).
 * Per group: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (none of the name, or a group of
 * another kind).
 */
export const shareGroupDescribe = handler({
  api: shareGroupDescribeApi,
  versions: shareGroupDescribeApi.advertised,
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
    group.kind === 'share'
      ? { ...describeGroup(groupId, group, bridge), authorizedOperations }
      : notFound('is not a share group'),
  );
  if (typeof inspected === 'number') return { ...empty, errorCode: inspected };
  return inspected.found ?? notFound('not found');
}

function describeGroup(groupId: string, group: ShareGroup, bridge: Bridge): Described {
  return {
    errorCode: errorCodes.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.groupEpoch,
    assignorName: SIMPLE_ASSIGNOR,
    members: group.members.map((member) => describeMember(member, bridge)),
  };
}

function describeMember(
  { memberId, rackId, memberEpoch, clientId, clientHost, topicNames, assigned }: ShareMember,
  { catalog }: Bridge,
): Described['members'][number] {
  return {
    memberId,
    rackId,
    memberEpoch,
    clientId,
    clientHost: `/${clientHost}`,
    subscribedTopicNames: topicNames,
    // Topics that are gone have no name, and are left out.
    assignment: {
      topicPartitions: partitionLists(assigned).flatMap(({ topicId, partitions }) => {
        const topicName = catalog.peekById(topicId)?.name;
        return topicName === undefined ? [] : [{ topicId, topicName, partitions }];
      }),
    },
  };
}
