import type { BatchHeader } from '@tailrace/kafka-protocol';
import type { Outcome } from './refusal.ts';
import type { ShardKey } from './shard-key.ts';

/**
 * When an append counts as done. `none`: the caller does not wait, the append is made all the same. `leader`: the
 * primary has it, as durable as the engine's setting says. `all`: `minInsyncReplicas` copies have it, the primary
 * among them.
 */
export type Acks = 'none' | 'leader' | 'all';

/** Leader epochs that are remembered of one shard. */
export const LEADER_EPOCHS_MAX = 32;

export interface AppendRequest {
  readonly shard: ShardKey;
  /**
   * One RecordBatch v2, whole and already checked (length, magic, CRC). Borrowed: the caller leaves it alone until the
   * append settles, and the engine copies what it wants to keep longer. The engine may write base offset (bytes 0 to 7)
   * and leader epoch (12 to 15) into it; both lie outside the CRC.
   */
  readonly batch: Buffer;
  /** The header of `batch`, as the caller has read it. */
  readonly header: BatchHeader;
  readonly acks: Acks;
  /** Copies that `acks: 'all'` needs, and behind which the high watermark stays. 1 means the primary alone. */
  readonly minInsyncReplicas: number;
  /** How long `acks: 'all'` may wait for replicas, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * The Kafka partition that an idempotent producer sent it to; 0 unless set, at most 65,535. A producer counts its
   * sequences by partition, and a shard that took over from others gets those of several.
   */
  readonly partition?: number;
}

/** Ends what a producer wrote to one shard in a transaction. */
export interface EndTransactionRequest extends Pick<
  AppendRequest,
  'shard' | 'acks' | 'minInsyncReplicas' | 'timeoutMs' | 'partition'
> {
  readonly producerId: bigint;
  /** At least the one with which the records were written; the shard takes no older one from here on. */
  readonly producerEpoch: number;
  /** Grows when the coordinator of the transaction changes. */
  readonly coordinatorEpoch: number;
  /** Whether the records count; otherwise committed readers never see them. */
  readonly commit: boolean;
}

/** A part of a log that committed readers pass over: what one producer wrote from the one offset to the other. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  /** Of its first record. */
  readonly firstOffset: bigint;
  /** Of the marker that ended it; in a shard that was sealed before the marker came, of the last record. */
  readonly lastOffset: bigint;
}

/** What a shard knows of an idempotent producer, for one Kafka partition. */
export interface ProducerState {
  readonly producerId: bigint;
  readonly partition: number;
  readonly producerEpoch: number;
  /** Of its newest record; -1 when only a marker has told of this epoch. */
  readonly lastSequence: number;
  /** When its newest batch was appended, in milliseconds since 1970. */
  readonly lastTimestampMs: number;
  /** Of the newest marker; -1 when there was none. */
  readonly coordinatorEpoch: number;
  readonly currentTransactionStartOffset: bigint | undefined;
}

export interface OpenShardOptions {
  readonly startOffset: bigint;
  /** As `requireEncryption` from the first append on, where the engine has that. */
  readonly encrypted?: boolean;
  /**
   * Kafka partitions that go on in this shard, and the shard that took their appends until now: what that one knows of
   * their producers (epochs, sequences, transactions that are open) is known here too. It is sealed, or else refuses
   * appends for this partition from now on, as `shardSealed`.
   */
  readonly producersOf?: readonly { readonly shard: ShardKey; readonly partition: number }[];
}

export interface Appended {
  /** The offset of the batch's first record. */
  readonly baseOffset: bigint;
  /** The offset after the batch's last record. */
  readonly nextOffset: bigint;
  /** When the engine appended it, in milliseconds since 1970. Never goes back within a shard. */
  readonly appendTimeMs: number;
  readonly logStartOffset: bigint;
  /** An idempotent producer's repetition: nothing was written, the offsets are those of the first time. */
  readonly duplicate: boolean;
}

/** Ends are exclusive. */
export interface ShardBounds {
  readonly logStartOffset: bigint;
  /** Readers see records below it: what a failover could still take back lies above. */
  readonly highWatermark: bigint;
  readonly logEndOffset: bigint;
  /** Committed readers see records below it: the first record of an open transaction, or else the high watermark. */
  readonly lastStableOffset: bigint;
  /** Closed by a split or merge: it never grows again. */
  readonly sealed: boolean;
  /** Grows with every failover of the store; 0 on one machine. */
  readonly leaderEpoch: number;
  /** Bytes of the batches between start and end. An engine that cannot tell exactly gives its best figure. */
  readonly sizeBytes: number;
}

