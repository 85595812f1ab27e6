import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import {
  hasPartition,
  isPrepared,
  NO_EPOCH,
  NO_PRODUCER,
  type Transaction,
  type TransactionTopic,
  withPartitions,
} from './transaction-document.ts';

/**
 * What may happen to a transactional id, as pure functions: the state before, what is asked, and either the state behind it
 * or why not. Every rule of fencing is here; who stores the state, and when, is the coordinator's concern.
 *
 * ```
 * Empty ──────┐            ┌─► PrepareCommit ─► CompleteCommit ─┐
 *             ├─► Ongoing ─┤                                    ├─► Ongoing, or Empty by a new producer
 * Complete* ──┘            └─► PrepareAbort ──► CompleteAbort ──┘
 * ```
 */

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** A refusal, by the code of the newest versions; older ones are given another code for the same by their handlers. */
export interface Refused {
  readonly kind: 'refused';
  readonly errorCode: ErrorCode;
}

/** Epochs are int16. The last one is kept for markers, which must outrank what the producer may still send. */
export const PRODUCER_EPOCH_MAX = 32_767;

/** Whether the producer id has no epoch left to give to a producer. */
export function isExhausted({ producerEpoch }: Pick<ProducerIdentity, 'producerEpoch'>): boolean {
  return producerEpoch >= PRODUCER_EPOCH_MAX - 1;
}

function refused(errorCode: ErrorCode): Refused {
  return { kind: 'refused', errorCode };
}

export interface InitProducer {
  readonly timeoutMs: number;
  /** What the producer says it has already (KIP-360). */
  readonly expected: ProducerIdentity | undefined;
  /** A fresh id, taken where one may be needed. */
  readonly newProducerId: bigint;
  readonly nowMs: number;
}

export type InitOutcome =
  | Refused
  /** It is the producer's. `next` is absent where it asks again for what it was given. */
  | { readonly kind: 'ready'; readonly next: Transaction | undefined; readonly answer: ProducerIdentity }
  /** The transaction of the one before is aborted first. */
  | { readonly kind: 'abortFirst'; readonly next: Transaction };

/** A producer takes the transactional id; whoever had it is fenced. */
export function initProducer(current: Transaction | undefined, request: InitProducer): InitOutcome {
  const { timeoutMs, expected, newProducerId, nowMs } = request;
  if (current === undefined) {
    const next: Transaction = {
      state: 'Empty',
      producerId: newProducerId,
      producerEpoch: 0,
      lastProducerEpoch: NO_EPOCH,
      previousProducerId: NO_PRODUCER,
      nextProducerId: NO_PRODUCER,
      timeoutMs,
      startedAtMs: -1,
      changedAtMs: nowMs,
      coordinatorEpoch: 0,
      topics: [],
      groups: [],
    };
    return { kind: 'ready', next, answer: identityOf(next) };
  }
  if (isPrepared(current)) return refused(errorCodes.CONCURRENT_TRANSACTIONS);
  if (expected !== undefined) {
    if (isRepetition(current, expected) && current.state !== 'Ongoing') {
      return { kind: 'ready', next: undefined, answer: identityOf(current) };
    }
    const isHolder = expected.producerId === current.producerId && expected.producerEpoch === current.producerEpoch;
    if (!isHolder) return refused(errorCodes.PRODUCER_FENCED);
  }
  if (current.state === 'Ongoing') return { kind: 'abortFirst', next: fence(current, nowMs) };
  const rotates = isExhausted(current);
  const next: Transaction = {
    ...current,
    state: 'Empty',
    producerId: rotates ? newProducerId : current.producerId,
    producerEpoch: rotates ? 0 : current.producerEpoch + 1,
    lastProducerEpoch: expected === undefined ? NO_EPOCH : current.producerEpoch,
    previousProducerId: rotates ? current.producerId : current.previousProducerId,
    timeoutMs,
    startedAtMs: -1,
    changedAtMs: nowMs,
  };
  return { kind: 'ready', next, answer: identityOf(next) };
}

/** The producer's last request for a higher epoch went through, and its answer did not arrive. */
function isRepetition(current: Transaction, expected: ProducerIdentity): boolean {
  if (expected.producerEpoch !== current.lastProducerEpoch) return false;
  if (expected.producerId === current.producerId) return true;
  return expected.producerId === current.previousProducerId && isExhausted(expected);
}

