import { logger } from '@tailrace/telemetry';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import type { Partition, Stream } from '../streams/stream.ts';
import type { StreamCatalog } from '../streams/stream-catalog.ts';
import {
  COMPACTION_INTERVAL_MS,
  COMPACTION_LEASE_MS,
  COMPACTION_LEASE_RENEWAL_MS,
  COMPACTION_TIDY_INTERVAL_MS,
} from './bounds.ts';
import { type CompactionSettings, compactionSettingsOf } from './compaction-settings.ts';
import { readState, tidyStates, writeState } from './compaction-state.ts';
import { Pace } from './pace.ts';
import { compactPartition, isDue, lookAt } from './partition-compaction.ts';

export interface CompactionOptions {
  /** Who this process is, among those over the same store: for each stream one of them does the work. */
  readonly holder: string;
  readonly intervalMs?: number;
  readonly clock?: () => number;
  /** Memory for the keys of one round. */
  readonly keyBytesMax?: number;
  readonly bytesPerSecondMax?: number;
  readonly onError: (error: unknown, stream?: Stream) => void;
}

/** Compacts the streams whose `cleanup.policy` says so, one partition after the other. */
export class Compaction {
  readonly #store: Store;
  readonly #catalog: StreamCatalog;
  readonly #options: CompactionOptions;
  readonly #clock: () => number;
  readonly #closing = new AbortController();
  /** By stream and partition: up to where all was looked at. Nothing is new as long as it ends there. */
  readonly #seenTo = new Map<string, bigint>();
  readonly #held = new Set<string>();
  #tidiedAt = -Infinity;
  #looking: Promise<void> | undefined;

  constructor(store: Store, catalog: StreamCatalog, options: CompactionOptions) {
    this.#store = store;
    this.#catalog = catalog;
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
  }

  /** Looks at all streams, and compacts what is due. One look at a time: a second call waits for the first one. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Ends what is under way, without effect, and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort(new StoreUnavailable('compaction has been ended'));
    await this.#looking;
    const { holder, onError } = this.#options;
    for (const lease of this.#held) await this.#store.leases.release(lease, holder).catch(onError);
  }

  async #look(): Promise<void> {
    const { onError } = this.#options;
    const streams = this.#catalog.names().flatMap((name) => this.#catalog.peek(name) ?? []);
    for (const stream of streams) {
      const settings = compactionSettingsOf(stream);
      if (settings === undefined) continue;
      try {
        await this.#compactStream(stream, settings);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        onError(error, stream);
      }
    }
    await this.#tidy(streams);
  }

  async #compactStream(stream: Stream, settings: CompactionSettings): Promise<void> {
    const { leases } = this.#store;
    const { holder, onError } = this.#options;
    const lease = `compaction/${stream.id}`;
    if (!(await leases.acquire(lease, holder, COMPACTION_LEASE_MS)).held) return;
    this.#held.add(lease);
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, lost.signal]);
    const renewal = setInterval(() => {
      leases
        .acquire(lease, holder, COMPACTION_LEASE_MS)
        .then(
          ({ held }) => held || lost.abort(new StoreUnavailable(`another process compacts ${stream.name} now`)),
          onError,
        );
    }, COMPACTION_LEASE_RENEWAL_MS);
    renewal.unref();
    try {
      for (const partition of stream.partitions) {
        signal.throwIfAborted();
        await this.#compactPartition(stream, partition, settings, signal);
      }
    } finally {
      clearInterval(renewal);
    }
  }

  async #compactPartition(
    stream: Stream,
    partition: Partition,
    settings: CompactionSettings,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, documents } = this.#store;
    const { keyBytesMax, bytesPerSecondMax } = this.#options;
    const nowMs = this.#clock();
    const found = await lookAt(log, partition, settings, nowMs);
    if (found === undefined) return;
    const name = `${stream.id}/${partition.index}`;
    const state = await readState(documents, stream.id, partition.index);
    const isOld = state.nextHorizonMs !== undefined && state.nextHorizonMs <= nowMs;
    if (!isOld && this.#seenTo.get(name) === found.limit) return;
    if (!(await isDue(log, found, state, settings, nowMs))) return;
    const round = await compactPartition(log, found, state, {
      settings,
      nowMs,
      pace: new Pace({ signal, ...(bytesPerSecondMax !== undefined && { bytesPerSecondMax }) }),
      ...(keyBytesMax !== undefined && { keyBytesMax }),
    });
    await writeState(documents, stream.id, partition.index, round.state);
    if (round.isWhole) this.#seenTo.set(name, found.limit);
    const { bytesBefore, bytesAfter } = round;
    if (bytesBefore === 0) return;
    logger.debug({ stream: stream.name, partition: partition.index, bytesBefore, bytesAfter }, 'partition compacted');
  }

  async #tidy(streams: readonly Stream[]): Promise<void> {
    const now = this.#clock();
    if (now - this.#tidiedAt < COMPACTION_TIDY_INTERVAL_MS) return;
    this.#tidiedAt = now;
    const ids = new Set(streams.map(({ id }) => id));
    for (const name of this.#seenTo.keys()) {
      if (!ids.has(name.slice(0, name.lastIndexOf('/')))) this.#seenTo.delete(name);
    }
    for (const lease of this.#held) if (!ids.has(lease.slice(lease.indexOf('/') + 1))) this.#held.delete(lease);
    // A stream that was made a moment ago is unknown here perhaps; what is forgotten of it costs a round.
    await tidyStates(this.#store.documents, (id) => ids.has(id) || this.#catalog.peekById(id) !== undefined).catch(
      this.#options.onError,
    );
  }
}

/** Compacts for as long as the process lives; answers a function that ends it. */
export function startCompaction(store: Store, catalog: StreamCatalog, options: CompactionOptions): () => Promise<void> {
  const compaction = new Compaction(store, catalog, options);
  const timer = setInterval(
    () => void compaction.look().catch(options.onError),
    options.intervalMs ?? COMPACTION_INTERVAL_MS,
  );
  timer.unref();
  return async () => {
    clearInterval(timer);
    await compaction.close();
  };
}
