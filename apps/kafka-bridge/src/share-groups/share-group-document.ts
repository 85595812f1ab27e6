import type { PartitionsText } from '../groups/consumer-group-document.ts';

/** What is kept of a share group (KIP-932), in the place of another group's document. What it has read is kept apart from it. */
export interface ShareGroupDocument {
  readonly kind: 'share';
  /** Grows with every change of members, subscriptions and topics; never used again. */
  readonly groupEpoch: number;
  /** Of the topics for which the assignment was made. */
  readonly topicsStamp: string;
  readonly emptySinceMs: number | null;
  readonly members: readonly ShareMemberDocument[];
}

export interface ShareMemberDocument {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly topicNames: readonly string[];
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  /** What the member was told to read. */
  readonly assigned: PartitionsText;
  /** What it is to read. */
  readonly target: PartitionsText;
}
