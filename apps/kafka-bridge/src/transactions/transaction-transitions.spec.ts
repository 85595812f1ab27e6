import { describe, expect, it } from '@jest/globals';
import { errorName } from '@tailrace/kafka-protocol';
import { type Transaction, type TransactionState, transactionStates } from './transaction-document.ts';
import {
  addParticipants,
  completeTransaction,
  endTransaction,
  fence,
  initProducer,
  PRODUCER_EPOCH_MAX,
} from './transaction-transitions.ts';

const orders = { name: 'orders', topicId: 'id-of-orders', partitions: [0] };

function transaction(state: TransactionState, over: Partial<Transaction> = {}): Transaction {
  const isOpen = state === 'Ongoing' || state.startsWith('Prepare');
  return {
    state,
    producerId: 7n,
    producerEpoch: 3,
    lastProducerEpoch: -1,
    previousProducerId: -1n,
    nextProducerId: -1n,
    timeoutMs: 60_000,
    startedAtMs: 1_000,
    changedAtMs: 1_000,
    coordinatorEpoch: 0,
    topics: isOpen ? [orders] : [],
    groups: [],
    ...over,
  };
}

const holder = { producerId: 7n, producerEpoch: 3 };
const init = (current: Transaction | undefined, expected?: { producerId: bigint; producerEpoch: number }) =>
  initProducer(current, { timeoutMs: 5_000, expected, newProducerId: 99n, nowMs: 2_000 });
const end = (
  current: Transaction | undefined,
  commit: boolean,
  bumpsEpoch: boolean,
  producer: { producerId: bigint; producerEpoch: number } = holder,
) => endTransaction(current, { ...producer, commit, bumpsEpoch, newProducerId: 99n, nowMs: 2_000 });

/** What came of it, in one word. */
function inShort(
  outcome: ReturnType<typeof init> | ReturnType<typeof end> | ReturnType<typeof addParticipants>,
): string {
  switch (outcome.kind) {
    case 'refused':
      return errorName(outcome.errorCode) as string;
    case 'ready':
    case 'repeated':
      return `${outcome.kind} ${outcome.answer.producerId}/${outcome.answer.producerEpoch}`;
    case 'ended':
      return `${outcome.next.state} ${outcome.answer.producerId}/${outcome.answer.producerEpoch}`;
    case 'abortFirst':
      return `abort first with ${outcome.next.producerId}/${outcome.next.producerEpoch}`;
    case 'added':
      return outcome.next === undefined ? 'nothing new' : outcome.next.state;
  }
}

describe('initProducer', () => {
  it('gives a new id a producer id of its own', () => {
    expect(init(undefined)).toEqual({
      kind: 'ready',
      answer: { producerId: 99n, producerEpoch: 0 },
      next: transaction('Empty', {
        producerId: 99n,
        producerEpoch: 0,
        timeoutMs: 5_000,
        startedAtMs: -1,
        changedAtMs: 2_000,
      }),
    });
  });

  it.each<[TransactionState, string]>([
    ['Empty', 'ready 7/4'],
    ['Ongoing', 'abort first with 7/4'],
    ['PrepareCommit', 'CONCURRENT_TRANSACTIONS'],
    ['PrepareAbort', 'CONCURRENT_TRANSACTIONS'],
    ['CompleteCommit', 'ready 7/4'],
    ['CompleteAbort', 'ready 7/4'],
  ])('fences whoever had it: %s', (state, outcome) => expect(inShort(init(transaction(state)))).toBe(outcome));

  it('takes another producer id when the epochs are used up', () => {
    const outcome = init(transaction('Empty', { producerEpoch: PRODUCER_EPOCH_MAX - 1 }));
    expect(inShort(outcome)).toBe('ready 99/0');
    expect(outcome.kind === 'ready' && outcome.next?.previousProducerId).toBe(7n);
    expect(inShort(init(transaction('Empty', { producerEpoch: PRODUCER_EPOCH_MAX - 2 })))).toBe('ready 7/32766');
  });

  const exhausted = transaction('Empty', { producerEpoch: PRODUCER_EPOCH_MAX - 1 });
  const rotated = transaction('Empty', {
    producerId: 99n,
    producerEpoch: 0,
    lastProducerEpoch: PRODUCER_EPOCH_MAX - 1,
    previousProducerId: 7n,
  });
  it.each<[string, Transaction, bigint, number, string]>([
    ['what it has', transaction('CompleteAbort'), 7n, 3, 'ready 7/4'],
    ['what it had before its last request', transaction('Empty', { lastProducerEpoch: 2 }), 7n, 2, 'ready 7/3'],
    ['what somebody else took over', transaction('Empty'), 7n, 2, 'PRODUCER_FENCED'],
    ['an epoch that was never given', transaction('Empty'), 7n, 4, 'PRODUCER_FENCED'],
    ['another producer id', transaction('Empty'), 8n, 3, 'PRODUCER_FENCED'],
    ['the last epoch there is', exhausted, 7n, PRODUCER_EPOCH_MAX - 1, 'ready 99/0'],
    ['the last epoch, again', rotated, 7n, PRODUCER_EPOCH_MAX - 1, 'ready 99/0'],
    ['an older one of the id before', rotated, 7n, 5, 'PRODUCER_FENCED'],
    [
      'an epoch from before a transaction that is open',
      transaction('Ongoing', { lastProducerEpoch: 2 }),
      7n,
      2,
      'PRODUCER_FENCED',
    ],
  ])('goes on for a producer that says it has %s', (_, current, producerId, producerEpoch, outcome) => {
    expect(inShort(init(current, { producerId, producerEpoch }))).toBe(outcome);
  });
});

