import { isValidSpanId, isValidTraceId } from '@opentelemetry/api';
import { describe, expect, it, jest } from '@jest/globals';
import { TableIdGenerator } from './span-ids.ts';

describe('span and trace ids', () => {
  const ids = new TableIdGenerator();

  it('are legal and do not repeat', () => {
    const traceIds = Array.from({ length: 10_000 }, () => ids.generateTraceId());
    const spanIds = Array.from({ length: 10_000 }, () => ids.generateSpanId());
    expect([traceIds.every(isValidTraceId), spanIds.every(isValidSpanId)]).toEqual([true, true]);
    expect([new Set(traceIds).size, new Set(spanIds).size]).toEqual([10_000, 10_000]);
  });

  it.each([
    [0, '00000001'],
    [0.5, '80000000'],
    [1 - 2 ** -53, 'ffffffff'],
  ])('are legal at the ends of the random range: %p', (random, digits) => {
    jest.spyOn(Math, 'random').mockReturnValue(random);
    expect([ids.generateSpanId(), ids.generateTraceId()]).toEqual([digits.repeat(2), digits.repeat(4)]);
    jest.restoreAllMocks();
  });
});
