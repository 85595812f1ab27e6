export type { RedisBounds } from './bounds.ts';
export { openRedisStore, type RedisStoreOptions } from './open-redis-store.ts';
export { RedisUnreachable } from './redis-failure.ts';
export { parseRedisUrl, type RedisLocation, RedisUrlInvalid } from './redis-url.ts';
