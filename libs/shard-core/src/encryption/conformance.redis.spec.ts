import { type RedisServer, startRedis, uniqueName } from '@tailrace/testkit';
import { afterAll, beforeAll } from '@jest/globals';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from '../redis/index.ts';
import { storeConformance } from '../testing/index.ts';
import { encryptedLog } from './encrypted-log.ts';
import { sealedOverheadBytes } from './sealed-batch.ts';
import { KEY_ID, keyRingOf } from './testing/keys.ts';

const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const storedOverheadBytes = sealedOverheadBytes(KEY_ID);
const keyRing = keyRingOf(KEY_ID);
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

storeConformance(
  'the Redis engine under encryption',
  async () => {
    const bounds = { batchBytesMax: BATCH_BYTES_MAX, droppedMarkersMax: 3 };
    const settings = { url: redis.url, keyPrefix: `${uniqueName('sealed')}:`, ...bounds };
    const openAgain = async (): Promise<Store> => {
      const store = await openRedisStore(settings);
      const log = encryptedLog(store.log, { keyRing, keyOf: () => KEY_ID, mayBeSealed: () => true });
      return Object.assign(Object.create(store) as Store, {
        log,
        health: () => store.health(),
        close: () => store.close(),
      });
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
  },
  { batchBytesMax: BATCH_BYTES_MAX - storedOverheadBytes, storedOverheadBytes },
);
