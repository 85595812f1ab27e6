import { beforeEach, describe, expect, it } from '@jest/globals';
import { logger } from '@tailrace/telemetry';
import { eventually } from '@tailrace/testkit';
import { diskError, FaultFileSystem } from '../testing/fault-file-system.ts';
import { DEFAULT_BOUNDS } from './bounds.ts';
import type { LogFile } from './file-system.ts';
import { Segment } from './segment.ts';
import { segmentPath, SegmentSupply } from './segment-supply.ts';

const BYTES = 16 * 1024;
const DIRECTORY = '/log';

logger.level = 'silent';

let files: FaultFileSystem;
let supply: SegmentSupply;
let openCount: number;
/** Closing a file waits for it. */
let closeGate: Promise<void> | undefined;

beforeEach(() => {
  files = new FaultFileSystem();
  openCount = 0;
  closeGate = undefined;
  const open = files.open.bind(files);
  files.open = async (path, options): Promise<LogFile> => {
    const file = await open(path, options);
    openCount++;
    return {
      ...file,
      close: async () => {
        await closeGate;
        openCount--;
      },
    };
  };
  supply = new SegmentSupply(
    files,
    DIRECTORY,
    { ...DEFAULT_BOUNDS, segmentBytesMin: BYTES, segmentBytesMax: BYTES },
    1,
  );
});

async function prepared(): Promise<void> {
  supply.prepare();
  await eventually(() => expect(supply.hasPrepared(BYTES)).toBe(true), { intervalMs: 1 });
}

/** A closed segment of an earlier generation, as it is given back. */
async function used(generation: number): Promise<Segment> {
  const path = segmentPath(DIRECTORY, generation);
  const file = await files.open(path, { create: true });
  await file.write([Buffer.alloc(BYTES)], 0);
  await file.close();
  return new Segment(generation, path, BYTES, false);
}

describe('segments', () => {
  it('are taken in the order of their generations, also where one becomes ready while a larger one is made', async () => {
    await prepared();
    const back = await used(0);
    let open = () => {};
    closeGate = new Promise((resolve) => (open = resolve));
    const taking = supply.take(4 * BYTES, 0);
    // While the one that is too small is being closed, another file comes back and is prepared.
    await supply.recycle(back);
    await prepared();
    open();
    const large = await taking;
    expect(large.capacity).toBe(4 * BYTES);
    const next = await supply.take(1, 0);
    expect(next.generation).toBeGreaterThan(large.generation);
  });

  it('that cannot be made ready leave no file behind, and none open', async () => {
    let failures = 0;
    files.syncDirectory = () => (failures++, Promise.reject(diskError('EIO')));
    for (const allocates of [true, false]) {
      files.allocates = allocates;
      const failing = new SegmentSupply(files, DIRECTORY, { ...DEFAULT_BOUNDS, segmentBytesMin: BYTES }, 1);
      const before = failures;
      failing.prepare();
      await eventually(() => expect(failures).toBeGreaterThan(before), { intervalMs: 1 });
      await failing.close();
      expect({ paths: files.paths(''), openCount }).toEqual({ paths: [], openCount: 0 });
    }
  });

  it('that are to be used again and cannot be made ready leave none open', async () => {
    let failures = 0;
    files.syncDirectory = () => (failures++, Promise.reject(diskError('EIO')));
    await supply.recycle(await used(0));
    await eventually(() => expect(failures).toBe(1), { intervalMs: 1 });
    await supply.close();
    expect({ paths: files.paths(''), openCount }).toEqual({ paths: [], openCount: 0 });
  });
});
