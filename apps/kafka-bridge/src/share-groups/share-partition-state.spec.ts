import { describe, expect, it } from '@jest/globals';
import { formatSharePartition, parseSharePartition } from './share-partition-document.ts';
import { type AcquireRequest, type FoundBatch, SharePartitionState } from './share-partition-state.ts';

const LIMIT = 5;

function stateAt(startOffset: number): SharePartitionState {
  return new SharePartitionState({ startOffset, runs: [] });
}

/** Batches of so many records each, one behind the other. */
function batches(first: number, ...counts: readonly number[]): FoundBatch[] {
  let at = first;
  return counts.map((count) => ({ first: at, last: (at += count) - 1, deliverable: true }));
}

function acquire(state: SharePartitionState, found: readonly FoundBatch[], more: Partial<AcquireRequest> = {}) {
  const recordLocksMax = more.recordLocksMax ?? 2_000;
  return state.acquire({
    memberId: 'm1',
    lockedUntilMs: 30_000,
    recordsMax: 500,
    strict: false,
    deliveryCountMax: LIMIT,
    from: state.nextFetchOffset(recordLocksMax) ?? -1,
    batches: found,
    recordLocksMax,
    ...more,
  });
}

/** `0-9 acquired m1 x1`, and so on. */
function shown(state: SharePartitionState): string[] {
  return state.runs.map(({ first, last, state: what, memberId, deliveryCount }) =>
    [`${first}-${last}`, what, memberId, deliveryCount > 0 ? `x${deliveryCount}` : ''].filter(Boolean).join(' '),
  );
}

const accept = (first: number, last: number) => [{ first, last, types: [1] }];
const give = (state: SharePartitionState, first: number, last: number, type: number, memberId = 'm1') =>
  state.acknowledge(memberId, [{ first, last, types: [type] }], LIMIT, 60_000);

