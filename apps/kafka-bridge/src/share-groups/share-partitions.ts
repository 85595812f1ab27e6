import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { type Documents, type Partition, StoreUnavailable, type StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import type { Timers } from '../groups/timers.ts';
import type { ShareGroupSettings } from './share-group-settings.ts';
import { type SharePartitionKey, shareStateKey } from './share-group-keys.ts';
import { type LoadedSharePartition, SharePartition } from './share-partition.ts';
import { formatSharePartition, parseSharePartition } from './share-partition-document.ts';

/** How often taking a share-partition over is tried again when somebody else writes it at the same moment. */
export const TAKE_OVER_ATTEMPTS_MAX = 8;

export interface SharePartitionsOptions {
  readonly documents: Pick<Documents, 'get' | 'write'>;
  readonly brokers: Pick<BrokerRegistry, 'leads' | 'onChange'>;
  readonly catalog: Pick<StreamCatalog, 'peekById'>;
  readonly timers: Timers;
  readonly settings: { of(groupId: string): ShareGroupSettings };
  /** Where a group begins that has never read the partition; `undefined` when its log is gone. Throws StoreUnavailable. */
  readonly beginningOf: (groupId: string, partition: Partition) => Promise<bigint | undefined>;
  readonly logger: Logger;
}

/**
 * The share-partitions that this bridge leads and somebody uses. One is loaded when the first member asks for it, and thereby
 * taken over: its document is written, so that whoever had it before cannot write it any more. It is let go of when no session
 * has it and nothing is out, and when another bridge leads the partition.
 */
export class SharePartitions {
  readonly #options: SharePartitionsOptions;
  readonly #held = new Map<string, SharePartition>();
  readonly #loading = new Map<string, Promise<SharePartition | ErrorCode>>();
  #closed = false;

  constructor(options: SharePartitionsOptions) {
    this.#options = options;
    options.brokers.onChange(() => {
      for (const partition of [...this.#held.values()]) if (!this.#leads(partition.key)) partition.close();
    });
  }

  /** Share-partitions in memory. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * The share-partition, loaded if it is not here. UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER;
   * KAFKA_STORAGE_ERROR when the store is away.
   */
  hold(key: SharePartitionKey): SharePartition | ErrorCode | Promise<SharePartition | ErrorCode> {
    const partition = this.#find(key);
    if (typeof partition === 'number') return partition;
    const name = shareStateKey(key);
    const held = this.#held.get(name);
    if (held !== undefined) return held;
    let loading = this.#loading.get(name);
    if (loading === undefined) {
      loading = this.#load(name, key, partition).finally(() => this.#loading.delete(name));
      this.#loading.set(name, loading);
    }
    return loading;
  }

  /**
   * The share-partition, in which a member says that it has records. As `hold`; INVALID_RECORD_STATE where it is not in memory, and
   * so nobody has any: nothing is loaded for a member that errs.
   */
  holdToAcknowledge(key: SharePartitionKey): SharePartition | ErrorCode {
    const partition = this.#find(key);
    return typeof partition === 'number' ? partition : (this.held(key) ?? errorCodes.INVALID_RECORD_STATE);
  }

  /** The share-partition if it is in memory. */
  held(key: SharePartitionKey): SharePartition | undefined {
    return this.#held.get(shareStateKey(key));
  }

  close(): void {
    this.#closed = true;
    for (const partition of [...this.#held.values()]) partition.close();
  }

  #find(key: SharePartitionKey): Partition | ErrorCode {
    const stream = this.#options.catalog.peekById(key.topicId);
    if (stream === undefined) return errorCodes.UNKNOWN_TOPIC_ID;
    const partition = stream.partitions[key.partition];
    if (partition === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    return this.#leads(key) ? partition : errorCodes.NOT_LEADER_OR_FOLLOWER;
  }

  #leads({ topicId, partition }: SharePartitionKey): boolean {
    return !this.#closed && this.#options.brokers.leads(topicId, partition);
  }

  async #load(name: string, key: SharePartitionKey, partition: Partition): Promise<SharePartition | ErrorCode> {
    let loaded: LoadedSharePartition | ErrorCode;
    try {
      loaded = await this.#takeOver(name, key, partition);
    } catch (error) {
      if (error instanceof StoreUnavailable) return errorCodes.KAFKA_STORAGE_ERROR;
      throw error;
    }
    if (typeof loaded === 'number') return loaded;
    if (!this.#leads(key)) return errorCodes.NOT_LEADER_OR_FOLLOWER;
    const { documents, timers, settings, logger } = this.#options;
    const made = new SharePartition(
      {
        key,
        documents,
        timers,
        settings: () => settings.of(key.groupId),
        logger,
        gone: (gone) => {
          if (this.#held.get(name) === gone) this.#held.delete(name);
        },
      },
      loaded,
    );
    this.#held.set(name, made);
    return made;
  }

  async #takeOver(
    name: string,
    key: SharePartitionKey,
    partition: Partition,
  ): Promise<LoadedSharePartition | ErrorCode> {
    const { documents, beginningOf } = this.#options;
    for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS_MAX; attempt++) {
      const stored = await documents.get(name);
      const former = stored === undefined ? undefined : parseSharePartition(stored.value);
      const beginning = former === undefined ? await beginningOf(key.groupId, partition) : undefined;
      if (former === undefined && beginning === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
      const snapshot = former?.snapshot ?? { startOffset: Number(beginning), runs: [] };
      const epoch = (former?.epoch ?? 0) + 1;
      const value = formatSharePartition(snapshot, epoch);
      const written = await documents.write([{ key: name, value, expected: stored?.version ?? 'absent' }]);
      if (written.ok) return { snapshot, epoch, version: written.versions[0] as number };
    }
    return errorCodes.NOT_LEADER_OR_FOLLOWER;
  }
}
