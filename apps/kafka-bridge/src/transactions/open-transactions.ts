import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { Bridge } from '../bridge.ts';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import { systemTimers } from '../groups/timers.ts';
import { ProducerIds } from '../produce/producer-ids.ts';
import { TransactionAdmission } from '../produce/transaction-admission.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';
import { TransactionMarkers } from './transaction-markers.ts';

/** What a bridge needs for transactional and idempotent producers; it looks after open transactions from now on. */
export function openTransactions(options: {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly brokers: BrokerRegistry;
  readonly minInsyncReplicas: number;
  readonly logger: Logger;
}): Pick<Bridge, 'producerIds' | 'transactions' | 'transactionMarkers' | 'transactionAdmission'> {
  const { store, catalog, brokers, minInsyncReplicas, logger } = options;
  const { documents, log } = store;
  const producerIds = new ProducerIds(documents);
  const transactionMarkers = new TransactionMarkers({ log, catalog, minInsyncReplicas, logger });
  const transactions = new TransactionCoordinator({
    documents,
    brokers,
    producerIds,
    markers: transactionMarkers,
    timers: systemTimers,
    wallClock: () => Date.now(),
    logger,
  });
  const transactionAdmission = new TransactionAdmission({ coordinator: transactions, documents, logger });
  transactions.start();
  return { producerIds, transactions, transactionMarkers, transactionAdmission };
}
