import { describe, expect, it } from '@jest/globals';
import { closeBackwards } from './close-backwards.ts';

describe('closing backwards', () => {
  const closed: string[] = [];
  const part = (name: string, failure?: Error) => async () => {
    closed.push(name);
    if (failure !== undefined) throw failure;
  };

  it('closes the newest first, also behind parts that cannot be closed, and tells of these', async () => {
    const [first, second] = [new Error('first'), new Error('second')];
    const opened = [part('store'), part('a', second), part('b'), part('c', first)];
    await expect(closeBackwards(opened)).rejects.toMatchObject({ errors: [first, second] });
    expect(closed).toEqual(['c', 'b', 'a', 'store']);
    await expect(closeBackwards([part('store'), part('a', first)])).rejects.toBe(first);
    // Once each.
    await closeBackwards(opened);
    expect(closed).toEqual(['c', 'b', 'a', 'store', 'a', 'store']);
  });
});
