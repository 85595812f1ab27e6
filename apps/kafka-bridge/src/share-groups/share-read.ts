import { type ErrorCode, errorCodes, readBatchHeader } from '@tailrace/kafka-protocol';
import { isAborted, type Isolation, type TailPosition } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { fetchTarget } from '../fetch/fetch-session.ts';
import { partitionBounds, PartitionRead } from '../fetch/partition-read.ts';
import type { SharePartition } from './share-partition.ts';
import type { AcquiredRange, FoundBatch } from './share-partition-state.ts';
import type { SessionPartition, ShareSession } from './share-session.ts';

/** What is read of the log at a time: some hundred records of a usual size, which is what members ask for. */
export const SHARE_READ_BYTES = 256 * 1024;
/** Reads in one partition before the others have their turn, where much is found that is for nobody. */
export const SHARE_READS_MAX = 16;

/** What a member wants still. */
export interface ShareLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
  readonly strict: boolean;
  /** Nothing is in the answer yet: a batch that is larger than what is wanted goes out all the same. */
  readonly isEmpty: boolean;
}

/** Batches that were found, and where in which chunk they lie. */
interface PlacedBatch extends FoundBatch {
  readonly chunk: Buffer;
  readonly begin: number;
  readonly end: number;
}

/** What one ShareFetch has of one partition so far. */
export class ShareRead {
  readonly target: SessionPartition;
  errorCode: ErrorCode = errorCodes.NONE;
  readonly acquired: AcquiredRange[] = [];
  /** Those batches in which something was acquired. */
  readonly chunks: Buffer[] = [];
  byteCount = 0;
  recordCount = 0;
  /** Where to wait for new records; `undefined` where none can be handed out now. */
  tail: TailPosition | undefined;
  /** Reading ended for want of turns, not of records. */
  hasMore = false;
  readonly #session: ShareSession;
  readonly #wake: () => void;
  readonly #reads: PartitionRead[] = [];
  /** Of the last batch that is in the answer: none of them may come twice in it. */
  #servedUpTo = -1;
  #held: SharePartition | undefined;
  #stopListening: (() => void) | undefined;

  constructor(target: SessionPartition, session: ShareSession, wake: () => void) {
    this.target = target;
    this.#session = session;
    this.#wake = wake;
  }

  get failed(): boolean {
    return this.errorCode !== errorCodes.NONE;
  }

