import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import {
  type AbortedTransaction,
  type Isolation,
  type LogSlice,
  offsetInShard,
  type Partition,
  type Shard,
  type ShardBounds,
  shardForOffset,
  StoreUnavailable,
  type Stream,
} from '@tailrace/shard-core';
import { discardSpan, type offSpan, setLogTransfer, tracing, withLogSpan } from '@tailrace/telemetry';
import type { Bridge } from '../bridge.ts';
import { refusalErrors } from '../errors/refusal-errors.ts';
import type { FetchTarget } from './fetch-session.ts';
import { endOfLeaderEpoch } from './leader-epochs.ts';

type Span = typeof offSpan;

const NO_CHECK = -1;
/** How long a read that has come to the end of a shard waits for the shard that goes on, while that one is being made. */
const RESHARD_WAIT_MS = 500;

/** What one Fetch has of one partition so far. It may be read on from where it ended, as more is appended. */
export class PartitionRead {
  readonly target: FetchTarget;
  errorCode: ErrorCode = errorCodes.NONE;
  highWatermark = -1n;
  lastStableOffset = -1n;
  logStartOffset = -1n;
  chunks: readonly Buffer[] = [];
  byteCount = 0;
  nextOffset: bigint;
  /** The shard in which reading goes on: where to wait for more. */
  shard: Shard | undefined;
  /** There is more, or may be, that waiting does not bring: a limit cut it, or the shard that goes on is not known yet. */
  full = false;
  /** Behind the end of a partition that no open shard continues: nothing comes until a split takes it up again. */
  dormant = false;
  /** The client's log and this one part: where. Nothing is read then. */
  divergingEpoch: { readonly epoch: number; readonly endOffset: bigint } | undefined;
  /** What committed readers pass over in what was read. */
  abortedTransactions: readonly AbortedTransaction[] = [];
  readonly #isolation: Isolation;
  #slices: LogSlice[] = [];
  #refused = false;
  #lastEpochChecked = false;
  /** As it was before the last slice. */
  #before: Pick<PartitionRead, 'chunks' | 'byteCount' | 'nextOffset' | 'abortedTransactions'> | undefined;

  constructor(target: FetchTarget, isolation: Isolation) {
    this.target = target;
    this.#isolation = isolation;
    this.nextOffset = target.fetchOffset;
  }

  get failed(): boolean {
    return this.errorCode !== errorCodes.NONE;
  }

  /** There is something to tell at once, and nothing to read. */
  get ended(): boolean {
    return this.failed || this.divergingEpoch !== undefined;
  }

  /** Answers with this error, whatever the partition holds; nothing is read. */
  refuse(errorCode: ErrorCode): void {
    this.fail(errorCode);
    this.#refused = true;
  }

