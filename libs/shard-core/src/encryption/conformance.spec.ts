import { temporaryDirectory } from '@tailrace/testkit';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { storeConformance, type StoreUnderTest } from '../testing/index.ts';
import { encryptedLog } from './encrypted-log.ts';
import { sealedOverheadBytes } from './sealed-batch.ts';
import { KEY_ID, keyRingOf } from './testing/keys.ts';

const BOUNDS = {
  segmentBytesMin: 256 * 1024,
  segmentBytesMax: 1024 * 1024,
  batchBytesMax: 4 * 1024 * 1024,
  droppedMarkersMax: 3,
};
const storedOverheadBytes = sealedOverheadBytes(KEY_ID);
const keyRing = keyRingOf(KEY_ID);

/** The same store, all of whose shards are sealed. */
function sealing(store: Store): Store {
  const log = encryptedLog(store.log, { keyRing, keyOf: () => KEY_ID, mayBeSealed: () => true });
  return Object.assign(Object.create(store) as Store, {
    log,
    health: () => store.health(),
    close: () => store.close(),
  });
}

async function open(tailCacheBytesMax?: number): Promise<StoreUnderTest> {
  const directory = await temporaryDirectory();
  const openAgain = async () =>
    sealing(
      await openEmbeddedStore({
        durability: 'relaxed',
        dataDir: directory.path,
        ...BOUNDS,
        ...(tailCacheBytesMax !== undefined && { tailCacheBytesMax }),
      }),
    );
  let current = await openAgain();
  return {
    store: current,
    async reopen() {
      await current.close();
      current = await openAgain();
      return current;
    },
    async close() {
      await current.close();
      await directory.remove();
    },
  };
}

const options = { batchBytesMax: BOUNDS.batchBytesMax - storedOverheadBytes, storedOverheadBytes };
storeConformance('the embedded engine under encryption', () => open(), options);
storeConformance('the embedded engine under encryption, from its files', () => open(0), options);
