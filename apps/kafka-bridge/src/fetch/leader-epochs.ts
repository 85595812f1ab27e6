import type { LeaderEpochStart, Partition, ShardBounds } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';

type PartitionEnd = Pick<ShardBounds, 'leaderEpoch' | 'logEndOffset'>;

export interface LeaderEpochEnd {
  /** The epoch that was asked for, or the newest before it that has records. */
  readonly leaderEpoch: number;
  /** Exclusive. */
  readonly endOffset: bigint;
}

/** Where the epochs of a partition began, over all links of its chain whose logs are there, the oldest first. */
async function leaderEpochStarts({ chain }: Partition, { store }: Pick<Bridge, 'store'>): Promise<LeaderEpochStart[]> {
  const starts: LeaderEpochStart[] = [];
  for (const { key } of chain) {
    const outcome = await store.log.leaderEpochs(key);
    if (!outcome.ok) continue;
    for (const start of outcome.value) if (start.leaderEpoch !== starts.at(-1)?.leaderEpoch) starts.push(start);
  }
  return starts;
}

/**
 * Where a leader epoch ends in a partition, as Kafka says it (KIP-279): the newest epoch up to the asked one that has records
 * counts, and it ends where the next one begins, or at the end of the log. An epoch from before the beginning of the log ends
 * there. `undefined`: no epoch, or one to come. `bounds` are those of the partition.
 */
export async function endOfLeaderEpoch(
  asked: number,
  partition: Partition,
  { leaderEpoch, logEndOffset }: PartitionEnd,
  bridge: Pick<Bridge, 'store'>,
): Promise<LeaderEpochEnd | undefined> {
  if (asked < 0 || asked > leaderEpoch) return undefined;
  if (asked === leaderEpoch) return { leaderEpoch, endOffset: logEndOffset };
  const starts = await leaderEpochStarts(partition, bridge);
  // The last one, and not the first that is newer: links whose stores did not fail over together may go back.
  const found = starts.findLastIndex((start) => start.leaderEpoch <= asked);
  const endOffset = starts[found + 1]?.startOffset ?? logEndOffset;
  return { leaderEpoch: starts[found]?.leaderEpoch ?? asked, endOffset };
}

/** The leader epoch of the record at an offset of a partition; behind the last record, that of the next one. */
export async function leaderEpochAt(
  offset: bigint,
  partition: Partition,
  { leaderEpoch, logEndOffset }: PartitionEnd,
  bridge: Pick<Bridge, 'store'>,
): Promise<number> {
  // Nearly always: the store has never failed over.
  if (leaderEpoch === 0 || offset >= logEndOffset) return leaderEpoch;
  const starts = await leaderEpochStarts(partition, bridge);
  const found = starts.findLast(({ startOffset }) => startOffset <= offset) ?? starts[0];
  return found?.leaderEpoch ?? leaderEpoch;
}
