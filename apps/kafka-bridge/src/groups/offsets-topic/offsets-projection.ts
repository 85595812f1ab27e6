import {
  type Documents,
  GROUP_OFFSETS_PREFIX,
  GROUP_STATES_PREFIX,
  groupIdOfStateKey,
  groupStateKey,
  type Log,
  parseCommittedOffset,
  placeOfOffsetKey,
  StoreUnavailable,
  type StreamCatalog,
} from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BrokerRegistry } from '../../brokers/broker-registry.ts';
import { CONSUMER_OFFSETS_TOPIC } from '../../topics/internal-topics.ts';
import { parseGroupDocument } from '../group-document.ts';
import { OffsetStore } from '../offset-store.ts';
import { groupKey, groupRecords, offsetKey, offsetValue } from './group-records.ts';
import { digestOf, type GroupRecords, isOffsetKey, keyOfText, keyText, type OffsetsRecord } from './offsets-record.ts';
import { findOrCreateOffsetsTopic, OFFSETS_PARTITIONS, offsetsPartitionOf } from './offsets-topic.ts';
import { OffsetsTopicGone, OffsetsTopicLog } from './offsets-topic-log.ts';

/** When the topic comes into being: when a client first names it, when the bridge starts, or never. */
export type OffsetsTopicMode = 'named' | 'always' | 'never';

/** Changed documents that are noted at once; more, and all groups are compared anew. */
export const CHANGES_NOTED_MAX = 100_000;
/** Groups that are written at once, and documents of one that are asked for at once. */
export const GROUPS_AT_ONCE_MAX = 16;
export const READS_AT_ONCE_MAX = 64;
/** How long whoever first names the topic waits for what is in it from the beginning. */
export const FIRST_WRITE_WAIT_MS = 3_000;
/** How often all groups are compared while another bridge may be writing of them as well. */
export const COMPARISONS_MAX = 5;
/** How long closing waits for what is being written. */
export const CLOSE_WAIT_MS = 1_000;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 10_000;
const LIST_PAGE = 1_000;

export interface OffsetsProjectionOptions {
  readonly store: {
    readonly log: Pick<Log, 'append' | 'read' | 'bounds'>;
    readonly documents: Pick<Documents, 'get' | 'list' | 'watch' | 'write'>;
  };
  readonly catalog: StreamCatalog;
  readonly brokers: Pick<BrokerRegistry, 'ownsGroup' | 'onChange' | 'brokers'>;
  readonly mode: OffsetsTopicMode;
  readonly minInsyncReplicas: number;
  /** The largest record that goes into the topic, key and value. */
  readonly recordBytesMax: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly logger: Logger;
}

/**
 * Keeps `__consumer_offsets` as the groups are, for tools that read it: the documents are the truth, the topic shows them.
 *
 * Nobody tells this what was committed. It hears which documents have changed (`Documents.watch`), by whichever bridge and for
 * whatever reason, reads them as they are then, and appends that; a document that is gone is a tombstone. So a commit costs
 * nothing here, the newest state always gets in, and of several changes of one key within a moment the last one may
 * stand for all, as after a compaction. A group is written by the bridge that coordinates it, one change after the other.
 *
 * When changes may have been missed (at the start, after a failure, when bridges come or go, when too many are noted), what the
 * topic says of this bridge's groups is read back and compared with the documents, and what differs is appended. A bridge
 * that loses a group compares it once more, because what it wrote last may have come behind its successor's.
 *
 * As long as the topic is not there, nothing is watched and nothing is done.
 */
export class OffsetsProjection {
  readonly #options: OffsetsProjectionOptions;
  readonly #documents: Documents;
  readonly #offsets: OffsetStore;
  readonly #stopListening: () => void;
  #topic: OffsetsTopicLog | undefined;
  /** A topic of the name that is not as this one has to be. */
  #refusedId: string | undefined;
  #stopWatching: (() => void) | undefined;
  /** Keys of changed documents by group. */
  readonly #changed = new Map<string, Set<string>>();
  #changedCount = 0;
  #comparisonWanted = false;
  /** What the topic says of groups themselves, without their offsets; of those that this bridge has written. */
  readonly #known = new Map<string, GroupRecords>();
  /** Groups written since the last comparison. */
  readonly #written = new Set<string>();
  #isRunning = false;
  #closed = false;
  #wake: () => void = () => undefined;
  /** Settles when the topic has, for the first time, all that this bridge has to write. */
  #first = Promise.withResolvers<void>();
  #isComplete = false;

