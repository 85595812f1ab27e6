import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { BodyBudget } from './body-budget.ts';
import type { StreamedExchange } from './exchange.ts';
import { BODIES_HELD_BYTES_MAX } from './http-limits.ts';
import { type BodyOutcome, gatherBody } from './request-body.ts';

function request(budget: BodyBudget) {
  const source = Object.assign(new EventEmitter(), { pause() {} });
  const outcomes: BodyOutcome[] = [];
  gatherBody({ headers: {}, source } as unknown as StreamedExchange, budget, 1000, (outcome) => outcomes.push(outcome));
  return { source, outcomes };
}

describe('BodyBudget', () => {
  it('gives exactly what it has', () => {
    const budget = new BodyBudget();
    expect(budget.take(BODIES_HELD_BYTES_MAX)).toBe(true);
    expect(budget.take(1)).toBe(false);
    budget.giveBack(1);
    expect(budget.take(1)).toBe(true);
  });

  it('refuses bodies while others hold all of it, and forgets those that were refused or left', () => {
    const budget = new BodyBudget();
    budget.take(BODIES_HELD_BYTES_MAX - 5);
    const one = request(budget);
    one.source.emit('data', Buffer.alloc(3));
    const two = request(budget);
    two.source.emit('data', Buffer.alloc(2));
    two.source.emit('data', Buffer.alloc(1));
    expect(two.outcomes).toEqual([{ ok: false, code: 'busy' }]);
    one.source.emit('close');
    expect(one.outcomes).toEqual([{ ok: false, code: 'gone' }]);
    expect(budget.heldBytes).toBe(BODIES_HELD_BYTES_MAX - 5);
    const three = request(budget);
    three.source.emit('data', Buffer.from('ab'));
    three.source.emit('data', Buffer.from('cde'));
    three.source.emit('end');
    expect(three.outcomes).toEqual([{ ok: true, body: Buffer.from('abcde') }]);
  });
});
