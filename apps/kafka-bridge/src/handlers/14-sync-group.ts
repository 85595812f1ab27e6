import { syncGroupApi } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/**
 * SyncGroup: a member asks for its assignment; the leader brings everybody's. The answer comes when that is saved.
 * Errors: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID,
 * ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, REBALANCE_IN_PROGRESS.
 */
export const syncGroup = handler({
  api: syncGroupApi,
  versions: syncGroupApi.advertised,
  coordinated: true,
  async run(request, exchange, { groups }) {
    const answer = await groups.sync(request.groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
      protocolType: request.protocolType,
      protocolName: request.protocolName,
      assignments: new Map(request.assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)])),
    });
    exchange.noteError(answer.errorCode);
    return { throttleTimeMs: 0, ...answer };
  },
});
