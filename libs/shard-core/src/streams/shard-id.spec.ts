import { describe, expect, it } from '@jest/globals';
import { parseShardId, shardIdOf } from './shard-id.ts';

describe('shard ids', () => {
  it.each([
    [0, 'shardId-000000000000'],
    [12, 'shardId-000000000012'],
    [999_999_999_999, 'shardId-999999999999'],
  ])('write and read shard %d', (number, shardId) => {
    expect(shardIdOf(number)).toEqual(shardId);
    expect(parseShardId(shardId)).toEqual(number);
  });

  it.each([
    ['shardId-0', 0],
    ['7', 7],
    ['shardId--1', undefined],
    ['shardid-000000000001', undefined],
    ['shardId-', undefined],
    ['', undefined],
    ['shardId-0000000000000', undefined],
  ])('read %p as %p', (text, number) => {
    expect(parseShardId(text)).toEqual(number);
  });
});
