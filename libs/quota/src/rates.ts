/** A limit as a token bucket: what flows in, and what may be spent at once after a pause. */
export interface Rate {
  /** Tokens a second. */
  readonly ratePerSecond: number;
  readonly capacity: number;
}

const MIB = 1024 * 1024;

/** What one shard takes and gives. https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html */
export const SHARD_WRITE_BYTES: Rate = { ratePerSecond: MIB, capacity: MIB };
export const SHARD_WRITE_RECORDS: Rate = { ratePerSecond: 1000, capacity: 1000 };
export const SHARD_READ_BYTES: Rate = { ratePerSecond: 2 * MIB, capacity: 2 * MIB };
export const SHARD_READ_CALLS: Rate = { ratePerSecond: 5, capacity: 5 };
/** What each consumer with enhanced fan-out gets from each shard, for itself. */
export const CONSUMER_READ_BYTES: Rate = { ratePerSecond: 2 * MIB, capacity: 2 * MIB };

/**
 * The longest pause that a caller is asked to make, and so the deepest debt: what flows in during this time. One
 * GetRecords of 10 MiB costs five seconds at 2 MiB/s.
 */
export const THROTTLE_MS_MAX = 5_000;
