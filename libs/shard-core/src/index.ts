export type {
  DocumentWrite,
  DocumentWriteOutcome,
  Documents,
  Expected,
  StoredDocument,
} from './contract/documents.ts';
export type { Lease, Leases } from './contract/leases.ts';
export type {
  Acks,
  Appended,
  AppendRequest,
  Log,
  LogSlice,
  ReadLimits,
  ShardBounds,
  TailPosition,
} from './contract/log.ts';
export { type Outcome, type Refusal, type RefusalCode, StoreUnavailable } from './contract/refusal.ts';
export { parseShardKey, type ShardKey, shardKey } from './contract/shard-key.ts';
export type { Store, StoreHealth } from './contract/store.ts';
export type { TokenBuckets, TokenRequest } from './contract/token-buckets.ts';
