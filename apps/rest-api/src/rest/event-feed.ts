import { setTimeout as delay } from 'node:timers/promises';
import { type Shard, type Store, StoreUnavailable, type Stream, type StreamCatalog } from '@tailrace/shard-core';
import { trafficMetrics } from '@tailrace/telemetry';
import { formatEventPosition } from './event-position.ts';
import { offsetOf, type ReadFromInShard } from './read-from.ts';
import { type RecordView, type ValueForm, viewRecords } from './record-view.ts';
import { isEndOfShard, readPage, type ShardPage } from './shard-reader.ts';
import { problemOfRefusal } from './problem.ts';
import { childrenOf, parentsOf } from './stream-schema.ts';

/** A comment at least so often, so that nothing between us and the client takes the connection for dead. */
export const HEARTBEAT_MS = 15_000;
/** Shards that are read at once, and how much of each: together, what one follower can hold in memory. */
const READS_AT_ONCE_MAX = 8;
const PAGE_BYTES_MAX = 128 * 1024;
const PAGE_RECORDS_MAX = 500;
/** How long a feed waits for a store that is away before it looks again. */
const STORE_AWAY_WAIT_MS = 1000;
/** Text that is handed on at once. */
const TEXT_CHARACTERS_MAX = 64 * 1024;

export interface EventFeedOptions {
  readonly stream: Stream;
  /** The next offset of each shard that is followed at the beginning, by shard number. */
  readonly offsets: ReadonlyMap<number, bigint>;
  /** Where children of those shards begin that are opened later: all of them, or what arrived at some time or later. */
  readonly childrenFrom: ReadFromInShard;
  readonly as: ValueForm;
  readonly deaggregate: boolean;
  readonly heartbeatMs: number;
  /** Fires when the client has gone or the door closes. */
  readonly signal: AbortSignal;
}

/**
 * Follows shards and yields server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html):
 *
 *     (no name)   one record, as JSON
 *     gap         {shardId, fromOffset, toOffset, reason}: offsets that cannot be shown (trimmed away, not decodable)
 *     shardEnd    {shardId, childShards}: it was split or merged; the children are followed from here on
 *     end         {reason}: the stream was deleted; nothing more comes
 *
 * Each has an `id` from which another feed goes on. The next text is made when the last has been taken, so a slow client
 * holds one page a shard, for at most `READS_AT_ONCE_MAX` shards. At the tail it waits for the log to tell; nothing polls.
 */
export async function* eventFeed(
  { store, catalog }: { readonly store: Store; readonly catalog: StreamCatalog },
  options: EventFeedOptions,
): AsyncGenerator<string> {
  const feed = new EventFeed(store, catalog, options);
  try {
    yield* feed.run();
  } finally {
    feed.close();
  }
}

class EventFeed {
  readonly #store: Store;
  readonly #catalog: StreamCatalog;
  readonly #options: EventFeedOptions;
  #stream: Stream;
  /** Of the shards that are followed, those that have ended and whose children are not known yet among them. */
  readonly #offsets: Map<number, bigint>;
  readonly #awaitsChildren = new Set<number>();
  /** As they were when they came in: a closed shard may be dropped from the stream once retention has emptied it. */
  readonly #shards = new Map<number, Shard>();
  /** Interrupts the waiting when the catalog has news. */
  #news = new AbortController();
  #ended = false;
  readonly #stopListening: () => void;

  constructor(store: Store, catalog: StreamCatalog, options: EventFeedOptions) {
    this.#store = store;
    this.#catalog = catalog;
    this.#options = options;
    this.#stream = options.stream;
    this.#offsets = new Map(options.offsets);
    for (const number of this.#offsets.keys()) this.#shards.set(number, options.stream.shard(number) as Shard);
    this.#stopListening = catalog.onChange((name) => {
      if (name === undefined || name === this.#stream.name) this.#news.abort();
    });
  }

  close(): void {
    this.#stopListening();
  }

