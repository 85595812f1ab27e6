import {
  type CommittedOffset,
  committedOffsets,
  type GroupPlace,
  groupPlaces,
  type Shard,
  type Store,
  type Stream,
} from '@tailrace/shard-core';
import { Problem } from './problem.ts';
import type { ReadFrom, ReadFromInShard } from './read-from.ts';

/** What a group has committed for a stream, by partition. Throws a Problem (404: nothing) and StoreUnavailable. */
export async function committedBy(
  groupId: string,
  stream: Stream,
  { documents }: Store,
): Promise<ReadonlyMap<number, CommittedOffset>> {
  const committed = await committedOffsets(documents, groupId, stream);
  if (committed.size > 0) return committed;
  throw new Problem({
    status: 404,
    code: 'noCommittedOffsets',
    title: 'No committed offsets',
    detail: `There is no group ${groupId} that has committed offsets for stream ${stream.name}.`,
  });
}

/** Where one stands in each shard who goes on from what a group has committed. Throws as `committedBy`. */
export async function placesOfGroup(
  groupId: string,
  stream: Stream,
  store: Store,
): Promise<ReadonlyMap<number, GroupPlace>> {
  const committed = await committedBy(groupId, stream, store);
  return groupPlaces(stream, new Map([...committed].map(([partition, { offset }]) => [partition, offset])));
}

/** Where to read in a shard of a stream. Throws as `committedBy`. */
export async function fromInShard(
  from: ReadFrom,
  stream: Stream,
  shard: Shard,
  store: Store,
): Promise<ReadFromInShard> {
  if (from.at !== 'group') return from;
  const place = (await placesOfGroup(from.groupId, stream, store)).get(shard.number);
  if (place?.kind === 'goesOn') return { at: 'offset', offset: place.offset };
  // All of it has been read: its end, from which the reader learns where it goes on.
  if (place?.kind === 'done') return { at: 'offset', offset: shard.endOffset ?? shard.startOffset };
  return { at: 'earliest' };
}