/** Where a leader epoch began in the log of a shard: its records lie from there up to where the next one began. */
export interface LeaderEpochStart {
  readonly leaderEpoch: number;
  readonly startOffset: bigint;
}

/** `readCommitted`: only below the last stable offset, and told what was aborted. */
export type Isolation = 'readUncommitted' | 'readCommitted';

export interface ReadLimits {
  /** Stop before the batch that would exceed it. The first batch is returned whole however large it is. */
  readonly maxBytes: number;
  /** Stop after so many batches. */
  readonly maxBatches?: number;
  /** `readUncommitted` unless set. */
  readonly isolation?: Isolation;
}

/**
 * A run of whole batches, in offset order and without a gap other than trimmed, compacted or never written offsets.
 * The first batch holds the asked offset (and may begin before it). Empty when nothing is there yet.
 */
export interface LogSlice {
  /** Each chunk holds one or more whole batches, one behind the other, base offsets and leader epochs in place. */
  readonly chunks: readonly Buffer[];
  readonly byteCount: number;
  readonly batchCount: number;
  /** Append time of each batch in milliseconds, in the order of the batches over all chunks. */
  readonly appendTimesMs: readonly number[];
  /** Of each batch, where the store encrypts: whether it lay encrypted. Absent: none did. */
  readonly sealed?: readonly boolean[];
  /** Where to read on: the offset after the last batch, or the asked offset when the slice is empty. */
  readonly nextOffset: bigint;
  readonly bounds: ShardBounds;
  /**
   * With `readCommitted`, the aborted transactions that overlap the slice, in the order of their first offsets: batches of
   * these producers within them do not count (`isAborted`). Markers are in the slice in any case.
   */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /**
   * Gives the memory back for reuse. Call it once, when the last byte has been used (for a socket: in the callback of
   * the write). Forgetting it costs memory reuse, not correctness; using a chunk afterwards reads garbage.
   */
  release(): void;
}

/** What becomes of a batch: it stays, it goes, or another of the same base and last offset takes its place. */
export type BatchVerdict = 'keep' | 'drop' | Buffer;

export interface CompactRequest {
  readonly shard: ShardKey;
  /** The base offset of a batch below the last stable offset. All before it is judged; it and what follows stays. */
  readonly to: bigint;
  /**
   * Is given the log from its start on, slice by slice, as committed readers get it, and answers a verdict for each batch. It may
   * take its time: that is how a compaction leaves room for others. What it throws ends the compaction, and nothing has changed.
   */
  readonly judge: (slice: LogSlice) => Promise<readonly BatchVerdict[]>;
}

/** Bytes of the batches that were judged, and of what is there in their place. */
export interface Compacted {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

export interface TailPosition {
  readonly shard: ShardKey;
  readonly offset: bigint;
  /** `readCommitted`: wait for the last stable offset rather than for the high watermark. */
  readonly isolation?: Isolation;
}

/** What every engine does with the logs of shards. One conformance suite runs against each engine. */
export interface Log {
  /**
   * Makes an empty log whose first offset is `startOffset`. It is there with all that it takes over, or not at all. Doing
   * it again for the same shard changes nothing.
   */
  openShard(shard: ShardKey, options: OpenShardOptions): Promise<void>;

  /**
   * Appends one batch: is the shard there and open, is the producer's sequence right, then offset and entry, in one
   * step, whichever of many processes asks. Appends to one shard that are started in order land in order.
   *
   * A batch whose header says transactional opens the producer's transaction in this shard, if it has none open.
   *
   * Refuses, in this order: shardNotFound, shardSealed, batchTooLarge, notEnoughReplicas, encryptionRequired,
   * staleProducerEpoch, outOfOrderSequence, duplicateSequence, transactionOpen (a batch outside of the transaction that its
   * producer has open in this shard, or in one whose partition goes on here); after the append: notEnoughReplicasAfterAppend.
   * Throws StoreUnavailable; then it is unknown whether the append was made, except that it never is made twice.
   */
  append(request: AppendRequest): Promise<Outcome<Appended>>;

