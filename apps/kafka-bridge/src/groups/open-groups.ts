import type { Authorizer } from '@tailrace/identity';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BridgeOptions } from '../bridge-options.ts';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import { GroupCoordinator, type ShareGroupsBehind } from './group-coordinator.ts';
import { GroupPaces } from './group-paces.ts';
import { OffsetSweeper } from './offset-sweeper.ts';
import { StoredConfigs } from '../topics/configs/stored-configs.ts';
import { SubscribableTopics } from './subscribable-topics.ts';
import { systemTimers } from './timers.ts';

export interface GroupsDeps {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly brokers: BrokerRegistry;
  readonly shareGroups: ShareGroupsBehind;
  readonly authorizer: Pick<Authorizer, 'allows'>;
  readonly options: BridgeOptions;
  readonly logger: Logger;
}

/** The groups of this bridge, with what watches over their offsets; closing them ends it all. */
export function openGroups({
  store,
  catalog,
  brokers,
  shareGroups,
  authorizer,
  options,
  logger,
}: GroupsDeps): GroupCoordinator {
  const topics = new SubscribableTopics(catalog, (subject, topic) =>
    authorizer.allows(subject, 'DESCRIBE', 'TOPIC', topic),
  );
  const paces = new GroupPaces({
    configs: new StoredConfigs(store.documents),
    documents: store.documents,
    defaults: {
      sessionTimeoutMs: options.consumerSessionTimeoutMs,
      heartbeatIntervalMs: options.consumerHeartbeatIntervalMs,
    },
    logger,
  });
  paces.open().catch((error: unknown) => {
    logger.warn({ door: 'kafka', err: error }, 'the settings of groups could not be read');
  });
  const groups = new GroupCoordinator({
    documents: store.documents,
    brokers,
    topics,
    paces,
    shareGroups,
    timers: systemTimers,
    clock: Date.now,
    options,
    logger,
    onClose: () => {
      sweeper.close();
      topics.close();
      paces.close();
    },
  });
  const { offsetsRetentionMs: retentionMs, offsetsCheckIntervalMs: intervalMs } = options;
  const sweeper = new OffsetSweeper({ groups, catalog, retentionMs, intervalMs, logger });
  return groups;
}
