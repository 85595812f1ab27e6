import type { Documents } from './documents.ts';
import type { Leases } from './leases.ts';
import type { Log } from './log.ts';
import type { TokenBuckets } from './token-buckets.ts';

export interface StoreHealth {
  readonly ready: boolean;
  /** One sentence for the operator: what is wrong, or what is there. */
  readonly detail: string;
}

/** An engine, opened: what both doors stand on. */
export interface Store {
  readonly engine: 'embedded' | 'redis';
  readonly log: Log;
  readonly documents: Documents;
  readonly leases: Leases;
  readonly tokenBuckets: TokenBuckets;

  /** Cheap enough to be asked every second. */
  health(): Promise<StoreHealth>;

  /** Finishes what is under way (bounded in time) and lets go of files and connections. */
  close(): Promise<void>;
}
