import {
  type ConsumerGroupHeartbeatRequest,
  consumerGroupHeartbeatApi,
  type ErrorCode,
  errorCodes,
} from '@tailrace/kafka-protocol';
import { ASSIGNORS } from '../groups/assignors/index.ts';
import { heartbeatFailed, JOINING_EPOCH, LEAVING_FOR_A_WHILE_EPOCH } from '../groups/consumer-group-requests.ts';
import { partitionLists, partitionSets } from '../groups/topic-partitions.ts';
import { handler } from './handler.ts';

/** What a member may say of itself, so that its group's document stays small; Kafka has no such bounds. */
export const ID_CHARACTERS_MAX = 1_000;
export const SUBSCRIBED_TOPICS_MAX = 10_000;
export const OWNED_PARTITIONS_MAX = 100_000;

/** From here on the client makes its member id itself (KIP-1082). */
const OWN_MEMBER_ID_SINCE = 1;

/**
 * ConsumerGroupHeartbeat: a member of a consumer group (KIP-848) comes, goes on or goes, and learns what it shall read.
 * Errors: INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, INVALID_GROUP_ID, NOT_COORDINATOR, INVALID_REGULAR_EXPRESSION,
 * COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND, GROUP_MAX_SIZE_REACHED, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID,
 * UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH.
 */
export const consumerGroupHeartbeat = handler({
  api: consumerGroupHeartbeatApi,
  versions: consumerGroupHeartbeatApi.advertised,
  coordinated: true,
  async run(request, exchange, { groups }) {
    const { apiVersion, clientId } = exchange.header;
    const refused = refuseRequest(request, apiVersion);
    const answer =
      refused ??
      (await groups.consumerHeartbeat(request.groupId, {
        memberId: request.memberId,
        memberEpoch: request.memberEpoch,
        instanceId: request.instanceId,
        rackId: request.rackId,
        rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? undefined : request.rebalanceTimeoutMs,
        subscribedTopicNames: request.subscribedTopicNames,
        subscribedTopicRegex: request.subscribedTopicRegex,
        serverAssignor: request.serverAssignor,
        owned: request.topicPartitions === null ? undefined : partitionSets(request.topicPartitions),
        clientId: clientId ?? '',
        clientHost: exchange.peer.host,
        ...(request.subscribedTopicRegex === null || request.subscribedTopicRegex === ''
          ? {}
          : { principal: exchange.peer.principal }),
      }));
    exchange.noteError(answer.errorCode);
    return {
      throttleTimeMs: 0,
      ...answer,
      assignment: answer.assignment === undefined ? null : { topicPartitions: partitionLists(answer.assignment) },
    };
  },
});

/** What is wrong with a request by itself, in the order and in the words of Kafka. */
function refuseRequest(request: ConsumerGroupHeartbeatRequest, apiVersion: number) {
  const { memberEpoch, memberId, serverAssignor, subscribedTopicNames, subscribedTopicRegex } = request;
  const invalid = (message: string, code: ErrorCode = errorCodes.INVALID_REQUEST) => heartbeatFailed(code, message);
  if (request.groupId === '') return invalid("GroupId can't be empty.");
  if (request.instanceId === '') return invalid("InstanceId can't be empty.");
  if (request.rackId === '') return invalid("RackId can't be empty.");
  if (memberId === '' && (apiVersion >= OWN_MEMBER_ID_SINCE || memberEpoch !== JOINING_EPOCH))
    return invalid("MemberId can't be empty.");
  if (memberEpoch < LEAVING_FOR_A_WHILE_EPOCH) return invalid('MemberEpoch is invalid.');
  if (memberEpoch === LEAVING_FOR_A_WHILE_EPOCH && request.instanceId === null)
    return invalid("InstanceId can't be null.");
  if (memberEpoch === JOINING_EPOCH) {
    if (request.rebalanceTimeoutMs < 0) return invalid('RebalanceTimeoutMs must be provided in first request.');
    if (request.topicPartitions?.length !== 0) return invalid('TopicPartitions must be empty when (re-)joining.');
    if (subscribedTopicNames === null && subscribedTopicRegex === null)
      return invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.');
  }
  if (serverAssignor !== null && !ASSIGNORS.has(serverAssignor)) {
    return invalid(
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${[...ASSIGNORS.keys()].join(', ')}.`,
      errorCodes.UNSUPPORTED_ASSIGNOR,
    );
  }
  return refuseSize(request, invalid);
}

function refuseSize<T>(request: ConsumerGroupHeartbeatRequest, invalid: (message: string) => T): T | undefined {
  for (const name of ['memberId', 'instanceId', 'rackId'] as const) {
    const { length = 0 } = request[name] ?? {};
    if (length > ID_CHARACTERS_MAX)
      return invalid(`${name} has ${length} characters, at most ${ID_CHARACTERS_MAX} are taken.`);
  }
  const topicCount = request.subscribedTopicNames?.length ?? 0;
  if (topicCount > SUBSCRIBED_TOPICS_MAX)
    return invalid(`${topicCount} topics are subscribed to, at most ${SUBSCRIBED_TOPICS_MAX} are taken.`);
  let partitionCount = 0;
  for (const { partitions } of request.topicPartitions ?? []) partitionCount += partitions.length;
  if (partitionCount > OWNED_PARTITIONS_MAX)
    return invalid(`${partitionCount} partitions are owned, at most ${OWNED_PARTITIONS_MAX} are taken.`);
  return undefined;
}
