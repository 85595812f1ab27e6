import { describe, expect, it } from '@jest/globals';
import { keySlot } from './key-slot.ts';

describe('keySlot', () => {
  // From the cluster specification, and CLUSTER KEYSLOT of Redis 7.0.15.
  it.each([
    ['123456789', 12_739],
    ['foo', 12_182],
    ['{user1000}.following', 3_443],
    ['{user1000}.followers', 3_443],
    ['foo{}{bar}', 8_363],
    ['foo{{bar}}zap', 4_015],
    ['foo{bar}{zap}', 5_061],
  ])('of %s is %i', (key, slot) => {
    expect(keySlot(key)).toBe(slot);
  });
});
