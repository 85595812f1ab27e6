import { describe, expect, it } from '@jest/globals';
import { compileTopicRegex, REGEX_CHARACTERS_MAX, REGEX_INSTRUCTIONS_MAX } from './topic-regex.ts';

async function compiled(pattern: string) {
  const regex = await compileTopicRegex(pattern);
  if (typeof regex === 'string') throw new Error(regex);
  return regex;
}

describe('a regular expression of a subscription', () => {
  it.each([
    ['orders-.*', 'orders-eu', true],
    ['orders', 'orders-eu', false],
    ['.*rders', 'orders', true],
    ['(orders|payments)', 'payments', true],
    ['[[:alpha:]]+\\d{2}', 'abc12', true],
    ['^orders$', 'orders', true],
    ['(?i)ORDERS', 'orders', true],
    ['', 'orders', false],
  ])('%s matches all of %s or not at all', async (pattern, name, expected) => {
    expect((await compiled(pattern)).matches(name)).toBe(expected);
  });

  it.each(['[', '(?=a)b', '(a)\\1', 'a{1001}', '((a{100}){100}){100}', '*', `${'('.repeat(1500)}${')'.repeat(1500)}`])(
    '%s is refused, as RE2 refuses it',
    async (pattern) => {
      expect(typeof (await compileTopicRegex(pattern))).toBe('string');
    },
  );

  it.each([
    ['(a+)+$', `${'a'.repeat(248)}!`],
    ['(x+x+)+y', 'x'.repeat(249)],
    ['(.*)*(.*)*(.*)*z', 'a'.repeat(249)],
    [`(${'.?'.repeat(300)})${'a'.repeat(200)}`, 'a'.repeat(249)],
  ])('%s takes linear time', async (pattern, name) => {
    const regex = await compiled(pattern);
    const begin = performance.now();
    regex.matches(name);
    // JavaScript's own expressions take longer than the universe has been there. Measured: 1 to 100 ms.
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  it('is bounded in its text and in what it compiles to', async () => {
    expect(typeof (await compileTopicRegex('a'.repeat(990)))).toBe('object');
    expect(await compileTopicRegex('a'.repeat(REGEX_CHARACTERS_MAX + 1))).toBe(
      `it has ${REGEX_CHARACTERS_MAX + 1} characters, at most ${REGEX_CHARACTERS_MAX} are taken`,
    );
    expect(await compileTopicRegex('(.?){1000}')).toMatch(
      new RegExp(`compiles to \\d+ instructions, at most ${REGEX_INSTRUCTIONS_MAX} are taken`),
    );
  });
});
