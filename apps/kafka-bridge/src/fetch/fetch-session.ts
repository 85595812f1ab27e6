import type { FetchRequest } from '@tailrace/kafka-protocol';

type TopicRequest = FetchRequest['topics'][number];
type PartitionRequest = TopicRequest['partitions'][number];

/** One partition that a client reads: where it is, and what it was told last. */
export interface FetchTarget {
  /** Empty where the version names topics by id. */
  readonly topicName: string;
  /** All zeros where the version names topics by name. */
  readonly topicId: string;
  readonly partition: number;
  fetchOffset: bigint;
  maxBytes: number;
  /** -1: do not check. */
  currentLeaderEpoch: number;
  /** Of the record before `fetchOffset`, as far as the client says; -1: do not check. */
  lastFetchedEpoch: number;
  /** What the last answer of the session said; -1 before the first, and after an error, which makes the next one tell. */
  toldHighWatermark: bigint;
  toldLogStartOffset: bigint;
}

export function fetchTarget({ topic, topicId }: TopicRequest, request: PartitionRequest): FetchTarget {
  return {
    topicName: topic,
    topicId,
    partition: request.partition,
    fetchOffset: request.fetchOffset,
    maxBytes: request.partitionMaxBytes,
    currentLeaderEpoch: request.currentLeaderEpoch,
    lastFetchedEpoch: request.lastFetchedEpoch,
    toldHighWatermark: -1n,
    toldLogStartOffset: -1n,
  };
}

const EPOCH_MAX = 2 ** 31 - 1;

/**
 * What a client reads, remembered between its requests (KIP-227), so that it names only what changes and hears only
 * what is new. Partitions are kept in the order in which they are served; one that gave records goes to the end, so that
 * no busy one starves the others.
 */
export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  /** The number that the next request must carry. */
  epoch = 1;
  lastUsedMs: number;
  readonly #targets = new Map<string, FetchTarget>();

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.lastUsedMs = nowMs;
  }

  get size(): number {
    return this.#targets.size;
  }

  get targets(): FetchTarget[] {
    return [...this.#targets.values()];
  }

  /** Takes in what a request adds, changes and forgets. */
  update({ topics, forgottenTopicsData }: Pick<FetchRequest, 'topics' | 'forgottenTopicsData'>): void {
    for (const topic of topics) {
      for (const partition of topic.partitions) {
        const key = this.#key(topic.topic, topic.topicId, partition.partition);
        const known = this.#targets.get(key);
        if (known === undefined) this.#targets.set(key, fetchTarget(topic, partition));
        else {
          known.fetchOffset = partition.fetchOffset;
          known.maxBytes = partition.partitionMaxBytes;
          known.currentLeaderEpoch = partition.currentLeaderEpoch;
          known.lastFetchedEpoch = partition.lastFetchedEpoch;
        }
      }
    }
    for (const { topic, topicId, partitions } of forgottenTopicsData) {
      for (const partition of partitions) this.#targets.delete(this.#key(topic, topicId, partition));
    }
  }

  /** Puts a partition that was served behind the others. */
  moveToEnd(target: FetchTarget): void {
    const key = this.#key(target.topicName, target.topicId, target.partition);
    if (this.#targets.delete(key)) this.#targets.set(key, target);
  }

  /** Counts a request: 0 and -1 have meanings of their own and are passed over. */
  advance(nowMs: number): void {
    this.epoch = this.epoch === EPOCH_MAX ? 1 : this.epoch + 1;
    this.lastUsedMs = nowMs;
  }

  #key(topicName: string, topicId: string, partition: number): string {
    return `${this.usesTopicIds ? topicId : topicName}/${partition}`;
  }
}
