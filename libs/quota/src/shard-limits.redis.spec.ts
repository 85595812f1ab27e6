import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ShardKey, type Store } from '@tailrace/shard-core';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { type RedisServer, startRedis, uniqueName } from '@tailrace/testkit';
import { ShardLimits } from './shard-limits.ts';

describe('ShardLimits over Redis', () => {
  let redis: RedisServer;
  const stores: Store[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    for (let i = 0; i < 2; i++) stores.push(await openRedisStore({ url: redis.url }));
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await redis.stop();
  });

  it('gives two processes in sum what one may have', async () => {
    const shard = `${uniqueName('stream')}/0` as ShardKey;
    const limits = stores.map(({ tokenBuckets }) => new ShardLimits(tokenBuckets, { enabled: true }));
    const began = performance.now();
    let taken = 0;
    await Promise.all(
      limits.map(async (one) => {
        while (performance.now() - began < 1500) {
          const decision = await one.takeWrite(shard, 1, 100);
          if (decision.ok) taken++;
          // As a client does that is refused.
          else await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    for (const one of limits) await one.close();
    expect(taken).toBeLessThanOrEqual(1000 + 1000 * seconds);
    // Portions that lie in the processes at the end, and the pauses of a busy machine.
    expect(taken).toBeGreaterThanOrEqual((1000 + 1000 * seconds) * 0.8);
  });

  it('lets one process have what the other has given back', async () => {
    const shard = `${uniqueName('stream')}/0` as ShardKey;
    const [first, second] = stores.map(({ tokenBuckets }) => new ShardLimits(tokenBuckets, { enabled: true })) as [
      ShardLimits,
      ShardLimits,
    ];
    expect(await first.takeWrite(shard, 1, 1024)).toEqual({ ok: true });
    await first.close();
    expect(await second.takeWrite(shard, 999, 1024)).toEqual({ ok: true });
    await second.close();
  });
});
