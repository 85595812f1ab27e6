import type { ShardLimits } from '@tailrace/quota';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BridgeOptions } from './bridge-options.ts';
import type { BrokerRegistry } from './brokers/broker-registry.ts';
import type { FetchSessionCache } from './fetch/fetch-session-cache.ts';
import type { UnsentAnswers } from './fetch/unsent-answers.ts';
import type { GroupCoordinator } from './groups/group-coordinator.ts';
import type { OffsetsProjection } from './groups/offsets-topic/offsets-projection.ts';
import type { ProducerIds } from './produce/producer-ids.ts';
import type { TransactionAdmission } from './produce/transaction-admission.ts';
import type { ShareGroups } from './share-groups/open-share-groups.ts';
import type { LeaderEpochs } from './topics/leader-epochs.ts';
import type { StoredConfigs } from './topics/configs/stored-configs.ts';
import type { MetadataCache } from './topics/metadata-cache.ts';
import type { Security } from './security/security.ts';
import type { TransactionCoordinator } from './transactions/transaction-coordinator.ts';
import type { TransactionMarkers } from './transactions/transaction-markers.ts';

/** What every handler can reach. */
export interface Bridge {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly limits: ShardLimits | undefined;
  readonly brokers: BrokerRegistry;
  readonly clusterId: string;
  readonly leaderEpochs: LeaderEpochs;
  readonly metadata: MetadataCache;
  readonly fetchSessions: FetchSessionCache;
  readonly unsentAnswers: UnsentAnswers;
  readonly groups: GroupCoordinator;
  readonly offsetsTopic: OffsetsProjection;
  readonly shareGroups: ShareGroups;
  readonly producerIds: ProducerIds;
  readonly transactions: TransactionCoordinator;
  readonly transactionMarkers: TransactionMarkers;
  readonly transactionAdmission: TransactionAdmission;
  readonly security: Security;
  readonly storedConfigs: StoredConfigs;
  readonly options: BridgeOptions;
  readonly logger: Logger;
}
