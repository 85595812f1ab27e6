import { type RedisCluster, type RedisServer, startRedis, startRedisCluster, uniqueName } from '@tailrace/testkit';
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Log } from '../contract/log.ts';
import type { Store } from '../contract/store.ts';
import { storeConformance } from '../testing/index.ts';
import { openRedisStore, type RedisStoreOptions } from './index.ts';

const BATCH_BYTES_MAX = 4 * 1024 * 1024;

/** Opens stores with keys of their own at one Redis. */
function storesAt(options: () => Omit<RedisStoreOptions, 'keyPrefix'>, dress = (store: Store) => store) {
  return async () => {
    const bounds = { batchBytesMax: BATCH_BYTES_MAX, droppedMarkersMax: 3 };
    const settings = { ...options(), ...bounds, keyPrefix: `${uniqueName('conformance')}:` };
    let store = dress(await openRedisStore(settings));
    return {
      get store() {
        return store;
      },
      reopen: async () => {
        await store.close();
        store = dress(await openRedisStore(settings));
        return store;
      },
      close: () => store.close(),
    };
  };
}

/** The same store, whose every append waits for a second copy where the suite asks for one alone. */
function replicating(store: Store): Store {
  const { engine, documents, leases, tokenBuckets } = store;
  const log: Log = {
    append: (request) => store.log.append({ ...request, minInsyncReplicas: Math.max(2, request.minInsyncReplicas) }),
    openShard: (shard, options) => store.log.openShard(shard, options),
    endTransaction: (request) =>
      store.log.endTransaction({ ...request, minInsyncReplicas: Math.max(2, request.minInsyncReplicas) }),
    producers: (shard) => store.log.producers(shard),
    read: (shard, fromOffset, limits) => store.log.read(shard, fromOffset, limits),
    bounds: (shard) => store.log.bounds(shard),
    leaderEpochs: (shard) => store.log.leaderEpochs(shard),
    offsetForTime: (shard, timestampMs, by) => store.log.offsetForTime(shard, timestampMs, by),
    maxRecordTimestamp: (shard) => store.log.maxRecordTimestamp(shard),
    trim: (shard, beforeOffset) => store.log.trim(shard, beforeOffset),
    compact: (request) => store.log.compact(request),
    seal: (shard) => store.log.seal(shard),
    deleteShards: (shards) => store.log.deleteShards(shards),
    awaitAppend: (positions, options) => store.log.awaitAppend(positions, options),
  };
  return { engine, log, documents, leases, tokenBuckets, health: () => store.health(), close: () => store.close() };
}

describe('the Redis engine', () => {
  describe('over one Redis', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis.stop());
    const options = { batchBytesMax: BATCH_BYTES_MAX };
    storeConformance(
      'with its tail cache',
      storesAt(() => ({ url: redis.url })),
      options,
    );
    storeConformance(
      'without',
      storesAt(() => ({ url: redis.url, tailCacheBytes: 0 })),
      options,
    );
  });

  describe('over a primary and two replicas', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis({ replicas: 2 });
    });
    afterAll(() => redis.stop());
    const stores = storesAt(() => ({ url: redis.url, minInsyncReplicas: 2 }), replicating);
    storeConformance('with two copies of everything', stores, { batchBytesMax: BATCH_BYTES_MAX, copies: 3 });
  });

  describe('over a Redis Cluster', () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster();
    });
    afterAll(() => cluster.stop());
    const stores = storesAt(() => ({ url: `redis+cluster://127.0.0.1:${cluster.nodes[0]?.port}` }));
    storeConformance('of three primaries', stores, { batchBytesMax: BATCH_BYTES_MAX });
  });
});