describe('addParticipants', () => {
  const add = (current: Transaction | undefined, producer = holder, topics = [orders]) =>
    addParticipants(current, producer, { topics, groups: [] }, 2_000);

  it.each<[TransactionState, string]>([
    ['Empty', 'Ongoing'],
    ['Ongoing', 'nothing new'],
    ['PrepareCommit', 'CONCURRENT_TRANSACTIONS'],
    ['PrepareAbort', 'CONCURRENT_TRANSACTIONS'],
    ['CompleteCommit', 'Ongoing'],
    ['CompleteAbort', 'Ongoing'],
  ])('begins the transaction or goes on with it: %s', (state, outcome) => {
    expect(inShort(add(transaction(state)))).toBe(outcome);
  });

  it('refuses who does not hold the id', () => {
    expect(inShort(add(undefined))).toBe('INVALID_PRODUCER_ID_MAPPING');
    expect(inShort(add(transaction('Ongoing'), { producerId: 8n, producerEpoch: 3 }))).toBe(
      'INVALID_PRODUCER_ID_MAPPING',
    );
    expect(inShort(add(transaction('Ongoing'), { producerId: 7n, producerEpoch: 2 }))).toBe('PRODUCER_FENCED');
    expect(inShort(add(transaction('PrepareAbort'), { producerId: 7n, producerEpoch: 4 }))).toBe('PRODUCER_FENCED');
  });

  it('keeps the time at which the transaction began, and every partition once', () => {
    const more = [
      { ...orders, partitions: [2, 0, 2] },
      { name: 'bills', topicId: 'id-of-bills', partitions: [1] },
    ];
    expect(add(transaction('Ongoing'), holder, more)).toEqual({
      kind: 'added',
      next: transaction('Ongoing', {
        changedAtMs: 2_000,
        topics: [
          { ...orders, partitions: [0, 2] },
          { name: 'bills', topicId: 'id-of-bills', partitions: [1] },
        ],
      }),
    });
  });

  it('begins anew behind one that is complete', () => {
    const old = transaction('CompleteCommit', { startedAtMs: 5 });
    expect(add(old)).toEqual({
      kind: 'added',
      next: transaction('Ongoing', { startedAtMs: 2_000, changedAtMs: 2_000 }),
    });
  });
});

