import type { Logger } from '@tailrace/telemetry';
import type { StoredConfigs } from '../topics/configs/stored-configs.ts';
import type { Documents } from '@tailrace/shard-core';

/** How fast a consumer group is to move. */
export interface GroupPace {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** Where `StoredConfigs` keeps the settings of groups. */
const GROUP_CONFIGS_PREFIX = 'kafka-config/group/';
const SESSION_TIMEOUT = 'consumer.session.timeout.ms';
const HEARTBEAT_INTERVAL = 'consumer.heartbeat.interval.ms';

export interface GroupPacesOptions {
  readonly configs: Pick<StoredConfigs, 'get' | 'names'>;
  readonly documents: Pick<Documents, 'watch'>;
  readonly defaults: GroupPace;
  readonly logger: Logger;
}

/**
 * The pace of each group: the bridge's, but for groups for which somebody has set another by AlterConfigs. Those few are held
 * in memory and follow every change, so that a heartbeat asks no store.
 */
export class GroupPaces {
  readonly #options: GroupPacesOptions;
  readonly #set = new Map<string, GroupPace>();
  #stopWatching: (() => void) | undefined;
  #closed = false;

  constructor(options: GroupPacesOptions) {
    this.#options = options;
  }

  /** Until it settles every group has the bridge's pace. Throws StoreUnavailable. */
  async open(): Promise<void> {
    const stop = await this.#options.documents.watch(GROUP_CONFIGS_PREFIX, (key) => this.#changed(key));
    this.#stopWatching = stop;
    if (this.#closed) return stop();
    await this.#readAll();
  }

  close(): void {
    this.#closed = true;
    this.#stopWatching?.();
  }

  of(groupId: string): GroupPace {
    return this.#set.get(groupId) ?? this.#options.defaults;
  }

  #changed(key: string | undefined): void {
    const read =
      key === undefined ? this.#readAll() : this.#read(decodeURIComponent(key.slice(GROUP_CONFIGS_PREFIX.length)));
    // The store is away: it tells `undefined` again when it is back.
    read.catch((error: unknown) => {
      this.#options.logger.warn({ door: 'kafka', err: error }, 'the settings of groups could not be read');
    });
  }

  async #readAll(): Promise<void> {
    const names = new Set(await this.#options.configs.names('group'));
    for (const groupId of [...this.#set.keys()]) if (!names.has(groupId)) this.#set.delete(groupId);
    for (const groupId of names) await this.#read(groupId);
  }

  async #read(groupId: string): Promise<void> {
    const { configs, defaults } = this.#options;
    const { [SESSION_TIMEOUT]: session, [HEARTBEAT_INTERVAL]: heartbeat } = await configs.get('group', groupId);
    if (session === undefined && heartbeat === undefined) {
      this.#set.delete(groupId);
      return;
    }
    this.#set.set(groupId, {
      sessionTimeoutMs: session === undefined ? defaults.sessionTimeoutMs : Number(session),
      heartbeatIntervalMs: heartbeat === undefined ? defaults.heartbeatIntervalMs : Number(heartbeat),
    });
  }
}
