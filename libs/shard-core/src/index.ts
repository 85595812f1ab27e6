export type { DocumentWrite, DocumentWriteOutcome, Documents, Expected, StoredDocument } from './contract/documents.ts';
export type { Lease, Leases } from './contract/leases.ts';
export type {
  AbortedTransaction,
  Acks,
  Appended,
  AppendRequest,
  BatchVerdict,
  Compacted,
  CompactRequest,
  EndTransactionRequest,
  Isolation,
  LeaderEpochStart,
  Log,
  LogSlice,
  OpenShardOptions,
  ProducerState,
  ReadLimits,
  ShardBounds,
  TailPosition,
} from './contract/log.ts';
export { isAborted, NO_ABORTED_TRANSACTIONS } from './contract/aborted-transactions.ts';
export { type Outcome, type Refusal, type RefusalCode, StoreUnavailable } from './contract/refusal.ts';
export { parseShardKey, type ShardKey, shardKey } from './contract/shard-key.ts';
export type { Store, StoreHealth, StoreReplica } from './contract/store.ts';
export type { TokenBuckets, TokenRequest } from './contract/token-buckets.ts';
export { SUB_RECORDS_MAX, type SubRecord, subRecordsOf } from './records/aggregated-record.ts';
export {
  BINARY_KEY_PREFIX,
  EXPLICIT_HASH_KEY_HEADER,
  keyFromPartitionKey,
  partitionKeyFromKey,
} from './records/record-mapping.ts';
export {
  formatSequenceNumber,
  formatSequenceNumbers,
  parseSequenceNumber,
  type SequenceNumberParts,
} from './streams/sequence-number.ts';
export { isOwnedName, ownedName, type StreamOwner } from './streams/owned-name.ts';
export { parseShardId, shardIdOf } from './streams/shard-id.ts';
export { completeReshard, mergeShards, RESHARD_LEASE_MS, splitShard } from './streams/reshard.ts';
export {
  ON_DEMAND_INTERVAL_MS,
  ON_DEMAND_SHARDS_MIN,
  OnDemandScaling,
  startOnDemandScaling,
} from './streams/on-demand-scaling.ts';
export { type LeasedSweepOptions, startLeasedSweep } from './streams/leased-sweep.ts';
export { RESHARD_STALL_MS } from './streams/reshard-keeper.ts';
export { SHARDS_KEPT_MAX } from './streams/reshard-plan.ts';
export { planUniformScaling, type ScalingStep } from './streams/uniform-scaling.ts';
export { updateShardCount } from './streams/update-shard-count.ts';
export { addPartitions, roomForPartitions } from './streams/add-partitions.ts';
export {
  DEAGGREGATE_CONFIG,
  isInternalStream,
  offsetInShard,
  type Partition,
  type ReshardIntent,
  type ScalingIntent,
  type Shard,
  type ShardDocument,
  shardForOffset,
  Stream,
  type StreamDocument,
  type StreamEncryption,
  type StreamMode,
  type StreamSettings,
  type StreamStatus,
} from './streams/stream.ts';
export {
  DEFAULT_RETENTION_MS,
  isStreamName,
  type NewStream,
  type StreamCatalogOptions,
  STREAM_NAME_CHARACTERS_MAX,
  StreamCatalog,
} from './streams/stream-catalog.ts';
export { encryptionChanged, withEncryption } from './encryption/encryption-change.ts';
export {
  ENCRYPTION_KEY_BYTES,
  ENCRYPTION_KEY_ID,
  type EncryptionKey,
  KeyRing,
  type NamedKey,
  SERVICE_KEY_ALIAS,
} from './encryption/key-ring.ts';
export { type EncryptedStore, type EncryptedStoreOptions, openEncryptedStore } from './encryption/encrypted-store.ts';
export { encryptedLog, type EncryptionOptions } from './encryption/encrypted-log.ts';
export { EncryptionKeyMissing, isSealed } from './encryption/sealed-batch.ts';
export { COMPACTION_INTERVAL_MS } from './compaction/bounds.ts';
export { Compaction, type CompactionOptions, startCompaction } from './compaction/compaction.ts';
export {
  type CommittedOffset,
  committedOffsets,
  formatCommittedOffset,
  parseCommittedOffset,
} from './groups/committed-offset.ts';
export {
  GROUP_OFFSETS_PREFIX,
  GROUP_STATES_PREFIX,
  groupIdOfStateKey,
  groupOffsetKey,
  groupOffsetsOfTopicPrefix,
  groupOffsetsPrefix,
  groupStateKey,
  isGroupId,
  placeOfOffsetKey,
} from './groups/group-keys.ts';
export { type GroupPlace, groupPlaces } from './groups/group-places.ts';
export { openStore, type StoreSettings } from './open-store.ts';
export {
  dropExpiredShards,
  RETENTION_INTERVAL_MS,
  retentionBytesOf,
  retentionMsOf,
  startRetention,
  trimExpired,
  trimOversized,
} from './streams/retention.ts';
