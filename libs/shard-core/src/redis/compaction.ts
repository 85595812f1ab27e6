import { randomUUID } from 'node:crypto';
import { batchSizeAt, readBatchHeader, readEndTransactionMarker } from '@tailrace/kafka-protocol';
import { logger } from '@tailrace/telemetry';
import { NO_ABORTED_TRANSACTIONS } from '../contract/aborted-transactions.ts';
import type { BatchVerdict, Compacted, CompactRequest, LogSlice, ShardBounds } from '../contract/log.ts';
import { type Outcome, type Refusal, StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import {
  COMPACTION_ENTRIES,
  COMPACTION_PAGE_BYTES,
  COMPACTION_SCRIPT_BYTES,
  COMPACTION_SCRIPT_ENTRIES,
  DOCUMENT_REPLICATION_TIMEOUT_MS,
  INLINE_BATCH_BYTES_MAX,
  TEMPORARY_PAYLOAD_TTL_MS,
} from './bounds.ts';
import type { Argument } from './connection.ts';
import { type Entry, readEntries } from './entry.ts';
import { type LogContext, refused, shardNotFound } from './log-context.ts';
import type { Purger } from './purge.ts';
import { askEntries, type LogReader } from './read.ts';
import type { ShardEpochs } from './shard-epochs.ts';
import type { ShardView } from './shard-views.ts';

/** A compaction under way. */
interface Work {
  readonly shard: ShardKey;
  /** Nobody else's name for it. */
  readonly claim: string;
  readonly start: number;
  /** As meta had it at the beginning: where the entries are that are read. */
  readonly compactedEnd: number;
  /** Names payloads that this one writes. */
  readonly round: number;
  /** How many copies what is appended needs, by the last one that was. */
  readonly copies: number;
  readonly bounds: ShardBounds;
  /** Nothing of a later one is compacted. */
  readonly epochs: ShardEpochs;
}

/** Compacts shards: see `Log.compact`, and lua/*-compaction.lua for what happens in Redis. */
export class ShardCompactor {
  readonly #context: LogContext;
  readonly #reader: LogReader;
  readonly #purger: Purger;

  constructor(context: LogContext, reader: LogReader, purger: Purger) {
    this.#context = context;
    this.#reader = reader;
    this.#purger = purger;
  }

  /** See `Log.compact`. */
  async compact({ shard, to, judge }: CompactRequest): Promise<Outcome<Compacted>> {
    const view = await this.#reader.look(shard);
    if (view === undefined) return shardNotFound(shard);
    const end = Number(to);
    if (!(await this.#isBase(shard, end, view))) return refused(outOfRange(shard, to, view));
    const claim = randomUUID();
    const begun = await this.#begin(shard, claim);
    if (begun === undefined) return shardNotFound(shard);
    // So that what is counted in the size from here on is what lies above the start.
    await this.#purger.purge(shard, claim);
    const [compactedEnd = 0, round = 0] = begun.compacted.split(' ').map(Number);
    const { current } = this.#context.leaderEpoch;
    const work: Work = {
      shard,
      claim,
      start: begun.start,
      compactedEnd,
      round: round + 1,
      copies: view.copies,
      bounds: view.bounds(current),
      epochs: view.epochs,
    };
    try {
      return { ok: true, value: await this.#run(work, end, judge) };
    } catch (error) {
      // What was made ready goes now, or with the next compaction or deletion of the shard.
      this.#purger.purge(shard, claim).catch((err: unknown) => {
        logger.debug({ err, shard }, 'what a compaction had made ready is left for the next one');
      });
      throw error;
    }
  }

  /** Whether a batch begins there that is and stays visible to committed readers. */
  async #isBase(shard: ShardKey, offset: number, { start, stable, compactedEnd }: ShardView): Promise<boolean> {
    if (offset < start || offset >= stable) return false;
    const { log, compacted } = this.#context.keys.shard(shard);
    const stream = offset < compactedEnd ? compacted : log;
    const [entry] = readEntries(await this.#ask(shard, stream, offset, 1));
    return entry?.base === offset;
  }

  async #begin(
    shard: ShardKey,
    claim: string,
  ): Promise<{ readonly start: number; readonly compacted: string } | undefined> {
    const { topology, keys } = this.#context;
    const { meta, compacting, replaced } = keys.shard(shard);
    for (;;) {
      const reply = await topology.at(meta, (node) =>
        node.run('begin-compaction', [meta, compacting, replaced], [claim]),
      );
      const [tag, start, compacted] = reply;
      if (tag === 'shardNotFound') return undefined;
      if (tag === 'ok') return { start: Number(start), compacted: compacted as string };
      await this.#purger.purge(shard, claim);
    }
  }

  async #run(work: Work, to: number, judge: CompactRequest['judge']): Promise<Compacted> {
    const { shard } = work;
    const { droppedMarkersMax } = this.#context.bounds;
    // What was compacted further than that before stays as it is now.
    const end = Math.max(to, work.compactedEnd);
    const target = new CompactedBatches(this.#context, work);
    const markers: string[] = [];
    let changed = false;
    let bytesBefore = 0;
    for (let from = work.start; from < end;) {
      const page = await this.#page(work, from, from < to ? to : end);
      if (page.entries.length > 0) {
        const verdicts = from < to ? await judge(page.slice) : page.entries.map((): BatchVerdict => 'keep');
        if (verdicts.length !== page.entries.length) {
          throw new RangeError(`${verdicts.length} verdicts for ${page.entries.length} batches`);
        }
        for (const [i, entry] of page.entries.entries()) {
          const batch = page.slice.chunks[i] as Buffer;
          let verdict = verdicts[i] as BatchVerdict;
          bytesBefore += entry.sizeBytes;
          if (verdict === 'drop') {
            const header = readBatchHeader(batch, 0);
            // Of those of committed ones nothing is known.
            if (header.isControl && readEndTransactionMarker(batch, 0, header)?.commits === false) {
              if (markers.length < 2 * droppedMarkersMax) markers.push(String(entry.base), String(header.producerId));
              else verdict = 'keep';
            }
          }
          changed ||= verdict !== 'keep';
          if (verdict === 'drop') continue;
          if (verdict !== 'keep') checkOffsets(batch, verdict);
          await target.add(entry, verdict);
        }
      }
      from = page.next;
    }
    const { byteCount: bytesAfter } = target;
    if (changed) {
      await target.flush();
      await this.#finish(work, end, bytesBefore - bytesAfter, markers);
      this.#context.tailCache.drop(shard);
      this.#purger.purgeSoon(shard);
      await this.#replicated(work);
    } else {
      await this.#purger.purge(shard, work.claim);
    }
    return { bytesBefore, bytesAfter };
  }

  /** The next entries below `limit`, as a slice; `next`: where the page after it begins. */
  async #page(
    { shard, compactedEnd, bounds, epochs }: Work,
    from: number,
    limit: number,
  ): Promise<{ readonly entries: readonly Entry[]; readonly slice: LogSlice; readonly next: number }> {
    const { topology, keys, leaderEpoch } = this.#context;
    const { log, compacted } = keys.shard(shard);
    const isBefore = from < compactedEnd;
    const found = readEntries(await this.#ask(shard, isBefore ? compacted : log, from, COMPACTION_ENTRIES));
    const sectionEnd = isBefore ? Math.min(compactedEnd, limit) : limit;
    let bytes = 0;
    const reached = found.filter(({ next }) => next <= sectionEnd);
    const entries = reached.filter(({ sizeBytes }, i) => (bytes += sizeBytes) <= COMPACTION_PAGE_BYTES || i === 0);
    const isLast = entries.length === reached.length && (reached.length < found.length || found.length === 0);
    const next = isLast ? sectionEnd : (entries.at(-1) as Entry).next;
    return topology.at(log, async (node) => {
      const chunks = await this.#reader.batches(node, shard, entries, epochs);
      if (chunks === undefined) throw new StoreUnavailable(`shard ${shard} was trimmed while it was compacted`);
      const abortedTransactions =
        entries.length === 0 ? NO_ABORTED_TRANSACTIONS : await this.#reader.abortedWithin(node, shard, from, next);
      const slice: LogSlice = {
        chunks,
        byteCount: chunks.reduce((sum, { length }) => sum + length, 0),
        batchCount: chunks.length,
        appendTimesMs: entries.map(({ appendTimeMs }) => appendTimeMs),
        nextOffset: BigInt(next),
        bounds: { ...bounds, leaderEpoch: leaderEpoch.current },
        abortedTransactions,
        release() {},
      };
      return { entries, slice, next };
    });
  }

  #ask(shard: ShardKey, stream: string, from: number, count: number): Promise<unknown> {
    const { topology, keys } = this.#context;
    return topology.at(keys.shard(shard).log, (node) => askEntries(node, stream, from, count));
  }

  /**
   * A failover must not take back what a later step relies on: a tombstone in the next shard, at another primary perhaps, goes
   * because what it deleted is gone here.
   */
  async #replicated({ shard, copies }: Work): Promise<void> {
    if (copies <= 1) return;
    const { topology, keys, primaryOf } = this.#context;
    const { watermarks } = primaryOf(topology.nodeFor(keys.shard(shard).meta));
    const reached = await watermarks.waitForCopies(copies, DOCUMENT_REPLICATION_TIMEOUT_MS);
    if (reached.enough) return;
    throw new StoreUnavailable(
      `shard ${shard} was compacted, but only ${reached.copies} of ${copies} copies know after ${DOCUMENT_REPLICATION_TIMEOUT_MS} ms`,
    );
  }

  async #finish(work: Work, end: number, goneBytes: number, markers: readonly string[]): Promise<void> {
    const { topology, keys } = this.#context;
    const { shard, claim, start } = work;
    const { meta, compacted, compacting, replaced, aborted } = keys.shard(shard);
    const args = [claim, String(start), String(end), String(goneBytes), shard, keys.shardChannel, ...markers];
    const all = [meta, compacted, compacting, replaced, aborted];
    const [tag] = await topology.at(meta, (node) => node.run('finish-compaction', all, args));
    if (tag !== 'ok') throw ended(shard, tag);
  }
}

