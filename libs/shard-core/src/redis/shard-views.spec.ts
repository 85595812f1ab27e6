import { describe, expect, it } from '@jest/globals';
import { newShardKey } from '../testing/index.ts';
import { ShardViews } from './shard-views.ts';

describe('the views of shards', () => {
  it('are so many at most, and those that are used stay, however long they have been known', () => {
    const views = new ShardViews(10);
    const hot = [newShardKey(), newShardKey()];
    const kept = hot.map((shard) => views.get(shard));
    const cold = Array.from({ length: 100 }, () => newShardKey());
    for (const [i, shard] of cold.entries()) {
      views.get(shard);
      if (i % 4 === 0) expect(hot.map((key) => views.peek(key))).toEqual(kept);
    }
    expect(cold.filter((shard) => views.peek(shard) !== undefined)).toHaveLength(8);
  });

  it('make room though all were used', () => {
    const views = new ShardViews(3);
    const shards = Array.from({ length: 9 }, () => newShardKey());
    for (const shard of shards) {
      for (const known of shards) views.peek(known);
      views.get(shard);
    }
    expect(shards.filter((shard) => views.peek(shard) !== undefined)).toHaveLength(3);
  });
});