describe('the state of a share-partition', () => {
  it('hands out whole batches until there are enough', () => {
    const state = stateAt(0);
    expect(acquire(state, batches(0, 3, 3, 3), { recordsMax: 4 })).toEqual([{ first: 0, last: 5, deliveryCount: 1 }]);
    expect([state.startOffset, state.endOffset, state.nextFetchOffset(2_000)]).toEqual([0, 6, 6]);
  });

  it('hands out nothing below its start, which may have moved since the read began', () => {
    const state = stateAt(5);
    expect(acquire(state, batches(0, 10), { from: 0 })).toEqual([{ first: 5, last: 9, deliveryCount: 1 }]);
    expect([state.startOffset, state.endOffset]).toEqual([5, 10]);
  });

  it('hands out as many records as are wanted and no more, where that is asked for', () => {
    const state = stateAt(0);
    expect(acquire(state, batches(0, 3, 3, 3), { recordsMax: 4, strict: true })).toEqual([
      { first: 0, last: 3, deliveryCount: 1 },
    ]);
    expect(state.endOffset).toBe(4);
    expect(acquire(state, batches(3, 3, 3), { recordsMax: 4, strict: true, memberId: 'm2' })).toEqual([
      { first: 4, last: 7, deliveryCount: 1 },
    ]);
  });

  it('never has more records out than it may, and goes on when the first are done', () => {
    const state = stateAt(10);
    expect(acquire(state, batches(10, 8), { recordLocksMax: 5 })).toEqual([{ first: 10, last: 14, deliveryCount: 1 }]);
    expect(state.nextFetchOffset(5)).toBeUndefined();
    expect(give(state, 11, 14, 1)).toBe('ok');
    expect(state.nextFetchOffset(5)).toBeUndefined();
    expect(give(state, 10, 10, 1)).toBe('ok');
    expect([state.startOffset, state.nextFetchOffset(5)]).toEqual([15, 15]);
  });

  it('moves its start behind what is done, in whichever order that came', () => {
    const state = stateAt(0);
    acquire(state, batches(0, 6));
    give(state, 2, 3, 1);
    expect([state.startOffset, shown(state)]).toEqual([
      0,
      ['0-1 acquired m1 x1', '2-3 acknowledged', '4-5 acquired m1 x1'],
    ]);
    give(state, 0, 1, 3);
    expect([state.startOffset, shown(state)]).toEqual([4, ['4-5 acquired m1 x1']]);
    give(state, 4, 5, 0);
    expect([state.startOffset, state.endOffset, shown(state)]).toEqual([6, 6, []]);
  });

  it('takes one type for each record', () => {
    const state = stateAt(0);
    acquire(state, batches(0, 6));
    expect(state.acknowledge('m1', [{ first: 0, last: 5, types: [2, 1, 1, 3, 4, 2] }], LIMIT, 60_000)).toBe('ok');
    expect(shown(state)).toEqual([
      '0-0 available x1',
      '1-2 acknowledged',
      '3-3 archived',
      '4-4 acquired m1 x1',
      '5-5 available x1',
    ]);
    expect(state.nextExpiryMs).toBe(60_000);
  });

  it.each([
    ['of another member', 'm2', accept(0, 5), 'invalidState'],
    ['that were acknowledged before', 'm1', accept(6, 6), 'invalidState'],
    ['of which one was given back', 'm1', accept(6, 9), 'invalidState'],
    ['that nobody was given', 'm1', accept(20, 20), 'invalidState'],
    ['of which the last was never handed out', 'm1', accept(8, 10), 'unknownRecord'],
    ['of which the last range is wrong', 'm1', [...accept(0, 1), ...accept(7, 7)], 'invalidState'],
  ] as const)('refuses records %s, and changes nothing', (_what, memberId, ranges, outcome) => {
    const state = stateAt(0);
    acquire(state, batches(0, 10));
    give(state, 6, 6, 1);
    give(state, 7, 7, 2);
    const before = shown(state);
    expect(state.acknowledge(memberId, ranges, LIMIT, 60_000)).toBe(outcome);
    expect(shown(state)).toEqual(before);
  });

  it('lets be what lies below its start', () => {
    const state = stateAt(0);
    acquire(state, batches(0, 10));
    state.moveStart(4);
    expect(give(state, 0, 5, 1)).toBe('ok');
    expect([state.startOffset, shown(state)]).toEqual([6, ['6-9 acquired m1 x1']]);
    expect(give(state, 0, 5, 1)).toBe('ok');
  });

  it('counts deliveries, in smaller portions when it grows suspicious, and gives up after the last', () => {
    const state = stateAt(0);
    const deliveries: unknown[] = [];
    for (let i = 0; i < 12 && state.startOffset < 8; i++) {
      const got = acquire(state, batches(0, 8));
      deliveries.push(got.map(({ first, last, deliveryCount }) => [first, last, deliveryCount]));
      for (const { first, last } of got) give(state, first, last, first === 5 ? 2 : i < 3 ? 2 : 1);
    }
    expect(deliveries).toEqual([
      [[0, 7, 1]],
      [[0, 7, 2]],
      [[0, 7, 3]],
      [[0, 3, 4]],
      [[4, 5, 4]],
      [[6, 6, 4]],
      [[7, 7, 4]],
    ]);
  });

  it('takes back what was locked too long, and what a member had', () => {
    const state = stateAt(0);
    acquire(state, batches(0, 2), { lockedUntilMs: 100 });
    acquire(state, batches(2, 2), { lockedUntilMs: 200, memberId: 'm2' });
    expect(state.expire(99, LIMIT)).toBe(false);
    expect(state.expire(100, LIMIT)).toBe(true);
    expect([shown(state), state.nextExpiryMs]).toEqual([['0-1 available x1', '2-3 acquired m2 x1'], 200]);
    expect(state.releaseMember('m1', LIMIT)).toBe(false);
    expect(state.releaseMember('m2', LIMIT)).toBe(true);
    expect([shown(state), state.hasAcquired]).toEqual([['0-3 available x1'], false]);
  });

  it('gives up a record that is taken back behind its last delivery', () => {
    const state = stateAt(0);
    for (let i = 0; i < LIMIT; i++) {
      expect(acquire(state, batches(0, 1), { lockedUntilMs: i })).toEqual([
        { first: 0, last: 0, deliveryCount: i + 1 },
      ]);
      state.expire(i, LIMIT);
    }
    expect([state.startOffset, state.endOffset]).toEqual([1, 1]);
  });

  it('passes over markers, aborted records and offsets that do not exist', () => {
    const state = stateAt(0);
    const found = [
      { first: 0, last: 0, deliverable: false },
      { first: 3, last: 4, deliverable: true },
      { first: 5, last: 5, deliverable: false },
      { first: 8, last: 9, deliverable: true },
    ];
    expect(acquire(state, found)).toEqual([
      { first: 3, last: 4, deliveryCount: 1 },
      { first: 8, last: 9, deliveryCount: 1 },
    ]);
    expect([state.startOffset, shown(state)]).toEqual([
      3,
      ['3-4 acquired m1 x1', '5-7 archived', '8-9 acquired m1 x1'],
    ]);
  });

  it('passes over any number of them while nothing is out, and over no more than its bound while something is', () => {
    const state = stateAt(0);
    const aborted = (first: number, last: number) => [{ first, last, deliverable: false }];
    expect(acquire(state, aborted(0, 9_999), { recordLocksMax: 100 })).toEqual([]);
    expect([state.startOffset, state.endOffset]).toEqual([10_000, 10_000]);
    acquire(state, batches(10_000, 1), { recordLocksMax: 100 });
    acquire(state, aborted(10_001, 20_000), { recordLocksMax: 100 });
    expect([state.startOffset, state.endOffset, state.nextFetchOffset(100)]).toEqual([10_000, 10_100, undefined]);
    give(state, 10_000, 10_000, 1);
    expect([state.startOffset, state.nextFetchOffset(100)]).toEqual([10_100, 10_100]);
  });

  it('archives records that were given back and have gone from the log since', () => {
    const state = stateAt(0);
    acquire(state, batches(0, 6));
    give(state, 0, 5, 2);
    expect(acquire(state, batches(4, 2))).toEqual([{ first: 4, last: 5, deliveryCount: 2 }]);
    expect(state.startOffset).toBe(4);
  });

  it('hands out what was given back first, and new records behind it', () => {
    const state = stateAt(0);
    acquire(state, batches(0, 4));
    give(state, 1, 1, 2);
    expect(state.nextFetchOffset(2_000)).toBe(1);
    expect(acquire(state, batches(0, 4, 4), { memberId: 'm2' })).toEqual([
      { first: 1, last: 1, deliveryCount: 2 },
      { first: 4, last: 7, deliveryCount: 1 },
    ]);
  });

  it('is the same when it was kept and read again, except that nobody has anything', () => {
    const state = stateAt(7);
    acquire(state, batches(7, 4, 4, 4));
    give(state, 8, 9, 1);
    give(state, 11, 12, 2);
    give(state, 13, 13, 3);
    const text = formatSharePartition(state.snapshot(LIMIT), 3);
    expect(JSON.parse(text)).toEqual({ epoch: 3, start: '7', runs: 'a1.1 k2 a3.1 x1 a5.1' });
    const { snapshot, epoch } = parseSharePartition(text);
    expect([snapshot, epoch]).toEqual([state.snapshot(LIMIT), 3]);
    expect(new SharePartitionState(snapshot).snapshot(LIMIT)).toEqual(snapshot);
  });

  it('does not count the last delivery of a record that was out when the bridge died', () => {
    const state = stateAt(0);
    for (let i = 0; i < LIMIT; i++) {
      acquire(state, batches(0, 1));
      if (i < LIMIT - 1) give(state, 0, 0, 2);
    }
    const again = new SharePartitionState(state.snapshot(LIMIT));
    expect(acquire(again, batches(0, 1))).toEqual([{ first: 0, last: 0, deliveryCount: LIMIT }]);
  });
});
