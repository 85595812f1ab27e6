import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';

export interface ChangeRefused {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/**
 * Why an administrator may not change what a share group has read, if so: INVALID_GROUP_ID, NOT_COORDINATOR,
 * COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (none, or another kind of group), NON_EMPTY_GROUP.
 */
export async function refuseShareGroupChange(groupId: string, { groups }: Bridge): Promise<ChangeRefused | undefined> {
  const inspected = await groups.inspect(groupId, ({ kind, memberCount }) => ({ kind, memberCount }));
  if (typeof inspected === 'number') return { errorCode: inspected, errorMessage: null };
  const { found } = inspected;
  if (found?.kind !== 'share') {
    const errorMessage = `Group ${groupId} ${found === undefined ? 'not found' : 'is not a share group'}.`;
    return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage };
  }
  if (found.memberCount === 0) return undefined;
  return { errorCode: errorCodes.NON_EMPTY_GROUP, errorMessage: `The share group ${groupId} has members.` };
}
