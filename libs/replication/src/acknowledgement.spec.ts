import { describe, expect, it } from '@jest/globals';
import { acksOfKafka, REPLICATION_TIMEOUT_MS, requirementOfProduce, requirementOfPut } from './index.ts';

describe('acknowledgement', () => {
  it.each([
    [0, 'none'],
    [1, 'leader'],
    [-1, 'all'],
    [2, undefined],
    [-2, undefined],
  ])('takes acks=%i for %s', (acks, meaning) => {
    expect(acksOfKafka(acks)).toBe(meaning);
  });

  it('hands the watermark’s copies on whatever was asked, because readers depend on them', () => {
    for (const acks of ['none', 'leader', 'all'] as const) {
      expect(requirementOfProduce(acks, 1_500, { minInsyncReplicas: 2 })).toEqual({
        acks,
        minInsyncReplicas: 2,
        timeoutMs: 1_500,
      });
    }
  });

  it('never waits for a negative time', () => {
    expect(requirementOfProduce('all', -1, { minInsyncReplicas: 2 }).timeoutMs).toBe(0);
  });

  it('lets PutRecord wait like acks=all', () => {
    expect(requirementOfPut({ minInsyncReplicas: 3 })).toEqual({
      acks: 'all',
      minInsyncReplicas: 3,
      timeoutMs: REPLICATION_TIMEOUT_MS,
    });
  });
});
