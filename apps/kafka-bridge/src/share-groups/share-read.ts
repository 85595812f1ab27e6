import { type ErrorCode, errorCodes, readBatchHeader } from '@tailrace/kafka-protocol';
import { isAborted, type Isolation, type Partition, type Shard, type TailPosition } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { fetchTarget } from '../fetch/fetch-session.ts';
import { partitionBounds, PartitionRead } from '../fetch/partition-read.ts';
import type { SharePartition } from './share-partition.ts';
import type { AcquiredRange, FoundBatch } from './share-partition-state.ts';
import { TAKE_OVER_ATTEMPTS_MAX } from './share-partitions.ts';
import type { SessionPartition, ShareSession } from './share-session.ts';
import type { Waiter } from './waiting-line.ts';

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
  /** What there is goes out now: there is more, which this answer cannot take. */
  isFull = false;
  readonly #session: ShareSession;
  readonly #waiter: Waiter;
  readonly #reads: PartitionRead[] = [];
  /** Of the last batch that is in the answer: none of them may come twice in it. */
  #servedUpTo = -1;
  #held: SharePartition | undefined;
  /** The log has something, or a read ended for want of turns: it is to be read whoever stands first. */
  #isDue = false;
  /** The session has the partition no more. */
  #isOver = false;

  /** `waiter` stands in line for the request, in each of its partitions. */
  constructor(target: SessionPartition, session: ShareSession, waiter: Waiter) {
    this.target = target;
    this.#session = session;
    this.#waiter = waiter;
  }

  get failed(): boolean {
    return this.errorCode !== errorCodes.NONE;
  }

  /** Whether reading has to wait for the store first. */
  isUnloaded({ shareGroups }: Bridge): boolean {
    return shareGroups.partitions.held({ groupId: this.#session.groupId, ...this.target }) === undefined;
  }

  /** Whether there is something to read for this request, as far as is known. */
  get isDue(): boolean {
    if (this.failed || this.#isOver) return false;
    const held = this.#held;
    if (held === undefined || held.isGone || this.#isDue) return true;
    return held.line.first === this.#waiter && held.outlook === 'look';
  }

  /** Where to wait for new records; `undefined` where another request does, or none can be handed out now. */
  get tail(): TailPosition | undefined {
    if (this.#held?.line.first !== this.#waiter) return undefined;
    const { outlook } = this.#held;
    return outlook === 'look' ? undefined : outlook;
  }

  /** Something was appended at one of the positions at which the request waited. */
  noteAppend(): void {
    if (this.tail !== undefined) this.#isDue = true;
  }

  /**
   * Reads and acquires up to these limits, but one whole batch at least. Where another request watches the partition, it stands
   * in line behind that one and reads nothing. What goes wrong is noted, not thrown.
   */
  async advance(limits: ShareLimits, exchange: Exchange, bridge: Bridge): Promise<void> {
    this.#isDue = false;
    const held = await this.#hold(bridge);
    if (held === undefined) return;
    const { first } = held.line;
    if (first !== undefined && first !== this.#waiter && first.isWatching && typeof held.outlook === 'object') return;
    const before = this.recordCount;
    await held.exclusively(() => this.#read(held, limits, exchange, bridge));
    if (this.recordCount > before) held.line.served(this.#waiter);
  }

  /** The request waits no more. */
  stopWaiting(): void {
    this.#held?.line.leave(this.#waiter);
  }

  /** Gives the memory back; nobody may use the chunks any more. */
  release(): void {
    for (const read of this.#reads.splice(0)) read.release();
  }

  async #hold({ shareGroups }: Bridge): Promise<SharePartition | undefined> {
    if (this.#held?.isGone === false) return this.#held;
    const { groupId, memberId } = this.#session;
    for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS_MAX; attempt++) {
      const held = await shareGroups.partitions.hold({ groupId, ...this.target });
      if (typeof held === 'number') return this.#fail(held);
      if (this.#session.hasEnded || !this.#session.has(this.target)) {
        this.#isOver = true;
        held.goIfUnused();
        return undefined;
      }
      // Others waited for the same load, and were the last to go.
      if (held.isGone) continue;
      held.join(memberId);
      held.line.join(this.#waiter);
      this.#held = held;
      return held;
    }
    return this.#fail(errorCodes.NOT_LEADER_OR_FOLLOWER);
  }

  /** With records in hand it is not an error of this answer: clients pass over the records of a partition that has one. */
  #fail(errorCode: ErrorCode): undefined {
    if (this.recordCount > 0) this.isFull = true;
    else this.errorCode = errorCode;
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
      if (from === undefined || held.isGone || this.#session.hasEnded) return;
      if (from <= this.#servedUpTo) {
        this.isFull = true;
        return;
      }
      const read = await this.#readLog(from, Math.min(bytesMax, SHARE_READ_BYTES), isolation, exchange, bridge);
      if (this.#session.hasEnded) return read.release();
      if (read.errorCode === errorCodes.OFFSET_OUT_OF_RANGE) {
        if (!(await this.#skipDeleted(held, from, isolation, bridge))) return;
        continue;
      }
      if (read.failed) return this.#fail(read.errorCode);
      if (read.byteCount > bytesMax && !(limits.isEmpty && this.byteCount === 0)) {
        this.isFull = true;
        return read.release();
      }
      held.moveStart(read.logStartOffset);
      if (read.byteCount === 0) {
        const { shard, dormant, nextOffset } = read;
        const waits = shard !== undefined && !dormant;
        return held.foundNothing(from, waits ? { shard: shard.key, offset: nextOffset, isolation } : undefined);
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
    this.#isDue = true;
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
  async #skipDeleted(held: SharePartition, from: bigint, isolation: Isolation, bridge: Bridge): Promise<boolean> {
    const partition = bridge.catalog.peekById(this.target.topicId)?.partitions[this.target.partition];
    const bounds =
      partition && (await unlessUnavailable(partitionBounds(partition, bridge), () => errorCodes.KAFKA_STORAGE_ERROR));
    if (bounds === undefined || typeof bounds === 'number') {
      this.#fail(bounds ?? errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
      return false;
    }
    if (bounds.logStartOffset <= from) {
      // Above the end: somebody put the group there. It waits until the partition has come so far.
      const { key: shard } = (partition as Partition).chain.at(-1) as Shard;
      held.foundNothing(from, { shard, offset: from, isolation });
      return false;
    }
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
      // A batch of which compaction has left nothing but its frame has no record to deliver.
      const deliverable = !header.isControl && header.recordCount > 0 && !isAborted(read, header);
      placed.push({ chunk, begin, end, first, last: first + header.lastOffsetDelta, deliverable });
      begin = end;
    }
  }
  return placed;
}
