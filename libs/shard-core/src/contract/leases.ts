/** Something that one holder owns for a while. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** What the holder says of itself, JSON text (a broker: its address). */
  readonly value: string;
  /** A fence: grows each time that the lease changes hands. */
  readonly leaseEpoch: number;
}

export interface Leases {
  /**
   * Takes or renews the lease for `ttlMs` from now. Answers the lease; or, when somebody else holds it, theirs.
   * A renewal by the same holder keeps the epoch and updates the value.
   */
  acquire(name: string, holder: string, ttlMs: number, value?: string): Promise<{ held: boolean; lease: Lease }>;

  /** Gives it up, if the holder has it. */
  release(name: string, holder: string): Promise<void>;

  /** The leases in force whose names begin with the prefix, in name order. */
  list(prefix: string): Promise<readonly Lease[]>;
}
