import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { generatedModule } from './lua/generate.ts';
import { scripts } from './scripts.ts';

/** What a script's header promises. */
function headerOf(text: string) {
  const lines = text.split('\n');
  const comment = lines.filter((line) => line.startsWith('--')).map((line) => line.replace(/^-- ?/, ''));
  const begin = comment.findIndex((line) => line.startsWith('Returns'));
  const end = comment.findIndex((line, at) => at > begin && line === '');
  const returns = comment.slice(begin, end).join('\n');
  return {
    title: comment[0],
    keys: [...text.matchAll(/^-- KEYS\[(\d+)\]\s+\w+\s+(stream|hash|string|zset)\b/gm)].map((match) =>
      Number(match[1]),
    ),
    replies: [...new Set([...returns.matchAll(/\{'(\w+)'/g)].map((match) => match[1]))],
    reason: comment.slice(end).join(' ').trim(),
  };
}

describe('scripts', () => {
  it('are in the generated module as they are in the .lua files', () => {
    expect(readFileSync(new URL('scripts.generated.ts', import.meta.url), 'utf8')).toEqual(generatedModule());
  });

  it.each(Object.values(scripts))(
    '$name has a header that says what scripts.ts says',
    ({ name, keyCount, replies, text }) => {
      const header = headerOf(text);
      expect(header.title).toMatch(new RegExp(`^${name}: \\w`));
      expect(header.keys).toEqual(Array.from({ length: keyCount }, (_, index) => index + 1));
      expect([...header.replies].sort()).toEqual([...replies].sort());
      expect(header.reason).toMatch(/One step/);
    },
  );

  it.each(Object.values(scripts))('$name answers only what its header names', ({ replies, text }) => {
    const code = text.replaceAll(/--.*$/gm, '');
    const answered = [...code.matchAll(/(?:return|state =|answer =) \{?'(\w+)'/g)].map((match) => match[1] as string);
    expect(answered.length).toBeGreaterThan(0);
    for (const tag of answered) expect(replies).toContain(tag);
  });

  it.each(Object.values(scripts))('$name names its KEYS and ARGV in its first lines of code', ({ text }) => {
    const code = text.split('\n').filter((line) => line !== '' && !/^(--|#!)/.test(line));
    expect(code[0]).toMatch(/^local .*KEYS\[1\]/);
    const lastKeys = code.findLastIndex((line) => /KEYS\[/.test(line));
    expect(lastKeys).toBe(0);
  });
});