  constructor(options: OffsetsProjectionOptions) {
    this.#options = options;
    this.#documents = options.store.documents;
    this.#offsets = new OffsetStore(options.store.documents);
    this.#stopListening = options.catalog.onChange((name) => {
      if (name === undefined || name === CONSUMER_OFFSETS_TOPIC) this.#follow();
    });
    options.brokers.onChange(() => this.#compareSoon());
    this.#follow();
  }

  /** Makes the topic where it shall be there from the start. Throws StoreUnavailable. */
  async start(): Promise<void> {
    if (this.#options.mode !== 'always') return;
    await findOrCreateOffsetsTopic(this.#options.catalog);
    this.#follow();
  }

  /**
   * A client names the topic: it is made if it is missing, and a first reader waits a little for what belongs into it. Throws
   * StoreUnavailable.
   */
  async named(): Promise<void> {
    if (this.#isComplete || this.#closed || this.#options.mode === 'never') return;
    await findOrCreateOffsetsTopic(this.#options.catalog);
    this.#follow();
    // Nothing will be written that is worth waiting for.
    if (this.#topic === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, FIRST_WRITE_WAIT_MS)));
    await Promise.race([this.#first.promise, patience]);
    clearTimeout(timer);
  }

  /** Stops at the next step; what is missing is written by the next coordinator, or by this one's next life. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    this.#stopWatching?.();
    this.#wake();
    const endMs = performance.now() + CLOSE_WAIT_MS;
    while (this.#isRunning && performance.now() < endMs) await pause(5);
  }

  /** Follows the topic as it comes, goes, and comes again under another id. */
  #follow(): void {
    let stream = this.#options.catalog.peek(CONSUMER_OFFSETS_TOPIC);
    if (this.#closed || (stream !== undefined && stream.id === this.#refusedId)) return;
    if (stream !== undefined && stream.partitions.length < OFFSETS_PARTITIONS) {
      // Made by a client of a version that did not keep the name for itself.
      this.#refusedId = stream.id;
      const hint = `has ${stream.partitions.length} partitions instead of ${OFFSETS_PARTITIONS} and is not written: delete it, and it is made anew`;
      this.#options.logger.error({ door: 'kafka' }, `${CONSUMER_OFFSETS_TOPIC} ${hint}`);
      stream = undefined;
    }
    if (stream?.id === this.#topic?.topicId) return;
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#forgetChanges();
    this.#known.clear();
    this.#written.clear();
    this.#isComplete = false;
    this.#first = Promise.withResolvers<void>();
    this.#topic = undefined;
    if (stream === undefined) return;
    const { store, catalog, minInsyncReplicas, clock } = this.#options;
    this.#topic = new OffsetsTopicLog({ log: store.log, catalog, minInsyncReplicas, clock }, stream);
    this.#compareSoon();
  }

  async #watch(topic: OffsetsTopicLog): Promise<void> {
    if (this.#stopWatching !== undefined) return;
    const heard = (key: string | undefined) => this.#heardOf(key);
    const stops: (() => void)[] = [];
    const stop = () => {
      for (const one of stops) one();
    };
    try {
      for (const prefix of [GROUP_OFFSETS_PREFIX, GROUP_STATES_PREFIX]) {
        stops.push(await this.#documents.watch(prefix, heard));
      }
    } catch (error) {
      // It is tried again, and would hear everything twice.
      stop();
      throw error;
    }
    if (this.#closed || this.#topic !== topic) stop();
    else this.#stopWatching = stop;
  }

  #heardOf(key: string | undefined): void {
    if (key === undefined) return this.#compareSoon();
    const groupId = key.startsWith(GROUP_STATES_PREFIX) ? groupIdOfStateKey(key) : placeOfOffsetKey(key)?.groupId;
    if (groupId === undefined || !this.#options.brokers.ownsGroup(groupId)) return;
    const keys = this.#changed.get(groupId) ?? new Set<string>();
    this.#changed.set(groupId, keys);
    if (keys.has(key)) return;
    keys.add(key);
    this.#changedCount += 1;
    if (this.#changedCount > CHANGES_NOTED_MAX) return this.#compareSoon();
    this.#run();
  }

  #compareSoon(): void {
    if (this.#topic === undefined) return;
    this.#comparisonWanted = true;
    this.#forgetChanges();
    this.#run();
  }

  #forgetChanges(): void {
    this.#changed.clear();
    this.#changedCount = 0;
  }

  #run(): void {
    if (this.#isRunning || this.#closed) return;
    this.#isRunning = true;
    void this.#work();
  }

  /** Works until nothing is left to do. A failure means that everything is compared anew, a little later. */
  async #work(): Promise<void> {
    let retryMs = RETRY_MS_MIN;
    // What was changed by one write is heard of at once, and written together.
    await Promise.resolve();
    for (;;) {
      const topic = this.#topic;
      if (this.#closed || topic === undefined || !(this.#comparisonWanted || this.#changed.size > 0)) break;
      try {
        if (this.#comparisonWanted) await this.#compareAll(topic);
        else await this.#writeChanges(topic);
        retryMs = RETRY_MS_MIN;
      } catch (error) {
        if (this.#topic !== topic) continue;
        this.#comparisonWanted = true;
        const { logger, catalog } = this.#options;
        const level = error instanceof StoreUnavailable || error instanceof OffsetsTopicGone ? 'warn' : 'error';
        logger[level]({ door: 'kafka', err: error }, `${CONSUMER_OFFSETS_TOPIC} could not be written`);
        await this.#pause(retryMs);
        retryMs = Math.min(2 * retryMs, RETRY_MS_MAX);
        if (error instanceof OffsetsTopicGone) {
          await catalog.refresh(CONSUMER_OFFSETS_TOPIC).catch(() => undefined);
          this.#follow();
        }
      }
    }
    this.#isRunning = false;
  }

  async #writeChanges(topic: OffsetsTopicLog): Promise<void> {
    const part: (readonly [string, ReadonlySet<string>])[] = [];
    for (const [groupId, keys] of this.#changed) {
      part.push([groupId, keys]);
      this.#changed.delete(groupId);
      this.#changedCount -= keys.size;
      if (part.length === GROUPS_AT_ONCE_MAX) break;
    }
    await Promise.all(
      part.map(([groupId, keys]) => this.#unlessUnreadable(groupId, this.#writeGroup(topic, groupId, [...keys]))),
    );
  }

  /** Writes what these documents say now, in the order in which they were first changed. */
  async #writeGroup(topic: OffsetsTopicLog, groupId: string, keys: readonly string[]): Promise<void> {
    const records: OffsetsRecord[] = [];
    // As Kafka's coordinator, which deletes a group's offsets before the group.
    const atLast: OffsetsRecord[] = [];
    let known = this.#known.get(groupId);
    for (let from = 0; from < keys.length; from += READS_AT_ONCE_MAX) {
      const page = keys.slice(from, from + READS_AT_ONCE_MAX);
      const found = await Promise.all(page.map((key) => this.#documents.get(key)));
      found.forEach((document, i) => {
        const place = placeOfOffsetKey(page[i] as string);
        if (place === undefined) {
          const wanted = readable(() => groupRecords(groupId, document && parseGroupDocument(document.value)));
          const difference = differenceOf(known ?? new Map<string, string>(), wanted);
          (document === undefined ? atLast : records).push(...difference.records);
          // Nobody was ever in it, so nothing was said of it; that it is gone is said of every group.
          if (document === undefined && known === undefined) atLast.push({ key: groupKey(groupId), value: null });
          known = difference.now;
          return;
        }
        const value = document === undefined ? null : readable(() => offsetValue(parseCommittedOffset(document.value)));
        records.push({ key: offsetKey(groupId, place.topic, place.partition), value });
      });
    }
    await this.#append(topic, groupId, [...records, ...atLast]);
    this.#keep(groupId, known);
  }

  /** Makes the topic say what the documents say, for all groups of this bridge and those that it had written of before. */
  async #compareAll(topic: OffsetsTopicLog): Promise<void> {
    const { brokers } = this.#options;
    this.#comparisonWanted = false;
    const left = new Set([...this.#written].filter((groupId) => !brokers.ownsGroup(groupId)));
    const isOurs = (groupId: string) => brokers.ownsGroup(groupId) || left.has(groupId);
    await this.#watch(topic);
    // All documents are read behind this; what changes from here on is noted anew.
    this.#forgetChanges();
    for (let round = 1; round <= COMPARISONS_MAX; round++) {
      const appended = await this.#compareOnce(topic, isOurs);
      // With others about, it is done when nothing was found that differs: their last word may have come between.
      if (appended === 0 || brokers.brokers.length === 1) break;
    }
    this.#written.clear();
    for (const groupId of this.#known.keys()) if (!brokers.ownsGroup(groupId)) this.#known.delete(groupId);
    if (this.#topic !== topic || this.#isComplete) return;
    this.#isComplete = true;
    this.#first.resolve();
  }

  async #compareOnce(topic: OffsetsTopicLog, isOurs: (groupId: string) => boolean): Promise<number> {
    const byPartition = Array.from({ length: OFFSETS_PARTITIONS }, () => new Set<string>());
    for await (const groupId of this.#groupIds()) {
      if (isOurs(groupId)) byPartition[offsetsPartitionOf(groupId)]?.add(groupId);
    }
    let appended = 0;
    for (const [index, groupIds] of byPartition.entries()) {
      const said = await topic.read(index, isOurs);
      for (const groupId of said.keys()) groupIds.add(groupId);
      for (const groupId of groupIds) {
        if (this.#closed || this.#topic !== topic) return 0;
        const its: GroupRecords = said.get(groupId) ?? new Map<string, string>();
        appended += (await this.#unlessUnreadable(groupId, this.#compareGroup(topic, groupId, its))) ?? 0;
      }
    }
    return appended;
  }

  async #compareGroup(topic: OffsetsTopicLog, groupId: string, said: GroupRecords): Promise<number> {
    const document = await this.#documents.get(groupStateKey(groupId));
    const wanted = [...readable(() => groupRecords(groupId, document && parseGroupDocument(document.value)))];
    try {
      for await (const { topic: name, partition, committed } of this.#offsets.stored(groupId)) {
        wanted.push({ key: offsetKey(groupId, name, partition), value: offsetValue(committed) });
      }
    } catch (error) {
      throw error instanceof StoreUnavailable ? error : new UnreadableGroup({ cause: error });
    }
    const { records, now } = differenceOf(said, wanted);
    await this.#append(topic, groupId, records);
    for (const key of now.keys()) if (isOffsetKey(keyOfText(key))) now.delete(key);
    this.#keep(groupId, now);
    return records.length;
  }

  /** One group that cannot be read keeps no other from the topic, which goes on saying of it what it has said. */
  async #unlessUnreadable<T>(groupId: string, work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof UnreadableGroup)) throw error;
      const { logger } = this.#options;
      logger.warn({ door: 'kafka', group: groupId, err: error.cause }, `${CONSUMER_OFFSETS_TOPIC} ${error.message}`);
      return undefined;
    }
  }

  async #append(topic: OffsetsTopicLog, groupId: string, records: readonly OffsetsRecord[]): Promise<void> {
    if (records.length === 0) return;
    this.#written.add(groupId);
    const { recordBytesMax, logger } = this.#options;
    const fitting = records.filter(({ key, value }) => key.length + (value?.length ?? 0) <= recordBytesMax);
    if (fitting.length < records.length) {
      logger.warn({ door: 'kafka', group: groupId }, `the group is too large for ${CONSUMER_OFFSETS_TOPIC}`);
    }
    await topic.append(offsetsPartitionOf(groupId), fitting);
  }

  /** Groups of which nothing is said take no room here. */
  #keep(groupId: string, records: GroupRecords | undefined): void {
    if (records === undefined || records.size === 0) this.#known.delete(groupId);
    else this.#known.set(groupId, records);
  }

  async *#groupIds(): AsyncGenerator<string> {
    for (let after: string | undefined; ;) {
      const options = { limit: LIST_PAGE, ...(after === undefined ? {} : { after }) };
      const page = await this.#documents.list(GROUP_STATES_PREFIX, options);
      for (const { key } of page) yield groupIdOfStateKey(key);
      if (page.length < LIST_PAGE) return;
      after = page.at(-1)?.key;
    }
  }

  /** Ends early when the projection is closed. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A document of the group is damaged, or of a later version. */
class UnreadableGroup extends Error {
  override readonly name = 'UnreadableGroup';

  constructor(options: ErrorOptions) {
    super('cannot follow a group: what is stored of it cannot be read', options);
  }
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UnreadableGroup({ cause: error });
  }
}

/** What has to be written so that `wanted` is said where `said` was, what is gone first; and what is said then. */
function differenceOf(
  said: GroupRecords,
  wanted: readonly OffsetsRecord[],
): { readonly records: OffsetsRecord[]; readonly now: GroupRecords } {
  const now: GroupRecords = new Map();
  const changed: OffsetsRecord[] = [];
  for (const record of wanted) {
    if (record.value === null) continue;
    const key = keyText(record.key);
    const digest = digestOf(record.value);
    now.set(key, digest);
    if (said.get(key) !== digest) changed.push(record);
  }
  const gone = [...said.keys()].filter((key) => !now.has(key));
  return { records: [...gone.map((key) => ({ key: keyOfText(key), value: null })), ...changed], now };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
