import type { HashRange } from '@tailrace/hashing';
import type { ShardKey } from './shard-key.ts';

/**
 * What the core refuses, in domain words. A refusal is expected: it is a value, never thrown, and each door maps every
 * code in one table (`satisfies Record<RefusalCode, …>`), so that a new code breaks both doors until each has decided
 * what to say.
 */
export type Refusal =
  | { readonly code: 'streamNotFound'; readonly stream: string }
  | { readonly code: 'streamExists'; readonly stream: string }
  /** Accounts and regions are kept apart, and the name is one of another account's or region's. */
  | { readonly code: 'streamNameReserved'; readonly stream: string }
  | { readonly code: 'streamBusy'; readonly stream: string; readonly status: string }
  | { readonly code: 'shardNotFound'; readonly shard: ShardKey }
  /** The shard was closed by a split or merge: appends belong to its children now. */
  | { readonly code: 'shardSealed'; readonly shard: ShardKey }
  /** A split or merge of a shard that has been split or merged before. */
  | { readonly code: 'shardClosed'; readonly shard: ShardKey }
  /** A split begins its upper child above `hashRange.start + 1` and below `hashRange.end`; Kinesis has the same rule. */
  | {
      readonly code: 'hashKeyOutOfRange';
      readonly shard: ShardKey;
      readonly hashKey: bigint;
      readonly hashRange: HashRange;
    }
  /** The hash ranges of two shards that are to be merged do not touch. */
  | { readonly code: 'shardsNotAdjacent'; readonly shard: ShardKey; readonly adjacentShard: ShardKey }
  /** The stream would have more shards, open and closed, than one stream can keep. */
  | { readonly code: 'tooManyShards'; readonly stream: string; readonly shards: number; readonly shardsMax: number }
  /** Below the start (trimmed away) or above the end of the log. */
  | {
      readonly code: 'offsetOutOfRange';
      readonly shard: ShardKey;
      readonly offset: bigint;
      readonly logStartOffset: bigint;
      readonly logEndOffset: bigint;
    }
  /** An idempotent producer skipped a sequence: something it sent before is missing. */
  | {
      readonly code: 'outOfOrderSequence';
      readonly producerId: bigint;
      readonly expected: number;
      readonly got: number;
    }
  /** An idempotent producer sent a batch again that is older than the five that are remembered. */
  | { readonly code: 'duplicateSequence'; readonly producerId: bigint; readonly sequence: number }
  /** Another producer with the same id and a newer epoch has written since. */
  | {
      readonly code: 'staleProducerEpoch';
      readonly producerId: bigint;
      readonly epoch: number;
      readonly current: number;
    }
  /** Another coordinator has ended a transaction of this producer since. */
  | {
      readonly code: 'staleCoordinatorEpoch';
      readonly producerId: bigint;
      readonly coordinatorEpoch: number;
      readonly current: number;
    }
  /** A batch outside of any transaction, of a producer that has one open in the shard. */
  | { readonly code: 'transactionOpen'; readonly producerId: bigint }
  /** Too few replicas were connected before the append: nothing was written. */
  | { readonly code: 'notEnoughReplicas'; readonly required: number; readonly available: number }
  /** Written, but too few replicas acknowledged in time: the append may or may not survive a failover. */
  | { readonly code: 'notEnoughReplicasAfterAppend'; readonly required: number; readonly acknowledged: number }
  /** The shard takes sealed batches alone, and this one is plain: its stream has been encrypted since we heard of it. */
  | { readonly code: 'encryptionRequired'; readonly shard: ShardKey }
  /** The encoded batch is above what the engine stores in one entry. */
  | { readonly code: 'batchTooLarge'; readonly bytes: number; readonly maxBytes: number };

export type RefusalCode = Refusal['code'];

/** Either the value, or why not. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

/**
 * The store or the way to it failed: disk full, Redis lost, a time-out. Thrown by adapters with its `cause`, always
 * retryable by the client; the doors answer with their protocol's retryable error.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}
