import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, errorName } from '@tailrace/kafka-protocol';
import type { ShardKey, Stream } from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import { FakeTimers, settle } from '../testing/fake-timers.ts';
import { MemoryDocuments } from '../testing/memory-documents.ts';
import type { ShareGroupSettings } from './share-group-settings.ts';
import type { SharePartition } from './share-partition.ts';
import { SharePartitions } from './share-partitions.ts';

const KEY = { groupId: 'g', topicId: 't', partition: 0 };
const NAME = 'share-group/g/t/0';
const LOCK_MS = 1_000;

function partitionsOn(documents = new MemoryDocuments(), timers = new FakeTimers()) {
  const leads = { value: true };
  const listeners: (() => void)[] = [];
  const settings: { -readonly [K in keyof ShareGroupSettings]: ShareGroupSettings[K] } = {
    autoOffsetReset: 'earliest',
    deliveryCountMax: 3,
    heartbeatIntervalMs: 5_000,
    sessionTimeoutMs: 45_000,
    isolation: 'readUncommitted',
    recordLocksMax: 100,
    lockDurationMs: LOCK_MS,
    mayRenew: true,
  };
  const partitions = new SharePartitions({
    documents,
    timers,
    brokers: { leads: () => leads.value, onChange: (listener) => void listeners.push(listener) },
    catalog: { peekById: (id) => (id === 't' ? ({ partitions: [{}] } as unknown as Stream) : undefined) },
    settings: { of: () => settings },
    beginningOf: async () => 10n,
    logger: createLogger({ level: 'silent' }),
  });
  const hold = async () => {
    const held = await partitions.hold(KEY);
    if (typeof held === 'number') throw new Error(errorName(held));
    return held;
  };
  const acquire = (held: SharePartition, memberId: string, recordsMax = 100) =>
    held.acquire({ memberId, recordsMax, strict: true }, held.nextFetchOffset ?? -1n, [
      { first: 10, last: 19, deliverable: true },
    ]);
  const kept = async () => JSON.parse((await documents.get(NAME))?.value ?? '{}') as object;
  return {
    partitions,
    documents,
    timers,
    hold,
    acquire,
    kept,
    leads,
    settings,
    changed: () => listeners.forEach((one) => one()),
  };
}

const accept = (held: SharePartition, memberId: string, first: number, last = first) =>
  held.acknowledge(memberId, [{ first, last, types: [1] }]);

