import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { isGroupId } from '@tailrace/shard-core';
import { ID_CHARACTERS_MAX } from '../handlers/68-consumer-group-heartbeat.ts';

export interface ShareRequestRefused {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/** Who asks. INVALID_REQUEST (no group or member, a member with too long a name), INVALID_GROUP_ID. */
export function readSharer(request: {
  readonly groupId: string | null;
  readonly memberId: string | null;
}): { readonly groupId: string; readonly memberId: string } | ShareRequestRefused {
  const { groupId, memberId } = request;
  if (!groupId || !memberId) return invalid('A group and a member must be named');
  if (memberId.length > ID_CHARACTERS_MAX)
    return invalid(`memberId has ${memberId.length} characters, at most ${ID_CHARACTERS_MAX} are taken`);
  return isGroupId(groupId) ? { groupId, memberId } : { errorCode: errorCodes.INVALID_GROUP_ID, errorMessage: null };
}

/** A request that renews locks asks for nothing else, as in Kafka: INVALID_REQUEST. */
export function refuseRenewal(request: {
  readonly isRenewAck: boolean;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
}): ShareRequestRefused | undefined {
  const { isRenewAck, maxWaitMs, minBytes, maxBytes, maxRecords } = request;
  if (!isRenewAck || (maxWaitMs === 0 && minBytes === 0 && maxBytes === 0 && maxRecords === 0)) return undefined;
  return invalid('A request that renews locks must have 0 as its wait, bytes and records');
}

function invalid(errorMessage: string): ShareRequestRefused {
  return { errorCode: errorCodes.INVALID_REQUEST, errorMessage };
}
