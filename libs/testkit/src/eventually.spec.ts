import { describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('answers what the first successful attempt answered', async () => {
    let attempts = 0;
    const answer = await eventually(
      () => {
        attempts += 1;
        if (attempts < 3) throw new Error('not yet');
        return { attempts };
      },
      { intervalMs: 1 },
    );
    expect(answer).toEqual({ attempts: 3 });
  });

  it('takes false for "not yet", and every other value for an answer', async () => {
    const answers = [false, false, 0];
    expect(await eventually(() => answers.shift(), { intervalMs: 1 })).toEqual(0);
  });

  it('throws the last failure with its cause when the time is up', async () => {
    const cause = new Error('still 3');
    const attempt = eventually(() => Promise.reject(cause), { timeoutMs: 20, intervalMs: 5 });
    await expect(attempt).rejects.toMatchObject({ message: 'not so within 20 ms: still 3', cause });
  });
});