describe('a share-partition at its leader', () => {
  it('is loaded once, begins where the group is to begin, and is kept from then on', async () => {
    const { partitions, hold, kept, documents } = partitionsOn();
    const [one, other] = await Promise.all([hold(), hold()]);
    expect(one).toBe(other);
    expect([one.nextFetchOffset, documents.writes.length, await kept()]).toEqual([10n, 1, { epoch: 1, start: '10', runs: '' }]);
    expect(errorName((await partitions.hold({ ...KEY, topicId: 'u' })) as ErrorCode)).toBe('UNKNOWN_TOPIC_ID');
    expect(errorName((await partitions.hold({ ...KEY, partition: 7 })) as ErrorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  }); // prettier-ignore

  it('answers an acknowledgement when it is kept, and keeps together what comes meanwhile', async () => {
    const { hold, acquire, kept, documents, timers } = partitionsOn();
    const held = await hold();
    held.join('m');
    acquire(held, 'm');
    const before = documents.writes.length;
    const codes = await Promise.all([0, 1, 2, 3, 4].map((i) => accept(held, 'm', 10 + i)));
    expect(codes).toEqual([0, 0, 0, 0, 0]);
    expect(documents.writes.length - before).toBe(1);
    expect(await kept()).toMatchObject({ start: '15', runs: 'a5.1' });
    expect([await accept(held, 'm', 15, 19), timers.armedCount]).toEqual([0, 0]);
  });

  it('is read by one behind the other, also behind one that failed', async () => {
    const { hold } = partitionsOn();
    const held = await hold();
    const first = Promise.withResolvers<string>();
    let begun = false;
    const reads = [held.exclusively(() => first.promise), held.exclusively(async () => ((begun = true), 'second'))];
    await settle();
    expect(begun).toBe(false);
    first.reject(new Error('planted'));
    expect(await Promise.allSettled(reads)).toMatchObject([{ status: 'rejected' }, { value: 'second' }]);
  });

  it('is given up when the store is away: nothing is answered as kept, and what was kept is what counts', async () => {
    const { hold, acquire, documents } = partitionsOn();
    const held = await hold();
    held.join('m');
    acquire(held, 'm');
    documents.away = true;
    expect(errorName(await accept(held, 'm', 10))).toBe('KAFKA_STORAGE_ERROR');
    expect([held.isGone, errorName(await accept(held, 'm', 11))]).toEqual([true, 'NOT_LEADER_OR_FOLLOWER']);
    documents.away = false;
    const again = await hold();
    expect([again === held, again.nextFetchOffset]).toEqual([false, 10n]);
  });

  it('does not bring back what was kept although the answer of the store was lost', async () => {
    const { hold, acquire, documents } = partitionsOn();
    const held = await hold();
    held.join('m');
    acquire(held, 'm');
    documents.loseNextAnswer = true;
    expect(errorName(await accept(held, 'm', 10, 14))).toBe('KAFKA_STORAGE_ERROR');
    expect((await hold()).nextFetchOffset).toBe(15n);
  });

  it('is fenced by whoever takes it over, and does not write any more', async () => {
    const { documents, hold, acquire, kept } = partitionsOn();
    const held = await hold();
    held.join('m');
    acquire(held, 'm');
    const other = partitionsOn(documents);
    const theirs = await other.hold();
    theirs.join('n');
    expect(errorName(await accept(held, 'm', 10))).toBe('NOT_LEADER_OR_FOLLOWER');
    expect(await kept()).toEqual({ epoch: 2, start: '10', runs: '' });
    expect(acquire(held, 'm')).toEqual([]);
    acquire(theirs, 'n');
    expect(await accept(theirs, 'n', 10)).toBe(0);
  });

  it('takes records back when their time is over, keeps that, and wakes who waits', async () => {
    const { hold, acquire, kept, timers } = partitionsOn();
    const held = await hold();
    held.join('m');
    acquire(held, 'm', 4);
    let woken = 0;
    const waiter = { isWatching: true, wake: () => void (woken += 1) };
    held.line.join(waiter);
    await timers.advance(LOCK_MS - 1);
    expect([woken, held.nextFetchOffset]).toEqual([0, 14n]);
    await timers.advance(1);
    expect([woken, held.nextFetchOffset, await kept()]).toMatchObject([1, 10n, { start: '10', runs: 'a4.1' }]);
    held.line.leave(waiter);
    await held.leave('m', true);
    expect([woken, timers.armedCount]).toEqual([1, 0]);
  });

  it('is let go of when nobody has it and nothing is out', async () => {
    const { partitions, hold, acquire, timers } = partitionsOn();
    const held = await hold();
    held.join('m');
    held.join('n');
    acquire(held, 'm');
    await held.leave('n', true);
    await held.leave('m', false);
    expect([partitions.size, held.isGone]).toEqual([1, false]);
    expect(await accept(held, 'm', 10, 12)).toBe(0);
    expect(partitions.size).toBe(1);
    await timers.advance(LOCK_MS);
    await settle();
    expect([partitions.size, held.isGone, timers.armedCount]).toEqual([0, true, 0]);
  });

  it('is let go of when its last member goes, once what that one said is kept', async () => {
    const { partitions, hold, acquire, kept } = partitionsOn();
    const held = await hold();
    held.join('m');
    acquire(held, 'm');
    const accepted = accept(held, 'm', 10, 19);
    await held.leave('m', true);
    expect([errorName(await accepted), await kept()]).toMatchObject(['NONE', { start: '20', runs: '' }]);
    expect([partitions.size, held.isGone]).toEqual([0, true]);
  });

  it('is let go of when another bridge leads the partition', async () => {
    const { partitions, hold, acquire, leads, changed, timers } = partitionsOn();
    const held = await hold();
    held.join('m');
    acquire(held, 'm');
    leads.value = false;
    changed();
    expect([partitions.size, held.isGone, timers.armedCount]).toEqual([0, true, 0]);
    expect(errorName((await partitions.hold(KEY)) as ErrorCode)).toBe('NOT_LEADER_OR_FOLLOWER');
  });

  it('is not kept for a bridge that lost the partition while it was being loaded', async () => {
    const { partitions, leads } = partitionsOn();
    const loading = partitions.hold(KEY);
    leads.value = false;
    expect([errorName((await loading) as ErrorCode), partitions.size]).toEqual(['NOT_LEADER_OR_FOLLOWER', 0]);
  });

  it('is not loaded while the store is away, nor once this bridge ends', async () => {
    const { partitions, documents } = partitionsOn();
    const code = async () => errorName((await partitions.hold(KEY)) as ErrorCode);
    documents.away = true;
    expect(await code()).toBe('KAFKA_STORAGE_ERROR');
    documents.away = false;
    const loading = code();
    partitions.close();
    expect([await loading, await code(), partitions.size]).toEqual([
      'NOT_LEADER_OR_FOLLOWER',
      'NOT_LEADER_OR_FOLLOWER',
      0,
    ]);
  });

  it('is taken over by one after the other, of those who do so at the same moment', async () => {
    const one = partitionsOn();
    const other = partitionsOn(one.documents);
    const [first, second] = await Promise.all([one.hold(), other.hold()]);
    expect(await one.kept()).toMatchObject({ epoch: 2 });
    for (const [held, { acquire }] of [[first, one], [second, other]] as const) {
      held.join('m');
      acquire(held, 'm');
    }
    const codes = await Promise.all([accept(first, 'm', 10), accept(second, 'm', 10)]);
    expect(codes.map(errorName).sort()).toEqual(['NONE', 'NOT_LEADER_OR_FOLLOWER']);
  }); // prettier-ignore

  it('tells whoever is first in line to read, to wait in the log, or to wait for others', async () => {
    const { hold, acquire, settings, leads, changed } = partitionsOn();
    const held = await hold();
    held.join('m');
    let woken = 0;
    held.line.join({ isWatching: true, wake: () => void (woken += 1) });
    const tail = { shard: 'shard' as unknown as ShardKey, offset: 10n, isolation: 'readUncommitted' } as const;
    expect(held.outlook).toBe('look');
    held.foundNothing(10n, undefined);
    expect([held.outlook, woken]).toEqual([undefined, 0]);
    // It has a place to wait now, of which the first one does not know.
    held.foundNothing(10n, tail);
    expect([held.outlook, woken]).toEqual([tail, 1]);
    held.foundNothing(10n, tail);
    expect(woken).toBe(1);
    acquire(held, 'm', 4);
    expect(held.outlook).toEqual({ ...tail, offset: 14n });
    settings.isolation = 'readCommitted';
    expect(held.outlook).toBe('look');
    settings.isolation = 'readUncommitted';
    expect(await held.acknowledge('m', [{ first: 11, last: 12, types: [2] }])).toBe(0);
    expect([held.outlook, woken]).toEqual(['look', 2]);
    held.foundNothing(11n, { ...tail, offset: 14n });
    expect(held.outlook).toEqual({ ...tail, offset: 14n });
    settings.recordLocksMax = 4;
    acquire(held, 'm', 2);
    expect(held.outlook).toBe(undefined);
    expect(await accept(held, 'm', 10)).toBe(0);
    expect([held.outlook, woken]).toEqual([{ ...tail, offset: 14n }, 3]);
    // There was room before.
    expect([await accept(held, 'm', 13), woken]).toEqual([0, 3]);
    leads.value = false;
    changed();
    expect(woken).toBe(4);
  });
});
