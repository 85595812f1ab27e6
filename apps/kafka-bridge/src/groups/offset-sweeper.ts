import { StoreUnavailable, type StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { GroupCoordinator } from './group-coordinator.ts';

/** How long after topics were deleted their offsets go: they are void already, and several deletions are one look. */
export const SWEEP_AFTER_DELETION_MS = 60_000;
/** When the first look is taken: members that died with the bridge before this one are missed from then on. */
export const FIRST_SWEEP_MS = 5_000;

export interface OffsetSweeperOptions {
  readonly groups: Pick<GroupCoordinator, 'sweep'>;
  readonly catalog: Pick<StreamCatalog, 'peek' | 'refresh' | 'onChange'>;
  readonly retentionMs: number;
  /** Kafka's offsets.retention.check.interval.ms. */
  readonly intervalMs: number;
  readonly logger: Logger;
}

/**
 * Looks through the committed offsets of this bridge's groups in the background, now and then and after a topic was deleted,
 * and forgets those that have had their time. Also finds members that died while no bridge had their group.
 */
export class OffsetSweeper {
  readonly #options: OffsetSweeperOptions;
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #sweeping = false;
  #closed = false;

  constructor(options: OffsetSweeperOptions) {
    this.#options = options;
    this.#stopListening = options.catalog.onChange((name) => {
      if (name !== undefined && options.catalog.peek(name) === undefined) this.#due(SWEEP_AFTER_DELETION_MS);
    });
    this.#due(Math.min(options.intervalMs, FIRST_SWEEP_MS));
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    clearTimeout(this.#timer);
  }

  #due(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    if (this.#closed || this.#sweeping || atMs >= this.#dueMs) return;
    this.#dueMs = atMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#sweep(), delayMs);
    this.#timer.unref();
  }

  async #sweep(): Promise<void> {
    const { groups, retentionMs, intervalMs, logger } = this.#options;
    this.#sweeping = true;
    this.#dueMs = Number.POSITIVE_INFINITY;
    try {
      // Asked for once a look: a deleted topic may have offsets by the thousand.
      const asked = new Map<string, Promise<string | undefined>>();
      const expiredCount = await groups.sweep(retentionMs, (name) => {
        const topicId = asked.get(name) ?? this.#topicIdOf(name);
        asked.set(name, topicId);
        return topicId;
      });
      if (expiredCount > 0) logger.info({ door: 'kafka', offsets: expiredCount }, 'committed offsets have expired');
    } catch (error) {
      // The next look finds the same; anything but a store that is away is a bug, and is logged as one.
      const level = error instanceof StoreUnavailable ? 'warn' : 'error';
      logger[level]({ door: 'kafka', err: error }, 'expired offsets could not be looked for');
    }
    this.#sweeping = false;
    this.#due(intervalMs);
  }

  /** What is not known here is asked for: another process may just have made it. */
  async #topicIdOf(name: string): Promise<string | undefined> {
    const { catalog } = this.#options;
    return (catalog.peek(name) ?? (await catalog.refresh(name)))?.id;
  }
}
