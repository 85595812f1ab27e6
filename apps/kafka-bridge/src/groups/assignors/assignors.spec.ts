import { describe, expect, it } from '@jest/globals';
import { countPartitions, partitionLists, type PartitionSets } from '../topic-partitions.ts';
import type { AssignableMember } from './assignor.ts';
import { ASSIGNORS } from './index.ts';
import { assignRange } from './range-assignor.ts';
import { assignUniform } from './uniform-assignor.ts';

function member(
  memberId: string,
  topics: readonly string[],
  more: { instanceId?: string; former?: PartitionSets } = {},
): AssignableMember {
  return { memberId, instanceId: more.instanceId ?? null, topicIds: new Set(topics), former: more.former ?? new Map() };
}

/** `a:0,1 b:0`, by member. */
function shown(assignment: ReadonlyMap<string, PartitionSets>): Record<string, string> {
  const texts = [...assignment].map(([memberId, its]): [string, string] => [
    memberId,
    partitionLists(its)
      .map(({ topicId, partitions }) => `${topicId}:${partitions.join()}`)
      .sort()
      .join(' '),
  ]);
  return Object.fromEntries(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A small generator of its own, so that a failing case can be run again. */
function randomFrom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 0x8000_0000;
    return Math.floor((state / 0x8000_0000) * below);
  };
}

/** Members with random subscriptions, and some of what they had before. */
function randomCase(seed: number, alike: boolean) {
  const random = randomFrom(seed);
  const topics = new Map(Array.from({ length: 1 + random(6) }, (_, i) => [`t${i}`, 1 + random(12)]));
  const names = [...topics.keys()];
  const members = Array.from({ length: 1 + random(9) }, (_, i) => {
    const its = alike ? names : names.filter(() => random(3) > 0);
    const former = new Map(names.filter(() => random(2) > 0).map((name) => [name, new Set([random(14), random(14)])]));
    return member(`m${i}`, its, { former });
  });
  return { members, topics };
}

describe.each([...ASSIGNORS])('%s', (_, assign) => {
  it.each([true, false])('gives each partition to one member that wants it (subscriptions alike: %s)', (alike) => {
    for (let seed = 1; seed <= 300; seed++) {
      const { members, topics } = randomCase(seed, alike);
      const assignment = assign(members, topics);
      const readers = new Map<string, string>();
      const wrong: string[] = [];
      for (const { memberId, topicIds } of members) {
        for (const { topicId, partitions } of partitionLists(assignment.get(memberId) as PartitionSets)) {
          for (const partition of partitions) {
            const place = `${topicId}/${partition}`;
            const isWanted = topicIds.has(topicId) && partition < (topics.get(topicId) as number);
            if (!isWanted || readers.has(place)) wrong.push(`${seed}: ${memberId} has ${place}`);
            readers.set(place, memberId);
          }
        }
      }
      expect(wrong).toEqual([]);
      let wanted = 0;
      for (const [topicId, count] of topics) if (members.some(({ topicIds }) => topicIds.has(topicId))) wanted += count;
      expect([seed, readers.size]).toEqual([seed, wanted]);
    }
  });

  it('has nothing to give where there are no members or no topics', () => {
    expect(assign([], new Map([['a', 3]]))).toEqual(new Map());
    expect(assign([member('m', ['a'])], new Map())).toEqual(new Map([['m', new Map()]]));
  });
});

describe('range', () => {
  const topics = new Map([
    ['a', 6],
    ['b', 6],
    ['c', 3],
  ]);
  const all = [...topics.keys()];

  // Both tables are what Apache Kafka 4.3.1 answered to the same members.
  it('gives the same partitions of like topics to the same member, static ones first', () => {
    const members = [member('m1', all), member('m2', all), member('m3', all, { instanceId: 'q' }), member('m4', all, { instanceId: 'b' })]; // prettier-ignore
    expect(shown(assignRange(members, topics))).toEqual({
      m1: 'a:4 b:4 c:2',
      m2: 'a:5 b:5',
      m3: 'a:2,3 b:2,3 c:1',
      m4: 'a:0,1 b:0,1 c:0',
    });
  });

  it('shares out each topic among those who subscribe to it', () => {
    const members = [member('mb', all), member('ma', all, { instanceId: 'z' }), member('mc', ['a', 'b']), member('m0', ['c'], { instanceId: 'a' })]; // prettier-ignore
    expect(shown(assignRange(members, topics))).toEqual({
      m0: 'c:0',
      ma: 'a:0,1 b:0,1 c:1',
      mb: 'a:2,3 b:2,3 c:2',
      mc: 'a:4,5 b:4,5',
    });
  });
});

describe('uniform', () => {
  it('gives nobody more than one partition more than others, where all subscribe alike', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { members, topics } = randomCase(seed, true);
      const counts = [...assignUniform(members, topics).values()].map(countPartitions);
      expect([seed, Math.max(...counts) - Math.min(...counts) <= 1]).toEqual([seed, true]);
    }
  });

  it.each([true, false])('leaves a balanced group as it is (subscriptions alike: %s)', (alike) => {
    for (let seed = 1; seed <= 100; seed++) {
      const { members, topics } = randomCase(seed, alike);
      const first = assignUniform(members, topics);
      const again = members.map((one) => ({ ...one, former: first.get(one.memberId) as PartitionSets }));
      expect([seed, shown(assignUniform(again, topics))]).toEqual([seed, shown(first)]);
    }
  });

  it('takes from each no more than a newcomer is to have', () => {
    const topics = new Map([['a', 12]]);
    const three = assignUniform([member('m1', ['a']), member('m2', ['a']), member('m3', ['a'])], topics);
    const members = ['m1', 'm2', 'm3', 'm4'].map((id) => member(id, ['a'], { former: three.get(id) ?? new Map() }));
    const four = assignUniform(members, topics);
    for (const id of ['m1', 'm2', 'm3']) {
      const kept = [...(four.get(id)?.get('a') ?? [])].filter((partition) => three.get(id)?.get('a')?.has(partition));
      expect([id, kept.length]).toEqual([id, 3]);
    }
    expect(four.get('m4')?.get('a')?.size).toBe(3);
  });

  it('makes up by other topics for what a member cannot read', () => {
    const topics = new Map([['a', 4], ['b', 4]]); // prettier-ignore
    const counts = [...assignUniform([member('both', ['a', 'b']), member('only-b', ['b'])], topics)].map(([id, its]) => [id, countPartitions(its)]); // prettier-ignore
    expect(counts).toEqual([['both', 4], ['only-b', 4]]); // prettier-ignore
  });

  it('shares 20,000 partitions among 2,000 members in well under a second, alike or not', () => {
    const topics = new Map(Array.from({ length: 200 }, (_, i) => [`t${i}`, 100]));
    const names = [...topics.keys()];
    const alike = new Set(names);
    for (const members of [
      Array.from({ length: 2_000 }, (_, i) => ({ ...member(`m${i}`, []), topicIds: alike })),
      Array.from({ length: 2_000 }, (_, i) => member(`m${i}`, names.slice(i % 100, 100 + (i % 100)))),
    ]) {
      const begin = performance.now();
      assignUniform(members, topics);
      // Measured: 15 ms and 130 ms; the bound leaves room for a busy machine.
      expect(performance.now() - begin).toBeLessThan(2_000);
    }
  });
});
