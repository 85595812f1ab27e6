const KIB = 1024;
const MIB = 1024 * KIB;

/** How often streams are looked at for something to compact: as `log.cleaner.backoff.ms` of Kafka. */
export const COMPACTION_INTERVAL_MS = 15_000;
/** A process that compacts a stream and is not heard of for so long has lost it to another. */
export const COMPACTION_LEASE_MS = 60_000;
/** And so often it is heard of. */
export const COMPACTION_LEASE_RENEWAL_MS = 15_000;
/** Memory for the keys of one round: some 1.5 million. What they do not reach is for the next round. */
export const COMPACTION_KEY_BYTES_MAX = 48 * MIB;
/** Memory for the keys of batches that stay unjudged: some 500,000. Where there are more, no tombstone behind them goes. */
export const COMPACTION_HELD_KEY_BYTES_MAX = 16 * MIB;
/** What is read to see which keys there are, at a time. */
export const COMPACTION_READ_BYTES = 2 * MIB;
/** After so many bytes others have their turn in this process. */
export const COMPACTION_YIELD_BYTES = 64 * KIB;
/** Read and judged in a second at most, so that appends and readers keep the store. */
export const COMPACTION_BYTES_PER_SECOND_MAX = 48 * MIB;
/** A compressed batch that becomes larger stays as it is. */
export const COMPACTION_UNCOMPRESSED_BYTES_MAX = 128 * MIB;
/** How often what is kept of streams that are gone is looked for. */
export const COMPACTION_TIDY_INTERVAL_MS = 60 * 60 * 1000;
