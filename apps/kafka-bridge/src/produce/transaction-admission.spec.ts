import { describe, expect, it } from '@jest/globals';
import { errorCodes, errorName } from '@tailrace/kafka-protocol';
import { StoreUnavailable } from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import type { Transaction } from '../transactions/transaction-document.ts';
import { openTransactionKey } from '../transactions/transaction-keys.ts';
import { ADMISSIONS_MAX, TransactionAdmission } from './transaction-admission.ts';

const logger = createLogger({ level: 'fatal', readable: false, destination: { write: () => undefined } });
const producer = { producerId: 7n, producerEpoch: 3 };
const write = { topic: 'orders', topicId: 'id', partition: 0 };

/** An admission over a transaction that is open in the partition of `write`, and what was asked of the store. */
function admission() {
  const state = { asked: 0, away: false, watchFails: false, stopped: 0, beforeAnswer: () => {} };
  let changed: (key: string | undefined) => void = () => undefined;
  let ended: (transactionalId: string) => void = () => undefined;
  const open = {
    state: 'Ongoing',
    ...producer,
    topics: [{ name: 'orders', topicId: 'id', partitions: [0] }],
  } as unknown as Transaction;
  const made = new TransactionAdmission({
    coordinator: {
      async addImplicitly() {
        state.asked += 1;
        state.beforeAnswer();
        return state.away ? errorCodes.COORDINATOR_NOT_AVAILABLE : errorCodes.NONE;
      },
      async read() {
        state.asked += 1;
        if (state.away) throw new StoreUnavailable('away');
        state.beforeAnswer();
        return open;
      },
      onEnd(listener) {
        ended = listener;
      },
    },
    documents: {
      async watch(_prefix, listener) {
        if (state.watchFails) throw new StoreUnavailable('away');
        changed = listener;
        return () => {
          state.stopped += 1;
        };
      },
    },
    logger,
  });
  const admit = async (implicit: boolean, partition = 0, id = 't') =>
    (await made.admit(id, producer, [{ ...write, partition }], implicit)).map(errorName);
  const isAdmitted = (partition = 0, id = 't', who = producer) => made.isAdmitted(id, who, 'id', partition);
  return {
    made,
    state,
    admit,
    isAdmitted,
    changed: (key: string | undefined) => changed(key),
    ended: (transactionalId: string) => ended(transactionalId),
  };
}

describe('TransactionAdmission', () => {
  it.each([true, false])(
    'remembers what it let in, of this producer and epoch alone (implicit: %p)',
    async (implicit) => {
      const { admit, isAdmitted } = admission();
      expect(isAdmitted()).toBe(false);
      expect(await admit(implicit)).toEqual(['NONE']);
      expect(isAdmitted()).toBe(true);
      expect([isAdmitted(1), isAdmitted(0, 'another')]).toEqual([false, false]);
      expect(isAdmitted(0, 't', { ...producer, producerEpoch: 4 })).toBe(false);
      expect(isAdmitted(0, 't', { ...producer, producerId: 8n })).toBe(false);
    },
  );

  it('does not let in what is no part of the transaction', async () => {
    const { admit, isAdmitted } = admission();
    expect([await admit(false, 1), isAdmitted(1)]).toEqual([['TRANSACTION_ABORTABLE'], false]);
  });

  it('forgets what a producer that keeps its epoch may write to when its transaction ends, here or elsewhere', async () => {
    const { admit, isAdmitted, changed, ended } = admission();
    await admit(false);
    changed(openTransactionKey('another'));
    expect(isAdmitted()).toBe(true);
    changed(openTransactionKey('t'));
    expect(isAdmitted()).toBe(false);
    await admit(false);
    ended('t');
    expect(isAdmitted()).toBe(false);
    await admit(false);
    // Changes may have been missed.
    changed(undefined);
    expect(isAdmitted()).toBe(false);
  });

  it('does not remember an answer behind which it heard of the end of the transaction', async () => {
    const { admit, isAdmitted, changed, ended, state } = admission();
    // Heard when the store has answered, and the answer is still on its way here.
    const behind: [boolean, () => void][] = [
      [false, () => changed(openTransactionKey('t'))],
      [false, () => changed(undefined)],
      [false, () => ended('t')],
      [true, () => ended('t')],
    ];
    for (const [implicit, end] of behind) {
      state.beforeAnswer = end;
      expect([await admit(implicit), isAdmitted()]).toEqual([['NONE'], false]);
    }
    // Of another transaction it says nothing.
    state.beforeAnswer = () => {
      changed(openTransactionKey('another'));
      ended('another');
    };
    expect([await admit(false), isAdmitted()]).toEqual([['NONE'], true]);
    ended('t');
    // Its own change, where the producer's epoch grows.
    state.beforeAnswer = () => changed(openTransactionKey('t'));
    expect([await admit(true), isAdmitted()]).toEqual([['NONE'], true]);
  });

  it('keeps what a producer with a growing epoch may write to: the log refuses what comes late', async () => {
    const { admit, isAdmitted, changed } = admission();
    await admit(true);
    await admit(false, 0, 'another');
    changed(openTransactionKey('t'));
    changed(undefined);
    expect([isAdmitted(), isAdmitted(0, 'another')]).toEqual([true, false]);
  });

  it('remembers nothing while it cannot hear of ends', async () => {
    const { admit, isAdmitted, state } = admission();
    state.watchFails = true;
    expect([await admit(false), isAdmitted()]).toEqual([['NONE'], false]);
    state.watchFails = false;
    expect([await admit(false), isAdmitted()]).toEqual([['NONE'], true]);
  });

  it('says so when the store is away', async () => {
    const { admit, isAdmitted, state } = admission();
    state.away = true;
    expect([await admit(false), await admit(true), isAdmitted()]).toEqual([
      ['COORDINATOR_NOT_AVAILABLE'],
      ['COORDINATOR_NOT_AVAILABLE'],
      false,
    ]);
  });

  it('remembers a bounded number of ids, the newest', async () => {
    const { admit, isAdmitted } = admission();
    for (let n = 0; n <= ADMISSIONS_MAX; n++) await admit(true, 0, `t${n}`);
    expect([isAdmitted(0, 't0'), isAdmitted(0, 't1'), isAdmitted(0, `t${ADMISSIONS_MAX}`)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('stops to listen when it is closed', async () => {
    const { admit, made, state } = admission();
    await admit(false);
    await made.close();
    expect(state.stopped).toBe(1);
  });
});
