export { ClientLimits } from './client-limits.ts';
export {
  CONSUMER_READ_BYTES,
  SHARD_READ_BYTES,
  SHARD_READ_CALLS,
  SHARD_WRITE_BYTES,
  SHARD_WRITE_RECORDS,
  THROTTLE_MS_MAX,
  type Rate,
} from './rates.ts';
export { type Decision, ShardLimits, type ShardLimitsOptions } from './shard-limits.ts';
