import { logger } from '@tailrace/telemetry';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import { DEFAULT_BOUNDS, type RedisBounds } from './bounds.ts';
import { probeRedis } from './probe.ts';
import { RedisUnreachable } from './redis-failure.ts';
import { RedisStore } from './redis-store.ts';
import { parseRedisUrl, withoutPassword } from './redis-url.ts';

export interface RedisStoreOptions extends Partial<RedisBounds> {
  /** `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`; see redis-url.ts. */
  readonly url: string;
  /** Copies that documents and leases must reach before a write counts. Appends say it themselves. Default 1. */
  readonly minInsyncReplicas?: number;
  /** In front of every key and channel. Default `tr:`. */
  readonly keyPrefix?: string;
  /** Milliseconds since 1970. Default: Redis' own clock, one for all processes. For tests. */
  readonly clock?: () => number;
}

/**
 * Opens the Redis engine. Throws RedisUrlInvalid for a URL of another form and RedisUnreachable when Redis does not answer,
 * is older than 7.0 or is not what the URL says.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const { url, minInsyncReplicas = 1, keyPrefix = 'tr:', clock, ...bounds } = options;
  const location = parseRedisUrl(url);
  const allBounds: RedisBounds = { ...DEFAULT_BOUNDS, ...bounds };
  const probe = await probeRedis(url, location, allBounds);
  for (const warning of probe.warnings) logger.warn(warning);
  const store = new RedisStore({ location, bounds: allBounds, keyPrefix, minInsyncReplicas, clock, probe });
  try {
    await store.opened();
  } catch (error) {
    await store.close();
    if (!(error instanceof StoreUnavailable)) throw error;
    throw new RedisUnreachable(
      `Redis at ${withoutPassword(url)} was lost while the store was opened: ${error.message}`,
      {
        cause: error,
      },
    );
  }
  return store;
}
