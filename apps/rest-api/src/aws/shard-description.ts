import { formatSequenceNumber, type Shard, shardIdOf } from '@tailrace/shard-core';
import type { WireStructure } from './wire/wire-codec.ts';

/** A shard as DescribeStream and ListShards show it. */
export function describeShard(shard: Shard): WireStructure {
  return {
    ShardId: shard.shardId,
    ParentShardId: shard.parent === undefined ? undefined : shardIdOf(shard.parent),
    AdjacentParentShardId: shard.adjacentParent === undefined ? undefined : shardIdOf(shard.adjacentParent),
    HashKeyRange: {
      StartingHashKey: shard.hashRange.start.toString(),
      EndingHashKey: shard.hashRange.end.toString(),
    },
    SequenceNumberRange: {
      StartingSequenceNumber: sequenceNumberOf(shard, shard.startOffset, shard.openedAtMs),
      EndingSequenceNumber:
        shard.endOffset === undefined || shard.closedAtMs === undefined
          ? undefined
          : // The last number that the shard could have given: its end is exclusive inside.
            sequenceNumberOf(shard, lastOffset(shard.startOffset, shard.endOffset), shard.closedAtMs),
    },
  };
}

/** What a closed shard was split or merged into, as the last answer of its readers shows it. */
export function describeChildShards(shards: readonly Shard[], parent: Shard): WireStructure[] {
  return shards
    .filter((shard) => shard.parent === parent.number || shard.adjacentParent === parent.number)
    .map((child) => ({
      ShardId: child.shardId,
      ParentShards: [child.parent, child.adjacentParent].filter((number) => number !== undefined).map(shardIdOf),
      HashKeyRange: {
        StartingHashKey: child.hashRange.start.toString(),
        EndingHashKey: child.hashRange.end.toString(),
      },
    }));
}

export function sequenceNumberOf(shard: Shard, offset: bigint, appendTimeMs: number): string {
  return formatSequenceNumber({
    offset,
    shardNumber: shard.number,
    appendTimeSeconds: Math.floor(appendTimeMs / 1000),
    shardCreatedSeconds: Math.floor(shard.openedAtMs / 1000),
  });
}

function lastOffset(start: bigint, end: bigint): bigint {
  return end > start ? end - 1n : start;
}
