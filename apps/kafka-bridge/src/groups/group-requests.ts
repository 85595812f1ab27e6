import type { ErrorCode } from '@tailrace/kafka-protocol';

/** A way to share out partitions that a member knows, with what it tells the leader about itself. */
export interface GroupProtocol {
  readonly name: string;
  /** A copy: the frame it came in is used again. */
  readonly metadata: Buffer;
}

export interface JoinRequest {
  /** Empty for a member that has no id yet. */
  readonly memberId: string;
  /** Static membership (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly GroupProtocol[];
  /** Send a new member away once with an id, so that one that never hears the answer leaves no trace (KIP-394). */
  readonly requireKnownMemberId: boolean;
  /** The client understands `skipAssignment` (KIP-814). */
  readonly supportsSkippingAssignment: boolean;
}

export interface JoinAnswer {
  readonly errorCode: ErrorCode;
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string;
  readonly memberId: string;
  readonly skipAssignment: boolean;
  /** For the leader alone. */
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Buffer;
  }[];
}

export interface MemberIdentity {
  readonly memberId: string;
  readonly instanceId: string | null;
}

/** Who wants to commit offsets, and for what. */
export interface CommitRequest extends MemberIdentity {
  /** Of a consumer group: the member's epoch. -1: the client is in no group. */
  readonly generation: number;
  /** `undefined`: not known, so that only the newest epoch will do. */
  readonly partitions: readonly { readonly topicId: string; readonly partition: number }[] | undefined;
  /** The version of the request has the errors of consumer groups. */
  readonly understandsMemberEpochs: boolean;
}

export interface SyncRequest extends MemberIdentity {
  readonly generation: number;
  /** Null where the version does not carry it. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** From the leader: who gets what. */
  readonly assignments: ReadonlyMap<string, Buffer>;
}

export interface SyncAnswer {
  readonly errorCode: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

const NO_BYTES = Buffer.alloc(0);

export function joinFailed(memberId: string, errorCode: ErrorCode): JoinAnswer {
  return {
    errorCode,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leaderId: '',
    memberId,
    skipAssignment: false,
    members: [],
  };
}

export function syncFailed(errorCode: ErrorCode): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
