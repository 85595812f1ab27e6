import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { PartitionSets, TopicPartitions } from './topic-partitions.ts';

/** Epochs by which a member says that it comes, goes, or (a static one) goes for a while. */
export const JOINING_EPOCH = 0;
export const LEAVING_EPOCH = -1;
export const LEAVING_FOR_A_WHILE_EPOCH = -2;

/** What a member of a consumer group (KIP-848) says of itself; null or `undefined`: as before. */
export interface ConsumerHeartbeat {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly rebalanceTimeoutMs: number | undefined;
  readonly subscribedTopicNames: readonly string[] | null;
  /** Checked already. Empty: none. */
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
  /** What it reads. */
  readonly owned: PartitionSets | undefined;
  readonly clientId: string;
  readonly clientHost: string;
  /** `User:<name>`: what its expression matches is limited to what this one may see. */
  readonly principal?: string;
}

export interface ConsumerHeartbeatAnswer {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** All that the member may read; `undefined` where it knows. */
  readonly assignment: TopicPartitions | undefined;
}

export function heartbeatFailed(errorCode: ErrorCode, errorMessage: string | null = null): ConsumerHeartbeatAnswer {
  return { errorCode, errorMessage, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: undefined };
}

export function heartbeatLeft(memberId: string, memberEpoch: number): ConsumerHeartbeatAnswer {
  return {
    errorCode: errorCodes.NONE,
    errorMessage: null,
    memberId,
    memberEpoch,
    heartbeatIntervalMs: 0,
    assignment: undefined,
  };
}
