import { describe, expect, it } from '@jest/globals';
import { AwsError } from './aws-error.ts';
import { PageSlots, PAGES_AWAITED_MAX } from './page-slots.ts';

describe('places for pages', () => {
  it('are there at once, until they are taken; then they are handed on in turn', async () => {
    const slots = new PageSlots(2);
    expect([slots.take(), slots.take()]).toEqual([undefined, undefined]);
    const order: string[] = [];
    const [one, other] = [slots.take()!.then(() => order.push('one')), slots.take()!.then(() => order.push('other'))];
    slots.giveBack();
    await one;
    expect(order).toEqual(['one']);
    slots.giveBack();
    await other;
    slots.giveBack();
    slots.giveBack();
    expect([slots.take(), slots.take()]).toEqual([undefined, undefined]);
    expect(slots.take()).toBeInstanceOf(Promise);
  });

  it('are not waited for by more than so many', () => {
    const slots = new PageSlots(0);
    for (let i = 0; i < PAGES_AWAITED_MAX; i++) expect(slots.take()).toBeInstanceOf(Promise);
    expect(() => slots.take()).toThrow(AwsError);
  });
});