  /** Whether reading has to wait for the store first. */
  isUnloaded({ shareGroups }: Bridge): boolean {
    return shareGroups.partitions.held({ groupId: this.#session.groupId, ...this.target }) === undefined;
  }

  /** Reads and acquires up to these limits, but one whole batch at least. What goes wrong is noted, not thrown. */
  async advance(limits: ShareLimits, exchange: Exchange, bridge: Bridge): Promise<void> {
    this.tail = undefined;
    this.hasMore = false;
    const held = await this.#hold(bridge);
    if (held === undefined) return;
    await held.exclusively(() => this.#read(held, limits, exchange, bridge));
  }

  /** Nobody waits for the partition any more. */
  stopListening(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
  }

  /** Gives the memory back; nobody may use the chunks any more. */
  release(): void {
    for (const read of this.#reads.splice(0)) read.release();
  }

  async #hold({ shareGroups }: Bridge): Promise<SharePartition | undefined> {
    if (this.#held?.isGone === false) return this.#held;
    const { groupId, memberId } = this.#session;
    const held = await shareGroups.partitions.hold({ groupId, ...this.target });
    if (typeof held === 'number') {
      this.errorCode = held;
      return undefined;
    }
    if (this.#session.hasEnded || !this.#session.has(this.target)) {
      void held.leave(memberId, false);
      return undefined;
    }
    held.join(memberId);
    this.stopListening();
    this.#stopListening = held.onWake(this.#wake);
    this.#held = held;
    return held;
  }

  async #read(held: SharePartition, limits: ShareLimits, exchange: Exchange, bridge: Bridge): Promise<void> {
    const { groupId, memberId } = this.#session;
    const { isolation } = bridge.shareGroups.settings.of(groupId);
    const { strict } = limits;
    let recordsMax = limits.recordsMax;
    let bytesMax = limits.bytesMax;
    for (let turn = 0; turn < SHARE_READS_MAX; turn++) {
      if (recordsMax <= 0 || bytesMax <= 0) return;
      const from = held.nextFetchOffset;
      if (from === undefined || held.isGone || from <= this.#servedUpTo) return;
      const read = await this.#readLog(from, Math.min(bytesMax, SHARE_READ_BYTES), isolation, exchange, bridge);
      if (this.#session.hasEnded) return read.release();
      if (read.errorCode === errorCodes.OFFSET_OUT_OF_RANGE) {
        if (!(await this.#skipDeleted(held, from, bridge))) return;
        continue;
      }
      if (read.failed) {
        this.errorCode = read.errorCode;
        return;
      }
      if (read.byteCount > bytesMax && !(limits.isEmpty && this.byteCount === 0)) return read.release();
      held.moveStart(read.logStartOffset);
      if (read.byteCount === 0) {
        if (read.shard !== undefined && !read.dormant)
          this.tail = { shard: read.shard.key, offset: read.nextOffset, isolation };
        return;
      }
      const batches = placedBatches(read);
      const acquired = held.acquire({ memberId, recordsMax, strict }, from, batches);
      if (acquired.length === 0) {
        // Markers, aborted records, or what somebody else took: it is behind us now.
        read.release();
        continue;
      }
      this.#reads.push(read);
      const taken = this.#take(acquired, batches);
      recordsMax -= taken.recordCount;
      bytesMax -= taken.byteCount;
    }
    this.hasMore = true;
  }

  async #readLog(
    from: bigint,
    bytesMax: number,
    isolation: Isolation,
    exchange: Exchange,
    bridge: Bridge,
  ): Promise<PartitionRead> {
    const { topicId, partition } = this.target;
    const target = fetchTarget(
      { topic: '', topicId, partitions: [] },
      {
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: from,
        lastFetchedEpoch: -1,
        logStartOffset: -1n,
        partitionMaxBytes: bytesMax,
        replicaDirectoryId: '',
        highWatermark: -1n,
      },
    );
    const read = new PartitionRead(target, isolation);
    await read.advance(bytesMax, bridge, exchange.span);
    return read;
  }

  /** Records were deleted from under the group. Answers whether that explains it. */
  async #skipDeleted(held: SharePartition, from: bigint, bridge: Bridge): Promise<boolean> {
    const partition = bridge.catalog.peekById(this.target.topicId)?.partitions[this.target.partition];
    const bounds = partition && (await partitionBounds(partition, bridge));
    if (bounds === undefined) {
      this.errorCode = errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
      return false;
    }
    // Above the end: somebody put the group there. It waits until the partition has come so far.
    if (bounds.logStartOffset <= from) return false;
    held.moveStart(bounds.logStartOffset);
    return true;
  }

  /** Notes what was acquired, and keeps the batches that hold something of it. */
  #take(acquired: readonly AcquiredRange[], batches: readonly PlacedBatch[]) {
    let recordCount = 0;
    let byteCount = 0;
    for (const { first, last } of acquired) recordCount += last - first + 1;
    let next = 0;
    let open: { chunk: Buffer; begin: number; end: number } | undefined;
    for (const { chunk, begin, end, first, last } of batches) {
      while (next < acquired.length && (acquired[next] as AcquiredRange).last < first) next += 1;
      const range = acquired[next];
      if (range === undefined) break;
      if (range.first > last) continue;
      byteCount += end - begin;
      this.#servedUpTo = last;
      if (open?.chunk === chunk && open.end === begin) {
        open.end = end;
        continue;
      }
      if (open !== undefined) this.chunks.push(open.chunk.subarray(open.begin, open.end));
      open = { chunk, begin, end };
    }
    if (open !== undefined) this.chunks.push(open.chunk.subarray(open.begin, open.end));
    this.acquired.push(...acquired);
    this.recordCount += recordCount;
    this.byteCount += byteCount;
    return { recordCount, byteCount };
  }
}

/** The batches of a read, and which of them are records for members. */
function placedBatches(read: PartitionRead): PlacedBatch[] {
  const placed: PlacedBatch[] = [];
  for (const chunk of read.chunks) {
    for (let begin = 0; begin < chunk.length;) {
      const header = readBatchHeader(chunk, begin);
      const first = Number(header.baseOffset);
      const end = begin + header.sizeBytes;
      const deliverable = !header.isControl && !isAborted(read, header);
      placed.push({ chunk, begin, end, first, last: first + header.lastOffsetDelta, deliverable });
      begin = end;
    }
  }
  return placed;
}