/** Ends an open transaction against its producer's will: it was open for too long, or another producer has come. */
export function fence(current: Transaction, nowMs: number): Transaction {
  return {
    ...current,
    state: 'PrepareAbort',
    producerEpoch: Math.min(current.producerEpoch + 1, PRODUCER_EPOCH_MAX),
    lastProducerEpoch: NO_EPOCH,
    changedAtMs: nowMs,
  };
}

/**
 * Of one who speaks for the transaction: INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED; CONCURRENT_TRANSACTIONS of one who has
 * been told the id that it goes on with when this transaction is complete.
 */
export function refuseProducer(
  current: Transaction | undefined,
  { producerId, producerEpoch }: ProducerIdentity,
): ErrorCode | undefined {
  if (current !== undefined && isNext(current, { producerId, producerEpoch }))
    return errorCodes.CONCURRENT_TRANSACTIONS;
  if (current === undefined || current.producerId !== producerId) return errorCodes.INVALID_PRODUCER_ID_MAPPING;
  return current.producerEpoch === producerEpoch ? undefined : errorCodes.PRODUCER_FENCED;
}

/** Whether it is who takes over from a producer id whose epochs are used up; its end is decided, and not complete. */
function isNext({ nextProducerId }: Transaction, { producerId, producerEpoch }: ProducerIdentity): boolean {
  return nextProducerId !== NO_PRODUCER && producerId === nextProducerId && producerEpoch === 0;
}

/** Whether a partition may be written to now: as `refuseProducer`, then TRANSACTION_ABORTABLE (it is not part of it). */
export function verifyPartition(
  current: Transaction | undefined,
  producer: ProducerIdentity,
  topicId: string,
  partition: number,
): ErrorCode {
  const errorCode = refuseProducer(current, producer);
  if (errorCode !== undefined) return errorCode;
  const isPart = current?.state === 'Ongoing' && hasPartition(current, topicId, partition);
  return isPart ? errorCodes.NONE : errorCodes.TRANSACTION_ABORTABLE;
}

export type AddOutcome =
  | Refused
  /** Absent `next`: all of it was part of the transaction already. */
  | { readonly kind: 'added'; readonly next: Transaction | undefined };

/** What is about to be written to. Either may be empty. */
export interface Participants {
  readonly topics: readonly TransactionTopic[];
  readonly groups: readonly string[];
}

/** Partitions and groups take part; with the first of them the transaction begins. */
export function addParticipants(
  current: Transaction | undefined,
  producer: ProducerIdentity,
  added: Participants,
  nowMs: number,
): AddOutcome {
  const errorCode = refuseProducer(current, producer);
  if (errorCode !== undefined || current === undefined) {
    return refused(errorCode ?? errorCodes.INVALID_PRODUCER_ID_MAPPING);
  }
  if (isPrepared(current)) return refused(errorCodes.CONCURRENT_TRANSACTIONS);
  const isOngoing = current.state === 'Ongoing';
  const topics = withPartitions(isOngoing ? current.topics : [], added.topics);
  const groups = [...new Set([...(isOngoing ? current.groups : []), ...added.groups])];
  if (isOngoing && topics === current.topics && groups.length === current.groups.length) {
    return { kind: 'added', next: undefined };
  }
  const startedAtMs = isOngoing ? current.startedAtMs : nowMs;
  return { kind: 'added', next: { ...current, state: 'Ongoing', topics, groups, startedAtMs, changedAtMs: nowMs } };
}

export interface EndTransaction extends ProducerIdentity {
  readonly commit: boolean;
  /** The producer goes on with a higher epoch after each transaction (KIP-890, transaction.version 2). */
  readonly bumpsEpoch: boolean;
  /** A fresh id, taken where one may be needed. */
  readonly newProducerId: bigint;
  readonly nowMs: number;
}

export type EndOutcome =
  | Refused
  /** Decided: `next` is what to store. It is complete at once where nothing took part. */
  | { readonly kind: 'ended'; readonly next: Transaction; readonly answer: ProducerIdentity }
  /** It was ended this way before. */
  | { readonly kind: 'repeated'; readonly answer: ProducerIdentity };

/**
 * The producer ends its transaction. Refuses INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS (it is
 * being ended just so, or the one before is not complete), INVALID_TXN_STATE (it is, or was, ended the other way; or there is
 * nothing to end).
 *
 * Of those that go on with a higher epoch, one that has the epoch before asks again for the answer to what it did last. They may
 * also abort what has not begun: they cannot know whether a first write of theirs was made. One that has the new epoch already
 * means its next transaction (Kafka fences it while the one before is being completed, which a client does not survive).
 */
