export interface TokenRequest {
  /** Tokens that flow in per second. */
  readonly ratePerSecond: number;
  /** The most that the bucket holds; it begins full. */
  readonly capacity: number;
  /** The least that is of use to the caller; more than `capacity` is never granted. */
  readonly min: number;
  /** The most that the caller takes away; at least `min`. */
  readonly max: number;
}

/**
 * Token buckets that all processes share, exact across them: whatever is granted in sum never exceeds capacity + rate ×
 * time. A process takes a portion in advance and spends it locally (libs/quota), so that hot paths pay no extra trip.
 */
export interface TokenBuckets {
  /**
   * Takes between `min` and `max` tokens from the named bucket, as many as it has. `granted: 0` when it has less than
   * `min`; `waitMs` then says after how long it will have them.
   */
  take(bucket: string, request: TokenRequest): Promise<{ readonly granted: number; readonly waitMs: number }>;

  /** Brings unspent tokens back. */
  giveBack(bucket: string, tokens: number, request: TokenRequest): Promise<void>;
}
