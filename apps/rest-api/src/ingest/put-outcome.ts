import type { RecordHeader } from '@tailrace/kafka-protocol';
import type { Refusal, Shard } from '@tailrace/shard-core';

/** A record on its way in, whichever protocol brought it. */
export interface IngestRecord {
  /** Chooses the shard by its MD5, and is the record's key as UTF-8. Without one: `key`. */
  readonly partitionKey?: string | undefined;
  /** Overrides the partition key's hash: decimal, 0 to 2^128 − 1, already checked. Kept in a record header. */
  readonly explicitHashKey?: string | undefined;
  /** The record's key where it is not a partition key: bytes that need not be UTF-8, or `null` for none (any shard). */
  readonly key?: Buffer | null | undefined;
  /** `null` is a Kafka tombstone. */
  readonly data: Buffer | null;
  readonly headers?: readonly RecordHeader[] | undefined;
}

/** Where a record has been appended. */
export interface Placed {
  readonly shard: Shard;
  readonly offset: bigint;
  /** Milliseconds since 1970; all records of one append share it. */
  readonly appendTimeMs: number;
}

/** Why a record was not taken: what the core refuses, and what happens before and around it. */
export type IngestRefusal =
  | Refusal
  /** The shard's write limit is spent. */
  | { readonly code: 'throttled'; readonly shard: Shard; readonly retryAfterMs: number }
  /** More waits for this shard than the process is willing to hold. */
  | { readonly code: 'overloaded'; readonly shard: Shard; readonly queuedBytes: number; readonly maxBytes: number }
  /** The store failed: whether the record was appended is unknown. Retryable. */
  | { readonly code: 'storeUnavailable'; readonly message: string };

export type PutOutcome =
  { readonly ok: true; readonly value: Placed } | { readonly ok: false; readonly refusal: IngestRefusal };
