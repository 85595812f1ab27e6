import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { type Documents, StoreUnavailable } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { TransactionCoordinator } from '../transactions/transaction-coordinator.ts';
import type { TransactionTopic } from '../transactions/transaction-document.ts';
import { OPEN_TRANSACTION_PREFIX, transactionalIdOf } from '../transactions/transaction-keys.ts';
import { type ProducerIdentity, verifyPartition } from '../transactions/transaction-transitions.ts';

/** Transactional ids whose partitions are remembered. */
export const ADMISSIONS_MAX = 10_000;

/** A partition that a transactional batch is for. */
export interface TransactionalWrite {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

interface Admitted extends ProducerIdentity {
  /** The producer's epoch grows with each transaction: the log itself refuses what comes late. */
  readonly implicit: boolean;
  readonly partitions: Set<string>;
}

interface Question {
  readonly transactionalId: string;
  readonly implicit: boolean;
  /** Something was heard of the transaction since it was asked. */
  isOutdated: boolean;
}

export interface TransactionAdmissionOptions {
  readonly coordinator: Pick<TransactionCoordinator, 'addImplicitly' | 'read' | 'onEnd'>;
  readonly documents: Pick<Documents, 'watch'>;
  readonly logger: Logger;
}

/**
 * Lets transactional batches into partitions that are part of an open transaction, and no others: in a partition that the
 * coordinator does not know of nothing would ever end the transaction, and committed readers would wait there for ever (KIP-890).
 * Producers of Produce 12 and later add partitions by writing to them.
 *
 * What was let in once is remembered, so that of a transaction only the first batch for each partition waits for the store.
 * Where producers keep their epoch over several transactions, it is forgotten with the end of each one, whichever bridge it
 * ends by.
 */
export class TransactionAdmission {
  readonly #options: TransactionAdmissionOptions;
  readonly #admitted = new Map<string, Admitted>();
  /** Questions under way: what is heard of a transaction meanwhile may be newer than the answer. */
  readonly #asking = new Set<Question>();
  #watching: Promise<(() => void) | undefined> | undefined;
  #closed = false;

  constructor(options: TransactionAdmissionOptions) {
    this.#options = options;
    options.coordinator.onEnd((transactionalId) => {
      this.#admitted.delete(transactionalId);
      for (const question of this.#asking) if (question.transactionalId === transactionalId) question.isOutdated = true;
    });
  }

  /** Whether the write is known to be part of the transaction. */
  isAdmitted(transactionalId: string, producer: ProducerIdentity, topicId: string, partition: number): boolean {
    const admitted = this.#admitted.get(transactionalId);
    return (
      admitted !== undefined &&
      admitted.producerEpoch === producer.producerEpoch &&
      admitted.producerId === producer.producerId &&
      admitted.partitions.has(`${topicId}/${partition}`)
    );
  }

  /**
   * Asks the store, and answers for each write NONE or why not: INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED,
   * CONCURRENT_TRANSACTIONS (implicit), TRANSACTION_ABORTABLE (explicit: it is no part of the transaction),
   * COORDINATOR_NOT_AVAILABLE.
   */
  async admit(
    transactionalId: string,
    producer: ProducerIdentity,
    writes: readonly TransactionalWrite[],
    implicit: boolean,
  ): Promise<readonly ErrorCode[]> {
    const question: Question = { transactionalId, implicit, isOutdated: false };
    this.#asking.add(question);
    try {
      if (implicit) {
        const added = { topics: byTopic(writes), groups: [] };
        const errorCode = await this.#options.coordinator.addImplicitly(transactionalId, producer, added);
        if (errorCode === errorCodes.NONE) this.#remember(question, producer, writes);
        return writes.map(() => errorCode);
      }
      const mayRemember = await this.#watch();
      const transaction = await this.#options.coordinator.read(transactionalId);
      const codes = writes.map(({ topicId, partition }) => verifyPartition(transaction, producer, topicId, partition));
      const admitted = writes.filter((_, i) => codes[i] === errorCodes.NONE);
      if (mayRemember && admitted.length > 0) this.#remember(question, producer, admitted);
      return codes;
    } catch (error) {
      if (implicit || !(error instanceof StoreUnavailable)) throw error;
      return writes.map(() => errorCodes.COORDINATOR_NOT_AVAILABLE);
    } finally {
      this.#asking.delete(question);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#admitted.clear();
    (await this.#watching)?.();
  }

  #remember(
    { transactionalId, implicit, isOutdated }: Question,
    { producerId, producerEpoch }: ProducerIdentity,
    writes: readonly TransactionalWrite[],
  ): void {
    // Let in it is all the same: the append may yet be before the transaction's end. The next batch asks again.
    if (isOutdated) return;
    let admitted = this.#admitted.get(transactionalId);
    if (admitted?.producerId !== producerId || admitted.producerEpoch !== producerEpoch) {
      admitted = { producerId, producerEpoch, implicit, partitions: new Set() };
      this.#admitted.delete(transactionalId);
      if (this.#admitted.size >= ADMISSIONS_MAX) {
        const [oldest] = this.#admitted.keys();
        this.#admitted.delete(oldest as string);
      }
      this.#admitted.set(transactionalId, admitted);
    }
    for (const { topicId, partition } of writes) admitted.partitions.add(`${topicId}/${partition}`);
  }

  /** Hears from now on of transactions that begin and end; whether it does. Only producers that keep their epoch need it. */
  async #watch(): Promise<boolean> {
    this.#watching ??= this.#options.documents
      .watch(OPEN_TRANSACTION_PREFIX, (key) => this.#forget(key))
      .then((stop) => {
        if (!this.#closed) return stop;
        stop();
        return undefined;
      });
    try {
      return (await this.#watching) !== undefined;
    } catch (error) {
      this.#watching = undefined;
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#options.logger.warn({ door: 'kafka', err: error }, 'changes of transactions cannot be heard of');
      return false;
    }
  }

  #forget(key: string | undefined): void {
    for (const question of this.#asking) {
      const isIt = key === undefined || question.transactionalId === transactionalIdOf(key);
      if (isIt && !question.implicit) question.isOutdated = true;
    }
    if (key === undefined) {
      for (const [transactionalId, { implicit }] of this.#admitted) {
        if (!implicit) this.#admitted.delete(transactionalId);
      }
      return;
    }
    const transactionalId = transactionalIdOf(key);
    if (this.#admitted.get(transactionalId)?.implicit === false) this.#admitted.delete(transactionalId);
  }
}

function byTopic(writes: readonly TransactionalWrite[]): readonly TransactionTopic[] {
  const topics = new Map<string, { readonly name: string; readonly topicId: string; readonly partitions: number[] }>();
  for (const { topic, topicId, partition } of writes) {
    const known = topics.get(topicId) ?? { name: topic, topicId, partitions: [] };
    known.partitions.push(partition);
    topics.set(topicId, known);
  }
  return [...topics.values()];
}
