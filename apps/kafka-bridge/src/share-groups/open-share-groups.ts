import type { Partition, Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BridgeOptions } from '../bridge-options.ts';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import { partitionBounds } from '../fetch/partition-read.ts';
import type { ShareGroupsBehind } from '../groups/group-coordinator.ts';
import { systemTimers } from '../groups/timers.ts';
import { StoredConfigs } from '../topics/configs/stored-configs.ts';
import { firstAtOrAfter } from '../topics/offset-lookup.ts';
import { ShareGroupOffsets } from './share-group-offsets.ts';
import { parseDurationMs, ShareGroupConfigs } from './share-group-settings.ts';
import { SharePartitions } from './share-partitions.ts';
import { ShareSessionCache } from './share-session-cache.ts';

export interface ShareGroupsDeps {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly brokers: BrokerRegistry;
  readonly options: BridgeOptions;
  readonly logger: Logger;
}

/** What share groups (KIP-932) have at this bridge besides their members, whom the groups' coordinator knows. */
export interface ShareGroups extends ShareGroupsBehind {
  readonly settings: ShareGroupConfigs;
  readonly sessions: ShareSessionCache;
  readonly partitions: SharePartitions;
  readonly offsets: ShareGroupOffsets;
  close(): void;
}

const BY_DURATION = 'by_duration:';

export function openShareGroups({ store, catalog, brokers, options, logger }: ShareGroupsDeps): ShareGroups {
  const { documents } = store;
  const configs = new StoredConfigs(documents);
  const settings = new ShareGroupConfigs(
    { configs, documents, logger },
    { heartbeatIntervalMs: options.shareHeartbeatIntervalMs, sessionTimeoutMs: options.shareSessionTimeoutMs },
  );
  settings.open().catch((error: unknown) => {
    logger.warn({ door: 'kafka', err: error }, 'the settings of groups could not be read');
  });

  /** By the setting as it is in the store: it decides once and for all. */
  const beginningOf = async (groupId: string, partition: Partition): Promise<bigint | undefined> => {
    const { 'share.auto.offset.reset': reset = 'latest' } = await configs.get('group', groupId);
    const bounds = await partitionBounds(partition, { store });
    if (bounds === undefined || reset === 'latest') return bounds?.highWatermark;
    if (reset === 'earliest') return bounds.logStartOffset;
    const durationMs = parseDurationMs(reset.slice(BY_DURATION.length)) ?? 0;
    const found = await firstAtOrAfter(partition, Date.now() - durationMs, { store, logger });
    return found.offset < 0n ? bounds.highWatermark : found.offset;
  };

  const partitions = new SharePartitions({
    documents,
    brokers,
    catalog,
    timers: systemTimers,
    settings,
    beginningOf,
    logger,
  });
  const sessions = new ShareSessionCache({
    ended({ groupId, memberId, partitions: its }) {
      for (const one of its) {
        const released = partitions.held({ groupId, ...one })?.leave(memberId, true);
        // Kept or not: what it had is free, and the next one who keeps anything keeps this.
        released?.catch((error: unknown) => {
          logger.debug({ door: 'kafka', groupId, ...one, err: error }, 'records of a member that went could not be given back in the store');
        }); // prettier-ignore
      }
    },
  });
  const offsets = new ShareGroupOffsets({
    documents,
    catalog,
    endOf: async (partition) => (await partitionBounds(partition, { store }))?.highWatermark,
    overwritten: (key) => partitions.held(key)?.close(),
  });
  return {
    settings,
    sessions,
    partitions,
    offsets,
    forgetStates: (groupId) => offsets.forget(groupId),
    sweepStates: (groups) => offsets.sweep(groups),
    close() {
      sessions.closeAll();
      partitions.close();
      settings.close();
    },
  };
}
