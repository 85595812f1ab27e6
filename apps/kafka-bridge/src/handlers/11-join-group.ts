import { errorCodes, joinGroupApi } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

const NULL_NAMES_SINCE = 7;
const SKIP_ASSIGNMENT_SINCE = 9;
/** A new member is sent away once with its id (KIP-394). */
const MEMBER_ID_REQUIRED_SINCE = 4;
const REBALANCE_TIMEOUT_SINCE = 1;

/**
 * JoinGroup: become or stay a member. The answer comes when the generation begins.
 * Errors: INVALID_GROUP_ID, NOT_COORDINATOR, INVALID_SESSION_TIMEOUT, COORDINATOR_NOT_AVAILABLE, GROUP_MAX_SIZE_REACHED,
 * INCONSISTENT_GROUP_PROTOCOL, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, MEMBER_ID_REQUIRED.
 */
export const joinGroup = handler({
  api: joinGroupApi,
  versions: joinGroupApi.advertised,
  coordinated: true,
  async run(request, exchange, { groups }) {
    const { apiVersion, clientId } = exchange.header;
    const answer = await groups.join(request.groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      clientId: clientId ?? '',
      clientHost: exchange.peer.host,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: apiVersion >= REBALANCE_TIMEOUT_SINCE ? request.rebalanceTimeoutMs : request.sessionTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
      requireKnownMemberId: apiVersion >= MEMBER_ID_REQUIRED_SINCE,
      supportsSkippingAssignment: apiVersion >= SKIP_ASSIGNMENT_SINCE,
    });
    // A member on its first way through is no error to anybody.
    if (answer.errorCode !== errorCodes.MEMBER_ID_REQUIRED) exchange.noteError(answer.errorCode);
    return {
      throttleTimeMs: 0,
      errorCode: answer.errorCode,
      generationId: answer.generation,
      protocolType: answer.protocolType,
      protocolName: answer.protocolName ?? (apiVersion >= NULL_NAMES_SINCE ? null : ''),
      leader: answer.leaderId,
      skipAssignment: answer.skipAssignment,
      memberId: answer.memberId,
      members: answer.members,
    };
  },
});
