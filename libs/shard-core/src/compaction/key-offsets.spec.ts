import { describe, expect, it } from '@jest/globals';
import { KeyOffsets } from './key-offsets.ts';

const key = (i: number) => Buffer.from(`key-${i}`);

describe('KeyOffsets', () => {
  it('knows the newest offset of each key, also after it has grown', () => {
    const keys = new KeyOffsets(1024 * 1024);
    for (let i = 0; i < 5_000; i++) keys.put(key(i), i);
    for (let i = 0; i < 5_000; i += 3) keys.put(key(i), 10_000 + i);
    expect(keys.count).toEqual(5_000);
    for (let i = 0; i < 5_000; i++) expect(keys.get(key(i))).toEqual(i % 3 === 0 ? 10_000 + i : i);
    expect(keys.get(Buffer.from('another'))).toBeUndefined();
  });

  it('tells an offset of 0 from none, and an empty key from none', () => {
    const keys = new KeyOffsets(0);
    expect(keys.get(Buffer.alloc(0))).toBeUndefined();
    keys.put(Buffer.alloc(0), 0);
    expect(keys.get(Buffer.alloc(0))).toEqual(0);
    keys.put(key(1), 2 ** 52);
    expect(keys.get(key(1))).toEqual(2 ** 52);
  });

  it('has room for what its memory holds, at its bound and one past it, and always for the first batch', () => {
    const keys = new KeyOffsets(1024 * 24);
    expect(keys.hasRoomFor(1_000_000)).toEqual(true);
    for (let i = 0; i < 760; i++) keys.put(key(i), i);
    expect(keys.hasRoomFor(8)).toEqual(true);
    expect(keys.hasRoomFor(9)).toEqual(false);
  });
});
