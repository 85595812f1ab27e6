import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BridgeOptions } from '../bridge.ts';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import { OffsetSweeper } from './offset-sweeper.ts';
import { SubscribableTopics } from './subscribable-topics.ts';
import { systemTimers } from './timers.ts';

export interface GroupsDeps {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly brokers: BrokerRegistry;
  readonly options: BridgeOptions;
  readonly logger: Logger;
}

/** The groups of this bridge, with what watches over their offsets; closing them ends it all. */
export function openGroups({ store, catalog, brokers, options, logger }: GroupsDeps): GroupCoordinator {
  const topics = new SubscribableTopics(catalog);
  const groups = new GroupCoordinator({
    documents: store.documents,
    brokers,
    topics,
    timers: systemTimers,
    clock: Date.now,
    options,
    logger,
    onClose: () => {
      sweeper.close();
      topics.close();
    },
  });
  const { offsetsRetentionMs: retentionMs, offsetsCheckIntervalMs: intervalMs } = options;
  const sweeper = new OffsetSweeper({ groups, catalog, retentionMs, intervalMs, logger });
  return groups;
}
