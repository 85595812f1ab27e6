import { describe, expect, it } from '@jest/globals';
import {
  crc32c,
  evenHashRanges,
  HASH_KEY_MAX,
  hashKeyOf,
  murmur2,
  parseHashKey,
  partitionForKey,
  rendezvousOwner,
  ShardRouter,
} from './index.ts';

const ascii = (text: string) => Buffer.from(text, 'utf8');

describe('crc32c', () => {
  // RFC 3720, appendix B.4
  it.each([
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    [ascii('123456789'), 0xe3069283],
  ])('answers as RFC 3720 (%#)', (bytes, expected) => {
    expect(crc32c(bytes)).toEqual(expected);
  });
});

describe('murmur2', () => {
  // Values of Apache Kafka's own UtilsTest.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %p as Kafka does', (text, expected) => {
    expect(murmur2(ascii(text))).toEqual(expected);
    expect(partitionForKey(ascii(text), 7)).toEqual((expected & 0x7fffffff) % 7);
  });
});

describe('hash keys', () => {
  it('reads MD5 as an unsigned big-endian integer', () => {
    expect(hashKeyOf('')).toEqual(0xd41d8cd98f00b204e9800998ecf8427en);
  });

  it.each([
    ['0', 0n],
    [HASH_KEY_MAX.toString(), HASH_KEY_MAX],
    [(HASH_KEY_MAX + 1n).toString(), undefined],
    ['01', undefined],
    ['-1', undefined],
    ['', undefined],
  ])('parses %p', (text, expected) => {
    expect(parseHashKey(text)).toEqual(expected);
  });
});

describe('ShardRouter', () => {
  it.each([1, 2, 3, 4, 7, 16, 1000])('routes as a comparison of whole hashes does, with %d ranges', (count) => {
    const ranges = evenHashRanges(count).map((hashRange) => ({ hashRange }));
    expect(ranges[0]?.hashRange.start).toEqual(0n);
    expect(ranges.at(-1)?.hashRange.end).toEqual(HASH_KEY_MAX);
    const router = new ShardRouter(ranges);
    for (let i = 0; i < 2000; i++) {
      const { hashRange } = router.forPartitionKey(`key-${i}`);
      const key = hashKeyOf(`key-${i}`);
      expect(key >= hashRange.start && key <= hashRange.end).toBe(true);
    }
  });

  it('decides by the whole hash where a boundary lies inside the first 32 bits', () => {
    const key = hashKeyOf('boundary');
    for (const boundary of [key - 1n, key, key + 1n]) {
      const low = { hashRange: { start: 0n, end: boundary - 1n } };
      const high = { hashRange: { start: boundary, end: HASH_KEY_MAX } };
      expect(new ShardRouter([high, low]).forPartitionKey('boundary')).toBe(key >= boundary ? high : low);
    }
  });
});

describe('rendezvousOwner', () => {
  it('moves only the names of the member that left', () => {
    const names = Array.from({ length: 500 }, (_, i) => `group-${i}`);
    for (const name of names) {
      const before = rendezvousOwner(name, [1, 2, 3]);
      const after = rendezvousOwner(name, [1, 3]);
      if (before !== 2) expect(after).toEqual(before);
    }
    expect(rendezvousOwner('x', [])).toBeUndefined();
  });
});
