import type { MemberState } from './reconciliation.ts';
import { type EpochedPartitions, formatIndexes, parseIndexes, type PartitionSets } from './topic-partitions.ts';

/** Partitions by topic id, each as `formatIndexes` writes them. */
export type PartitionsText = Readonly<Record<string, string>>;

/** What is kept of a consumer group (KIP-848), in the place of a classic group's `GroupDocument`. */
export interface ConsumerGroupDocument {
  readonly kind: 'consumer';
  /** Grows with every change of members, subscriptions and topics; never used again. */
  readonly groupEpoch: number;
  /** The group epoch for which the members' targets were made. */
  readonly assignmentEpoch: number;
  readonly assignor: string;
  /** Of the topics for which the targets were made. */
  readonly topicsStamp: string;
  readonly emptySinceMs: number | null;
  readonly members: readonly ConsumerMemberDocument[];
}

export interface ConsumerMemberDocument {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly principal?: string;
  readonly rebalanceTimeoutMs: number;
  readonly topicNames: readonly string[];
  /** Empty: none. */
  readonly topicRegex: string;
  readonly serverAssignor: string | null;
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  readonly state: MemberState;
  readonly assigned: PartitionsText;
  readonly revoking: PartitionsText;
  readonly target: PartitionsText;
  /** Of a member that speaks the classic protocol still. */
  readonly classic: ClassicMembershipDocument | null;
}

export interface ClassicMembershipDocument {
  readonly sessionTimeoutMs: number;
  /** Metadata in base64. */
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[];
}

export function formatPartitions(partitions: PartitionSets | EpochedPartitions): PartitionsText {
  return Object.fromEntries([...partitions].map(([topicId, its]) => [topicId, formatIndexes(its)]));
}

export function parseEpochedPartitions(text: PartitionsText): EpochedPartitions {
  return new Map(Object.entries(text).map(([topicId, runs]) => [topicId, parseIndexes(runs)]));
}

export function parsePartitionSets(text: PartitionsText): PartitionSets {
  return new Map(Object.entries(text).map(([topicId, runs]) => [topicId, new Set(parseIndexes(runs).keys())]));
}
