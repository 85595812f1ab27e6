/** How the door behaves, all of it with a default (`door.ts`). */
export interface BridgeOptions {
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
  readonly minInsyncReplicas: number;
  readonly messageBytesMax: number;
  readonly fetchBytesMax: number;
  readonly initialRebalanceDelayMs: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  readonly groupMembersMax: number;
  readonly consumerSessionTimeoutMs: number;
  readonly consumerHeartbeatIntervalMs: number;
  readonly shareGroupMembersMax: number;
  readonly shareSessionTimeoutMs: number;
  readonly shareHeartbeatIntervalMs: number;
  /** The shortest `share.record.lock.duration.ms` that a group may be set to. */
  readonly shareLockDurationMsMin: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsCheckIntervalMs: number;
  /** What DescribeLogDirs calls the place where records lie. */
  readonly logDir: string;
}
