import { Redis } from 'ioredis';
import type { RedisBounds } from './bounds.ts';
import { connectOptions } from './connection.ts';
import { messageOf, RedisUnreachable } from './redis-failure.ts';
import { type RedisLocation, withoutPassword } from './redis-url.ts';

const VERSION_MIN = 7;

/** What a look at Redis, before the store is opened, has shown. */
export interface Probe {
  readonly version: string;
  /** Settings under which acknowledged records can be lost, as sentences for the operator. */
  readonly warnings: readonly string[];
}

/** Looks whether there is a Redis that the engine can stand on. Throws RedisUnreachable, with a sentence that says why not. */
export async function probeRedis(url: string, location: RedisLocation, bounds: RedisBounds): Promise<Probe> {
  let failure: unknown;
  for (const address of location.kind === 'cluster' ? location.addresses : [undefined]) {
    const redis = new Redis({
      ...connectOptions(location, address, bounds),
      commandTimeout: bounds.connectTimeoutMs,
      lazyConnect: true,
      retryStrategy: null,
      sentinelRetryStrategy: () => null,
    });
    let reason: Error | undefined;
    redis.on('error', (error: Error) => {
      reason = error;
    });
    try {
      await redis.connect();
      return await look(redis, url, location);
    } catch (error) {
      failure = error instanceof RedisUnreachable ? error : (reason ?? error);
      if (failure instanceof RedisUnreachable) break;
    } finally {
      redis.disconnect();
    }
  }
  if (failure instanceof RedisUnreachable) throw failure;
  throw new RedisUnreachable(`Redis at ${withoutPassword(url)} is not reachable: ${messageOf(failure)}`, {
    cause: failure,
  });
}

async function look(redis: Redis, url: string, location: RedisLocation): Promise<Probe> {
  const info = await redis.info();
  const field = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  const version = field('redis_version');
  if (Number.parseInt(version, 10) < VERSION_MIN) {
    throw new RedisUnreachable(
      `Redis at ${withoutPassword(url)} is version ${version}; Tailrace needs ${VERSION_MIN}.0 or later`,
    );
  }
  const clustered = field('cluster_enabled') === '1';
  if (clustered && location.kind !== 'cluster') {
    throw new RedisUnreachable(
      `Redis at ${withoutPassword(url)} is a node of a Redis Cluster; use redis+cluster://host:port,…`,
    );
  }
  if (!clustered && location.kind === 'cluster') {
    throw new RedisUnreachable(`Redis at ${withoutPassword(url)} is no Redis Cluster; use redis://host:port`);
  }
  const warnings: string[] = [];
  const policy = field('maxmemory_policy');
  if (policy !== '' && policy !== 'noeviction') {
    warnings.push(
      `Redis evicts keys when memory is full (maxmemory-policy ${policy}), records among them; set it to noeviction`,
    );
  }
  if (field('aof_enabled') === '0') {
    warnings.push('Redis keeps no append-only file: records do not survive its restart; set appendonly yes');
  }
  return { version, warnings };
}
