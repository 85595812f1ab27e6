import { type ConsumerDocument, createdSeconds } from './consumer.ts';

/** Where the subscriptions of all consumers are written down. */
export const SUBSCRIPTIONS_PREFIX = 'subscription/';

type ConsumerId = Pick<ConsumerDocument, 'streamId' | 'name' | 'createdAtMs'>;

/** A consumer that was removed and registered again begins with no subscriptions. */
export function subscriptionPrefix({ streamId, name, createdAtMs }: ConsumerId): string {
  return `${SUBSCRIPTIONS_PREFIX}${streamId}/${name}:${createdSeconds(createdAtMs)}/`;
}

/** The document that says who holds the one subscription of a consumer to a shard. */
export function subscriptionKey(consumer: ConsumerId, shardNumber: number): string {
  return subscriptionPrefix(consumer) + String(shardNumber);
}
