import { temporaryDirectory } from '@tailrace/testkit';
import type { Store } from '../contract/store.ts';
import { storeConformance, type StoreUnderTest } from '../testing/index.ts';
import { type EmbeddedStoreOptions, openEmbeddedStore } from './index.ts';

/** Small, so that the suite sees segments change. */
const BOUNDS = {
  segmentBytesMin: 256 * 1024,
  segmentBytesMax: 1024 * 1024,
  batchBytesMax: 4 * 1024 * 1024,
  droppedMarkersMax: 3,
};

async function open(options: Omit<EmbeddedStoreOptions, 'dataDir'>): Promise<StoreUnderTest> {
  const directory = await temporaryDirectory();
  const openAgain = () => openEmbeddedStore({ ...options, dataDir: directory.path });
  let current: Store = await openAgain();
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

storeConformance('the embedded engine', () => open({ durability: 'sync', ...BOUNDS }), BOUNDS);
storeConformance('the embedded engine, relaxed', () => open({ durability: 'relaxed', ...BOUNDS }), BOUNDS);
// Without the tail cache every read goes to the files.
storeConformance(
  'the embedded engine, from its files',
  () => open({ durability: 'sync', tailCacheBytesMax: 0, ...BOUNDS }),
  BOUNDS,
);
