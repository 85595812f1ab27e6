/** Partition numbers: a set of them, or a map with something known of each. */
export interface PartitionIndexes {
  readonly size: number;
  has(partition: number): boolean;
  keys(): IterableIterator<number>;
}

/** Partitions by topic id. No topic has none. */
export type TopicPartitions<P extends PartitionIndexes = PartitionIndexes> = ReadonlyMap<string, P>;

export type PartitionSets = TopicPartitions<ReadonlySet<number>>;

/** Partitions with the member epoch in which each was given to the member. */
export type EpochedPartitions = TopicPartitions<ReadonlyMap<number, number>>;

export const NO_PARTITIONS: ReadonlyMap<string, never> = new Map<string, never>();

export function hasPartition(all: TopicPartitions, topicId: string, partition: number): boolean {
  return all.get(topicId)?.has(partition) ?? false;
}

export function countPartitions(all: TopicPartitions): number {
  let count = 0;
  for (const { size } of all.values()) count += size;
  return count;
}

export function* eachPartition(all: TopicPartitions): Generator<readonly [topicId: string, partition: number]> {
  for (const [topicId, partitions] of all) for (const partition of partitions.keys()) yield [topicId, partition];
}

/** Whether every one of `some` is in `all`. */
export function containsAll(all: TopicPartitions, some: TopicPartitions): boolean {
  for (const [topicId, partition] of eachPartition(some)) if (!hasPartition(all, topicId, partition)) return false;
  return true;
}

export function haveCommon(one: TopicPartitions, other: TopicPartitions): boolean {
  for (const [topicId, partition] of eachPartition(one)) if (hasPartition(other, topicId, partition)) return true;
  return false;
}

export function samePartitions(one: TopicPartitions, other: TopicPartitions): boolean {
  return countPartitions(one) === countPartitions(other) && containsAll(one, other);
}

/** From lists as they come on the wire; what is named twice counts once. */
export function partitionSets(
  topics: readonly { readonly topicId: string; readonly partitions: readonly number[] }[],
): PartitionSets {
  const sets = new Map<string, Set<number>>();
  for (const { topicId, partitions } of topics) for (const partition of partitions) addTo(sets, topicId, partition);
  return sets;
}

/** As lists for the wire, partitions in order. */
export function partitionLists(all: TopicPartitions): { readonly topicId: string; readonly partitions: number[] }[] {
  return [...all].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()].sort((a, b) => a - b),
  }));
}

export function addTo(sets: Map<string, Set<number>>, topicId: string, partition: number): void {
  const partitions = sets.get(topicId);
  if (partitions === undefined) sets.set(topicId, new Set([partition]));
  else partitions.add(partition);
}

/** Runs as text, for documents: `0-3,7`; with epochs `0-3@5,7@4`. */
export function formatIndexes(partitions: ReadonlySet<number> | ReadonlyMap<number, number>): string {
  const epochOf = (partition: number) =>
    partitions instanceof Map ? (partitions.get(partition) as number) : undefined;
  const runs: { first: number; last: number; epoch: number | undefined }[] = [];
  for (const partition of [...partitions.keys()].sort((a, b) => a - b)) {
    const epoch = epochOf(partition);
    const run = runs.at(-1);
    if (run !== undefined && run.last === partition - 1 && run.epoch === epoch) run.last = partition;
    else runs.push({ first: partition, last: partition, epoch });
  }
  return runs
    .map(
      ({ first, last, epoch }) => `${first}${last > first ? `-${last}` : ''}${epoch === undefined ? '' : `@${epoch}`}`,
    )
    .join(',');
}

/** What `formatIndexes` wrote; an epoch that is not named is 0. */
export function parseIndexes(text: string): Map<number, number> {
  const partitions = new Map<number, number>();
  for (const run of text.split(',')) {
    const [range = '', epoch = '0'] = run.split('@');
    const [first = '', last = first] = range.split('-');
    for (let partition = Number(first); partition <= Number(last); partition++)
      partitions.set(partition, Number(epoch));
  }
  return partitions;
}
