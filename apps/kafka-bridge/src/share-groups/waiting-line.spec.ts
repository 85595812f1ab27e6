import { describe, expect, it } from '@jest/globals';
import { WaitingLine } from './waiting-line.ts';

function lineOf(...names: string[]) {
  const line = new WaitingLine();
  const woken: string[] = [];
  const waiters = names.map((name) => ({ isWatching: true, wake: () => void woken.push(name) }));
  for (const waiter of waiters) line.join(waiter);
  /** Who was woken since. */
  const heard = () => woken.splice(0).join('');
  return { line, waiters, heard };
}

describe('a line of requests that wait', () => {
  it('tells its first one of news, and nobody else', () => {
    const { line, waiters, heard } = lineOf('a', 'b', 'c');
    expect([line.first === waiters[0], line.size, heard()]).toEqual([true, 3, '']);
    line.wakeFirst();
    expect(heard()).toBe('a');
    line.wakeAll();
    expect(heard()).toBe('abc');
  });

  it('wakes whoever becomes first', () => {
    const { line, waiters, heard } = lineOf('a', 'b', 'c');
    const [a, b, c] = waiters as [(typeof waiters)[0], (typeof waiters)[0], (typeof waiters)[0]];
    line.leave(b);
    expect(heard()).toBe('');
    line.leave(a);
    expect([heard(), line.first === c]).toEqual(['c', true]);
    line.leave(a);
    expect(heard()).toBe('');
    line.leave(c);
    expect([heard(), line.size]).toEqual(['', 0]);
  });

  it('sends whoever got something to its end', () => {
    const { line, waiters, heard } = lineOf('a', 'b');
    const [a, b] = waiters as [(typeof waiters)[0], (typeof waiters)[0]];
    line.served(a);
    expect([heard(), line.first === b]).toEqual(['b', true]);
    line.served(a);
    expect([heard(), line.first === b]).toEqual(['', true]);
    line.leave(b);
    expect(heard()).toBe('a');
    line.served(a);
    expect([heard(), line.first === a]).toEqual(['', true]);
    line.leave(a);
    line.served(a);
    expect(line.size).toBe(0);
  });
});
