import { describe, expect, it } from '@jest/globals';
import { formatPartitions } from '../groups/consumer-group-document.ts';
import { NO_PARTITIONS, type PartitionSets } from '../groups/topic-partitions.ts';
import { assignSimply, type SharingMember } from './simple-assignor.ts';

function member(memberId: string, topicIds: readonly string[], former: PartitionSets = NO_PARTITIONS): SharingMember {
  return { memberId, topicIds: new Set(topicIds), former };
}

function shown(targets: ReadonlyMap<string, PartitionSets>) {
  return Object.fromEntries([...targets].map(([memberId, target]) => [memberId, formatPartitions(target)]));
}

describe('the simple assignor', () => {
  it.each([
    ['one member has all', ['a'], { t: 3 }, { a: { t: '0-2' } }],
    ['partitions are spread evenly', ['a', 'b'], { t: 3 }, { a: { t: '0-1' }, b: { t: '2' } }],
    ['several topics are spread like one', ['a', 'b'], { t: 1, u: 1 }, { a: { t: '0' }, b: { u: '0' } }],
    ['members share partitions where there are too few', ['a', 'b', 'c'], { t: 2 }, { a: { t: '0' }, b: { t: '0' }, c: { t: '1' } }],
    ['nobody has anything where there is nothing', ['a'], {}, { a: {} }],
  ] as const)('%s', (_what, memberIds, counts, expected) => {
    const topicIds = Object.keys(counts);
    const members = memberIds.map((memberId) => member(memberId, topicIds));
    expect(shown(assignSimply(members, new Map(Object.entries(counts))))).toEqual(expected);
  }); // prettier-ignore

  it('gives members only what they subscribe to, and every partition to somebody', () => {
    const members = [member('a', ['t']), member('b', ['t', 'u']), member('c', ['u'])];
    const targets = assignSimply(members, new Map([['t', 2], ['u', 1]])); // prettier-ignore
    expect(shown(targets)).toEqual({ a: { t: '0' }, b: { t: '1', u: '0' }, c: { u: '0' } });
  });

  it('lets members keep what they had, as far as that is even', () => {
    const counts = new Map([['t', 4]]);
    const former = assignSimply([member('a', ['t'])], counts).get('a');
    const two = assignSimply([member('a', ['t'], former), member('b', ['t'])], counts);
    expect(shown(two)).toEqual({ a: { t: '0-1' }, b: { t: '2-3' } });
    const three = assignSimply(['b', 'c', 'a'].map((id) => member(id, ['t'], two.get(id))), counts); // prettier-ignore
    expect(shown(three)).toEqual({ a: { t: '0-1' }, b: { t: '2' }, c: { t: '3' } });
    const many = assignSimply(
      Array.from({ length: 10 }, (_, i) => member(`m${i}`, ['t'])),
      counts,
    );
    const readers = [0, 1, 2, 3].map((one) => [...many.values()].filter((target) => target.get('t')?.has(one)).length);
    expect(readers.sort()).toEqual([2, 2, 3, 3]);
  });
});
