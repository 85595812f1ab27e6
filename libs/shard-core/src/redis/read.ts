import { NO_ABORTED_TRANSACTIONS } from '../contract/aborted-transactions.ts';
import type { AbortedTransaction, LeaderEpochStart, LogSlice, ReadLimits, ShardBounds } from '../contract/log.ts';
import { type Outcome, StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { placeBatch } from './batch-fields.ts';
import { ABORTED_PAGE, READ_ENTRIES_FIRST, READ_ENTRIES_MAX, READ_TRIES_MAX, VIEW_AGE_MAX_MS } from './bounds.ts';
import { type Entry, readEntries } from './entry.ts';
import { type LogContext, refused, shardNotFound } from './log-context.ts';
import type { RedisNode } from './redis-node.ts';
import type { ShardEpochs } from './shard-epochs.ts';
import type { ShardView } from './shard-views.ts';

const META_FIELDS = [
  'start',
  'end',
  'watermark',
  'sealed',
  'size',
  'copies',
  'unstable',
  'lastAborted',
  'compacted',
  'epochs',
] as const;

/** Reads batches and bounds. */
export class LogReader {
  readonly #context: LogContext;
  /**
   * When an append wakes many readers of one shard, they all ask for the same, in one turn of the loop. Only what has not left yet
   * is shared (connections send what a turn has brought when it is over): a trip under way may have been answered before an append
   * that was acknowledged meanwhile, or a trim.
   */
  readonly #leaving = new Map<string, Promise<Outcome<LogSlice>>>();

  constructor(context: LogContext) {
    this.#context = context;
  }

  /** See `Log.read`. From the tail cache when it can be; equal reads of one turn share one trip. */
  read(shard: ShardKey, fromOffset: bigint, limits: ReadLimits): Promise<Outcome<LogSlice>> {
    const cached = this.#readCached(shard, fromOffset, limits);
    if (cached !== undefined) return Promise.resolve({ ok: true, value: cached });
    const name = `${shard} ${fromOffset} ${limits.maxBytes} ${limits.maxBatches ?? ''} ${limits.isolation ?? ''}`;
    let reading = this.#leaving.get(name);
    if (reading === undefined) {
      const { topology, keys } = this.#context;
      // Before the connection does the same, so that it is not shared any more when it leaves.
      setImmediate(() => this.#leaving.delete(name));
      reading = topology.at(keys.shard(shard).log, (node) => this.#read(node, shard, fromOffset, limits));
      this.#leaving.set(name, reading);
    }
    return reading;
  }

  /** See `Log.bounds`. */
  async bounds(shard: ShardKey): Promise<Outcome<ShardBounds>> {
    const view = await this.look(shard);
    return view === undefined
      ? shardNotFound(shard)
      : { ok: true, value: view.bounds(this.#context.leaderEpoch.current) };
  }

  /** See `Log.leaderEpochs`. */
  async leaderEpochs(shard: ShardKey): Promise<Outcome<readonly LeaderEpochStart[]>> {
    const view = await this.look(shard);
    return view === undefined ? shardNotFound(shard) : { ok: true, value: view.epochs.startsFrom(view.start) };
  }

  /** The shard as it is now; `undefined` when there is none. Throws StoreUnavailable. */
  look(shard: ShardKey): Promise<ShardView | undefined> {
    const { topology, keys } = this.#context;
    const { meta } = keys.shard(shard);
    return topology.at(meta, async (node) =>
      this.#heard(shard, await node.writes.send('hmget', [meta, ...META_FIELDS])),
    );
  }

  #readCached(shard: ShardKey, fromOffset: bigint, limits: ReadLimits): LogSlice | undefined {
    const { views, tailCache, leaderEpoch, hearsMessages } = this.#context;
    const view = views.peek(shard);
    if (view === undefined || performance.now() - view.heardAt > VIEW_AGE_MAX_MS || !hearsMessages()) return undefined;
    const from = Number(fromOffset);
    const committed = limits.isolation === 'readCommitted';
    const end = committed ? view.stable : view.watermark;
    if (from < view.start || from >= end || (committed && from <= view.lastAborted)) return undefined;
    const run = tailCache.read(shard, fromOffset, limits, BigInt(end));
    return (
      run && {
        ...run,
        bounds: view.bounds(leaderEpoch.current),
        abortedTransactions: NO_ABORTED_TRANSACTIONS,
        release: nothingToRelease,
      }
    );
  }

  async #read(node: RedisNode, shard: ShardKey, fromOffset: bigint, limits: ReadLimits): Promise<Outcome<LogSlice>> {
    const { keys, leaderEpoch } = this.#context;
    const { log, meta, compacted } = keys.shard(shard);
    const from = Number(fromOffset);
    for (let tries = 0; tries < READ_TRIES_MAX; tries++) {
      const count = this.#entriesToAsk(shard, limits);
      const known = this.#context.views.peek(shard);
      const assumed = known?.compacted ?? '';
      const compactedEnd = known?.compactedEnd ?? 0;
      const ranges: Promise<unknown>[] = [];
      if (from >= 0 && from < Number.MAX_SAFE_INTEGER) {
        if (from < compactedEnd) ranges.push(askEntries(node, compacted, from, count));
        ranges.push(askEntries(node, log, Math.max(from, compactedEnd), count));
      }
      // Bounds last: they tell whether a trim or a compaction has taken away what the entries were to be.
      const asked = node.reads.send('hmget', [meta, ...META_FIELDS]);
      // Together: when the connection is lost, all of them fail, and a failure that nobody awaits ends the process.
      const [replies, bounds] = await Promise.all([Promise.all(ranges), asked]);
      const view = this.#heard(shard, bounds);
      if (view === undefined) return shardNotFound(shard);
      const now = view.bounds(leaderEpoch.current);
      if (fromOffset < now.logStartOffset || fromOffset > now.logEndOffset) {
        // A failover may have taken back what lay there: whoever is told so is told of the new leader epoch, too.
        if (!node.isClaimed) {
          await node.claimed();
          continue;
        }
        const { logStartOffset, logEndOffset } = now;
        return refused({ code: 'offsetOutOfRange', shard, offset: fromOffset, logStartOffset, logEndOffset });
      }

      // Compacted meanwhile, or unknown until now: asked again where it is.
      if (view.compacted !== assumed) continue;
      const [first = [], behind] = replies.map(readEntries);
      // Where there is more of what was compacted, what lies behind it is for the next read.
      const entries = behind === undefined || first.length === count ? first : [...first, ...behind];
      this.#learnEntryBytes(view, entries);
      const committed = limits.isolation === 'readCommitted';
      const { stable, lastAborted } = view;
      const taken = takeEntries(entries, limits, committed ? stable : view.watermark);
      const batches = await this.batches(node, shard, taken, view.epochs);
      // A payload went between the two questions: the shard was trimmed or deleted meanwhile.
      if (batches === undefined) continue;
      // Readers that are still on their way to the tail would push out what those at the tail need.
      if (taken.at(-1)?.next === view.watermark) this.#cache(shard, taken, batches);
      const abortedTransactions =
        committed && from <= lastAborted && taken.length > 0
          ? await this.abortedWithin(node, shard, from, (taken.at(-1) as Entry).next)
          : NO_ABORTED_TRANSACTIONS;
      return { ok: true, value: slice(taken, batches, fromOffset, now, abortedTransactions) };
    }
    throw new StoreUnavailable(`a batch of shard ${shard} at or behind offset ${fromOffset} is missing in Redis`);
  }

  /** The bytes of each entry, in place; `undefined` when one is gone. */
  async batches(
    node: RedisNode,
    shard: ShardKey,
    entries: readonly Entry[],
    epochs: ShardEpochs,
  ): Promise<Buffer[] | undefined> {
    const { payload } = this.#context.keys.shard(shard);
    const beside: string[] = [];
    for (const { payload: name } of entries) if (name !== undefined) beside.push(`${payload}${name}`);
    // One GET each, in one write: an MGET of some MiB would be one long answer to build and to hold.
    const fetched = await Promise.all(beside.map((key) => node.reads.send('get', [key], 'buffers')));
    const batches: Buffer[] = [];
    let at = 0;
    for (const { batch, base } of entries) {
      const bytes = batch ?? (fetched[at++] as Buffer | null);
      if (bytes === null) return undefined;
      placeBatch(bytes, base, epochs.at(base, this.#context.leaderEpoch.current));
      batches.push(bytes);
    }
    return batches;
  }

  /** Aborted transactions with something from `from` on and below `to`, in the order of their first offsets. */
  async abortedWithin(node: RedisNode, shard: ShardKey, from: number, to: number): Promise<AbortedTransaction[]> {
    const { aborted } = this.#context.keys.shard(shard);
    const found: { readonly producerId: bigint; readonly first: number; readonly last: number }[] = [];
    for (let skip = 0; ; skip += ABORTED_PAGE) {
      const limit = ['LIMIT', String(skip), String(ABORTED_PAGE)];
      const page = (await node.reads.send('zrangebyscore', [aborted, String(from), '+inf', ...limit])) as string[];
      // In the order in which they ended; what ended behind one begins where the log was stable then, or later.
      let stable = 0;
      for (const range of page) {
        const [producerId, ...offsets] = range.split(' ') as [string, ...string[]];
        const [first, last, stableThen] = offsets.map(Number) as [number, number, number];
        if (first < to) found.push({ producerId: BigInt(producerId), first, last });
        stable = Math.max(stable, stableThen);
      }
      if (page.length < ABORTED_PAGE || stable >= to) break;
    }
    found.sort((a, b) => a.first - b.first);
    return found.map(({ producerId, first, last }) => ({
      producerId,
      firstOffset: BigInt(first),
      lastOffset: BigInt(last),
    }));
  }

  #cache(shard: ShardKey, entries: readonly Entry[], batches: readonly Buffer[]): void {
    for (const [at, { base, next, appendTimeMs }] of entries.entries()) {
      this.#context.tailCache.append(shard, BigInt(base), BigInt(next), appendTimeMs, batches[at] as Buffer);
    }
  }

  #heard(shard: ShardKey, reply: unknown): ShardView | undefined {
    const [start, end, watermark, sealed, size, copies, unstable, aborted, compacted, epochs] = reply as [
      string | null,
      ...string[],
    ];
    const { views, leaderEpoch } = this.#context;
    if (start === null) {
      views.forget(shard);
      return undefined;
    }
    const view = views.get(shard);
    const stable = (unstable as string | null) === null ? watermark : unstable;
    view.hear({
      start: Number(start),
      end: Number(end),
      watermark: Number(watermark),
      stable: Math.max(Number(start), Math.min(Number(stable), Number(watermark))),
      lastAborted: (aborted as string | null) === null ? -1 : Number(aborted),
    });
    view.sealed = (sealed as string | null) !== null;
    view.sizeBytes = Number(size);
    view.copies = Number(copies);
    view.compacted = (compacted as string | null) ?? '';
    view.hearEpochs((epochs as string | null) ?? '');
    leaderEpoch.hear(view.epochs.last);
    if (Number(end) > Number(watermark)) this.#context.repairSoon(shard);
    return view;
  }

  #entriesToAsk(shard: ShardKey, { maxBytes, maxBatches = READ_ENTRIES_MAX }: ReadLimits): number {
    const mean = this.#context.views.peek(shard)?.entryBytes ?? 0;
    const wanted = mean === 0 ? READ_ENTRIES_FIRST : Math.ceil(maxBytes / mean);
    return Math.max(1, Math.min(wanted, maxBatches, READ_ENTRIES_MAX));
  }

  #learnEntryBytes(view: ShardView, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    let bytes = 0;
    for (const { sizeBytes } of entries) bytes += sizeBytes;
    view.entryBytes = bytes / entries.length;
  }
}

/** Entries of a stream from the one that holds the offset on. */
export function askEntries(node: RedisNode, stream: string, from: number, count: number): Promise<unknown> {
  return node.reads.send('xrange', [stream, `${from + 1}-0`, '+', 'COUNT', String(count)], 'buffers');
}

/** The first entries that are visible and within the limits; the first one whatever its size. */
function takeEntries(
  entries: readonly Entry[],
  { maxBytes, maxBatches = Infinity }: ReadLimits,
  watermark: number,
): Entry[] {
  const taken: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entry.sizeBytes;
    if (entry.next > watermark || taken.length >= maxBatches || (taken.length > 0 && bytes > maxBytes)) break;
    taken.push(entry);
  }
  return taken;
}

function slice(
  entries: readonly Entry[],
  chunks: readonly Buffer[],
  fromOffset: bigint,
  bounds: ShardBounds,
  abortedTransactions: readonly AbortedTransaction[],
): LogSlice {
  let byteCount = 0;
  for (const chunk of chunks) byteCount += chunk.length;
  const last = entries.at(-1);
  return {
    chunks,
    byteCount,
    batchCount: chunks.length,
    appendTimesMs: entries.map((entry) => entry.appendTimeMs),
    nextOffset: last === undefined ? fromOffset : BigInt(last.next),
    bounds,
    abortedTransactions,
    release: nothingToRelease,
  };
}

/** ioredis allocates every answer anew; there is no slab to give back. */
function nothingToRelease(): void {}
