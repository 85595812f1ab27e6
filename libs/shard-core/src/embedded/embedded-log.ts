import {
  encodeEndTransactionMarker,
  type EndTransactionMarker,
  readBatchHeader,
  readEndTransactionMarker,
} from '@tailrace/kafka-protocol';
import { NO_ABORTED_TRANSACTIONS } from '../contract/aborted-transactions.ts';
import type {
  Appended,
  AppendRequest,
  Compacted,
  CompactRequest,
  EndTransactionRequest,
  LeaderEpochStart,
  Log,
  LogSlice,
  OpenShardOptions,
  ProducerState,
  ReadLimits,
  ShardBounds,
  TailPosition,
} from '../contract/log.ts';
import { type Outcome, type Refusal, StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { FailedAppends } from '../failed-appends.ts';
import type { TailCache } from '../tail-cache.ts';
import { AppendQueue } from './append-queue.ts';
import { type AppendWaiters, wake } from './append-waiters.ts';
import type { EmbeddedBounds } from './bounds.ts';
import { reasonOf } from './data-directory.ts';
import { ENTRY_HEADER_BYTES, PARTITION_MAX } from './entry.ts';
import type { AppendGroup, GroupCommit } from './group-commit.ts';
import type { LogReader } from './log-reader.ts';
import { emptySlice } from './log-slices.ts';
import { type PendingAppend, transactionOf } from './pending-append.ts';
import {
  checkMarker,
  checkSequence,
  NOTHING_FENCED,
  type Producer,
  producerAfter,
  ProducerTable,
} from './producer-state.ts';
import type { ShardCompaction } from './shard-compaction.ts';
import type { SegmentKeeper } from './segment-keeper.ts';
import type { ShardDirectory } from './shard-directory.ts';
import type { SavedProducers, ShardState } from './shard-state.ts';
import { firstByAppendTime, firstByRecordTime, newestByRecordTime, type TimedBatch } from './time-search.ts';

export interface EmbeddedLogParts {
  readonly bounds: EmbeddedBounds;
  readonly clock: () => number;
  readonly shards: ShardDirectory;
  readonly writer: GroupCommit;
  readonly keeper: SegmentKeeper;
  readonly reader: LogReader;
  readonly compaction: ShardCompaction;
  readonly tail: TailCache;
  readonly waiters: AppendWaiters;
}

const NO_PRODUCER = -1n;
/** Positions of a batch are kept as numbers. */
const OFFSET_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** The log contract over the parts of the engine. */
export class EmbeddedLog implements Log {
  readonly #bounds: EmbeddedBounds;
  readonly #clock: () => number;
  readonly #shards: ShardDirectory;
  readonly #writer: GroupCommit;
  readonly #keeper: SegmentKeeper;
  readonly #reader: LogReader;
  readonly #compaction: ShardCompaction;
  readonly #tail: TailCache;
  readonly #waiters: AppendWaiters;
  readonly #queue: AppendQueue;
  readonly #failedAppends: FailedAppends;
  #closed = false;
  #failure: StoreUnavailable | undefined;

  constructor(parts: EmbeddedLogParts) {
    this.#bounds = parts.bounds;
    this.#clock = parts.clock;
    this.#shards = parts.shards;
    this.#writer = parts.writer;
    this.#keeper = parts.keeper;
    this.#reader = parts.reader;
    this.#compaction = parts.compaction;
    this.#tail = parts.tail;
    this.#waiters = parts.waiters;
    this.#queue = new AppendQueue(parts.bounds);
    this.#failedAppends = new FailedAppends(parts.clock);
  }

  /** Why the last append failed; `undefined` once one has succeeded again. */
  get failure(): StoreUnavailable | undefined {
    return this.#failure;
  }

  async openShard(key: ShardKey, { startOffset, producersOf = [] }: OpenShardOptions): Promise<void> {
    if (startOffset < 0n || startOffset > OFFSET_MAX) throw new RangeError(`a start offset of ${startOffset}`);
    if (this.#shards.get(key) !== undefined) return;
    const producers = new ProducerTable();
    const departed: { readonly shard: ShardState; readonly partition: number }[] = [];
    for (const { shard: from, partition } of producersOf) {
      const shard = this.#shards.get(from);
      if (shard === undefined) continue;
      if (!shard.sealed) {
        // What was let in before is known of there, and nothing comes behind it.
        (shard.departed ??= new Set()).add(partition);
        departed.push({ shard, partition });
        await this.#settled(shard).catch(() => {});
      }
      producers.takeOver(shard.producers, partition, (producerId) =>
        shard.transactions?.isOpen(producerId) ? from : undefined,
      );
    }
    const saved: SavedProducers = { producers: producers.save() };
    await this.#shards.open(key, Number(startOffset), JSON.stringify(saved), departed);
  }

  append(request: AppendRequest): Promise<Outcome<Appended>> {
    return this.#enqueue(request, false);
  }

  async endTransaction(request: EndTransactionRequest): Promise<Outcome<Appended>> {
    const { shard: key, producerId, coordinatorEpoch, partition } = request;
    const shard = this.#shards.get(key);
    const producer = shard?.producers.get(producerId, partition);
    if (shard !== undefined && producer !== undefined && producer.openIn.length > 0) {
      const refusal = this.#refusalOf(request, shard, false) ?? checkMarker(producer, request, coordinatorEpoch);
      if (refusal !== undefined) return refused(refusal);
      // First there: as long as the marker is not here, whoever sends it knows that not all is done.
      for (const from of producer.openIn) await this.#release(from, request);
    }
    return this.#appendMarker(request, false);
  }

  async producers(key: ShardKey): Promise<Outcome<readonly ProducerState[]>> {
    const shard = this.#shards.get(key);
    return shard === undefined
      ? shardNotFound(key)
      : { ok: true, value: shard.producers.states((producerId) => shard.transactions?.startOf(producerId)) };
  }

  async read(key: ShardKey, fromOffset: bigint, limits: ReadLimits): Promise<Outcome<LogSlice>> {
    const shard = this.#shards.get(key);
    if (shard === undefined) return shardNotFound(key);
    const from = Number(fromOffset);
    if (from < shard.startOffset || from > shard.durableEnd) return outOfRange(shard, fromOffset);
    const bounds = shard.bounds();
    const committed = limits.isolation === 'readCommitted';
    const end = committed ? shard.stableEnd : shard.durableEnd;
    if (from >= end) return { ok: true, value: emptySlice(fromOffset, bounds) };
    const cached = this.#tail.read(key, fromOffset, limits, committed ? bounds.lastStableOffset : bounds.highWatermark);
    const slice =
      cached === undefined
        ? await this.#reader.read(shard, from, end, limits)
        : { ...cached, bounds, abortedTransactions: NO_ABORTED_TRANSACTIONS, release() {} };
    if (committed && shard.transactions !== undefined) {
      slice.abortedTransactions = this.#shards.abortedWithin(shard, from, Number(slice.nextOffset));
    }
    return { ok: true, value: slice };
  }

  async bounds(key: ShardKey): Promise<Outcome<ShardBounds>> {
    const shard = this.#shards.get(key);
    return shard === undefined ? shardNotFound(key) : { ok: true, value: shard.bounds() };
  }

  /** One machine, one epoch. */
  async leaderEpochs(key: ShardKey): Promise<Outcome<readonly LeaderEpochStart[]>> {
    const shard = this.#shards.get(key);
    if (shard === undefined) return shardNotFound(key);
    const { leaderEpoch, logStartOffset: startOffset } = shard.bounds();
    return { ok: true, value: [{ leaderEpoch, startOffset }] };
  }

  async offsetForTime(
    key: ShardKey,
    timestampMs: number,
    by: 'append' | 'record',
  ): Promise<Outcome<TimedBatch | undefined>> {
    const shard = this.#shards.get(key);
    if (shard === undefined) return shardNotFound(key);
    const search = by === 'append' ? firstByAppendTime : firstByRecordTime;
    return { ok: true, value: await search(this.#reader, shard, timestampMs) };
  }

  async maxRecordTimestamp(key: ShardKey): Promise<Outcome<TimedBatch | undefined>> {
    const shard = this.#shards.get(key);
    if (shard === undefined) return shardNotFound(key);
    return { ok: true, value: await newestByRecordTime(this.#reader, shard) };
  }

  async trim(key: ShardKey, beforeOffset: bigint): Promise<Outcome<{ readonly logStartOffset: bigint }>> {
    const shard = this.#shards.get(key);
    if (shard === undefined) return shardNotFound(key);
    const before = Number(beforeOffset);
    if (before > shard.durableEnd) return outOfRange(shard, beforeOffset);
    if (before > shard.startOffset) this.#keeper.dropped(await this.#shards.moveStart(shard, before));
    return { ok: true, value: { logStartOffset: shard.startOffsetBig } };
  }

  async compact({ shard: key, to, judge }: CompactRequest): Promise<Outcome<Compacted>> {
    const shard = this.#shards.get(key);
    if (shard === undefined) return shardNotFound(key);
    const end = Number(to);
    if (end < shard.startOffset || end >= shard.stableEnd) return outOfRange(shard, to);
    const at = await this.#reader.read(shard, end, shard.stableEnd, { maxBytes: 0 });
    const isBase = at.batchCount > 0 && readBatchHeader(at.chunks[0] as Buffer, 0).baseOffset === to;
    at.release();
    if (!isBase) return outOfRange(shard, to);
    const compacted = await this.#compaction.run(shard, end, judge);
    this.#tail.drop(key);
    return { ok: true, value: compacted };
  }

  async seal(key: ShardKey): Promise<Outcome<{ readonly endOffset: bigint }>> {
    const shard = this.#shards.get(key);
    if (shard === undefined) return shardNotFound(key);
    if (!shard.sealed) {
      shard.sealBegun = true;
      shard.sealing ??= this.#seal(shard).finally(() => {
        shard.sealing = undefined;
      });
      await shard.sealing;
    }
    return { ok: true, value: { endOffset: BigInt(shard.durableEnd) } };
  }

  async deleteShards(keys: readonly ShardKey[]): Promise<void> {
    for (const shard of await this.#shards.remove(keys)) {
      this.#tail.drop(shard.key);
      this.#keeper.dropped(shard.extents.splice(0));
      wake(shard);
    }
  }

  awaitAppend(
    positions: readonly TailPosition[],
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean> {
    const shards: ShardState[] = [];
    for (const { shard: key } of positions) {
      const shard = this.#shards.get(key);
      // Not there any more: that is an answer too.
      if (shard === undefined) return Promise.resolve(true);
      shards.push(shard);
    }
    return this.#waiters.wait(shards, positions, timeoutMs, signal);
  }

  /** The writer has made these durable. */
  durable({ appends, segment }: AppendGroup): void {
    let current: ShardState | undefined;
    for (const append of appends) {
      const { shard, batch } = append;
      if (shard !== current) {
        if (current !== undefined) wake(current);
        current = shard;
      }
      if (batch === undefined || segment === undefined) append.done(undefined, 0n, 0n);
      else this.#commit(append, batch, segment);
    }
    if (current !== undefined) wake(current);
    if (segment !== undefined) this.#failure = undefined;
  }

  /** Nothing of these was made durable; the newest first. */
  failed(appends: readonly PendingAppend[], cause: Error): void {
    const failure = new StoreUnavailable(`the log could not be written: ${reasonOf(cause)}`, { cause });
    this.#failure = failure;
    for (const { shard, batch, baseOffset, producer, producerId, producerBefore, partition, ...append } of appends) {
      if (batch === undefined) continue;
      shard.endOffset = baseOffset;
      if (producer === undefined) continue;
      for (const { partition: other, before } of append.fenced) shard.producers.undo(producerId, before, other);
      shard.producers.undo(producerId, producerBefore, partition);
      if (append.transaction !== 'none') shard.transactions?.undo(producerId, append.transactionBefore);
    }
    const inOrder = appends.toReversed();
    // Before anybody is told, and comes again.
    for (const { shard, batch, producer, partition } of inOrder) {
      if (batch === undefined || producer === undefined) continue;
      this.#failedAppends.add(shard.key, readBatchHeader(batch, 0), partition);
    }
    for (const { batch, done } of inOrder) {
      done(failure, 0n, 0n);
      if (batch !== undefined) this.#queue.leave(batch.length);
    }
  }

  /** Refuses what comes from now on, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiters.close();
    await this.#compaction.close();
    await this.#writer.drained();
  }

  #commit(append: PendingAppend, batch: Buffer, segment: AppendGroup['segment'] & object): void {
    const { shard, baseOffset, nextOffset, position, appendTimeMs, maxTimestampMs, producer } = append;
    shard.durableEnd = nextOffset;
    shard.dirty = true;
    if (producer !== undefined) {
      const { producerId, partition, transaction } = append;
      const { producerExpiryMs, producersPerShardMax } = this.#bounds;
      shard.producers.commit(producerId, producer, partition);
      if (transaction !== 'none') {
        for (const { partition: other, after } of append.fenced) shard.producers.commit(producerId, after, other);
        shard.track(transaction, producerId, producer, baseOffset);
        shard.transactions?.settle(producerId);
      }
      shard.forgetProducers(appendTimeMs - producerExpiryMs, producersPerShardMax);
    }
    const base = BigInt(baseOffset);
    const next = BigInt(nextOffset);
    // What was deleted meanwhile must not hold its segment.
    if (!shard.deleted) {
      const end = position + ENTRY_HEADER_BYTES + batch.length;
      const extent = segment.extentFor(shard, baseOffset);
      extent.add(baseOffset, nextOffset, position, end, batch.length, appendTimeMs, maxTimestampMs);
      this.#tail.append(shard.key, base, next, appendTimeMs, batch);
    }
    append.done(undefined, base, next);
    this.#queue.leave(batch.length);
  }

  /** `pastFence`: also where the partition has gone on elsewhere. */
  #enqueue(request: AppendRequest, pastFence: boolean): Promise<Outcome<Appended>> {
    if (this.#queue.open) return this.#admit(request, pastFence);
    return new Promise((resolve, reject) => {
      this.#queue.wait(() => void this.#admit(request, pastFence).then(resolve, reject));
    });
  }

  #appendMarker(request: EndTransactionRequest, pastFence: boolean): Promise<Outcome<Appended>> {
    const { commit: commits, producerId, producerEpoch, coordinatorEpoch } = request;
    const marker = { commits, producerId, producerEpoch, coordinatorEpoch, timestampMs: this.#clock() };
    const batch = encodeEndTransactionMarker(marker);
    return this.#enqueue({ ...request, batch, header: readBatchHeader(batch, 0) }, pastFence);
  }

  /** Decides about an append, gives it its offset and sends it on its way. */
  #admit(request: AppendRequest, pastFence: boolean): Promise<Outcome<Appended>> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('the store is closed'));
    const { batch, header, partition = 0 } = request;
    const shard = this.#shards.get(request.shard);
    if (shard === undefined) return Promise.resolve(shardNotFound(request.shard));
    const refusal = this.#refusalOf(request, shard, pastFence);
    if (refusal !== undefined) {
      // It comes again, to another shard: what is behind it must not be taken for the producer's first there.
      if (refusal.code === 'shardSealed') this.#failedAppends.add(shard.key, header, partition);
      return Promise.resolve(refused(refusal));
    }
    const baseOffset = shard.endOffset;
    const nextOffset = baseOffset + header.lastOffsetDelta + 1;
    const appendTimeMs = Math.max(this.#clock(), shard.appendTimeMs);
    const { producerId } = header;
    let producer: Producer | undefined;
    let producerBefore: Producer | undefined;
    let transaction: PendingAppend['transaction'] = 'none';
    let transactionBefore = false;
    let fenced = NOTHING_FENCED;
    if (producerId > NO_PRODUCER) {
      if (!(partition >= 0 && partition <= PARTITION_MAX)) throw new RangeError(`a partition of ${partition}`);
      producerBefore = shard.producers.get(producerId, partition);
      let marker: EndTransactionMarker | undefined;
      if (header.isControl) {
        marker = readEndTransactionMarker(batch, 0, header);
        const stale = marker && checkMarker(producerBefore, header, marker.coordinatorEpoch);
        if (stale !== undefined) return Promise.resolve(refused(stale));
      } else {
        const isNew = producerBefore === undefined;
        const mustBeginWith = isNew ? this.#failedAppends.mustBeginWith(shard.key, header, partition) : undefined;
        const check = checkSequence(producerBefore, header, mustBeginWith);
        if (check.kind === 'refused') return Promise.resolve(refused(check.refusal));
        if (check.kind === 'duplicate') return this.#answerDuplicate(shard, check.batch);
        const isOpen = shard.transactions?.isOpenBehind(producerId) || (producerBefore?.openIn.length ?? 0) > 0;
        if (isOpen && !header.isTransactional) {
          return Promise.resolve(refused({ code: 'transactionOpen', producerId }));
        }
      }
      producer = producerAfter(producerBefore, header, baseOffset, appendTimeMs, marker?.coordinatorEpoch);
      transaction = transactionOf(header, marker);
      shard.producers.begin(producerId, producer, partition);
      if (transaction !== 'none') transactionBefore = shard.admitTransaction(transaction, producerId);
      if (marker !== undefined) fenced = shard.producers.beginFence(producerId, producer, partition);
    }
    shard.endOffset = nextOffset;
    shard.appendTimeMs = appendTimeMs;
    this.#queue.enter(batch.length);
    return new Promise((resolve, reject) => {
      this.#writer.submit({
        shard,
        batch,
        baseOffset,
        nextOffset,
        appendTimeMs,
        maxTimestampMs: header.maxTimestampMs,
        producerId,
        partition: producer === undefined ? 0 : partition,
        producer,
        producerBefore,
        transaction,
        transactionBefore,
        fenced,
        position: 0,
        done: (error, base, next) => {
          if (error !== undefined) return reject(error);
          const { startOffsetBig: logStartOffset } = shard;
          const value = { baseOffset: base, nextOffset: next, appendTimeMs, logStartOffset, duplicate: false };
          resolve({ ok: true, value });
        },
      });
    });
  }

  /** In the order that the contract documents. */
  #refusalOf(
    request: Omit<AppendRequest, 'batch' | 'header'> & { readonly batch?: Buffer },
    shard: ShardState,
    pastFence: boolean,
  ): Refusal | undefined {
    const { shard: key, acks, minInsyncReplicas, partition = 0 } = request;
    if (shard.sealed || shard.sealBegun) return { code: 'shardSealed', shard: key };
    if (!pastFence && shard.departed?.has(partition)) return { code: 'shardSealed', shard: key };
    const { batchBytesMax } = this.#bounds;
    const bytes = request.batch?.length ?? 0;
    if (bytes > batchBytesMax) return { code: 'batchTooLarge', bytes, maxBytes: batchBytesMax };
    if (acks === 'all' && minInsyncReplicas > 1) {
      return { code: 'notEnoughReplicas', required: minInsyncReplicas, available: 1 };
    }
    return undefined;
  }

  /** The first one may still be under way: then its fate is this one's too. */
  async #answerDuplicate(
    shard: ShardState,
    first: { readonly baseOffset: number; readonly recordCount: number; readonly appendTimeMs: number },
  ): Promise<Outcome<Appended>> {
    const nextOffset = first.baseOffset + first.recordCount;
    if (nextOffset > shard.durableEnd) await this.#settled(shard);
    return {
      ok: true,
      value: {
        baseOffset: BigInt(first.baseOffset),
        nextOffset: BigInt(nextOffset),
        appendTimeMs: first.appendTimeMs,
        logStartOffset: shard.startOffsetBig,
        duplicate: true,
      },
    };
  }

  /** Ends a transaction in a shard from which the producer's partition has gone on elsewhere. */
  async #release(key: ShardKey, request: EndTransactionRequest): Promise<void> {
    const shard = this.#shards.get(key);
    await shard?.sealing;
    const { producerId, commit } = request;
    if (shard === undefined || !shard.transactions?.isOpen(producerId)) return;
    if (shard.sealed) {
      await this.#shards.release(shard, producerId, commit);
      wake(shard);
      return;
    }
    const outcome = await this.#appendMarker({ ...request, shard: key }, true);
    // It was sealed a moment ago, or another coordinator has been here: the marker is sent again, or was sent.
    if (!outcome.ok) throw new StoreUnavailable(`a transaction could not be ended in ${key}: ${outcome.refusal.code}`);
  }

  async #seal(shard: ShardState): Promise<void> {
    // What was let in before belongs to the shard, if it succeeds; if it fails, the shard ends before it.
    await this.#settled(shard).catch(() => {});
    await this.#shards.seal(shard);
    wake(shard);
  }

  /** Returns when everything that was let in before is durable. Throws StoreUnavailable when it was not made so. */
  #settled(shard: ShardState): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writer.submit({
        shard,
        batch: undefined,
        baseOffset: shard.endOffset,
        nextOffset: shard.endOffset,
        appendTimeMs: shard.appendTimeMs,
        maxTimestampMs: 0,
        producerId: NO_PRODUCER,
        partition: 0,
        producer: undefined,
        producerBefore: undefined,
        transaction: 'none',
        transactionBefore: false,
        fenced: NOTHING_FENCED,
        position: 0,
        done: (error) => (error === undefined ? resolve() : reject(error)),
      });
    });
  }
}

function refused(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}

function shardNotFound(shard: ShardKey): { readonly ok: false; readonly refusal: Refusal } {
  return refused({ code: 'shardNotFound', shard });
}

function outOfRange(shard: ShardState, offset: bigint): { readonly ok: false; readonly refusal: Refusal } {
  const { key, startOffsetBig: logStartOffset, durableEnd } = shard;
  return refused({ code: 'offsetOutOfRange', shard: key, offset, logStartOffset, logEndOffset: BigInt(durableEnd) });
}
