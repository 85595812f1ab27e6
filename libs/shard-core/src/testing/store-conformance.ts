import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Store } from '../contract/store.ts';
import { appendConformance } from './append-conformance.ts';
import { awaitAppendConformance } from './await-append-conformance.ts';
import { compactConformance, reopenedCompaction } from './compact-conformance.ts';
import { documentsConformance } from './documents-conformance.ts';
import { handOverConformance } from './hand-over-conformance.ts';
import { leasesConformance } from './leases-conformance.ts';
import { producerConformance } from './producer-conformance.ts';
import { readConformance } from './read-conformance.ts';
import { reopenConformance } from './reopen-conformance.ts';
import { shardConformance } from './shard-conformance.ts';
import { timeConformance } from './time-conformance.ts';
import { tokenBucketsConformance } from './token-buckets-conformance.ts';
import { reopenedTransactions, transactionConformance } from './transaction-conformance.ts';

/** A store that a suite may do with as it likes, and how to come back to what it holds. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and opens another over the same data. */
  reopen(): Promise<Store>;
  /** Closes what is open and forgets the data. */
  close(): Promise<void>;
}

export interface ConformanceOptions {
  /** The largest batch that the store under test takes; without it that refusal is not tried. */
  readonly batchBytesMax?: number;
  /** Bytes that a batch takes in the store above its own, which `maxBytes` of a read counts. Default 0. */
  readonly storedOverheadBytes?: number;
  /** How many copies the store under test keeps of a record, the primary among them. Default 1. */
  readonly copies?: number;
}

/** Answers the store of the suite that runs. */
export type CurrentStore = () => Store;

/**
 * What every engine must do: each sentence of the contract, as tests. Stores are shared within a group of tests, so
 * every test makes its own shards and names.
 */
export function storeConformance(
  name: string,
  openStore: () => Promise<StoreUnderTest>,
  options: ConformanceOptions = {},
): void {
  const group = (title: string, tests: (store: CurrentStore) => void) => {
    describe(title, () => {
      let underTest: StoreUnderTest | undefined;
      beforeAll(async () => {
        underTest = await openStore();
      });
      afterAll(async () => {
        await underTest?.close();
      });
      tests(() => (underTest as StoreUnderTest).store);
    });
  };
  describe(`${name}, by the contract`, () => {
    group('append', (store) => appendConformance(store, options));
    group('idempotent producers', producerConformance);
    group('producers of another shard', handOverConformance);
    group('transactions', (store) => transactionConformance(store, options));
    group('read', (store) => readConformance(store, options));
    group('search by time', timeConformance);
    group('shards', (store) => shardConformance(store, options));
    group('compact', (store) => compactConformance(store, options));
    group('awaitAppend', awaitAppendConformance);
    group('documents', documentsConformance);
    group('leases', leasesConformance);
    group('token buckets', tokenBucketsConformance);
    describe('opened again', () => {
      reopenConformance(openStore);
      reopenedTransactions(openStore);
      reopenedCompaction(openStore);
    });
  });
}
