import { describe, expect, it } from '@jest/globals';
import { errorName, type FetchRequest, ZERO_UUID } from '@tailrace/kafka-protocol';
import {
  FETCH_SESSION_EVICTION_MS,
  FETCH_SESSION_PARTITIONS_MAX,
  FETCH_SESSIONS_MAX,
  FetchSessionCache,
} from './fetch-session-cache.ts';

function request(sessionId: number, sessionEpoch: number, partitionCount = 1): FetchRequest {
  const partitions = Array.from({ length: partitionCount }, (_, partition) => ({
    partition,
    fetchOffset: 0n,
    partitionMaxBytes: 1,
    currentLeaderEpoch: -1,
  }));
  return {
    sessionId,
    sessionEpoch,
    topics: [{ topic: 't', topicId: ZERO_UUID, partitions }],
    forgottenTopicsData: [],
  } as unknown as FetchRequest;
}

function cacheWithClock() {
  const clock = { now: 0 };
  const cache = new FetchSessionCache(() => clock.now);
  const open = (partitionCount = 1) => {
    const plan = cache.plan(request(0, 0, partitionCount), 12);
    return plan.ok ? plan.session?.id : undefined;
  };
  return { cache, clock, open };
}

describe('FetchSessionCache', () => {
  it('keeps no more sessions than its bound, and gives up only those that nobody has used for long', () => {
    const { cache, clock, open } = cacheWithClock();
    const first = open() as number;
    const second = open() as number;
    for (let i = 2; i < FETCH_SESSIONS_MAX; i++) open();
    expect([cache.size, open()]).toEqual([FETCH_SESSIONS_MAX, undefined]);
    clock.now = FETCH_SESSION_EVICTION_MS;
    expect(cache.plan(request(first, 1), 12).ok).toBe(true);
    expect(open()).toBeGreaterThan(0);
    expect(cache.size).toBe(FETCH_SESSIONS_MAX);
    const evicted = cache.plan(request(second, 1), 12);
    expect(evicted.ok ? 'kept' : errorName(evicted.errorCode)).toBe('FETCH_SESSION_ID_NOT_FOUND');
    expect(cache.plan(request(first, 2), 12).ok).toBe(true);
  });

  it('keeps no more partitions than its bound; the fetch goes on without a session', () => {
    const { open, cache } = cacheWithClock();
    expect(open(FETCH_SESSION_PARTITIONS_MAX)).toBeGreaterThan(0);
    expect(open(1)).toBeUndefined();
    const plan = cache.plan(request(0, 0), 12);
    expect(plan.ok && plan.targets.length).toBe(1);
  });

  it('forgets a session that is closed or opened anew', () => {
    const { open, cache } = cacheWithClock();
    const id = open() as number;
    cache.plan(request(id, -1), 12);
    expect(cache.size).toBe(0);
    const again = open() as number;
    cache.plan(request(again, 0), 12);
    expect([cache.size, cache.plan(request(again, 1), 12).ok]).toEqual([1, false]);
  });

  it('counts past the largest epoch to 1', () => {
    const { open, cache } = cacheWithClock();
    const id = open() as number;
    const plan = cache.plan(request(id, 1), 12);
    if (!plan.ok || plan.session === undefined) throw new Error('no session');
    plan.session.epoch = 2 ** 31 - 1;
    expect(cache.plan(request(id, 2 ** 31 - 1), 12).ok).toBe(true);
    expect(plan.session.epoch).toBe(1);
  });
});