  /**
   * Appends the marker (a control batch) that ends a producer's transaction in this shard, and ends it, in one step. With
   * no transaction open the marker is appended all the same, so it can be sent again. What the producer wrote in the same
   * transaction to the shards from which this one took its partition over is ended before.
   *
   * Refuses, in this order: shardNotFound, shardSealed, notEnoughReplicas, staleProducerEpoch (the shard knows a newer
   * one), staleCoordinatorEpoch; after the append: notEnoughReplicasAfterAppend. Throws StoreUnavailable; send it again.
   */
  endTransaction(request: EndTransactionRequest): Promise<Outcome<Appended>>;

  /** The idempotent producers that the shard remembers, in no order. Refuses: shardNotFound. */
  producers(shard: ShardKey): Promise<Outcome<readonly ProducerState[]>>;

  /**
   * Reads whole batches below the high watermark; with `readCommitted` below the last stable offset.
   * Refuses: shardNotFound, offsetOutOfRange.
   */
  read(shard: ShardKey, fromOffset: bigint, limits: ReadLimits): Promise<Outcome<LogSlice>>;

  /** Refuses: shardNotFound. */
  bounds(shard: ShardKey): Promise<Outcome<ShardBounds>>;

  /**
   * The leader epochs under which what is in the log was appended, the oldest first; the first one begins at the start of the
   * log, unless nobody knows under which epoch its oldest records were appended. A batch that is read carries its epoch.
   * What a failover took back is shown by it: the epoch that wrote it ends below, and what is there instead is of another.
   * Of more than `LEADER_EPOCHS_MAX`, older ones count as part of the one before. Refuses: shardNotFound.
   */
  leaderEpochs(shard: ShardKey): Promise<Outcome<readonly LeaderEpochStart[]>>;

  /**
   * The base offset of the first batch whose time is at or after `timestampMs`; `undefined` when there is none below
   * the high watermark. `append`: the append time, which never goes back. `record`: the largest timestamp in the batch's
   * header, which may; the caller looks into that batch for the very record.
   */
  offsetForTime(
    shard: ShardKey,
    timestampMs: number,
    by: 'append' | 'record',
  ): Promise<Outcome<{ readonly baseOffset: bigint; readonly timestampMs: number } | undefined>>;

  /** The batch with the largest record timestamp below the high watermark (the first, if several), if there is any. */
  maxRecordTimestamp(
    shard: ShardKey,
  ): Promise<Outcome<{ readonly baseOffset: bigint; readonly timestampMs: number } | undefined>>;

  /**
   * Forgets records below `beforeOffset` (at most up to the high watermark) and answers the new start. Readers see it at
   * once; the space comes back in slices. Refuses: shardNotFound, offsetOutOfRange (above the high watermark).
   */
  trim(shard: ShardKey, beforeOffset: bigint): Promise<Outcome<{ readonly logStartOffset: bigint }>>;

  /**
   * Puts in the place of a shard's older batches what `judge` makes of them: all of it in one step at the end, so that it is done or
   * not, whatever dies on the way. Offsets, append times and the state of producers stay; so does the order. Whoever reads meanwhile
   * goes on in what is there then. An aborted transaction whose marker goes is not told of any more. One compaction of a shard at a
   * time: another one, or a trim to behind what was judged, ends it without effect.
   *
   * Refuses, in this order: shardNotFound, offsetOutOfRange (`to` is no base offset of a batch between the start and the last stable
   * offset). Throws StoreUnavailable, also when it was ended without effect.
   */
  compact(request: CompactRequest): Promise<Outcome<Compacted>>;

  /** Closes a shard for good and answers its end. Again: the same answer. Refuses: shardNotFound. */
  seal(shard: ShardKey): Promise<Outcome<{ readonly endOffset: bigint }>>;

  /**
   * From now on an append to the shard whose batch is not sealed is refused as encryptionRequired, whichever process asks;
   * or taken again. Absent where no other process can append: there everybody knows at once what is to be encrypted.
   * Refuses: shardNotFound.
   */
  requireEncryption?(shard: ShardKey, required: boolean): Promise<Outcome<undefined>>;

  /** Drops the logs of shards, with their producers' state. Unknown ones are passed over. */
  deleteShards(shards: readonly ShardKey[]): Promise<void>;

  /**
   * Waits until one of the shards has a record at or above its offset that readers may see, or was sealed or deleted.
   * Answers `true` then (at once if it is so already), `false` when the time is over or the signal fires. Never polls.
   */
  awaitAppend(
    positions: readonly TailPosition[],
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean>;
}