  /** Reads up to `maxBytes` more, but one whole batch at least. What goes wrong is noted, not thrown. */
  async advance(maxBytes: number, bridge: Bridge, span: Span): Promise<void> {
    if (this.#refused || this.divergingEpoch !== undefined) return;
    try {
      const stream = await this.#findStream(bridge);
      if (stream !== undefined) await this.#read(stream, maxBytes, bridge, span);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.fail(errorCodes.KAFKA_STORAGE_ERROR);
    }
  }

  /** Learns where the partition begins and ends, and reads nothing. */
  async look(bridge: Bridge): Promise<void> {
    if (this.#refused) return;
    try {
      const stream = await this.#findStream(bridge);
      const partition = stream?.partitions[this.target.partition];
      if (partition === undefined) return this.fail(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
      const last = partition.chain.at(-1) as Shard;
      const outcome = await bridge.store.log.bounds(last.key);
      if (!outcome.ok) return this.fail(refusalErrors[outcome.refusal.code]);
      if (await this.#diverges(partition, bridge)) return;
      await this.#note(outcome.value, partition, bridge);
      this.full = true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.fail(errorCodes.KAFKA_STORAGE_ERROR);
    }
  }

  /** Gives up what was read last, because it does not fit; the client comes again for it. */
  drop(): void {
    if (this.#before === undefined) return;
    this.#slices.pop()?.release();
    ({
      chunks: this.chunks,
      byteCount: this.byteCount,
      nextOffset: this.nextOffset,
      abortedTransactions: this.abortedTransactions,
    } = this.#before);
    this.#before = undefined;
    this.full = true;
  }

  fail(errorCode: ErrorCode): void {
    this.release();
    this.chunks = [];
    this.byteCount = 0;
    this.abortedTransactions = [];
    this.errorCode = errorCode;
    this.highWatermark = -1n;
    this.lastStableOffset = -1n;
    this.logStartOffset = -1n;
  }

  /** Gives the memory back; nobody may use the chunks any more. */
  release(): void {
    const slices = this.#slices;
    this.#slices = [];
    for (const slice of slices) slice.release();
  }

  async #findStream({ catalog }: Bridge): Promise<Stream | undefined> {
    const { topicName, topicId } = this.target;
    if (topicName === '') {
      const stream = catalog.peekById(topicId);
      if (stream === undefined) this.fail(errorCodes.UNKNOWN_TOPIC_ID);
      return stream;
    }
    const stream = catalog.peek(topicName) ?? (await catalog.find(topicName));
    if (stream === undefined) this.fail(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    return stream;
  }

  async #read(stream: Stream, maxBytes: number, bridge: Bridge, span: Span): Promise<void> {
    this.#before = undefined;
    let partition = stream.partitions[this.target.partition];
    if (partition === undefined) return this.fail(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    if (this.target.lastFetchedEpoch >= 0 && (await this.#diverges(partition, bridge))) return;
    let shard = this.shard ?? shardForOffset(partition, this.nextOffset);
    this.nextOffset = offsetInShard(shard, this.nextOffset);
    for (;;) {
      const outcome = await (tracing.enabled
        ? this.#readTraced(stream, shard, maxBytes, bridge, span)
        : bridge.store.log.read(shard.key, this.nextOffset, { maxBytes, isolation: this.#isolation }));
      if (!outcome.ok) {
        // The epoch first: a consumer that knows an older one is to ask where that ended, and not to begin anew.
        const bounds =
          this.target.currentLeaderEpoch === NO_CHECK ? undefined : await bridge.store.log.bounds(shard.key);
        if (bounds?.ok && this.#refuseEpoch(bounds.value, partition, bridge)) return;
        return this.fail(refusalErrors[outcome.refusal.code]);
      }
      const slice = outcome.value;
      this.shard = shard;
      if (slice.byteCount > 0) {
        this.#slices.push(slice);
        const { chunks, byteCount, nextOffset, abortedTransactions } = this;
        this.#before = { chunks, byteCount, nextOffset, abortedTransactions };
        this.chunks = this.chunks.length === 0 ? slice.chunks : [...this.chunks, ...slice.chunks];
        this.byteCount += slice.byteCount;
        this.nextOffset = slice.nextOffset;
        if (slice.abortedTransactions.length > 0) this.#noteAborted(slice.abortedTransactions);
        const { lastStableOffset, highWatermark } = slice.bounds;
        this.full = slice.nextOffset < (this.#isolation === 'readCommitted' ? lastStableOffset : highWatermark);
        return this.#note(slice.bounds, partition, bridge);
      }
      slice.release();
      if (!slice.bounds.sealed || this.nextOffset < slice.bounds.highWatermark) {
        return this.#note(slice.bounds, partition, bridge);
      }
      // The end of a shard that was split or merged: the partition goes on in the next link of its chain.
      let next = linkBehind(partition, shard);
      if (next === undefined && isOpen(partition)) {
        const fresh = await bridge.catalog.whenResharded(stream, shard, { timeoutMs: RESHARD_WAIT_MS });
        partition = fresh?.partitions[this.target.partition] ?? partition;
        next = linkBehind(partition, shard);
      }
      if (next === undefined) {
        // A split that is only half done: nothing to wait for in this shard.
        if (isOpen(partition)) this.full = true;
        else this.dormant = true;
        return this.#note(slice.bounds, partition, bridge);
      }
      if (this.abortedTransactions.length > 0) {
        // A consumer forgets an aborted producer at its marker, which lies in the next link: that is another answer.
        this.full = true;
        return this.#note(slice.bounds, partition, bridge);
      }
      shard = next;
      if (this.nextOffset < shard.startOffset) this.nextOffset = shard.startOffset;
    }
  }

  #readTraced(stream: Stream, shard: Shard, maxBytes: number, { store }: Bridge, span: Span) {
    return withLogSpan('read', store.engine, stream.name, shard.shardId, span, async (logSpan) => {
      const outcome = await store.log.read(shard.key, this.nextOffset, { maxBytes, isolation: this.#isolation });
      if (outcome.ok && outcome.value.byteCount === 0) discardSpan(logSpan);
      else if (outcome.ok) setLogTransfer(logSpan, { byteCount: outcome.value.byteCount });
      return outcome;
    });
  }

  /** One that began before what was read last is known already. */
  #noteAborted(more: readonly AbortedTransaction[]): void {
    const isKnown = ({ producerId, firstOffset }: AbortedTransaction) =>
      this.abortedTransactions.some((one) => one.producerId === producerId && one.firstOffset === firstOffset);
    this.abortedTransactions =
      this.abortedTransactions.length === 0
        ? more
        : [...this.abortedTransactions, ...more.filter((one) => !isKnown(one))];
  }

  /**
   * Whether what the client read last lies not on this log, by its epoch (KIP-595). Also when that cannot be told because of
   * what is noted as the error.
   */
  async #diverges(partition: Partition, bridge: Bridge): Promise<boolean> {
    const { lastFetchedEpoch, fetchOffset } = this.target;
    if (lastFetchedEpoch < 0 || this.#lastEpochChecked) return false;
    const bounds = await partitionBounds(partition, bridge);
    if (bounds === undefined) this.fail(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    if (bounds === undefined || this.#refuseEpoch(bounds, partition, bridge)) return true;
    const end = await endOfLeaderEpoch(lastFetchedEpoch, partition, bounds, bridge);
    if (end === undefined) {
      this.fail(errorCodes.OFFSET_OUT_OF_RANGE);
      return true;
    }
    this.#lastEpochChecked = true;
    const { leaderEpoch: epoch, endOffset } = end;
    if (epoch >= lastFetchedEpoch && endOffset >= fetchOffset) return false;
    this.divergingEpoch = { epoch, endOffset };
    this.highWatermark = bounds.highWatermark;
    this.lastStableOffset = bounds.lastStableOffset;
    this.logStartOffset = bounds.logStartOffset;
    return true;
  }

  /** Whether the consumer goes by another leader epoch than the log. Metadata, which it asks next, tells of ours. */
  #refuseEpoch(
    { leaderEpoch }: Pick<ShardBounds, 'leaderEpoch'>,
    { appendTo }: Partition,
    { leaderEpochs }: Bridge,
  ): boolean {
    leaderEpochs.observe(appendTo.key, leaderEpoch);
    const { currentLeaderEpoch } = this.target;
    if (currentLeaderEpoch === NO_CHECK || currentLeaderEpoch === leaderEpoch) return false;
    const isOlder = currentLeaderEpoch < leaderEpoch;
    this.fail(isOlder ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH);
    return true;
  }

  /** Notes the ends of the whole partition, of which `bounds` are those of one link. */
  async #note(bounds: ShardBounds, partition: Partition, bridge: Bridge): Promise<void> {
    if (this.#refuseEpoch(bounds, partition, bridge)) return;
    this.highWatermark = bounds.highWatermark;
    this.lastStableOffset = bounds.lastStableOffset;
    this.logStartOffset = bounds.logStartOffset;
    if (partition.chain.length === 1) return;
    const ends = await partitionBounds(partition, bridge);
    if (ends === undefined) return;
    this.highWatermark = ends.highWatermark;
    this.lastStableOffset = ends.lastStableOffset;
    this.logStartOffset = ends.logStartOffset;
  }
}

export type PartitionBounds = Pick<
  ShardBounds,
  'logStartOffset' | 'highWatermark' | 'logEndOffset' | 'lastStableOffset' | 'leaderEpoch'
>;

/** Links that are closed and in which no transaction is open: so it stays. */
const settled = new WeakSet<Shard>();

/**
 * Where a partition begins and ends, over all links of its chain; `undefined` when its logs are gone. A transaction may be open
 * in a link that was closed: for committed readers the partition ends there.
 */
export async function partitionBounds(
  { chain }: Partition,
  { store }: Pick<Bridge, 'store'>,
): Promise<PartitionBounds | undefined> {
  const last = await store.log.bounds((chain.at(-1) as Shard).key);
  if (!last.ok) return undefined;
  let logStartOffset: bigint | undefined;
  for (const link of chain.slice(0, -1)) {
    // The beginning is known, and nothing else can come of it.
    if (logStartOffset !== undefined && settled.has(link)) continue;
    const outcome = await store.log.bounds(link.key);
    if (!outcome.ok || outcome.value.logStartOffset === outcome.value.logEndOffset) continue;
    logStartOffset ??= outcome.value.logStartOffset;
    const { lastStableOffset, highWatermark, logEndOffset, sealed } = outcome.value;
    if (lastStableOffset < highWatermark) return { ...last.value, logStartOffset, lastStableOffset };
    if (sealed && highWatermark === logEndOffset) settled.add(link);
  }
  return { ...last.value, logStartOffset: logStartOffset ?? last.value.logStartOffset };
}

/** As far as the stream's document knows. */
function isOpen({ chain }: Partition): boolean {
  return chain.at(-1)?.closedAtMs === undefined;
}

function linkBehind({ chain }: Partition, shard: Shard): Shard | undefined {
  const index = chain.findIndex(({ number }) => number === shard.number);
  return index < 0 ? undefined : chain[index + 1];
}
