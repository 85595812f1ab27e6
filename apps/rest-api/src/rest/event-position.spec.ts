import { describe, expect, it } from '@jest/globals';
import { formatEventPosition, parseEventPosition } from './event-position.ts';

const STREAM_ID = 'AbCdEfGh_-0123456789xx';

describe('an event position', () => {
  it.each<[string, [number, bigint][]]>([
    ['no shard', []],
    ['one shard', [[0, 0n]]],
    [
      'several shards',
      [
        [0, 5n],
        [1, 127n],
        [2, 128n],
        [7, 300_000n],
      ],
    ],
    ['the largest offset', [[4_294_967_295, (1n << 63n) - 1n]]],
    [
      'offsets around 2^30 and 2^53',
      [
        [3, 1n << 30n],
        [4, (1n << 30n) - 1n],
        [5, (1n << 53n) + 1n],
      ],
    ],
  ])('comes back the same: %s', (_name, pairs) => {
    const offsets = new Map(pairs);
    expect(parseEventPosition(STREAM_ID, formatEventPosition(STREAM_ID, offsets))).toEqual(offsets);
  });

  it('is short', () => {
    expect(formatEventPosition(STREAM_ID, new Map([[0, 1_000_000n]]))).toBe('AbCdEfGh.AQDAhD0');
    const hundred = new Map(Array.from({ length: 100 }, (_, number) => [number, 1_000_000n] as const));
    expect(formatEventPosition(STREAM_ID, hundred).length).toBeLessThan(560);
  });

  it('tells a position of another stream', () => {
    const position = formatEventPosition('ZZZZZZZZ_-0123456789xx', new Map([[0, 1n]]));
    expect(parseEventPosition(STREAM_ID, position)).toBe('otherStream');
  });

  it.each(['', '1', 'AbCdEfGh.', 'AbCdEfGh.Ag', 'AbCdEfGh.AQA', 'AbCdEfGh.AQCA', 'AbCdEfGh.!!', 'x'.repeat(10_000)])(
    'refuses %j',
    (text) => {
      expect(parseEventPosition(STREAM_ID, text)).toBeUndefined();
    },
  );

  it('refuses a shard that is named twice and a varint without an end', () => {
    const twice = Buffer.from([1, 3, 1, 0, 1]).toString('base64url');
    const endless = Buffer.from([1, 3, ...new Array<number>(12).fill(0xff)]).toString('base64url');
    expect(parseEventPosition(STREAM_ID, `AbCdEfGh.${twice}`)).toBeUndefined();
    expect(parseEventPosition(STREAM_ID, `AbCdEfGh.${endless}`)).toBeUndefined();
  });
});
