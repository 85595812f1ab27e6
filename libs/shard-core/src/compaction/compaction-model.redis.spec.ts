import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { type RedisServer, startRedis, uniqueName } from '@tailrace/testkit';
import type { Store } from '../contract/store.ts';
import { encryptedLog } from '../encryption/encrypted-log.ts';
import { KEY_ID, keyRingOf } from '../encryption/testing/keys.ts';
import { openRedisStore } from '../redis/index.ts';
import { checkAgainstModel } from '../testing/compaction-model.ts';
import type { StoreUnderTest } from '../testing/index.ts';

const keyRing = keyRingOf(KEY_ID);
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

async function open(seals: boolean): Promise<StoreUnderTest> {
  const settings = { url: redis.url, keyPrefix: `${uniqueName('compaction')}:` };
  const openAgain = async (): Promise<Store> => {
    const store = await openRedisStore(settings);
    if (!seals) return store;
    const log = encryptedLog(store.log, { keyRing, keyOf: () => KEY_ID, mayBeSealed: () => true });
    return Object.assign(Object.create(store) as Store, { log, close: () => store.close() });
  };
  let current = await openAgain();
  return {
    store: current,
    async reopen() {
      await current.close();
      current = await openAgain();
      return current;
    },
    close: () => current.close(),
  };
}

describe('a compacted partition over Redis', () => {
  it.each([
    [11, false],
    [12, true],
    [13, false],
    [14, true],
  ])('is what a model of it says (seed %d, sealed: %p)', async (seed, seals) => {
    const underTest = await open(seals);
    try {
      await checkAgainstModel(underTest, seed, 250);
    } finally {
      await underTest.close();
    }
  });
});