/** What is left of a log, on its way to Redis: a few batches with each script. */
class CompactedBatches {
  readonly #context: LogContext;
  readonly #work: Work;
  #args: Argument[] = [];
  #pending = 0;
  #pendingBytes = 0;
  #payloads = 0;
  #stored: Promise<unknown>[] = [];
  #largestMs = -1;
  /** Of the batches that were added. */
  byteCount = 0;

  constructor(context: LogContext, work: Work) {
    this.#context = context;
    this.#work = work;
  }

  /** In the order of the log. The bytes of a batch that takes another's place are the compaction's from here on. */
  async add(entry: Entry, verdict: 'keep' | Buffer): Promise<void> {
    const { base, next, appendTimeMs } = entry;
    const sizeBytes = verdict === 'keep' ? entry.sizeBytes : verdict.length;
    const timestampMs = verdict === 'keep' ? entry.timestampMs : readBatchHeader(verdict, 0).maxTimestampMs;
    this.#largestMs = Math.max(this.#largestMs, timestampMs);
    this.byteCount += sizeBytes;
    const facts = `${next - base} ${sizeBytes} ${timestampMs} ${this.#largestMs}`;
    const id = `${next}-${appendTimeMs}`;
    if (verdict === 'keep') {
      const isNamed = entry.payload !== undefined && entry.payload !== String(base);
      this.#args.push(id, isNamed ? `${facts} ${entry.payload}` : facts, 'keep', '');
    } else if (verdict.length <= INLINE_BATCH_BYTES_MAX) {
      this.#args.push(id, facts, 'inline', verdict);
    } else {
      this.#args.push(id, `${facts} ${base}:${this.#work.round}`, 'beside', this.#store(verdict));
    }
    this.#pending++;
    this.#pendingBytes += verdict === 'keep' && entry.batch === undefined ? 0 : sizeBytes;
    if (this.#pending >= COMPACTION_SCRIPT_ENTRIES || this.#pendingBytes >= COMPACTION_SCRIPT_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#pending === 0) return;
    const { topology, keys } = this.#context;
    const { shard, claim } = this.#work;
    const { log, meta, compacted, compacting } = keys.shard(shard);
    const args = [claim, ...this.#args];
    this.#args = [];
    this.#pending = 0;
    this.#pendingBytes = 0;
    const stored = this.#stored;
    this.#stored = [];
    await Promise.all(stored);
    const [tag] = await topology.at(log, (node) => node.run('add-compacted', [log, meta, compacted, compacting], args));
    if (tag !== 'ok') throw ended(shard, tag);
  }

  /** Answers the temporary key under which the bytes will be. */
  #store(batch: Buffer): string {
    const { topology, keys } = this.#context;
    const { shard, claim } = this.#work;
    const key = `${keys.shard(shard).temporary}${claim}:${this.#payloads++}`;
    const stored = topology.at(key, (node) =>
      node.writes.send('set', [key, batch, 'PX', String(TEMPORARY_PAYLOAD_TTL_MS)]),
    );
    // Awaited with the script.
    stored.catch(() => {});
    this.#stored.push(stored);
    return key;
  }
}

/** Nothing takes the place of a batch that has other offsets. */
function checkOffsets(batch: Buffer, left: Buffer): void {
  const before = readBatchHeader(batch, 0);
  const after = readBatchHeader(left, 0);
  const isSame = before.baseOffset === after.baseOffset && before.lastOffsetDelta === after.lastOffsetDelta;
  if (isSame && batchSizeAt(left, 0) === left.length) return;
  throw new RangeError(`another batch in the place of the one at offset ${before.baseOffset}`);
}

function ended(shard: ShardKey, tag: string): StoreUnavailable {
  const why: Record<string, string> = {
    superseded: 'another compaction of it was begun',
    moved: 'it was trimmed meanwhile',
    shardNotFound: 'it was deleted meanwhile',
    payloadMissing: 'Redis has lost the bytes of a batch on their way',
  };
  return new StoreUnavailable(`shard ${shard} was not compacted: ${why[tag] ?? tag}`);
}

function outOfRange(shard: ShardKey, offset: bigint, { start, end }: ShardView): Refusal {
  return {
    code: 'offsetOutOfRange',
    shard,
    offset,
    logStartOffset: BigInt(start),
    logEndOffset: BigInt(end),
  };
}
