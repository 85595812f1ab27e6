import type { CurrentAssignment } from './reconciliation.ts';
import { eachPartition } from './topic-partitions.ts';

/** Who may be reading a partition: the member that it is assigned to, or one that has not given it back yet. */
export class PartitionReaders {
  readonly #memberIds = new Map<string, Map<number, string>>();

  of(topicId: string, partition: number): string | undefined {
    return this.#memberIds.get(topicId)?.get(partition);
  }

  /** A member's assignment, in place of its former one. */
  note(memberId: string, current: CurrentAssignment, former?: CurrentAssignment): void {
    if (former !== undefined) this.release(memberId, former);
    for (const all of [current.assigned, current.revoking]) {
      for (const [topicId, partition] of eachPartition(all)) {
        const ofTopic = this.#memberIds.get(topicId);
        if (ofTopic === undefined) this.#memberIds.set(topicId, new Map([[partition, memberId]]));
        else ofTopic.set(partition, memberId);
      }
    }
  }

  /** The member reads nothing of this any more; what another one has meanwhile stays with that one. */
  release(memberId: string, { assigned, revoking }: CurrentAssignment): void {
    for (const all of [assigned, revoking]) {
      for (const [topicId, partition] of eachPartition(all)) {
        const ofTopic = this.#memberIds.get(topicId);
        if (ofTopic?.get(partition) !== memberId) continue;
        ofTopic.delete(partition);
        if (ofTopic.size === 0) this.#memberIds.delete(topicId);
      }
    }
  }
}