export function endTransaction(current: Transaction | undefined, request: EndTransaction): EndOutcome {
  const { producerId, producerEpoch, commit, bumpsEpoch } = request;
  if (current === undefined) return refused(errorCodes.INVALID_PRODUCER_ID_MAPPING);
  const isBefore = producerEpoch >= 0 && current.producerEpoch === producerEpoch + 1;
  const repeatsBump = bumpsEpoch && producerId === current.producerId && isBefore;
  const repeatsRotation =
    bumpsEpoch && producerId === current.previousProducerId && isExhausted(request) && current.producerEpoch === 0;
  if (bumpsEpoch && isNext(current, request)) return refused(errorCodes.CONCURRENT_TRANSACTIONS);
  if (producerId !== current.producerId && !repeatsRotation) return refused(errorCodes.INVALID_PRODUCER_ID_MAPPING);
  const isHolder = producerId === current.producerId && producerEpoch === current.producerEpoch;
  const prepared = commit ? 'PrepareCommit' : 'PrepareAbort';
  const complete = commit ? 'CompleteCommit' : 'CompleteAbort';
  switch (current.state) {
    case 'Ongoing':
      return isHolder ? prepare(current, prepared, request) : refused(errorCodes.PRODUCER_FENCED);
    case 'PrepareCommit':
    case 'PrepareAbort': {
      if (bumpsEpoch && isHolder) return refused(errorCodes.CONCURRENT_TRANSACTIONS);
      const isTheSame = bumpsEpoch ? repeatsBump : isHolder;
      if (!isTheSame) return refused(errorCodes.PRODUCER_FENCED);
      return refused(current.state === prepared ? errorCodes.CONCURRENT_TRANSACTIONS : errorCodes.INVALID_TXN_STATE);
    }
    case 'CompleteCommit':
    case 'CompleteAbort': {
      if (repeatsBump || repeatsRotation || (isHolder && !bumpsEpoch)) {
        if (current.state !== complete) return refused(errorCodes.INVALID_TXN_STATE);
        return { kind: 'repeated', answer: identityOf(current) };
      }
      break;
    }
    case 'Empty':
      break;
  }
  if (!isHolder) return refused(errorCodes.PRODUCER_FENCED);
  if (commit || !bumpsEpoch) return refused(errorCodes.INVALID_TXN_STATE);
  const aborted = prepare({ ...current, startedAtMs: request.nowMs, topics: [], groups: [] }, prepared, request);
  return { ...aborted, next: completeTransaction(aborted.next, request.nowMs) };
}

function prepare(
  current: Transaction,
  state: 'PrepareCommit' | 'PrepareAbort',
  { bumpsEpoch, newProducerId, nowMs }: EndTransaction,
): { readonly kind: 'ended'; readonly next: Transaction; readonly answer: ProducerIdentity } {
  if (!bumpsEpoch) {
    const next: Transaction = { ...current, state, changedAtMs: nowMs };
    return { kind: 'ended', next, answer: identityOf(next) };
  }
  const nextProducerId = isExhausted(current) ? newProducerId : NO_PRODUCER;
  const next: Transaction = {
    ...current,
    state,
    producerEpoch: Math.min(current.producerEpoch + 1, PRODUCER_EPOCH_MAX),
    lastProducerEpoch: current.producerEpoch,
    nextProducerId,
    changedAtMs: nowMs,
  };
  const answer = nextProducerId === NO_PRODUCER ? identityOf(next) : { producerId: nextProducerId, producerEpoch: 0 };
  return { kind: 'ended', next, answer };
}

/** All partitions know how it ended. */
export function completeTransaction(current: Transaction, nowMs: number): Transaction {
  const rotates = current.nextProducerId !== NO_PRODUCER;
  return {
    ...current,
    state: current.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    producerId: rotates ? current.nextProducerId : current.producerId,
    producerEpoch: rotates ? 0 : current.producerEpoch,
    previousProducerId: rotates ? current.producerId : current.previousProducerId,
    nextProducerId: NO_PRODUCER,
    topics: [],
    groups: [],
    changedAtMs: nowMs,
  };
}

function identityOf({ producerId, producerEpoch }: Transaction): ProducerIdentity {
  return { producerId, producerEpoch };
}
