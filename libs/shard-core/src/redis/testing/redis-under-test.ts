import { type FaultProxy, faultProxy, type RedisServer, startRedis } from '@tailrace/testkit';
import { afterEach } from '@jest/globals';
import type { Store } from '../../contract/store.ts';
import { openRedisStore, type RedisStoreOptions } from '../index.ts';

/** What a test begins, and what ends with it: the last one first. Call it in a `describe`. */
export function redisUnderTest() {
  const endings: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  return {
    endWithTest(end: () => Promise<void>): void {
      endings.push(end);
    },

    async start(options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
      const redis = await startRedis(options);
      endings.push(() => redis.stop());
      return redis;
    },

    /** Connections to a Redis by a way that can be cut. */
    async startProxy(redis: RedisServer): Promise<FaultProxy> {
      const proxy = await faultProxy({ target: { port: redis.port } });
      endings.push(() => proxy.stop());
      return proxy;
    },

    /** A store over what listens at the port, Redis or a proxy. */
    async open(port: number, options: Omit<RedisStoreOptions, 'url'> = {}): Promise<Store> {
      const store = await openRedisStore({ url: `redis://127.0.0.1:${port}`, ...options });
      endings.push(() => store.close());
      return store;
    },
  };
}
