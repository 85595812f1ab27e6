import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { errorName } from '@tailrace/kafka-protocol';
import { partitionSets } from '../groups/topic-partitions.ts';
import type { ShareSession } from './share-session.ts';
import { ShareSessionCache, type SessionOutcome } from './share-session-cache.ts';

function cacheOf(bounds: { sessionsMax?: number; partitionsMax?: number } = {}) {
  const ended: string[] = [];
  const cache = new ShareSessionCache({
    ended: ({ memberId, size }) => void ended.push(`${memberId}:${size}`),
    ...bounds,
  });
  const connection = new AbortController();
  const open = (memberId: string, partitions: readonly number[], signal = connection.signal) =>
    cache.open('g', memberId, partitionSets([{ topicId: 't', partitions }]), signal);
  return { cache, ended, open, connection };
}

function said(outcome: SessionOutcome): string | undefined {
  return outcome.ok ? 'NONE' : errorName(outcome.errorCode);
}

describe('sessions of share consumers', () => {
  it('are used in order, and closed at any time', () => {
    const { cache, open, ended } = cacheOf();
    expect(said(cache.use('g', 'm', 1))).toBe('SHARE_SESSION_NOT_FOUND');
    open('m', [0, 1]);
    const said1 = [1, 1, 3, 2, -1].map((epoch) => said(cache.use('g', 'm', epoch)));
    expect(said1).toEqual(['NONE', 'INVALID_SHARE_SESSION_EPOCH', 'INVALID_SHARE_SESSION_EPOCH', 'NONE', 'NONE']);
    expect(said(cache.use('other', 'm', 3))).toBe('SHARE_SESSION_NOT_FOUND');
    cache.close('g', 'm');
    expect([ended, cache.size, cache.partitions]).toEqual([['m:2'], 0, 0]);
  });

  it('are as many as they may, with as many partitions', () => {
    const { cache, open, ended } = cacheOf({ sessionsMax: 2, partitionsMax: 4 });
    expect([open('a', [0]), open('b', [0, 1]), open('c', [0])].map(said)).toEqual(['NONE', 'NONE', 'SHARE_SESSION_LIMIT_REACHED']);
    expect([said(open('b', [0, 1, 2])), cache.partitions]).toEqual(['NONE', 4]);
    const { session } = cache.use('g', 'a', 1) as { readonly session: ShareSession };
    expect(errorName(cache.update(session, partitionSets([{ topicId: 't', partitions: [5] }]), new Map()))).toBe('SHARE_SESSION_LIMIT_REACHED');
    // What it has already takes no room again.
    const named = partitionSets([{ topicId: 't', partitions: [0] }]);
    expect([errorName(cache.update(session, named, new Map())), cache.partitions]).toEqual(['NONE', 4]);
    cache.update(session, new Map(), partitionSets([{ topicId: 't', partitions: [0] }]));
    expect([session.size, cache.partitions]).toEqual([0, 3]);
    expect(said(open('a', [0, 1]))).toBe('SHARE_SESSION_LIMIT_REACHED');
    expect([ended, cache.size]).toEqual([['b:2', 'a:0'], 1]);
  }); // prettier-ignore

  it('end with their connection, also one that is gone already', () => {
    const { cache, open, ended, connection } = cacheOf();
    open('a', [0]);
    open('b', [1]);
    connection.abort();
    expect([ended, cache.size, cache.partitions]).toEqual([['a:1', 'b:1'], 0, 0]);
    open('c', [0]);
    expect([ended.at(-1), cache.size, cache.partitions]).toEqual(['c:1', 0, 0]);
  });

  it('leave nothing on a connection that stays', () => {
    const { cache, open, connection } = cacheOf();
    for (let i = 0; i < 3; i++) open('a', [0]);
    expect(getEventListeners(connection.signal, 'abort').length).toBe(1);
    cache.close('g', 'a');
    expect(getEventListeners(connection.signal, 'abort').length).toBe(0);
  });

  it('serve those partitions last that gave something', () => {
    const { open } = cacheOf();
    const { session } = open('a', [0, 1, 2]) as { readonly session: ShareSession };
    session.moveToEnd({ topicId: 't', partition: 0 });
    expect(session.partitions.map(({ partition }) => partition)).toEqual([1, 2, 0]);
    // Forgotten while it was served.
    session.forget(partitionSets([{ topicId: 't', partitions: [1] }]));
    session.moveToEnd({ topicId: 't', partition: 1 });
    expect(session.partitions.map(({ partition }) => partition)).toEqual([2, 0]);
  });

  it('end once', () => {
    const { cache, open, ended } = cacheOf();
    const { session } = open('a', [0, 1]) as { readonly session: ShareSession };
    session.end();
    session.end();
    expect([ended, cache.partitions]).toEqual([['a:2'], 0]);
  });

  it('count their requests from 1 again behind the largest number', () => {
    const { cache, open } = cacheOf();
    const { session } = open('a', [0]) as { readonly session: ShareSession };
    session.epoch = 2 ** 31 - 1;
    expect([2 ** 31 - 1, 1, 2].map((epoch) => said(cache.use('g', 'a', epoch)))).toEqual(['NONE', 'NONE', 'NONE']);
  });
});
