import { describe, expect, it } from '@jest/globals';
import { EntryList } from './entry-list.ts';

describe('a list of entries', () => {
  it('knows the last one, and forgets what lies behind one that it knows', () => {
    const list = new EntryList();
    expect([list.length, list.end, list.crc]).toEqual([0, 0, undefined]);
    for (let i = 0; i < 1_000; i++) list.add(0xffff_0000 + (i % 600), 100 * (i + 1));
    expect([list.length, list.end, list.crc]).toEqual([1_000, 100_000, 0xffff_0000 + 399]);
    // Not there any more, or never was.
    expect(list.cutBehind(7)).toBe(false);
    // 50 stands at 50 and at 650: the last one counts.
    expect(list.cutBehind(0xffff_0000 + 50)).toBe(true);
    expect([list.length, list.end, list.crc]).toEqual([651, 65_100, 0xffff_0000 + 50]);
    list.add(3, 65_200);
    expect(list.cutBehind(0xffff_0000 + 60)).toBe(true);
    expect([list.length, list.end]).toEqual([61, 6_100]);
  });
});
