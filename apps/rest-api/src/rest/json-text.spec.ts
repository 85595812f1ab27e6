import { describe, expect, it } from '@jest/globals';
import { NESTING_MAX, parseJson, positionTooDeep, syntaxErrorPosition } from './json-text.ts';

describe('parseJson', () => {
  it('reads UTF-8 JSON, with or without a byte order mark', () => {
    expect(parseJson(Buffer.from('{"a":"ü"}'))).toEqual({ ok: true, value: { a: 'ü' } });
    expect(parseJson(Buffer.from('\ufeff[1]'))).toEqual({ ok: true, value: [1] });
  });

  it('refuses bytes that are not UTF-8 instead of replacing them', () => {
    expect(parseJson(Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({
      ok: false,
      error: { message: 'Not JSON at position 0 (line 1, column 1): the text is not UTF-8.' },
    });
  });

  it.each([
    '12345678901234567890',
    '-9007199254740993',
    '0.12345678901234567891',
    '123456789.123456789',
    '1e400',
    '1.5E-999',
    '[{"a":1e400,"b":[18446744073709551615]}]',
  ])('keeps every digit of %s', (text) => {
    const parsed = parseJson(Buffer.from(text));
    expect(parsed.ok && JSON.stringify(parsed.value)).toBe(text);
  });

  it('leaves numbers that a double holds what they are', () => {
    const text = '[1, -2.5, 1.50e3, 9007199254740992, 1e100, "12345678901234567890", 0.1]';
    expect(parseJson(Buffer.from(text))).toEqual({
      ok: true,
      value: [1, -2.5, 1500, 9007199254740992, 1e100, '12345678901234567890', 0.1],
    });
  });

  it('has done with a number of very many digits at once', () => {
    const started = performance.now();
    for (const text of [`1.${'0'.repeat(100_000)}1`, `1${'0'.repeat(100_000)}1e-50000`]) {
      expect(parseJson(Buffer.from(text)).ok).toBe(true);
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it.each(['', '12345678901234567890'])(
    'takes lists and objects within one another up to a bound, around %j',
    (core) => {
      const nested = (depth: number): string => {
        const half = Math.floor(depth / 2);
        return `${'{"a":['.repeat(half)}${depth % 2 === 1 ? `[${core}]` : core}${']}'.repeat(half)}`;
      };
      const parsed = parseJson(Buffer.from(nested(NESTING_MAX)));
      expect(parsed.ok && JSON.stringify(parsed.value)).toBe(nested(NESTING_MAX));
      expect(parseJson(Buffer.from(nested(NESTING_MAX + 1)))).toMatchObject({
        ok: false,
        error: {
          message: expect.stringMatching(/^Not JSON at position 3000 .*: nested more than 1000 levels deep\.$/),
        },
      });
    },
  );

  it('says where the text stops being JSON', () => {
    expect(parseJson(Buffer.from('{\n  "a": 1,\n  b: 2\n}'))).toEqual({
      ok: false,
      error: {
        position: 14,
        line: 3,
        column: 3,
        message: 'Not JSON at position 14 (line 3, column 3): unexpected "b".',
      },
    });
  });
});

describe('positionTooDeep', () => {
  const depth = 2 * NESTING_MAX;
  it.each([
    ['brackets within a string', `["${'['.repeat(depth)}"]`, undefined],
    ['quotes within a string', `["\\"${'['.repeat(depth)}\\\\\\"[\\\\"]`, undefined],
    ['what is closed again', `[${'[],{},'.repeat(depth)}1]`, undefined],
    ['brackets behind a string that ends with a backslash', `["\\\\",${'['.repeat(depth)}`, 6 + NESTING_MAX - 1],
    ['a string without end', `"${'['.repeat(depth)}`, undefined],
  ])('of %s', (_what, text, position) => {
    expect(positionTooDeep(text)).toBe(position);
  });
});

describe('syntaxErrorPosition', () => {
  it.each([
    ['', 0],
    ['{', 1],
    ['{"a"', 4],
    ['{"a":', 5],
    ['{"a":1,}', 7],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['{"a":1} x', 8],
    ['"abc', 4],
    ['"a\\x"', 2],
    ['"a\nb"', 2],
    ['tru', 3],
    ['trux', 3],
    ['nul1', 3],
    ['-', 1],
    ['01', 1],
    ['1.', 1],
    [']', 0],
    ['{]', 1],
    ["{'a':1}", 1],
    ['\u00a01', 0],
  ])('finds the break in %j at %d', (text, position) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(syntaxErrorPosition(text)).toBe(position);
  });

  it('passes over whatever JSON.parse accepts', () => {
    for (const text of ['{"a":[1,-2.5e+3,{"b":null}],"c":"\\u00e9\\n"}', ' [ ] ', '{ }', '"x"', 'true', '0']) {
      JSON.parse(text);
      expect(syntaxErrorPosition(text)).toBe(text.length);
    }
  });

  it('does not overflow on deep nesting', () => {
    const depth = 200_000;
    expect(syntaxErrorPosition('['.repeat(depth) + '}')).toBe(depth);
  });
});
