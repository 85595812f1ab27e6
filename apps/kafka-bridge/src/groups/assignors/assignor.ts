import type { PartitionSets, TopicPartitions } from '../topic-partitions.ts';

/** A member, as assignors see it. */
export interface AssignableMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Ids of the topics that it subscribes to and that exist. */
  readonly topicIds: ReadonlySet<string>;
  /** What the last target gave it. */
  readonly former: TopicPartitions;
}

/** Partition counts of all subscribed topics, by id. */
export type AssignableTopics = ReadonlyMap<string, number>;

/** Shares out every partition of a subscribed topic to one member that subscribes to it. Answers by member id. */
export type Assignor = (
  members: readonly AssignableMember[],
  topics: AssignableTopics,
) => ReadonlyMap<string, PartitionSets>;
