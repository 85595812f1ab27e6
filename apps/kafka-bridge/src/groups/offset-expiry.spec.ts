import { describe, expect, it } from '@jest/globals';
import { type ExpiringGroup, hasExpired } from './offset-expiry.ts';

const RETENTION_MS = 1_000;

describe('a committed offset', () => {
  const empty: ExpiringGroup = {
    hasMembers: false,
    emptySinceMs: 5_000,
    isOfConsumers: true,
    subscribesTo: () => false,
  };
  const reading = {
    ...empty,
    hasMembers: true,
    emptySinceMs: undefined,
    subscribesTo: (topic: string) => topic === 't',
  };

  it.each<[string, ExpiringGroup, { topic?: string; committedAtMs: number; expiresAtMs?: number }, number, boolean]>([
    ['of an empty group, counted from its last member', empty, { committedAtMs: 1_000 }, 5_999, false],
    ['of an empty group, in the end', empty, { committedAtMs: 1_000 }, 6_000, true],
    ['committed after the last member went', empty, { committedAtMs: 5_500 }, 6_000, false],
    ['of a group that never had members', { ...empty, emptySinceMs: undefined }, { committedAtMs: 1_000 }, 2_000, true],
    ['of a topic that members read', reading, { committedAtMs: 0 }, 1e9, false],
    ['of a topic that members read no longer', reading, { topic: 'u', committedAtMs: 0 }, 1_000, true],
    ['of a topic that members read no longer, young', reading, { topic: 'u', committedAtMs: 1 }, 1_000, false],
    [
      'of members that are no consumers',
      { ...reading, isOfConsumers: false },
      { topic: 'u', committedAtMs: 0 },
      1e9,
      false,
    ],
    ['with a time of its own, longer', empty, { committedAtMs: 0, expiresAtMs: 9_000 }, 8_999, false],
    ['with a time of its own, over', empty, { committedAtMs: 0, expiresAtMs: 9_000 }, 9_000, true],
    ['with a time of its own, that members read', reading, { committedAtMs: 0, expiresAtMs: 9_000 }, 9_000, false],
  ])('%s', (_, group, { topic = 't', ...times }, nowMs, expected) => {
    const committed = { offset: 1n, leaderEpoch: -1, metadata: '', topicId: 'id', ...times };
    expect(hasExpired({ topic, committed }, group, nowMs, RETENTION_MS)).toBe(expected);
  });
});
