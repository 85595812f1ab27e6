import {
  type EpochedPartitions,
  haveCommon,
  hasPartition,
  NO_PARTITIONS,
  type PartitionSets,
  type TopicPartitions,
} from './topic-partitions.ts';

/**
 * `stable`: the member has what it shall have. `unrevoked`: it is to give partitions back, and stays in its epoch until it has.
 * `unreleased`: it waits for partitions that others have not given back yet.
 */
export type MemberState = 'stable' | 'unrevoked' | 'unreleased';

/** Where a member stands on its way to the target assignment. */
export interface CurrentAssignment {
  readonly memberEpoch: number;
  /** The epoch before the last answer, with which the member comes back if that answer was lost. */
  readonly previousMemberEpoch: number;
  readonly state: MemberState;
  /** What the member may read. */
  readonly assigned: EpochedPartitions;
  /** What it has been told to give back and may be reading still. */
  readonly revoking: PartitionSets;
}

export interface ReconciliationTarget {
  readonly assignment: PartitionSets;
  /** The group epoch for which it was made. */
  readonly epoch: number;
}

/**
 * The member's next step towards the target: it gives back first, then takes what nobody else has. `owned` is what the
 * member says that it reads, `undefined` where it says nothing. Answers `current` itself where there is no step to take.
 * The order of the steps is KIP-848's.
 */
export function reconcile(
  current: CurrentAssignment,
  target: ReconciliationTarget,
  owned: TopicPartitions | undefined,
  isTaken: (topicId: string, partition: number) => boolean,
): CurrentAssignment {
  switch (current.state) {
    case 'stable':
      return current.memberEpoch === target.epoch
        ? current
        : nextStep(current, current.memberEpoch, target, owned, isTaken);
    case 'unrevoked':
      // It has revoked when it says so, by naming what it still reads.
      if (owned === undefined || haveCommon(current.revoking, owned)) return current;
      return nextStep(current, current.memberEpoch + 1, target, owned, isTaken);
    case 'unreleased':
      return nextStep(current, current.memberEpoch, target, owned, isTaken);
  }
}

function nextStep(
  current: CurrentAssignment,
  memberEpoch: number,
  target: ReconciliationTarget,
  owned: TopicPartitions | undefined,
  isTaken: (topicId: string, partition: number) => boolean,
): CurrentAssignment {
  const kept = new Map<string, Map<number, number>>();
  const revoking = new Map<string, Set<number>>();
  for (const [topicId, partitions] of current.assigned) {
    const wanted = target.assignment.get(topicId);
    const keptOfTopic = new Map<number, number>();
    const revokingOfTopic = new Set<number>();
    for (const [partition, epoch] of partitions) {
      if (wanted?.has(partition)) keptOfTopic.set(partition, epoch);
      else revokingOfTopic.add(partition);
    }
    if (keptOfTopic.size > 0) kept.set(topicId, keptOfTopic);
    if (revokingOfTopic.size > 0) revoking.set(topicId, revokingOfTopic);
  }
  if (revoking.size > 0 && (owned === undefined || haveCommon(revoking, owned)))
    return { memberEpoch, previousMemberEpoch: current.memberEpoch, state: 'unrevoked', assigned: kept, revoking };
  let waits = false;
  let gained = false;
  for (const [topicId, partitions] of target.assignment) {
    for (const partition of partitions) {
      if (hasPartition(kept, topicId, partition)) continue;
      if (isTaken(topicId, partition)) {
        waits = true;
        continue;
      }
      gained = true;
      const ofTopic = kept.get(topicId);
      if (ofTopic === undefined) kept.set(topicId, new Map([[partition, target.epoch]]));
      else ofTopic.set(partition, target.epoch);
    }
  }
  const state = waits ? 'unreleased' : 'stable';
  const isSame = !gained && revoking.size === 0 && state === current.state && current.memberEpoch === target.epoch;
  if (isSame) return current;
  return {
    memberEpoch: target.epoch,
    previousMemberEpoch: current.memberEpoch,
    state,
    assigned: kept,
    revoking: NO_PARTITIONS,
  };
}
