import type { TopicPartitions } from '../groups/topic-partitions.ts';

const EPOCH_MAX = 2 ** 31 - 1;

/** One partition of a session. */
export interface SessionPartition {
  readonly topicId: string;
  readonly partition: number;
}

/**
 * What a member of a share group reads at this bridge, remembered between its requests. Partitions are kept in the order in which
 * they are served; one that gave records goes to the end, so that no busy one starves the others.
 */
export class ShareSession {
  readonly groupId: string;
  readonly memberId: string;
  /** The number that the next request must carry. */
  epoch = 1;
  readonly #partitions = new Map<string, SessionPartition>();
  readonly #onEnd: () => void;
  #stopListening: (() => void) | undefined;
  #ended = false;

  constructor(groupId: string, memberId: string, onEnd: () => void) {
    this.groupId = groupId;
    this.memberId = memberId;
    this.#onEnd = onEnd;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  get size(): number {
    return this.#partitions.size;
  }

  get partitions(): SessionPartition[] {
    return [...this.#partitions.values()];
  }

  has({ topicId, partition }: SessionPartition): boolean {
    return this.#partitions.has(`${topicId}/${partition}`);
  }

  add(added: TopicPartitions): void {
    for (const [topicId, partitions] of added)
      for (const partition of partitions.keys()) {
        const key = `${topicId}/${partition}`;
        if (!this.#partitions.has(key)) this.#partitions.set(key, { topicId, partition });
      }
  }

  forget(forgotten: TopicPartitions): void {
    for (const [topicId, partitions] of forgotten)
      for (const partition of partitions.keys()) this.#partitions.delete(`${topicId}/${partition}`);
  }

  /** Puts a partition that was served behind the others. */
  moveToEnd(one: SessionPartition): void {
    const key = `${one.topicId}/${one.partition}`;
    if (this.#partitions.delete(key)) this.#partitions.set(key, one);
  }

  /** Counts a request: 0 and -1 have meanings of their own and are passed over. */
  advance(): void {
    this.epoch = this.epoch === EPOCH_MAX ? 1 : this.epoch + 1;
  }

  /** Ends with the connection. */
  endWith(signal: AbortSignal): void {
    const end = () => this.end();
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', end);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopListening?.();
    this.#onEnd();
  }
}