  async *run(): AsyncGenerator<string> {
    const { signal } = this.#options;
    // Says at once that the connection stands, and from where.
    yield `: following ${this.#offsets.size} shards\nid: ${this.#position()}\n\n`;
    while (!signal.aborted && !this.#ended) {
      try {
        yield* this.#turn();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        // A client that is sent away comes back at once, or never: browsers give up after one 503.
        yield ': the store is away\n\n';
        // What the catalog told may have been lost with the failed step.
        this.#news.abort();
        await sleep(STORE_AWAY_WAIT_MS, signal);
      }
    }
  }

  /** Reads each shard once, and waits if there was nothing. */
  async *#turn(): AsyncGenerator<string> {
    const { signal, heartbeatMs } = this.#options;
    if (this.#news.signal.aborted) {
      this.#news = new AbortController();
      if (!(await this.#isStillThere())) {
        yield this.#end();
        return;
      }
      yield* this.#openChildren();
    }
    let progressed = false;
    const following = [...this.#offsets.keys()].filter((number) => !this.#awaitsChildren.has(number));
    for (let i = 0; i < following.length && !signal.aborted; i += READS_AT_ONCE_MAX) {
      const numbers = following.slice(i, i + READS_AT_ONCE_MAX);
      const pages = await Promise.all(numbers.map((number) => this.#read(number)));
      for (const [index, page] of pages.entries()) {
        const number = numbers[index] as number;
        if (page === 'gone') {
          if (!(await this.#isStillThere())) {
            yield this.#end();
            return;
          }
          this.#awaitsChildren.add(number);
          progressed = true;
          continue;
        }
        const before = this.#offsets.get(number);
        yield* this.#tell(number, page);
        if (this.#offsets.get(number) !== before || this.#awaitsChildren.has(number)) progressed = true;
      }
    }
    yield* this.#openChildren();
    if (!progressed && !signal.aborted && !(await this.#wait(heartbeatMs))) yield ': heartbeat\n\n';
  }

  /** `false` when nothing happened for so long. */
  async #wait(timeoutMs: number): Promise<boolean> {
    const positions = [...this.#offsets]
      .filter(([number]) => !this.#awaitsChildren.has(number))
      .map(([number, offset]) => ({ shard: this.#shard(number).key, offset, isolation: 'readCommitted' as const }));
    const news = this.#news.signal;
    const signal = AbortSignal.any([this.#options.signal, news]);
    const appended = await this.#store.log.awaitAppend(positions, { timeoutMs, signal });
    return appended || signal.aborted;
  }

  #shard(number: number): Shard {
    return this.#stream.shard(number) ?? (this.#shards.get(number) as Shard);
  }

  #position(): string {
    return formatEventPosition(this.#stream.id, this.#offsets);
  }

  async #read(number: number): Promise<ShardPage<[readonly RecordView[], bigint]> | Trimmed | 'gone'> {
    const shard = this.#shard(number);
    const offset = this.#offsets.get(number) as bigint;
    const limits = { recordsMax: PAGE_RECORDS_MAX, bytesMax: PAGE_BYTES_MAX };
    const outcome = await readPage(this.#store, shard, offset, limits, (record, at, timeMs) => [
      viewRecords(record, at, timeMs, shard, this.#options),
      at,
    ]);
    if (outcome.ok) return outcome.value as ShardPage<[readonly RecordView[], bigint]>;
    const { refusal } = outcome;
    if (refusal.code === 'shardNotFound') return 'gone';
    if (refusal.code !== 'offsetOutOfRange') throw problemOfRefusal(refusal);
    // Below the start: retention was faster than the client. Above the end: the log has lost what the client has seen.
    const { logStartOffset, logEndOffset } = refusal;
    return offset < logStartOffset ? { resumeAt: logStartOffset } : { resumeAt: logEndOffset };
  }

  *#tell(number: number, page: ShardPage<[readonly RecordView[], bigint]> | Trimmed): Generator<string> {
    const { shardId } = this.#shard(number);
    if ('resumeAt' in page) {
      const from = this.#offsets.get(number) as bigint;
      this.#offsets.set(number, page.resumeAt);
      const trimmed = from < page.resumeAt;
      yield this.#event('gap', {
        shardId,
        fromOffset: String(trimmed ? from : page.resumeAt),
        toOffset: String((trimmed ? page.resumeAt : from) - 1n),
        reason: trimmed ? 'trimmed' : 'lost',
      });
      return;
    }
    trafficMetrics('http').sent(page.records.length, page.byteCount);
    let text = '';
    const gaps = [...page.unreadable];
    for (const [views, offset] of page.records) {
      while (gaps[0] !== undefined && gaps[0].toOffset < offset) text += this.#unreadable(number, gaps.shift() as Gap);
      for (const [i, view] of views.entries()) {
        // Who has taken a part of an aggregated record gets all of it again: only the last part leads behind it.
        this.#offsets.set(number, i === views.length - 1 ? offset + 1n : offset);
        text += this.#event(undefined, view);
      }
      if (text.length < TEXT_CHARACTERS_MAX) continue;
      yield text;
      text = '';
    }
    for (const gap of gaps) text += this.#unreadable(number, gap);
    this.#offsets.set(number, page.nextOffset);
    if (isEndOfShard(page)) this.#awaitsChildren.add(number);
    if (text !== '') yield text;
  }

  #unreadable(number: number, { fromOffset, toOffset, reason }: Gap): string {
    this.#offsets.set(number, toOffset + 1n);
    const { shardId } = this.#shard(number);
    return this.#event('gap', { shardId, fromOffset: String(fromOffset), toOffset: String(toOffset), reason });
  }

  /** Lets go of ended shards and goes on in their children, once both parents of a child have ended. */
  async *#openChildren(): AsyncGenerator<string> {
    for (const number of [...this.#awaitsChildren].sort((a, b) => a - b)) {
      let children = childrenOf(this.#stream, this.#shard(number));
      if (children.length === 0) {
        // A split seals first and writes the children down behind it; the catalog tells when they are there.
        this.#stream = this.#catalog.peekById(this.#stream.id) ?? this.#stream;
        children = childrenOf(this.#stream, this.#shard(number));
        if (children.length === 0 && this.#shard(number).closedAtMs === undefined) continue;
      }
      const opened: [Shard, bigint][] = [];
      for (const child of children) {
        const waits = parentsOf(child).some((parent) => parent !== number && this.#offsets.has(parent));
        // One that was followed from the beginning may have ended before its parent did.
        if (this.#shards.has(child.number) || waits) continue;
        opened.push([child, await offsetOf(this.#store, child, this.#options.childrenFrom)]);
      }
      // Only now, when nothing can fail any more.
      this.#awaitsChildren.delete(number);
      this.#offsets.delete(number);
      for (const [child, offset] of opened) {
        this.#offsets.set(child.number, offset);
        this.#shards.set(child.number, child);
      }
      yield this.#event('shardEnd', {
        shardId: this.#shard(number).shardId,
        childShards: children.map(({ shardId }) => shardId),
      });
    }
  }

  async #isStillThere(): Promise<boolean> {
    const now = await this.#catalog.refresh(this.#stream.name);
    if (now?.id !== this.#stream.id) return false;
    this.#stream = now;
    return true;
  }

  #end(): string {
    this.#ended = true;
    return `event: end\ndata: ${JSON.stringify({ reason: 'streamDeleted' })}\n\n`;
  }

  #event(name: string | undefined, data: unknown): string {
    const event = name === undefined ? '' : `event: ${name}\n`;
    return `id: ${this.#position()}\n${event}data: ${JSON.stringify(data)}\n\n`;
  }
}

/** Until the time is over or the signal fires. */
async function sleep(timeoutMs: number, signal: AbortSignal): Promise<void> {
  await delay(timeoutMs, undefined, { signal }).catch(() => undefined);
}

interface Trimmed {
  /** Where the log can be read, when not where the feed stands. */
  readonly resumeAt: bigint;
}

type Gap = ShardPage<unknown>['unreadable'][number];
