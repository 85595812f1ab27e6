import type { KeyRing } from '../encryption/key-ring.ts';
import type { Documents } from './documents.ts';
import type { Leases } from './leases.ts';
import type { Log } from './log.ts';
import type { TokenBuckets } from './token-buckets.ts';

/** A copy of the store in another zone, as the primary sees it. */
export interface StoreReplica {
  /** `host:port` */
  readonly address: string;
  /** Connected and heard of lately: it counts as a copy. */
  readonly inSync: boolean;
  /** Seconds since it last reported. */
  readonly lagSeconds: number;
  /** What it has not acknowledged yet. */
  readonly lagBytes: number;
}

export interface StoreHealth {
  readonly ready: boolean;
  /** One sentence for the operator: what is wrong, or what is there. */
  readonly detail: string;
  /** Of an engine that has such copies, all of them. */
  readonly replicas?: readonly StoreReplica[];
  /** How many copies of a record are up to date, the primary among them; where shards differ, the fewest. Absent: one. */
  readonly copiesInSync?: number;
}

/** An engine, opened: what both doors stand on. */
export interface Store {
  readonly engine: 'embedded' | 'redis';
  readonly log: Log;
  readonly documents: Documents;
  readonly leases: Leases;
  readonly tokenBuckets: TokenBuckets;
  /** The keys under which streams may ask to be encrypted; absent: this store encrypts nothing. */
  readonly keyRing?: KeyRing;

  /** Cheap enough to be asked every second. */
  health(): Promise<StoreHealth>;

  /** Finishes what is under way (bounded in time) and lets go of files and connections. */
  close(): Promise<void>;
}
