import { describe, expect, it } from '@jest/globals';
import {
  containsAll,
  countPartitions,
  formatIndexes,
  haveCommon,
  parseIndexes,
  partitionLists,
  partitionSets,
  samePartitions,
} from './topic-partitions.ts';

const some = partitionSets([
  { topicId: 'a', partitions: [2, 0, 2] },
  { topicId: 'b', partitions: [] },
  { topicId: 'a', partitions: [1] },
]);

describe('partitions by topic', () => {
  it('count what is named twice once', () => {
    expect([countPartitions(some), partitionLists(some)]).toEqual([3, [{ topicId: 'a', partitions: [0, 1, 2] }]]);
  });

  it('are compared', () => {
    const one = partitionSets([{ topicId: 'a', partitions: [1] }]);
    const other = partitionSets([{ topicId: 'b', partitions: [1] }]);
    expect([containsAll(some, one), containsAll(one, some), containsAll(some, other)]).toEqual([true, false, false]);
    expect([haveCommon(some, one), haveCommon(one, other), haveCommon(one, new Map())]).toEqual([true, false, false]);
    expect([samePartitions(one, other), samePartitions(some, some), samePartitions(one, some)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it.each<[ReadonlySet<number> | ReadonlyMap<number, number>, string]>([
    [new Set([3, 1, 2, 7]), '1-3,7'],
    [new Set([0]), '0'],
    [new Map([[0, 5], [1, 5], [2, 6], [4, 6]]), '0-1@5,2@6,4@6'], // prettier-ignore
  ])('are kept as text, %#', (indexes, text) => {
    expect(formatIndexes(indexes)).toBe(text);
    const parsed = parseIndexes(text);
    expect([...parsed.keys()]).toEqual([...indexes.keys()].sort((a, b) => a - b));
    if (indexes instanceof Map) expect(parsed).toEqual(indexes);
  });
});
