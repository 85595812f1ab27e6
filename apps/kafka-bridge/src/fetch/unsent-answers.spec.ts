import { describe, expect, it } from '@jest/globals';
import { UnsentAnswers } from './unsent-answers.ts';

describe('UnsentAnswers', () => {
  it('leaves room for what fits, and for one batch when nothing does', () => {
    const unsent = new UnsentAnswers(100);
    expect(unsent.room(100)).toBe(100);
    unsent.add(60);
    expect([unsent.room(30), unsent.room(50)]).toEqual([30, 40]);
    unsent.add(60);
    expect(unsent.room(50)).toBe(1);
    unsent.sent(60);
    expect(unsent.room(50)).toBe(40);
  });
});
