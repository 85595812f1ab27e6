import { errorCodes, type ShareGroupHeartbeatRequest, shareGroupHeartbeatApi } from '@tailrace/kafka-protocol';
import { partitionLists } from '../groups/topic-partitions.ts';
import { JOINING_EPOCH, LEAVING_EPOCH, shareHeartbeatFailed } from '../share-groups/share-group.ts';
import { ID_CHARACTERS_MAX, SUBSCRIBED_TOPICS_MAX } from './68-consumer-group-heartbeat.ts';
import { handler } from './handler.ts';

/**
 * ShareGroupHeartbeat: a member of a share group (KIP-932) comes, goes on or goes, and learns what it shall read with others.
 * Errors: INVALID_REQUEST, INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND,
 * GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH.
 */
export const shareGroupHeartbeat = handler({
  api: shareGroupHeartbeatApi,
  versions: shareGroupHeartbeatApi.advertised,
  coordinated: true,
  async run(request, exchange, { groups }) {
    const wrong = refuseRequest(request);
    const answer =
      wrong !== undefined
        ? shareHeartbeatFailed(errorCodes.INVALID_REQUEST, wrong)
        : await groups.shareHeartbeat(request.groupId, {
            memberId: request.memberId,
            memberEpoch: request.memberEpoch,
            rackId: request.rackId,
            subscribedTopicNames: request.subscribedTopicNames,
            clientId: exchange.header.clientId ?? '',
            clientHost: exchange.peer.host,
          });
    exchange.noteError(answer.errorCode);
    return {
      throttleTimeMs: 0,
      ...answer,
      assignment: answer.assignment === undefined ? null : { topicPartitions: partitionLists(answer.assignment) },
    };
  },
});

/** What is wrong with a request by itself, in the order and in the words of Kafka. */
function refuseRequest({
  groupId,
  memberId,
  memberEpoch,
  rackId,
  subscribedTopicNames,
}: ShareGroupHeartbeatRequest): string | undefined {
  if (memberId === '') return "MemberId can't be empty.";
  if (groupId === '') return "GroupId can't be empty.";
  if (memberEpoch === JOINING_EPOCH && (subscribedTopicNames ?? []).length === 0)
    return 'SubscribedTopicNames must be set in first request.';
  if (memberEpoch < LEAVING_EPOCH) return 'MemberEpoch is invalid.';
  if (rackId === '') return "RackId can't be empty.";
  for (const [name, { length }] of Object.entries({ memberId, rackId: rackId ?? '' })) {
    if (length > ID_CHARACTERS_MAX) return `${name} has ${length} characters, at most ${ID_CHARACTERS_MAX} are taken.`;
  }
  const topicCount = subscribedTopicNames?.length ?? 0;
  if (topicCount > SUBSCRIBED_TOPICS_MAX)
    return `${topicCount} topics are subscribed to, at most ${SUBSCRIBED_TOPICS_MAX} are taken.`;
  return undefined;
}
