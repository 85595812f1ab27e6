import { describe, expect, it } from '@jest/globals';
import { checkMinInsyncReplicas } from './index.ts';

describe('checkMinInsyncReplicas', () => {
  it.each([
    ['1', undefined],
    ['16', undefined],
    ['1', 1],
    ['3', 3],
  ])('takes %s of %p copies', (text, copies) => {
    expect(checkMinInsyncReplicas(text, copies)).toEqual({ ok: true, minInsyncReplicas: Number(text) });
  });

  it.each([
    ['0', undefined, 'min.insync.replicas is 0; it must be a whole number from 1 to 16'],
    ['17', undefined, 'min.insync.replicas is 17; it must be a whole number from 1 to 16'],
    ['-1', undefined, 'min.insync.replicas is -1; it must be a whole number from 1 to 16'],
    ['1.5', undefined, 'min.insync.replicas is 1.5; it must be a whole number from 1 to 16'],
    ['two', 3, 'min.insync.replicas is two; it must be a whole number from 1 to 16'],
    ['2', 1, 'min.insync.replicas is 2, but the store keeps one copy of a record'],
    ['4', 3, 'min.insync.replicas is 4, but the store keeps 3 copies of a record'],
  ])('refuses %s of %p copies', (text, copies, reason) => {
    expect(checkMinInsyncReplicas(text, copies)).toEqual({ ok: false, reason });
  });
});
