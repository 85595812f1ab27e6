import type { ShardLimits } from '@tailrace/quota';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
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

/** How the door behaves, all of it with a default (`door.ts`). */
export interface BridgeOptions {
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
  readonly minInsyncReplicas: number;
  readonly messageBytesMax: number;
  readonly fetchBytesMax: number;
  readonly initialRebalanceDelayMs: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  readonly groupMembersMax: number;
  readonly consumerSessionTimeoutMs: number;
  readonly consumerHeartbeatIntervalMs: number;
  readonly shareGroupMembersMax: number;
  readonly shareSessionTimeoutMs: number;
  readonly shareHeartbeatIntervalMs: number;
  /** The shortest `share.record.lock.duration.ms` that a group may be set to. */
  readonly shareLockDurationMsMin: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsCheckIntervalMs: number;
  /** What DescribeLogDirs calls the place where records lie. */
  readonly logDir: string;
}

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
