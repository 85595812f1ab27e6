import type { ShardBounds } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { ShardExtent } from './segment.ts';
import { type Producer, ProducerTable } from './producer-state.ts';
import { ShardTransactions } from './shard-transactions.ts';
import type { AppendWaiter } from './append-waiters.ts';

/** A shard's row in the database. */
export interface ShardRow {
  /** Stands for the shard in the entries. Never given twice. */
  readonly slot: number;
  readonly key: ShardKey;
  readonly startOffset: number;
  /** As of the last checkpoint. */
  readonly endOffset: number;
  /** Where it was closed. */
  readonly sealedEnd: number | null;
  readonly appendTimeMs: number;
  /** JSON text of `SavedProducers`. */
  readonly producers: string;
}

/** Producers and open transactions in a shard's row. An earlier layout had the list of producers alone. */
export interface SavedProducers {
  readonly producers: ReturnType<ProducerTable['save']>;
  readonly open?: readonly (readonly [producerId: string, firstOffset: number])[];
}

export const NO_PRODUCERS = '{"producers":[]}';

/** One shard in memory. Offsets are numbers in here, exact to 2^53, and bigints at the contract. */
export class ShardState {
  readonly slot: number;
  readonly key: ShardKey;
  readonly producers = new ProducerTable();
  /** There since the first transaction. */
  transactions: ShardTransactions | undefined;
  /** Kafka partitions that go on in another shard, though this one is open. */
  departed: Set<number> | undefined;
  /** Where its records lie, the oldest first. */
  readonly extents: ShardExtent[] = [];
  startOffset: number;
  startOffsetBig: bigint;
  /** What the next append gets; above `durableEnd` while appends are under way. */
  endOffset: number;
  /** Readers see what lies below. */
  durableEnd: number;
  appendTimeMs: number;
  /** Closed: takes no appends any more. */
  sealed: boolean;
  /** Being closed: takes none either, but nobody is told yet. */
  sealing: Promise<void> | undefined;
  /** Was begun to be closed. Where that failed, the database may have it all the same: what came behind would be lost. */
  sealBegun = false;
  /** Where it ends, if it was closed in an earlier life of the process. */
  readonly sealedEnd: number | undefined;
  deleted = false;
  /** What lies below was compacted: it is in segments of its own, and entries of it elsewhere do not count. 0: nothing was. */
  compactedEnd = 0;
  /** A compaction is under way. */
  compacting = false;
  /** Something has changed since the last checkpoint. */
  dirty = false;
  /** Those who wait for an append, a seal or the end of the shard. */
  readonly waiters = new Set<AppendWaiter>();

  constructor(row: ShardRow) {
    this.slot = row.slot;
    this.key = row.key;
    this.startOffset = row.startOffset;
    this.startOffsetBig = BigInt(row.startOffset);
    this.endOffset = row.endOffset;
    this.durableEnd = row.endOffset;
    this.appendTimeMs = row.appendTimeMs;
    this.sealed = row.sealedEnd !== null;
    this.sealedEnd = row.sealedEnd ?? undefined;
    const saved = JSON.parse(row.producers) as SavedProducers | SavedProducers['producers'];
    const { producers, open = [] } = Array.isArray(saved) ? { producers: saved } : saved;
    this.producers.load(producers);
    if (open.length > 0) this.#someTransactions().load(open, -1);
  }

  /** Below it, everything is decided. */
  get stableEnd(): number {
    const unstable = this.transactions?.firstUnstable;
    return unstable === undefined ? this.durableEnd : Math.max(this.startOffset, Math.min(unstable, this.durableEnd));
  }

  /** A transactional batch, or a marker, has been let in. Answers whether the transaction was open before it. */
  admitTransaction(transaction: 'write' | 'commit' | 'abort', producerId: bigint): boolean {
    return this.#someTransactions().admit(producerId, transaction === 'write');
  }

  /** A transactional batch, or a marker, is durable; `producer` is what is known of its producer now. */
  track(
    transaction: 'write' | 'commit' | 'abort',
    producerId: bigint,
    producer: Producer | undefined,
    baseOffset: number,
  ): void {
    if (transaction === 'write') return this.#someTransactions().begin(producerId, baseOffset);
    this.transactions?.end(producerId, transaction === 'commit', baseOffset, this.durableEnd);
    if (producer !== undefined) this.producers.fence(producerId, producer);
  }

  /** Those that were silent since then, or the most silent ones where there are too many. */
  forgetProducers(silentSinceMs: number, max: number): void {
    this.producers.expire(silentSinceMs, max, (producerId) => this.transactions?.isOpen(producerId) ?? false);
  }

  /** The transaction of a producer has ended elsewhere, after this shard was closed. */
  release(producerId: bigint, commits: boolean): void {
    this.transactions?.end(producerId, commits, this.durableEnd - 1, this.durableEnd);
    this.dirty = true;
  }

  /** What the database knows of aborted transactions. */
  loadAborted(lastOffset: number): void {
    this.#someTransactions().load([], lastOffset);
  }

  #someTransactions(): ShardTransactions {
    return (this.transactions ??= new ShardTransactions());
  }

  bounds(): ShardBounds {
    const end = BigInt(this.durableEnd);
    const stable = this.stableEnd;
    return {
      logStartOffset: this.startOffsetBig,
      highWatermark: end,
      logEndOffset: end,
      lastStableOffset: stable === this.durableEnd ? end : BigInt(stable),
      sealed: this.sealed,
      leaderEpoch: 0,
      sizeBytes: this.#sizeBytes(),
    };
  }

  /** Of the extent that was cut by a trim, the part by offsets: how the bytes lie in it is not known here. */
  #sizeBytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.extents.length; i++) {
      const { firstOffset, nextOffset, byteCount } = this.extents[i] as ShardExtent;
      const cut = i === 0 ? Math.max(0, this.startOffset - firstOffset) : 0;
      bytes +=
        cut === 0 ? byteCount : Math.round((byteCount * (nextOffset - firstOffset - cut)) / (nextOffset - firstOffset));
    }
    return bytes;
  }

  /** Moves the start and answers the extents that lie before it now. */
  moveStart(offset: number): ShardExtent[] {
    if (offset > this.startOffset) {
      this.startOffset = offset;
      this.startOffsetBig = BigInt(offset);
    }
    let gone = 0;
    while (gone < this.extents.length && (this.extents[gone] as ShardExtent).nextOffset <= this.startOffset) gone++;
    return this.extents.splice(0, gone);
  }

  /** The extent that holds the offset, or the first behind it; `undefined` past the end. */
  extentAt(offset: number): number | undefined {
    let low = 0;
    let high = this.extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.extents[middle] as ShardExtent).nextOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low === this.extents.length ? undefined : low;
  }
}
