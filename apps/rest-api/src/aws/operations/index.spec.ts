import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { notImplemented, operations } from './index.ts';

const here = new URL('.', import.meta.url);
const page = readFileSync(new URL('../../../../../docs/kinesis-compatibility.md', here), 'utf8');
const sections = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
/** Its specs speak HTTP/2, which takes a door. */
const SPEC_ELSEWHERE: Readonly<Record<string, string>> = {
  SubscribeToShard: '../../../test/subscribe-to-shard.e2e.spec.ts',
};
const built = Object.entries(operations).flatMap(([name, entry]) => (entry === notImplemented ? [] : name));

describe('every operation', () => {
  it.each(built)('%s has a file, a spec and a section in the documentation', (name) => {
    const file = name.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase();
    const spec = SPEC_ELSEWHERE[name] ?? `${file}.spec.ts`;
    expect([existsSync(new URL(`${file}.ts`, here)), existsSync(new URL(spec, here)), sections.includes(name)]).toEqual(
      [true, true, true],
    );
  });

  it('is documented once, and nothing else is', () => {
    expect([...sections].sort()).toEqual([...built].sort());
  });
});
