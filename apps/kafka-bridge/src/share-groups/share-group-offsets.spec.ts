import { describe, expect, it } from '@jest/globals';
import type { Partition, Stream } from '@tailrace/shard-core';
import { MemoryDocuments } from '../testing/memory-documents.ts';
import { ShareGroupOffsets } from './share-group-offsets.ts';

function offsetsOn(groupIds: string[], topicIds: string[]) {
  const documents = new MemoryDocuments();
  const overwritten: string[] = [];
  const offsets = new ShareGroupOffsets({
    documents,
    catalog: { peekById: (id) => (topicIds.includes(id) ? ({ partitions: [{} as Partition] } as unknown as Stream) : undefined) },
    endOf: async () => 10n,
    overwritten: ({ groupId, topicId, partition }) => void overwritten.push(`${groupId}/${topicId}/${partition}`),
  });
  let asked = 0;
  const sweep = () =>
    offsets.sweep({ isOwned: (id) => id !== 'far', exists: async (id) => ((asked += 1), groupIds.includes(id)) });
  const kept = async () => (await documents.list('share-group/')).map(({ key }) => key.slice('share-group/'.length));
  return { offsets, documents, overwritten, sweep, kept, asked: () => asked };
} // prettier-ignore

describe('what share groups have read', () => {
  it('goes with its topic and with its group, when they were missed twice', async () => {
    const groupIds = ['g', 'h'];
    const topicIds = ['t', 'u'];
    const { offsets, sweep, kept, overwritten, asked } = offsetsOn(groupIds, topicIds);
    for (const groupId of ['far', 'g', 'gone', 'h'])
      for (const topicId of ['t', 'v']) await offsets.move({ groupId, topicId, partition: 0 }, 3n);
    expect(overwritten.splice(0)).toHaveLength(8);
    await sweep();
    expect([(await kept()).length, asked()]).toEqual([8, 3]);
    // One of them had only not been heard of.
    topicIds.push('v');
    await sweep();
    expect(await kept()).toEqual(['far/t/0', 'far/v/0', 'g/t/0', 'g/v/0', 'h/t/0', 'h/v/0']);
    expect(overwritten).toEqual(['gone/t/0', 'gone/v/0']);
    topicIds.splice(topicIds.indexOf('t'), 1);
    await sweep();
    groupIds.length = 0;
    await sweep();
    expect(await kept()).toEqual(['far/t/0', 'far/v/0', 'g/v/0', 'h/v/0']);
    await sweep();
    expect(await kept()).toEqual(['far/t/0', 'far/v/0']);
  });

  it('is forgotten of one group and one topic, and of no other of a similar name', async () => {
    const { offsets, kept } = offsetsOn([], []);
    for (const groupId of ['g', 'g/t', 'gg'])
      for (const topicId of ['t', 'tt']) await offsets.move({ groupId, topicId, partition: 0 }, 3n);
    expect(await offsets.forgetTopic('g', 't')).toBe(1);
    await offsets.forget('gg');
    expect(await kept()).toEqual(['g%2Ft/t/0', 'g%2Ft/tt/0', 'g/tt/0']);
    expect(await offsets.partitionsOf('g/t')).toEqual(new Map([['t', [0]], ['tt', [0]]])); // prettier-ignore
  });

  it('is forgotten page by page', async () => {
    const { offsets, kept } = offsetsOn([], []);
    for (let partition = 0; partition < 1_001; partition++) await offsets.move({ groupId: 'g', topicId: 't', partition }, 3n);
    expect(await offsets.forgetTopic('g', 't')).toBe(1_001);
    expect(await kept()).toEqual([]);
  }); // prettier-ignore
});
