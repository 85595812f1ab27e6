import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { type Documents, type DocumentWrite, StoreUnavailable } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import type { OffsetCommit } from '../groups/offset-store.ts';
import type { Timers } from '../groups/timers.ts';
import type { ProducerIds } from '../produce/producer-ids.ts';
import { PendingOffsets } from './pending-offsets.ts';
import {
  formatTransaction,
  isPrepared,
  parseTransaction,
  type Transaction,
  TRANSACTION_BYTES_MAX,
} from './transaction-document.ts';
import {
  isTransactionalId,
  OPEN_TRANSACTION_PREFIX,
  TRANSACTION_PREFIX,
  transactionalIdOf,
  transactionKey,
  transactionOwnerName,
} from './transaction-keys.ts';
import { MarkersUnwritten, type TransactionMarkers } from './transaction-markers.ts';
import { type Change, type OpenTransaction, TransactionStore } from './transaction-store.ts';
import {
  addParticipants,
  completeTransaction,
  endTransaction,
  fence,
  initProducer,
  isExhausted,
  type Participants,
  type ProducerIdentity,
} from './transaction-transitions.ts';

/** Kafka's transaction.max.timeout.ms. */
export const TRANSACTION_TIMEOUT_MS_MAX = 15 * 60 * 1_000;
/** How often this bridge looks for transactions that are open for too long, or that another one left half ended. */
export const SWEEP_INTERVAL_MS = 1_000;
/** How long the end of a transaction waits for its markers before it answers that it is decided. */
export const COMPLETION_WAIT_MS = 1_000;
/** Transactions that this bridge completes at once; what is beyond waits for the next look. */
export const COMPLETIONS_MAX = 1_000;
/** Kafka's transactional.id.expiration.ms: an id that nobody has used for so long is forgotten. */
export const TRANSACTIONAL_ID_EXPIRATION_MS = 7 * 24 * 60 * 60 * 1_000;
/** How often ids are looked at for that. */
export const EXPIRATION_INTERVAL_MS = 60 * 60 * 1_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;
const LIST_PAGE = 1_000;
/** A write holds 1,000 documents; two of them are the transaction's own. */
const OFFSETS_PER_WRITE_MAX = 990;

export interface TransactionCoordinatorOptions {
  readonly documents: Documents;
  readonly brokers: Pick<BrokerRegistry, 'owns' | 'term' | 'holdsLease'>;
  readonly producerIds: Pick<ProducerIds, 'next'>;
  readonly markers: Pick<TransactionMarkers, 'write'>;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly logger: Logger;
}

export type InitAnswer = ProducerIdentity & { readonly errorCode: ErrorCode };
export type EndAnswer = InitAnswer;

const NOBODY: ProducerIdentity = { producerId: -1n, producerEpoch: -1 };

export interface DescribedTransaction {
  readonly transactionalId: string;
  readonly transaction: Transaction;
}

/**
 * The transactions of this deployment, as this bridge sees them. A transactional id is coordinated by the bridge that
 * rendezvous hashing names; the others answer NOT_COORDINATOR. All state is in the store (`TransactionStore`), so
 * that nothing is lost with a bridge: the decision to commit or abort is one write, and whoever finds a transaction decided and not
 * completed, or open for too long, goes on with it.
 *
 * Every answer is an error code; StoreUnavailable is COORDINATOR_NOT_AVAILABLE, which clients retry.
 */
