/** How long things take; specs have shorter ones. */
export interface SubscriptionTimes {
  /** After which a subscription ends, and its client begins another one. */
  readonly lifetimeMs: number;
  /** In which there is an event at least, if need be one without records. */
  readonly heartbeatMs: number;
  /** Within this time of a subscription's begin, another one of the same consumer to the same shard is refused. */
  readonly takeOverAfterMs: number;
}

/** The service's own; the heartbeat of every five seconds begins earlier, so that it is there in time. */
export const SUBSCRIPTION_TIMES: SubscriptionTimes = {
  lifetimeMs: 300_000,
  heartbeatMs: 4_500,
  takeOverAfterMs: 5_000,
};
