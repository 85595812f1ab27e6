import { describe, it } from '@jest/globals';
import { temporaryDirectory } from '@tailrace/testkit';
import { openEmbeddedStore } from '../embedded/index.ts';
import { checkAgainstModel } from '../testing/compaction-model.ts';
import type { StoreUnderTest } from '../testing/index.ts';

const BOUNDS = { segmentBytesMin: 64 * 1024, segmentBytesMax: 128 * 1024 };

async function open(tailCacheBytesMax: number): Promise<StoreUnderTest> {
  const directory = await temporaryDirectory();
  const openAgain = () =>
    openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed', ...BOUNDS, tailCacheBytesMax });
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

describe('a compacted partition of the embedded engine', () => {
  it.each([1, 2, 3, 4, 5, 6])('is what a model of it says (seed %d)', async (seed) => {
    const underTest = await open(seed % 2 === 0 ? 0 : 1024 * 1024);
    try {
      await checkAgainstModel(underTest, seed, 250);
    } finally {
      await underTest.close();
    }
  });
});
