import { offsetInShard, shardForOffset, type Stream } from '../streams/stream.ts';

/** Where a reader of shards stands who goes on from what a Kafka group has committed. */
export type GroupPlace =
  /** Read here first, from this offset. */
  | { readonly kind: 'goesOn'; readonly offset: bigint }
  /** Nothing of it has been read, and no parent leads to it: read it from its beginning. */
  | { readonly kind: 'begins' }
  /** From its beginning, when its parents have been read to their ends. */
  | { readonly kind: 'follows' }
  /** All of it has been read. */
  | { readonly kind: 'done' };

/**
 * The place in each shard of a stream, by number, for one who goes on from these offsets, by Kafka partition, and reads parents
 * before children. A partition is a chain of shards: the offset lies in one link, those before are done. Where nothing is
 * committed for a partition, its records are new to the reader.
 */
export function groupPlaces(stream: Stream, offsets: ReadonlyMap<number, bigint>): ReadonlyMap<number, GroupPlace> {
  const places = new Map<number, GroupPlace>();
  // Parents have lower numbers.
  for (const shard of [...stream.shards].sort((a, b) => a.number - b.number)) {
    const partition = stream.partitions[shard.partition];
    const offset = offsets.get(shard.partition);
    const link = offset === undefined || partition === undefined ? undefined : shardForOffset(partition, offset);
    if (offset !== undefined && link?.number === shard.number) {
      places.set(shard.number, { kind: 'goesOn', offset: offsetInShard(shard, offset) });
    } else if (link !== undefined && shard.number < link.number) {
      places.set(shard.number, { kind: 'done' });
    } else {
      const isRead = (parent: number | undefined) =>
        parent !== undefined && places.has(parent) && places.get(parent)?.kind !== 'done';
      const follows = isRead(shard.parent) || isRead(shard.adjacentParent);
      places.set(shard.number, { kind: follows ? 'follows' : 'begins' });
    }
  }
  return places;
}
