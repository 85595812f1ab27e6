import { deleteGroupsApi } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/**
 * DeleteGroups: forget groups without members, with their committed offsets; each one by itself.
 * Per group: NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP.
 */
export const deleteGroups = handler({
  api: deleteGroupsApi,
  versions: deleteGroupsApi.advertised,
  async run({ groupsNames }, exchange, { groups }) {
    // A group that is named twice is answered once.
    const results = await Promise.all(
      [...new Set(groupsNames)].map(async (groupId) => ({ groupId, errorCode: await groups.delete(groupId) })),
    );
    for (const { errorCode } of results) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, results };
  },
});
