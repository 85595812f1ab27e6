import type { Documents } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { ConfigMap } from '../topics/configs/config-resource.ts';
import type { StoredConfigs } from '../topics/configs/stored-configs.ts';

/** Where `StoredConfigs` keeps the settings of groups. */
const GROUP_CONFIGS_PREFIX = 'kafka-config/group/';

export interface FollowedConfigsOptions<T> {
  readonly configs: Pick<StoredConfigs, 'get' | 'names'>;
  readonly documents: Pick<Documents, 'watch'>;
  /** For groups for which nothing was set. */
  readonly defaults: T;
  /** What somebody has set means this; `undefined`: nothing that matters here. */
  readonly read: (configs: ConfigMap) => T | undefined;
  readonly logger: Logger;
}

/**
 * What the settings of groups mean, for those few for which somebody has set any by AlterConfigs. They are held in memory
 * and follow every change, so that a heartbeat asks no store.
 */
export class FollowedConfigs<T> {
  readonly #options: FollowedConfigsOptions<T>;
  readonly #set = new Map<string, T>();
  #stopWatching: (() => void) | undefined;
  #closed = false;

  constructor(options: FollowedConfigsOptions<T>) {
    this.#options = options;
  }

  /** Until it settles every group has the defaults. Throws StoreUnavailable. */
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

  of(groupId: string): T {
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
    const value = this.#options.read(await this.#options.configs.get('group', groupId));
    if (value === undefined) this.#set.delete(groupId);
    else this.#set.set(groupId, value);
  }
}
