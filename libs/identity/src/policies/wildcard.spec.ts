import { describe, expect, it } from '@jest/globals';
import { compileWildcard } from './wildcard.ts';

describe('a pattern', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['', '', true],
    ['*', '', true],
    ['**', 'anything', true],
    ['a*', 'a', true],
    ['a*', 'a:b/c', true],
    ['a*', 'b', false],
    ['*a', 'ba', true],
    ['*a', 'ab', false],
    ['a*c', 'abcbc', true],
    ['a*c', 'abcb', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['?', 'x', true],
    ['?', '', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a?*', 'a', false],
    ['a?*', 'ab', true],
    ['*?', '', false],
    ['a.c', 'abc', false],
    ['[a]', 'a', false],
    ['arn:aws:kinesis:*:*:stream/orders*', 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders-eu', true],
    ['arn:aws:kinesis:*:*:stream/orders*', 'arn:aws:kinesis:eu-west-1:111122223333:stream/invoices', false],
    ['arn:aws:kinesis:*:*:stream/a*z', 'arn:aws:kinesis:eu-west-1:111122223333:stream/abcz', true],
    ['arn:aws:kinesis:*', '*', false],
  ])('%j and %j: %s', (pattern, text, matches) => {
    expect(compileWildcard(pattern)(text)).toBe(matches);
  });

  it('of many stars takes no long time', () => {
    const started = performance.now();
    expect(compileWildcard(`${'a*'.repeat(500)}b`)('a'.repeat(2_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
