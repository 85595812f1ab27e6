import type { Documents, DocumentWrite } from '@tailrace/shard-core';
import { formatTransaction, isOpen, parseTransaction, type Transaction } from './transaction-document.ts';
import { openTransactionKey, transactionKey } from './transaction-keys.ts';

/** Transactions remembered with their versions, so that a change mostly costs one write and no read. */
export const TRANSACTIONS_REMEMBERED_MAX = 10_000;
/** How often a change is tried again because somebody else changed the transaction meanwhile. */
const ATTEMPTS_MAX = 16;

/** What a change makes of a transaction, and what it answers. */
export interface Change<T> {
  readonly answer: T;
  /** Absent: nothing is to be written. */
  readonly next?: Transaction | undefined;
  /** What is written with it, in one step. */
  readonly also?: readonly DocumentWrite[] | undefined;
}

export type Changed<T> =
  | { readonly ok: true; readonly answer: T }
  /** Others changed it each time. */
  | { readonly ok: false };

interface Remembered {
  readonly transaction: Transaction;
  readonly version: number;
}

/**
 * Transactions in the store. Each change is compared with the version it was made from, so that bridges that both believe to
 * coordinate an id, and those that add to its transaction on the way (implicit partitions, offsets of groups that live
 * elsewhere), cannot undo each other's work. Changes of one id by this bridge run one behind the other.
 *
 * Beside the transaction itself (`transaction/<id>`) there is a second document as long as it is open
 * (`open-transaction/<id>`), written with it in one step: when to look after it.
 */
export class TransactionStore {
  readonly #documents: Documents;
  readonly #remembered = new Map<string, Remembered>();
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** As it is in the store now. Throws StoreUnavailable. */
  async read(transactionalId: string): Promise<Transaction | undefined> {
    return (await this.#load(transactionalId))?.transaction;
  }

  /**
   * Changes a transaction in one step. `decide` may be called several times, with what was found each time; an answer that
   * writes nothing is given only on what has just been read. Throws StoreUnavailable: then it is not known whether the
   * change was made.
   */
  change<T>(
    transactionalId: string,
    decide: (current: Transaction | undefined) => Change<T> | Promise<Change<T>>,
  ): Promise<Changed<T>> {
    const before = this.#queues.get(transactionalId) ?? Promise.resolve();
    const changed = before.then(() => this.#change(transactionalId, decide));
    const settled = changed.catch(() => undefined);
    this.#queues.set(transactionalId, settled);
    void settled.then(() => {
      if (this.#queues.get(transactionalId) === settled) this.#queues.delete(transactionalId);
    });
    return changed;
  }

  async #change<T>(
    transactionalId: string,
    decide: (current: Transaction | undefined) => Change<T> | Promise<Change<T>>,
  ): Promise<Changed<T>> {
    let known = this.#remembered.get(transactionalId);
    let isFresh = false;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (known === undefined && !isFresh) {
        known = await this.#load(transactionalId);
        isFresh = true;
      }
      const { answer, next, also } = await decide(known?.transaction);
      if (next === undefined) {
        if (isFresh) return { ok: true, answer };
        known = undefined;
        continue;
      }
      const written = await this.#write(transactionalId, known, next, also ?? []);
      if (written.ok) return { ok: true, answer };
      ({ known, isFresh } = written);
    }
    return { ok: false };
  }

  async #write(
    transactionalId: string,
    known: Remembered | undefined,
    next: Transaction,
    also: readonly DocumentWrite[],
  ): Promise<
    { readonly ok: true } | { readonly ok: false; readonly known: Remembered | undefined; readonly isFresh: boolean }
  > {
    const key = transactionKey(transactionalId);
    const writes: DocumentWrite[] = [
      { key, value: formatTransaction(next), expected: known?.version ?? 'absent' },
      ...openWrites(transactionalId, known?.transaction, next),
      ...also,
    ];
    // Until the answer is there it is not known what the store has.
    this.#remembered.delete(transactionalId);
    const written = await this.#documents.write(writes);
    if (written.ok) {
      this.#remember(transactionalId, { transaction: next, version: written.versions[0] as number });
      return { ok: true };
    }
    const { conflict } = written;
    // One of the others (offsets that were not as they were read): everything is looked at again.
    if (conflict.key !== key) return { ok: false, known: undefined, isFresh: false };
    const { current } = conflict;
    const found = current && { transaction: parseTransaction(current.value), version: current.version };
    return { ok: false, known: found, isFresh: true };
  }

  async #load(transactionalId: string): Promise<Remembered | undefined> {
    const stored = await this.#documents.get(transactionKey(transactionalId));
    if (stored === undefined) {
      this.#remembered.delete(transactionalId);
      return undefined;
    }
    const found = { transaction: parseTransaction(stored.value), version: stored.version };
    this.#remember(transactionalId, found);
    return found;
  }

  #remember(transactionalId: string, found: Remembered): void {
    this.#remembered.delete(transactionalId);
    if (this.#remembered.size >= TRANSACTIONS_REMEMBERED_MAX) {
      const [oldest] = this.#remembered.keys();
      this.#remembered.delete(oldest as string);
    }
    this.#remembered.set(transactionalId, found);
  }
}

/** The second document follows when the transaction begins, is decided, and ends. */
function openWrites(
  transactionalId: string,
  before: Transaction | undefined,
  next: Transaction,
): readonly DocumentWrite[] {
  const key = openTransactionKey(transactionalId);
  const wasOpen = before !== undefined && isOpen(before);
  if (!isOpen(next)) return wasOpen ? [{ key, value: undefined, expected: 'any' }] : [];
  const isSame = wasOpen && before.state === next.state && before.coordinatorEpoch === next.coordinatorEpoch;
  if (isSame) return [];
  const value = JSON.stringify({ state: next.state, dueAtMs: dueAtMs(next) } satisfies OpenTransaction);
  return [{ key, value, expected: 'any' }];
}

/** What the second document says. */
export interface OpenTransaction {
  readonly state: Transaction['state'];
  /** When it is to be aborted, or taken over from a bridge that began to complete it; in milliseconds since 1970. */
  readonly dueAtMs: number;
}

/** How long a bridge that completes a transaction is left alone with it. */
export const COMPLETION_PATIENCE_MS = 3_000;

function dueAtMs({ state, startedAtMs, timeoutMs, changedAtMs }: Transaction): number {
  return state === 'Ongoing' ? startedAtMs + timeoutMs : changedAtMs + COMPLETION_PATIENCE_MS;
}
