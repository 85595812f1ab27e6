import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '@tailrace/shard-core';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { eventually, type RedisServer, startRedis, uniqueName } from '@tailrace/testkit';
import type { Consumer } from './consumer.ts';
import { subscriptionKey } from './subscription-key.ts';
import { SUBSCRIPTION_TIMES } from './subscription-times.ts';
import { type SubscriptionLoss, Subscriptions } from './subscriptions.ts';

const AFTER_MS = SUBSCRIPTION_TIMES.takeOverAfterMs;

describe('Subscriptions of two processes over one Redis', () => {
  let redis: RedisServer;
  const stores: Store[] = [];
  let nowMs = 1_000_000;
  let one: Subscriptions;
  let other: Subscriptions;

  beforeAll(async () => {
    redis = await startRedis({ appendonly: true });
    for (let i = 0; i < 2; i++) stores.push(await openRedisStore({ url: redis.url }));
    [one, other] = stores.map(({ documents }) => new Subscriptions(documents, () => nowMs)) as [
      Subscriptions,
      Subscriptions,
    ];
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await redis.stop();
  });

  const newConsumer = (): Consumer => ({
    name: 'c',
    streamId: uniqueName('stream'),
    createdAtMs: nowMs,
    status: 'ACTIVE',
    tags: {},
    version: 1,
  });
  const take = async (subscriptions: Subscriptions, consumer: Consumer, shard = 0) => {
    const losses: SubscriptionLoss[] = [];
    const subscription = await subscriptions.take(consumer, shard);
    subscription?.onLost((loss) => losses.push(loss));
    return subscription && { subscription, losses };
  };

  it('keep each other off for five seconds, and then take over, once', async () => {
    const consumer = newConsumer();
    const first = await take(one, consumer);
    nowMs += AFTER_MS - 1;
    expect(await take(other, consumer)).toBeUndefined();
    expect(first?.losses).toEqual([]);
    nowMs += 1;
    const second = await take(other, consumer);
    await eventually(() => first?.losses.length === 1);
    expect(first?.losses).toEqual(['takenOver']);
    expect(second?.losses).toEqual([]);
    nowMs += AFTER_MS;
    // In the process that has it, too.
    const third = await take(other, consumer);
    expect(second?.losses).toEqual(['takenOver']);
    expect(third?.losses).toEqual([]);
  });

  it('give one of many that come at once the subscription', async () => {
    const consumer = newConsumer();
    const taken = await Promise.all(Array.from({ length: 20 }, (_, i) => take(i % 2 ? one : other, consumer)));
    expect(taken.filter((subscription) => subscription !== undefined)).toHaveLength(1);
  });

  it('keep the next one off also when the first has ended', async () => {
    const consumer = newConsumer();
    (await take(one, consumer))?.subscription.release();
    expect(await take(other, consumer)).toBeUndefined();
    nowMs += AFTER_MS;
    expect(await take(other, consumer)).toBeDefined();
  });

  it('do not keep off for longer than that when the clock of the first was ahead', async () => {
    const consumer = newConsumer();
    nowMs += 3_600_000;
    await take(one, consumer);
    nowMs -= 3_600_000;
    expect(await take(other, consumer)).toBeDefined();
  });

  it('hear of a consumer that was removed', async () => {
    const consumer = newConsumer();
    const mine = await take(one, consumer, 3);
    const key = subscriptionKey(consumer, 3);
    await (stores[1] as Store).documents.write([{ key, value: undefined, expected: 'any' }]);
    await eventually(() => mine?.losses.length === 1);
    expect(mine?.losses).toEqual(['deregistered']);
  });

  it('leave nothing of one that never began, and nothing alone of one that another has taken since', async () => {
    const consumer = newConsumer();
    const undone = await take(one, consumer);
    await one.undo(undone?.subscription as never);
    const second = await take(one, consumer);
    nowMs += AFTER_MS;
    const third = await take(other, consumer);
    await one.undo(second?.subscription as never);
    nowMs += 1;
    expect(await take(one, consumer)).toBeUndefined();
    expect(third?.losses).toEqual([]);
  });

  it('hear what they missed while Redis was away', async () => {
    const consumer = newConsumer();
    const mine = await take(one, consumer);
    const key = subscriptionKey(consumer, 0);
    await redis.restart();
    await eventually(() => (stores[1] as Store).documents.write([{ key, value: undefined, expected: 'any' }]), {
      timeoutMs: 15_000,
    });
    await eventually(() => mine?.losses.length === 1, { timeoutMs: 15_000 });
  });
});
