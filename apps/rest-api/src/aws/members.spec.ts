import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@tailrace/testkit';
import { consumerArnMember } from './consumers/consumer-reference.ts';
import { resourceArn, streamArn } from './members.ts';

const shapes = { streamArn, resourceArn, consumerArnMember };
const pieces = [
  'arn:aws', ':kinesis:', 'kinesis', ':', ':123456789012:', '123456789012', 'stream/', ':stream/', 'queue/', 'channel/',
  '/consumer/', 'a', ':1', ' ', '\n', '\u2028',
]; // prettier-ignore

describe.each(Object.entries(shapes))('what is matched for the pattern of %s', (_name, shape) => {
  const pattern = new RegExp(`^(?:${shape.pattern})$`);

  it('are the same texts', () => {
    const random = seededRandom(11);
    const piece = (): string => pieces[Math.floor(random() * pieces.length)] as string;
    const likely = ['arn:aws', ':kinesis:', ':123456789012:', 'stream/', 'a', '/consumer/', 'a', ':1'];
    let matching = 0;
    const differing: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      // A right one, with something between its parts, and now and then without one of them.
      const text = likely
        .map((part) => (random() < 0.03 ? '' : part) + (random() < 0.25 ? piece() + piece() : ''))
        .join('');
      const expected = pattern.test(text);
      if (expected) matching++;
      if (shape.matches.test(text) !== expected) differing.push(text);
    }
    expect(differing).toEqual([]);
    expect(matching).toBeGreaterThan(500);
  });

  it('takes no long time, however often a text seems to begin anew', () => {
    const units = [':kinesis:', ':kinesis::123456789012:', ':kinesis:123456789012:stream/', ':123456789012:stream/'];
    const started = performance.now();
    for (const unit of units) {
      for (const end of ['', ' ']) {
        const text = `arn:aws:kinesis:${unit.repeat(300)}`.slice(0, 2048 - end.length) + end;
        for (let i = 0; i < 10; i++) shape.matches.test(text);
      }
    }
    expect(performance.now() - started).toBeLessThan(500);
  });
});