export class TransactionCoordinator {
  readonly pendingOffsets: PendingOffsets;
  readonly #options: TransactionCoordinatorOptions;
  readonly #store: TransactionStore;
  /** What this bridge completes now, by transactional id. */
  readonly #completing = new Map<string, Promise<void>>();
  readonly #ended = new Set<(transactionalId: string) => void>();
  readonly #closing = new AbortController();
  #cancelSweep: (() => void) | undefined;
  #sweeping: Promise<void> | undefined;
  #expireAtMs = 0;

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options;
    this.#store = new TransactionStore(options.documents);
    this.pendingOffsets = new PendingOffsets(options.documents);
    this.#expireAtMs = options.timers.now() + EXPIRATION_INTERVAL_MS;
  }

  /** Begins to look after transactions that nobody else looks after. */
  start(): void {
    this.#scheduleSweep();
  }

  /** Lets go, once what is being completed has had a moment: the rest is completed by the next coordinator. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelSweep?.();
    await this.#sweeping;
    await Promise.all([...this.#completing.keys()].map((transactionalId) => this.#whenCompleted(transactionalId)));
  }

  /** Calls with each transactional id whose transaction this bridge ends, before the end is stored. */
  onEnd(listener: (transactionalId: string) => void): void {
    this.#ended.add(listener);
  }

  /** Whether this bridge may answer for the id at all: INVALID_REQUEST, NOT_COORDINATOR. */
  refuse(transactionalId: string): ErrorCode | undefined {
    if (!isTransactionalId(transactionalId)) return errorCodes.INVALID_REQUEST;
    return this.#owns(transactionalId) ? undefined : errorCodes.NOT_COORDINATOR;
  }

  /**
   * Gives the transactional id to a producer, and fences whoever had it; its transaction is aborted first.
   * INVALID_REQUEST, NOT_COORDINATOR, INVALID_TRANSACTION_TIMEOUT, CONCURRENT_TRANSACTIONS (the last one is not completed yet),
   * PRODUCER_FENCED (what it says it has is not what it was given last).
   */
  async init(transactionalId: string, timeoutMs: number, expected: ProducerIdentity | undefined): Promise<InitAnswer> {
    const failed = (errorCode: ErrorCode): InitAnswer => ({ errorCode, ...NOBODY });
    if (!isTransactionalId(transactionalId)) return failed(errorCodes.INVALID_REQUEST);
    if (timeoutMs <= 0 || timeoutMs > TRANSACTION_TIMEOUT_MS_MAX) return failed(errorCodes.INVALID_TRANSACTION_TIMEOUT);
    if (!this.#owns(transactionalId)) return failed(errorCodes.NOT_COORDINATOR);
    return unlessUnavailable(this.#init(transactionalId, timeoutMs, expected), () =>
      failed(errorCodes.COORDINATOR_NOT_AVAILABLE),
    );
  }

  async #init(transactionalId: string, timeoutMs: number, expected: ProducerIdentity | undefined): Promise<InitAnswer> {
    const stillOwns = this.#asOwner(transactionalId);
    // What another attempt completes a moment later need not be asked for again.
    await this.#whenCompleted(transactionalId);
    let aborting: Transaction | undefined;
    const changed = await this.#store.change(transactionalId, async (current): Promise<Change<InitAnswer>> => {
      aborting = undefined;
      const newProducerId = await this.#newProducerId(current);
      if (!stillOwns()) return { answer: { errorCode: errorCodes.NOT_COORDINATOR, ...NOBODY } };
      const nowMs = this.#options.wallClock();
      const outcome = initProducer(current, { timeoutMs, expected, newProducerId, nowMs });
      switch (outcome.kind) {
        case 'refused':
          return { answer: { errorCode: outcome.errorCode, ...NOBODY } };
        case 'ready':
          return { answer: { errorCode: errorCodes.NONE, ...outcome.answer }, next: outcome.next };
        case 'abortFirst':
          aborting = outcome.next;
          return { answer: { errorCode: errorCodes.CONCURRENT_TRANSACTIONS, ...NOBODY }, next: outcome.next };
      }
    });
    if (!changed.ok) return { errorCode: errorCodes.CONCURRENT_TRANSACTIONS, ...NOBODY };
    if (aborting === undefined) return changed.answer;
    this.#tellEnded(transactionalId);
    await this.#complete(transactionalId, aborting);
    // The one before is fenced now. Where its partitions know so already, the client need not come again.
    const isStillExpected = expected === undefined;
    return isStillExpected && stillOwns() && !this.#completing.has(transactionalId)
      ? this.#init(transactionalId, timeoutMs, undefined)
      : changed.answer;
  }

  /**
   * Partitions and groups become part of the transaction. INVALID_REQUEST, NOT_COORDINATOR, INVALID_PRODUCER_ID_MAPPING,
   * PRODUCER_FENCED, CONCURRENT_TRANSACTIONS (the last one is being ended).
   */
  async add(transactionalId: string, producer: ProducerIdentity, added: Participants): Promise<ErrorCode> {
    const refused = this.refuse(transactionalId);
    if (refused !== undefined) return refused;
    return this.#add(transactionalId, producer, added, this.#asOwner(transactionalId));
  }

  /** The same for a producer that names no coordinator but just writes (KIP-890): any bridge does it. */
  async addImplicitly(transactionalId: string, producer: ProducerIdentity, added: Participants): Promise<ErrorCode> {
    if (!isTransactionalId(transactionalId)) return errorCodes.INVALID_REQUEST;
    return this.#add(transactionalId, producer, added, () => true);
  }

  async #add(
    transactionalId: string,
    producer: ProducerIdentity,
    added: Participants,
    mayAnswer: () => boolean,
  ): Promise<ErrorCode> {
    const changing = this.#store.change(transactionalId, (current): Change<ErrorCode> => {
      if (!mayAnswer()) return { answer: errorCodes.NOT_COORDINATOR };
      const outcome = addParticipants(current, producer, added, this.#options.wallClock());
      if (outcome.kind === 'refused') return { answer: outcome.errorCode };
      return this.#ifItFits(outcome.next);
    });
    return this.#codeOf(changing);
  }

  /** The transaction as the store has it now, for who verifies against it; by any bridge. Throws StoreUnavailable. */
  async read(transactionalId: string): Promise<Transaction | undefined> {
    return isTransactionalId(transactionalId) ? this.#store.read(transactionalId) : undefined;
  }

  /**
   * Offsets of a group that become valid when the transaction commits; asked of the bridge that has the group. `implicit`: the
   * group becomes part of the transaction by it. `isAdmitted`: whether that bridge may still answer. INVALID_REQUEST,
   * NOT_COORDINATOR, INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_EPOCH, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE (the group is
   * not part of it), INVALID_COMMIT_OFFSET_SIZE.
   */
  async commitOffsets(
    transactionalId: string,
    producer: ProducerIdentity,
    groupId: string,
    commits: readonly OffsetCommit[],
    { implicit, isAdmitted }: { readonly implicit: boolean; readonly isAdmitted: () => boolean },
  ): Promise<ErrorCode> {
    if (!isTransactionalId(transactionalId)) return errorCodes.INVALID_REQUEST;
    const changing = this.#store.change(transactionalId, async (current): Promise<Change<ErrorCode>> => {
      if (!isAdmitted()) return { answer: errorCodes.NOT_COORDINATOR };
      const added = { topics: [], groups: [groupId] };
      const outcome = addParticipants(current, producer, added, this.#options.wallClock());
      if (outcome.kind === 'refused') return { answer: withoutFenced(outcome.errorCode) };
      if (outcome.next !== undefined && !implicit) return { answer: errorCodes.INVALID_TXN_STATE };
      const pending = await this.pendingOffsets.add(groupId, producer.producerId, commits);
      if (pending === undefined) return { answer: errorCodes.INVALID_COMMIT_OFFSET_SIZE };
      // The transaction is written again also where nothing of it changes: only so it is known that it is still open.
      const change = this.#ifItFits(outcome.next ?? current);
      return { ...change, also: change.next && [pending] };
    });
    return this.#codeOf(changing);
  }

  /**
   * Commits or aborts. Answers when it is decided, and waits a little until all partitions know, so that readers see it.
   * INVALID_REQUEST, NOT_COORDINATOR, then as `endTransaction`.
   */
  async end(
    transactionalId: string,
    producer: ProducerIdentity,
    how: { readonly commit: boolean; readonly bumpsEpoch: boolean },
  ): Promise<EndAnswer> {
    const failed = (errorCode: ErrorCode): EndAnswer => ({ errorCode, ...NOBODY });
    const refused = this.refuse(transactionalId);
    if (refused !== undefined) return failed(refused);
    const ending = this.#end(transactionalId, producer, how);
    return unlessUnavailable(ending, () => failed(errorCodes.COORDINATOR_NOT_AVAILABLE));
  }

  async #end(
    transactionalId: string,
    producer: ProducerIdentity,
    how: { readonly commit: boolean; readonly bumpsEpoch: boolean },
  ): Promise<EndAnswer> {
    const stillOwns = this.#asOwner(transactionalId);
    this.#tellEnded(transactionalId);
    let prepared: Transaction | undefined;
    const changed = await this.#store.change(transactionalId, async (current): Promise<Change<EndAnswer>> => {
      prepared = undefined;
      const newProducerId = await this.#newProducerId(current);
      if (!stillOwns()) return { answer: { errorCode: errorCodes.NOT_COORDINATOR, ...NOBODY } };
      const nowMs = this.#options.wallClock();
      const outcome = endTransaction(current, { ...producer, ...how, newProducerId, nowMs });
      if (outcome.kind === 'refused') return { answer: { errorCode: outcome.errorCode, ...NOBODY } };
      const answer = { errorCode: errorCodes.NONE, ...outcome.answer };
      if (outcome.kind === 'repeated') return { answer };
      if (isPrepared(outcome.next)) prepared = outcome.next;
      return { answer, next: outcome.next };
    });
    if (!changed.ok) return { errorCode: errorCodes.CONCURRENT_TRANSACTIONS, ...NOBODY };
    if (prepared !== undefined) await this.#complete(transactionalId, prepared);
    else if (changed.answer.errorCode === errorCodes.CONCURRENT_TRANSACTIONS)
      await this.#whenCompleted(transactionalId);
    return changed.answer;
  }

  /** How a transaction stands: INVALID_REQUEST, NOT_COORDINATOR, TRANSACTIONAL_ID_NOT_FOUND. */
  async describe(transactionalId: string): Promise<ErrorCode | Transaction> {
    const refused = this.refuse(transactionalId);
    if (refused !== undefined) return refused;
    const reading = this.#store.read(transactionalId);
    return unlessUnavailable(
      reading.then((transaction) => transaction ?? errorCodes.TRANSACTIONAL_ID_NOT_FOUND),
      () => errorCodes.COORDINATOR_NOT_AVAILABLE,
    );
  }

  /** All that this bridge coordinates. Throws StoreUnavailable. */
  async list(): Promise<readonly DescribedTransaction[]> {
    if (!this.#options.brokers.holdsLease) throw new StoreUnavailable('the lease of this bridge has ended');
    const found: DescribedTransaction[] = [];
    for await (const { transactionalId, value } of this.#list(TRANSACTION_PREFIX)) {
      found.push({ transactionalId, transaction: parseTransaction(value) });
    }
    return found;
  }

  /** Looks once after all open transactions that this bridge coordinates. Throws StoreUnavailable. */
  async sweep(): Promise<void> {
    const nowMs = this.#options.wallClock();
    for await (const { transactionalId, value } of this.#list(OPEN_TRANSACTION_PREFIX)) {
      const open = JSON.parse(value) as OpenTransaction;
      if (open.dueAtMs > nowMs || this.#completing.has(transactionalId)) continue;
      if (this.#completing.size >= COMPLETIONS_MAX || this.#closing.signal.aborted) return;
      const found = await this.#takeOver(transactionalId, nowMs);
      if (found !== undefined) void this.#complete(transactionalId, found);
    }
    if (this.#options.timers.now() < this.#expireAtMs) return;
    this.#expireAtMs = this.#options.timers.now() + EXPIRATION_INTERVAL_MS;
    await this.#expire(nowMs);
  }

  /** The transaction as it is to be completed: aborted because its time is over, or decided by somebody who is gone. */
  async #takeOver(transactionalId: string, nowMs: number): Promise<Transaction | undefined> {
    const changed = await this.#store.change(transactionalId, (current): Change<Transaction | undefined> => {
      if (current === undefined) return { answer: undefined };
      if (current.state === 'Ongoing' && current.startedAtMs + current.timeoutMs <= nowMs) {
        const next = fence(current, nowMs);
        return { answer: next, next };
      }
      if (!isPrepared(current)) return { answer: undefined };
      const next = { ...current, coordinatorEpoch: current.coordinatorEpoch + 1, changedAtMs: nowMs };
      return { answer: next, next };
    });
    if (!changed.ok || changed.answer === undefined) return undefined;
    const { state, coordinatorEpoch } = changed.answer;
    this.#tellEnded(transactionalId);
    this.#options.logger.info(
      { door: 'kafka', transactionalId, state, coordinatorEpoch },
      'a transaction that was left open is ended',
    );
    return changed.answer;
  }

  /** Completes in the background; waits for it, but not for long. */
  async #complete(transactionalId: string, prepared: Transaction): Promise<void> {
    const completing = this.#completeAll(transactionalId, prepared)
      .catch((error: unknown) => {
        this.#options.logger.error({ door: 'kafka', transactionalId, err: error }, 'a transaction was not completed');
      })
      .finally(() => this.#completing.delete(transactionalId));
    this.#completing.set(transactionalId, completing);
    await this.#whenCompleted(transactionalId);
  }

  async #whenCompleted(transactionalId: string): Promise<void> {
    const completing = this.#completing.get(transactionalId);
    if (completing === undefined) return;
    let cancel: () => void = () => undefined;
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#options.timers.after(COMPLETION_WAIT_MS, resolve);
    });
    await Promise.race([completing, timeout]);
    cancel();
  }

  /** Markers into all partitions, then offsets and the transaction itself in one step; again and again until it is done. */
  async #completeAll(transactionalId: string, prepared: Transaction): Promise<void> {
    const { markers, logger } = this.#options;
    let current = prepared;
    for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)) {
      try {
        const { producerId, producerEpoch, coordinatorEpoch, topics } = current;
        const commit = current.state === 'PrepareCommit';
        await markers.write({ producerId, producerEpoch, coordinatorEpoch, commit }, topics);
        await this.#finish(transactionalId, current);
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailable || error instanceof MarkersUnwritten)) throw error;
        logger.warn({ door: 'kafka', transactionalId, err: error }, 'the end of a transaction waits for the store');
      }
      let again: Transaction | 'unavailable' | undefined;
      do {
        await this.#pause(retryMs);
        if (this.#closing.signal.aborted) return;
        // Not without it: a marker of this try must outrank those of the last one that may still be under way.
        again = await unlessUnavailable(this.#takeAgain(transactionalId, current), () => 'unavailable' as const);
      } while (again === 'unavailable');
      if (again === undefined) return;
      current = again;
    }
  }

  /** Offsets become valid or vanish, and the transaction is complete. Somebody else may have done it; then nothing is written. */
  async #finish(transactionalId: string, prepared: Transaction): Promise<void> {
    const writes = await this.pendingOffsets.end(prepared);
    const nowMs = this.#options.wallClock();
    const step = (also: readonly DocumentWrite[], next: (current: Transaction) => Transaction) =>
      this.#store.change(transactionalId, (current): Change<boolean> => {
        if (current === undefined || !isSameEnd(current, prepared)) return { answer: false };
        return { answer: true, next: next(current), also };
      });
    const all = [...writes];
    while (all.length > OFFSETS_PER_WRITE_MAX) {
      const part = all.splice(0, OFFSETS_PER_WRITE_MAX);
      const written = await step(part, (current) => current);
      if (!written.ok) throw new MarkersUnwritten('the transaction is changed by others all the time');
      if (!written.answer) return;
    }
    const written = await step(all, (current) => completeTransaction(current, nowMs));
    if (!written.ok) throw new MarkersUnwritten('the transaction is changed by others all the time');
  }

  /** After a failure: markers may still be under way, so the next ones must outrank them. `undefined`: it is another's now. */
  async #takeAgain(transactionalId: string, prepared: Transaction): Promise<Transaction | undefined> {
    const changed = await this.#store.change(transactionalId, (current): Change<Transaction | undefined> => {
      if (current === undefined || !isSameEnd(current, prepared)) return { answer: undefined };
      const changedAtMs = this.#options.wallClock();
      const next = { ...current, coordinatorEpoch: current.coordinatorEpoch + 1, changedAtMs };
      return { answer: next, next };
    });
    if (!changed.ok) throw new StoreUnavailable(`the transaction ${transactionalId} is changed by others all the time`);
    return changed.answer;
  }

  /** Forgets ids that nobody has used for long. */
  async #expire(nowMs: number): Promise<void> {
    for await (const { transactionalId, value, version } of this.#list(TRANSACTION_PREFIX)) {
      const transaction = parseTransaction(value);
      const isOld = transaction.changedAtMs + TRANSACTIONAL_ID_EXPIRATION_MS < nowMs;
      if (!isOld || transaction.state === 'Ongoing' || isPrepared(transaction)) continue;
      // One that comes to life again meanwhile has another version, and stays.
      await this.#options.documents.write([
        { key: transactionKey(transactionalId), value: undefined, expected: version },
      ]);
    }
  }

  /** The documents under a prefix whose ids this bridge coordinates. */
  async *#list(prefix: string) {
    for (let after: string | undefined; ;) {
      const page = await this.#options.documents.list(prefix, {
        limit: LIST_PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, value, version } of page) {
        const transactionalId = transactionalIdOf(key);
        if (this.#owns(transactionalId)) yield { transactionalId, value, version };
      }
      if (page.length < LIST_PAGE) return;
      after = page.at(-1)?.key;
    }
  }

  #scheduleSweep(): void {
    if (this.#closing.signal.aborted) return;
    this.#cancelSweep = this.#options.timers.after(SWEEP_INTERVAL_MS, () => {
      this.#sweeping = this.sweep()
        .catch((error: unknown) => {
          this.#options.logger.warn({ door: 'kafka', err: error }, 'open transactions could not be looked after');
        })
        .then(() => this.#scheduleSweep());
    });
  }

  #owns(transactionalId: string): boolean {
    return !this.#closing.signal.aborted && this.#options.brokers.owns(transactionOwnerName(transactionalId));
  }

  /**
   * Tells later whether this bridge has coordinated the id all the time from now on. A producer that keeps its epoch ends all of
   * its transactions by one and the same request: decided late, by a bridge that was paused, it would end the next one, which
   * has begun at another coordinator. To be asked behind each look at the store; the write compares what was seen there.
   */
  #asOwner(transactionalId: string): () => boolean {
    const { brokers } = this.#options;
    const { term } = brokers;
    return () => this.#owns(transactionalId) && brokers.term === term;
  }

  /** A fresh producer id where the change may need one; any number where it does not. */
  #newProducerId(current: Transaction | undefined): Promise<bigint> | bigint {
    return current === undefined || isExhausted(current) ? this.#options.producerIds.next() : NOBODY.producerId;
  }

  #ifItFits(next: Transaction | undefined): Change<ErrorCode> {
    if (next !== undefined && Buffer.byteLength(formatTransaction(next)) > TRANSACTION_BYTES_MAX) {
      return { answer: errorCodes.INVALID_REQUEST };
    }
    return { answer: errorCodes.NONE, next };
  }

  async #codeOf(changing: ReturnType<TransactionStore['change']>): Promise<ErrorCode> {
    const changed = await unlessUnavailable(changing, () => 'unavailable' as const);
    if (changed === 'unavailable') return errorCodes.COORDINATOR_NOT_AVAILABLE;
    return changed.ok ? (changed.answer as ErrorCode) : errorCodes.CONCURRENT_TRANSACTIONS;
  }

  #tellEnded(transactionalId: string): void {
    for (const listener of this.#ended) listener(transactionalId);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(ms, resolve);
      this.#closing.signal.addEventListener(
        'abort',
        () => {
          cancel();
          resolve();
        },
        { once: true },
      );
    });
  }
}

/** Whether a transaction is still at the end that somebody set out to complete, and nobody has taken it over. */
function isSameEnd(current: Transaction, prepared: Transaction): boolean {
  return (
    current.state === prepared.state &&
    current.producerId === prepared.producerId &&
    current.producerEpoch === prepared.producerEpoch &&
    current.coordinatorEpoch === prepared.coordinatorEpoch
  );
}

/** Of offsets, clients know the older one of the two codes. */
function withoutFenced(errorCode: ErrorCode): ErrorCode {
  return errorCode === errorCodes.PRODUCER_FENCED ? errorCodes.INVALID_PRODUCER_EPOCH : errorCode;
}
