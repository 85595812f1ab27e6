import { describe, expect, it } from '@jest/globals';
import { FakeTimers } from '../testing/fake-timers.ts';
import { Deadline } from './deadline.ts';

describe('Deadline', () => {
  it('is missed once, when its time is over', async () => {
    const timers = new FakeTimers();
    let missed = 0;
    const deadline = new Deadline(timers, () => (missed += 1));
    deadline.set(100);
    await timers.advance(99);
    expect([missed, deadline.isSet]).toEqual([0, true]);
    await timers.advance(1);
    expect([missed, deadline.isSet, timers.armedCount]).toEqual([1, false, 0]);
  });

  it('is put off without another timer, and brought forward', async () => {
    const timers = new FakeTimers();
    const missedAt: number[] = [];
    const deadline = new Deadline(timers, () => missedAt.push(timers.now()));
    deadline.set(100);
    await timers.advance(50);
    deadline.set(100);
    expect(timers.armedCount).toBe(1);
    await timers.advance(99);
    expect(missedAt).toEqual([]);
    deadline.set(500);
    deadline.set(10);
    await timers.advance(1_000);
    expect(missedAt).toEqual([159]);
  });

  it('is missed at once where a client asks for less than nothing', async () => {
    const timers = new FakeTimers();
    let missed = 0;
    new Deadline(timers, () => (missed += 1)).set(-0x8000_0000);
    await timers.advance(0);
    expect(missed).toBe(1);
  });

  it('is given up', async () => {
    const timers = new FakeTimers();
    const deadline = new Deadline(timers, () => {
      throw new Error('missed');
    });
    deadline.set(10);
    deadline.clear();
    expect([deadline.isSet, timers.armedCount]).toEqual([false, 0]);
    await timers.advance(100);
  });
});