describe('endTransaction', () => {
  /** Recorded from Apache Kafka 4.3.1 where a client can bring it about. */
  it.each<[TransactionState, string, string, string, string]>([
    // state, commit and abort with the epoch kept, commit and abort with the epoch raised
    ['Empty', 'INVALID_TXN_STATE', 'INVALID_TXN_STATE', 'INVALID_TXN_STATE', 'CompleteAbort 7/4'],
    ['Ongoing', 'PrepareCommit 7/3', 'PrepareAbort 7/3', 'PrepareCommit 7/4', 'PrepareAbort 7/4'],
    [
      'PrepareCommit',
      'CONCURRENT_TRANSACTIONS',
      'INVALID_TXN_STATE',
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
    ],
    [
      'PrepareAbort',
      'INVALID_TXN_STATE',
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
    ],
    ['CompleteCommit', 'repeated 7/3', 'INVALID_TXN_STATE', 'INVALID_TXN_STATE', 'CompleteAbort 7/4'],
    ['CompleteAbort', 'INVALID_TXN_STATE', 'repeated 7/3', 'INVALID_TXN_STATE', 'CompleteAbort 7/4'],
  ])('by who holds the id: %s', (state, commit, abort, commitBumped, abortBumped) => {
    const current = transaction(state);
    expect([end(current, true, false), end(current, false, false)].map(inShort)).toEqual([commit, abort]);
    expect([end(current, true, true), end(current, false, true)].map(inShort)).toEqual([commitBumped, abortBumped]);
  });

  it.each<[TransactionState, string, string]>([
    ['Empty', 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    ['Ongoing', 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    ['PrepareCommit', 'CONCURRENT_TRANSACTIONS', 'INVALID_TXN_STATE'],
    ['PrepareAbort', 'INVALID_TXN_STATE', 'CONCURRENT_TRANSACTIONS'],
    ['CompleteCommit', 'repeated 7/3', 'INVALID_TXN_STATE'],
    ['CompleteAbort', 'INVALID_TXN_STATE', 'repeated 7/3'],
  ])('again, with the epoch before: %s', (state, commit, abort) => {
    const before = { producerId: 7n, producerEpoch: 2 };
    const current = transaction(state, { lastProducerEpoch: 2 });
    expect(inShort(end(current, true, true, before))).toBe(commit);
    expect(inShort(end(current, false, true, before))).toBe(abort);
  });

  it.each(transactionStates)('by another one: %s', (state) => {
    for (const bumps of [false, true]) {
      const old = { producerId: 7n, producerEpoch: 1 };
      expect(inShort(end(transaction(state), true, bumps, { producerId: 8n, producerEpoch: 3 }))).toBe(
        'INVALID_PRODUCER_ID_MAPPING',
      );
      expect(inShort(end(transaction(state), true, bumps, old))).toBe('PRODUCER_FENCED');
      expect(inShort(end(transaction(state), false, bumps, old))).toBe('PRODUCER_FENCED');
      expect(inShort(end(transaction(state), false, bumps, { producerId: 7n, producerEpoch: 4 }))).toBe(
        'PRODUCER_FENCED',
      );
    }
  });

  it('with an epoch that is none, which is not the one before 0', () => {
    const none = { producerId: 7n, producerEpoch: -1 };
    expect(inShort(end(transaction('CompleteCommit', { producerEpoch: 0 }), true, true, none))).toBe('PRODUCER_FENCED');
  });

  it('of an id that nobody has', () => expect(inShort(end(undefined, true, true))).toBe('INVALID_PRODUCER_ID_MAPPING'));

  it('hands over to another producer id when the epochs are used up', () => {
    const last = { producerId: 7n, producerEpoch: PRODUCER_EPOCH_MAX - 1 };
    const ended = end(transaction('Ongoing', last), true, true, last);
    expect(inShort(ended)).toBe('PrepareCommit 99/0');
    const prepared = (ended as { next: Transaction }).next;
    // Markers still go out in the name of the old one, with the one epoch that no producer ever gets.
    expect(prepared).toMatchObject({ producerId: 7n, producerEpoch: PRODUCER_EPOCH_MAX, nextProducerId: 99n });
    expect(inShort(end(prepared, true, true, last))).toBe('CONCURRENT_TRANSACTIONS');
    const next = { producerId: 99n, producerEpoch: 0 };
    expect(inShort(end(prepared, false, true, next))).toBe('CONCURRENT_TRANSACTIONS');
    expect(inShort(addParticipants(prepared, next, { topics: [orders], groups: [] }, 2_000))).toBe(
      'CONCURRENT_TRANSACTIONS',
    );
    expect(inShort(end(prepared, false, true, { ...next, producerEpoch: 1 }))).toBe('INVALID_PRODUCER_ID_MAPPING');
    const complete = completeTransaction(prepared, 3_000);
    expect(complete).toMatchObject({ state: 'CompleteCommit', producerId: 99n, producerEpoch: 0, nextProducerId: -1n });
    expect(inShort(end(complete, true, true, last))).toBe('repeated 99/0');
    expect(inShort(end(complete, false, true, last))).toBe('INVALID_TXN_STATE');
    expect(inShort(end(complete, true, true, { ...last, producerEpoch: 5 }))).toBe('INVALID_PRODUCER_ID_MAPPING');
  });
});

describe('fence', () => {
  it('leaves no way back for who had the id', () => {
    const fenced = fence(transaction('Ongoing', { lastProducerEpoch: 2 }), 2_000);
    expect(fenced).toEqual(transaction('PrepareAbort', { producerEpoch: 4, changedAtMs: 2_000 }));
    const complete = completeTransaction(fenced, 3_000);
    expect(inShort(end(complete, true, true))).toBe('INVALID_TXN_STATE');
    expect(inShort(end(complete, true, false))).toBe('PRODUCER_FENCED');
    expect(inShort(init(complete, holder))).toBe('PRODUCER_FENCED');
  });

  it('has an epoch left for the marker where producers have none', () => {
    const fenced = fence(transaction('Ongoing', { producerEpoch: PRODUCER_EPOCH_MAX - 1 }), 2_000);
    expect(fenced.producerEpoch).toBe(PRODUCER_EPOCH_MAX);
    expect(inShort(init(completeTransaction(fenced, 3_000)))).toBe('ready 99/0');
  });
});
