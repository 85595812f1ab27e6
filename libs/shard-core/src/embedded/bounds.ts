const KIB = 1024;
const MIB = 1024 * KIB;

/** Every bound of the engine that may be set when a store is opened, in the units that the names end in. */
export interface EmbeddedBounds {
  /** The largest batch that one append may hold. */
  readonly batchBytesMax: number;
  /** Bytes of appends that were let in and are not durable yet. Further ones wait outside, in their order. */
  readonly queueBytesMax: number;
  /** Appends that may wait outside; one more is refused with StoreUnavailable. */
  readonly waitingAppendsMax: number;
  /** Bytes that one write takes along. What comes meanwhile goes with the next. */
  readonly groupBytesMax: number;
  /** A segment's size when little is written, and the least that is kept ready on disk. */
  readonly segmentBytesMin: number;
  /** A segment's size under a heavy load. */
  readonly segmentBytesMax: number;
  /** Closed segments that are kept open for reading. */
  readonly openFilesMax: number;
  /** Memory for the indexes of closed segments. */
  readonly indexCacheBytesMax: number;
  /** Memory that is kept for reuse by reads. */
  readonly slabPoolBytesMax: number;
  /** The most that one read takes from a file, save that the first batch is always whole. */
  readonly readBytesMax: number;
  /** Calls of awaitAppend that may wait at once; one more is refused with StoreUnavailable. */
  readonly waitersMax: number;
  /** Markers of aborted transactions that one compaction drops, with what is known of these: one step does it at the end. More stay. */
  readonly droppedMarkersMax: number;
  /** Memory for the newest batches of all shards. */
  readonly tailCacheBytesMax: number;
  /** Idempotent producers that one shard remembers, for each Kafka partition; the one that was silent longest is forgotten first. */
  readonly producersPerShardMax: number;
  /** A producer that was silent for so long is forgotten, as Kafka does (producer.id.expiration.ms). */
  readonly producerExpiryMs: number;
}

export const DEFAULT_BOUNDS: EmbeddedBounds = {
  batchBytesMax: 64 * MIB,
  queueBytesMax: 128 * MIB,
  waitingAppendsMax: 100_000,
  groupBytesMax: 8 * MIB,
  segmentBytesMin: 16 * MIB,
  segmentBytesMax: 256 * MIB,
  openFilesMax: 64,
  indexCacheBytesMax: 64 * MIB,
  slabPoolBytesMax: 64 * MIB,
  readBytesMax: 16 * MIB,
  waitersMax: 100_000,
  droppedMarkersMax: 10_000,
  tailCacheBytesMax: 32 * MIB,
  producersPerShardMax: 10_000,
  producerExpiryMs: 24 * 60 * 60 * 1000,
};

/** One point of the index stands for the entries of one shard that begin within one block of a segment. */
export const INDEX_BLOCK_BYTES = 64 * KIB;
/** Batches up to this size are copied behind each other; larger ones are written from the caller's memory. */
export const STAGED_BATCH_BYTES_MAX = 16 * KIB;
/** Memory for headers and small batches of the one write that is under way. */
export const STAGING_BYTES = MIB;
/** Buffers of one write. Linux takes 1,024; above that the runtime would write in several steps anyway. */
export const WRITE_BUFFERS_MAX = 1_024;
/** Batches above this size are served from the file, which lies in the page cache, and not from the tail cache. */
export const TAIL_CACHE_BATCH_BYTES_MAX = 16 * KIB;
/** A read passes over foreign bytes up to this length rather than making two reads of it. */
export const READ_THROUGH_BYTES = 128 * KIB;
/** Parts of a segment that one read collects. */
export const READ_RANGES_MAX = 64;
/** Batches up to this size are moved together in a read's memory; larger ones become chunks of their own. */
export const COMPACTED_BATCH_BYTES_MAX = 64 * KIB;
/** Recovery reads a segment in parts of this size (and a larger batch whole). */
export const RECOVERY_WINDOW_BYTES = 4 * MIB;
/** Zeros are written ahead in pieces of this size, each synced, so that they do not hold up the log for long. */
export const ZERO_PIECE_BYTES = 512 * KIB;
/** Zeros are written this much faster than appends come, so that they are there in time and no sooner than needed. */
export const ZERO_LEAD = 2;
/** But at least so fast. */
export const ZEROED_BYTES_PER_SECOND_MIN = 32 * MIB;
/** A segment is to hold what is written in about this time. */
export const SEGMENT_FILL_TARGET_MS = 2_000;
/** When more is written, no zeros are written ahead. */
export const ZEROED_BYTES_PER_SECOND_MAX = 48 * MIB;
/** After a failure to prepare a segment, the next try waits so long. */
export const PREPARE_RETRY_MS = 5_000;
/** A segment of which no more than this is left is copied to a file of its own, and given back. */
export const REMAINS_SHARE_MAX = 1 / 4;
/** What is left is written in parts of this size. */
export const REMAINS_WRITE_BYTES = MIB;
/** Segments that one checkpoint copies; the next one goes on. */
export const REMAINS_COPIED_AT_ONCE_MAX = 4;
/** What a compaction reads, judges and writes at a time. */
export const COMPACTION_SLICE_BYTES = 2 * MIB;
export const DOCUMENT_KEY_BYTES_MAX = 1_024;
export const DOCUMENT_BYTES_MAX = MIB;
export const DOCUMENT_WRITES_MAX = 1_000;
export const DOCUMENT_LIST_MAX = 10_000;
/** Changes of documents and shards that wait for their turn; one more is refused with StoreUnavailable. */
export const WAITING_CHANGES_MAX = 100_000;
export const LEASES_MAX = 100_000;
export const TOKEN_BUCKETS_MAX = 1_000_000;
/** Closing waits so long for what is under way. */
export const CLOSE_TIMEOUT_MS = 10_000;
