import { describe, expect, it } from '@jest/globals';
import { notBefore } from './not-before.ts';

describe('notBefore', () => {
  it.each([
    [0, 1],
    [60, 61],
    [60.01, 62],
    [60.99, 62],
    [2 ** 31 - 3, 2 ** 31 - 2],
    [2 ** 31 - 2, 2 ** 31 - 1],
    [2 ** 31 - 1, 2 ** 31 - 1],
  ])('sets the timer of %d ms to %d', (durationMs, timerMs) => {
    expect(notBefore(durationMs)).toBe(timerMs);
  });
});
