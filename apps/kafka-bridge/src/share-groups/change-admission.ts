import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';

export interface ChangeRefused {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/**
 * Whether an administrator may change what a share group has read: `exists` if so, `absent` where there is no group of the name.
 * INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (another kind of group), NON_EMPTY_GROUP.
 */
export async function admitShareGroupChange(
  groupId: string,
  { groups }: Bridge,
): Promise<ChangeRefused | 'exists' | 'absent'> {
  const inspected = await groups.inspect(groupId, ({ kind, memberCount }) => ({ kind, memberCount }));
  if (typeof inspected === 'number') return { errorCode: inspected, errorMessage: null };
  const { found } = inspected;
  if (found === undefined) return 'absent';
  if (found.kind !== 'share') {
    const errorMessage = `Group ${groupId} is not a share group.`;
    return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage };
  }
  if (found.memberCount === 0) return 'exists';
  return { errorCode: errorCodes.NON_EMPTY_GROUP, errorMessage: `The share group ${groupId} has members.` };
}
