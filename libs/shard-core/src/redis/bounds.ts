/** Every bound of the engine; those in `RedisBounds` may be set when a store is opened. */
export interface RedisBounds {
  /** The largest batch that one entry may hold, in bytes. */
  readonly batchBytesMax: number;
  /** A connection that owes an answer and hears nothing for this long is dropped, and its commands fail. */
  readonly answerTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** While a connection is being restored, a command waits this long for it before it fails. */
  readonly reconnectWaitMs: number;
  /** Markers of aborted transactions that one compaction drops, with what is known of these: one step does it at the end. More stay. */
  readonly droppedMarkersMax: number;
  /** Calls of awaitAppend that may wait at once; one more is refused with StoreUnavailable. */
  readonly waitersMax: number;
  /** Bytes of the tail cache, over all shards. */
  readonly tailCacheBytes: number;
}

export const DEFAULT_BOUNDS: RedisBounds = {
  batchBytesMax: 16 * 1024 * 1024,
  answerTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  reconnectWaitMs: 1_000,
  droppedMarkersMax: 10_000,
  waitersMax: 100_000,
  tailCacheBytes: 64 * 1024 * 1024,
};

/** Above this a batch goes beside the stream: what passes through Lua costs Redis twice the time. */
export const INLINE_BATCH_BYTES_MAX = 16 * 1024;
/** How long the bytes of a large batch wait for their script. They travel together; this is for a cut in between. */
export const TEMPORARY_PAYLOAD_TTL_MS = 60_000;
/** Commands of one connection that wait for their answers; more are refused, so that a Redis that hangs costs no more. */
export const COMMANDS_IN_FLIGHT_MAX = 50_000;
/** Bytes that wait to be sent on one connection; as above. */
export const UNSENT_BYTES_MAX = 256 * 1024 * 1024;
/** Commands that may wait for one connection to come back. */
export const WAITING_COMMANDS_MAX = 10_000;
export const RECONNECT_DELAY_MIN_MS = 20;
export const RECONNECT_DELAY_MAX_MS = 1_000;
/** A connection that lasted this long was a good one: the next attempts begin with the shortest delay. */
export const GOOD_CONNECTION_MS = 100;
/** `WAIT` is asked in slices of this, so that appends that come meanwhile are not held up by one that hangs. */
export const WAIT_SLICE_MS = 500;
/** The same, when shards with different needs wait together. */
export const WAIT_SLICE_MIXED_MS = 50;
/** A shard whose end stays above its watermark this long has lost its writer: whoever sees it takes over. */
export const WATERMARK_REPAIR_AFTER_MS = 250;
/** The picture of the replicas is at most this old when an append is refused or let through by it. */
export const REPLICAS_AGE_MAX_MS = 1_000;
/** A replica that has not reported for longer is not in sync. Healthy ones report every second. */
export const REPLICA_LAG_MAX_S = 3;
/** Entries of one XRANGE; with inline batches of 16 KiB this is 16 MiB. */
export const READ_ENTRIES_MAX = 1_024;
/** What a shard's first read asks for, when nothing is known of the size of its entries. */
export const READ_ENTRIES_FIRST = 64;
/** A read that lost a race against a trim is tried again so often. */
export const READ_TRIES_MAX = 5;
/** Aborted transactions that are read at once. */
export const ABORTED_PAGE = 256;
/** Producers that are read, and handed over, at once, about: some 100 bytes each. */
export const PRODUCER_PAGE = 512;
/** What was handed over to a shard that never was opened is gone after this. */
export const HAND_OVER_TTL_S = 3_600;
/** Entries of one page where a search must look at them one by one. */
export const SCAN_ENTRIES = 64;
export const PURGE_ENTRIES = 32;
export const PURGE_BYTES = 4 * 1024 * 1024;
/** Entries that a compaction reads and judges at once, and their bytes, save that one batch is always whole. */
export const COMPACTION_ENTRIES = 64;
export const COMPACTION_PAGE_BYTES = 2 * 1024 * 1024;
/** Entries, and bytes of theirs, that one script of a compaction adds: Redis does nothing else meanwhile. */
export const COMPACTION_SCRIPT_ENTRIES = 64;
export const COMPACTION_SCRIPT_BYTES = 256 * 1024;
/** Shards of which this process remembers bounds. Those that were not used for long are forgotten first. */
export const SHARD_VIEWS_MAX = 50_000;
/** Larger batches are not kept in the tail cache. */
export const TAIL_CACHE_BATCH_BYTES_MAX = 1024 * 1024;
/** A cached batch is served without a trip while the shard was heard of within this time: its bounds go along. */
export const VIEW_AGE_MAX_MS = 1_000;
export const DOCUMENT_KEY_BYTES_MAX = 1_024;
export const DOCUMENT_BYTES_MAX = 1024 * 1024;
export const DOCUMENT_WRITES_MAX = 1_000;
export const DOCUMENT_LIST_MAX = 10_000;
/** Documents fetched by one HMGET of a listing: up to 1 MiB each, so not all at once. */
export const DOCUMENT_PAGE = 256;
export const LEASE_LIST_MAX = 10_000;
/** A Redis that hangs is not ready: the health answer does not wait for longer. */
export const HEALTH_TIMEOUT_MS = 1_000;
/** Redis could not be asked to wake us: ask again after this, until it can. */
export const ARM_AGAIN_MS = 250;
/** A primary was out of memory, or could not else note that it is a new one: it is asked again after this. */
export const CLAIM_AGAIN_MS = 1_000;
/** How long writes other than appends wait for replicas, where the store asks for more than one copy. */
export const DOCUMENT_REPLICATION_TIMEOUT_MS = 5_000;
/** The subscriber's connection carries nothing while nobody waits; a ping shows that it lives. */
export const SUBSCRIBER_PING_MS = 5_000;
/** A command is sent again after a redirection of Redis Cluster so often (it was not carried out). */
export const REDIRECTIONS_MAX = 4;
export const CLUSTER_REFRESH_DELAY_MS = 250;
/** A connection that we end and the other side does not is cut off after this. */
export const DISCONNECT_TIMEOUT_MS = 500;
export const CLOSE_TIMEOUT_MS = 2_000;
