import { afterEach, describe, expect, it } from '@jest/globals';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tailrace/testkit';
import { CrashingStore, SMALL_SEGMENTS } from '../testing/crashing-store.ts';
import { accepted, append, openNewShard, readValues } from '../testing/index.ts';
import { openEmbeddedStore } from './index.ts';
import type { ShardKey } from '../contract/shard-key.ts';

let crashing: CrashingStore;
let shard: ShardKey;

/** Several closed segments, and one that is written. Reads go to the files. */
async function fill(): Promise<void> {
  crashing = await CrashingStore.open({ tailCacheBytesMax: 0, indexCacheBytesMax: 0 });
  shard = await openNewShard(crashing.store.log);
  for (let i = 0; i < 60; i++) accepted(await append(crashing.store.log, shard, [`${i}`.padEnd(1_000)]));
}

function flip(path: string, at: number): void {
  const { bytes, durable } = crashing.files.file(path);
  bytes[at] = (bytes[at] as number) ^ 0x10;
  if (durable !== bytes) durable[at] = bytes[at];
}

afterEach(async () => {
  await crashing.remove();
});

describe('a damaged segment', () => {
  it.each([
    ['an entry header', 8],
    ['an entry’s generation', 4],
    ['a batch’s length', 40 + 8],
    ['a batch’s base offset', 40 + 7],
    ['a batch’s checksum', 40 + 18],
  ])('is told, not read, where the damage is in %s', async (_, at) => {
    await fill();
    const [first] = crashing.files.paths('.log');
    flip(first!, at);
    await expect(crashing.store.log.read(shard, 0n, { maxBytes: 100 })).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringContaining('damaged'),
    });
  });

  it('is told when its file has become shorter', async () => {
    await fill();
    const [first] = crashing.files.paths('.log');
    crashing.files.file(first!).bytes = crashing.files.file(first!).bytes.subarray(0, 500);
    await expect(crashing.store.log.read(shard, 0n, { maxBytes: 100 })).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringContaining('ends at byte 500'),
    });
  });

  it('is told of as every failure of the store where a search by time cannot open it', async () => {
    await fill();
    const next = await crashing.opened();
    next.files.open = () => Promise.reject(Object.assign(new Error('EIO: injected'), { code: 'EIO' }));
    for (const by of ['append', 'record'] as const) {
      await expect(next.store.log.offsetForTime(shard, 0, by)).rejects.toMatchObject({ name: 'StoreUnavailable' });
    }
    await expect(next.store.log.maxRecordTimestamp(shard)).rejects.toMatchObject({ name: 'StoreUnavailable' });
    await next.end();
  });

  it('keeps a store from opening where it is behind the checkpoint and acknowledged', async () => {
    await fill();
    await crashing.close();
    const [first] = crashing.files.paths('.log');
    const [sidecar] = crashing.files.paths('.idx');
    flip(first!, 200);
    await crashing.files.remove(sidecar!);
    await expect(crashing.opened()).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: expect.stringContaining('is damaged at byte'),
    });
  });

  it('keeps a store from opening where it is missing', async () => {
    await fill();
    await crashing.close();
    await crashing.files.remove(crashing.files.paths('.log')[1]!);
    await expect(crashing.opened()).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: expect.stringContaining('is missing'),
    });
  });

  it('keeps a store from opening where its file has become shorter', async () => {
    await fill();
    await crashing.close();
    const [first] = crashing.files.paths('.log');
    crashing.files.file(first!).bytes = crashing.files.file(first!).bytes.subarray(0, 500);
    await expect(crashing.opened()).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: expect.stringMatching(/is damaged at byte 500, it was good to \d+/),
    });
  });

  it('that keeps a store from opening takes nothing with it: what is behind it stays on the disk', async () => {
    await fill();
    const { files, store } = crashing;
    let openGate = () => {};
    const open = files.open.bind(files);
    const asked: string[] = [];
    let sidecar: Promise<unknown> = new Promise<void>((resolve) => (openGate = resolve));
    files.open = (path, options) => {
      if (!path.endsWith('.idx')) return open(path, options);
      asked.push(path);
      return sidecar.then(() => open(path, options));
    };
    const appendUntilClosed = async (count: number) => {
      while (asked.length < count) accepted(await append(store.log, shard, ['x'.repeat(1_000)]));
    };
    // A checkpoint that has to wait sees the log end within the segment that is written then.
    await appendUntilClosed(1);
    accepted(await append(store.log, shard, ['in the next one']));
    openGate();
    await eventually(() => expect(files.paths('.idx')).toContain(asked[0]));
    // Those behind it are not made.
    sidecar = sleep(50).then(() => Promise.reject(new Error('no sidecar')));
    sidecar.catch(() => {});
    await appendUntilClosed(asked.length + 3);
    await crashing.end();
    const disk = files.afterCrash();
    const paths = disk.paths('.log');
    // The segment in which the last checkpoint saw the log end: its first entry is damaged.
    const checkpointed = paths.find((path) => !disk.paths('.idx').includes(path.replace('.log', '.idx')));
    const { bytes } = disk.file(checkpointed!);
    bytes[100] = (bytes[100] as number) ^ 1;
    const dataDir = dirname(dirname(paths[0]!));
    const opening = openEmbeddedStore({ dataDir, durability: 'sync', fileSystem: disk, ...SMALL_SEGMENTS });
    await expect(opening).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: expect.stringContaining('is damaged at byte 0, it was good to'),
    });
    expect(disk.paths('.log')).toEqual(paths);
  });
});

describe('a sidecar', () => {
  it.each([0, 8, 16, 40, 60, 130])('that is damaged at byte %d is made anew from the segment', async (at) => {
    await fill();
    await crashing.close();
    const [sidecar] = crashing.files.paths('.idx');
    flip(sidecar!, at);
    const next = await crashing.opened();
    expect((await readValues(next.store.log, shard)).map(Number)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    await next.close();
  });

  it('that is gone while the store is open is made anew too', async () => {
    await fill();
    for (const sidecar of crashing.files.paths('.idx')) await crashing.files.remove(sidecar);
    expect((await readValues(crashing.store.log, shard)).map(Number)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('that is cut short is made anew', async () => {
    await fill();
    await crashing.close();
    for (const sidecar of crashing.files.paths('.idx')) {
      crashing.files.file(sidecar).bytes = crashing.files.file(sidecar).bytes.subarray(0, 100);
    }
    const next = await crashing.opened();
    expect(await readValues(next.store.log, shard)).toHaveLength(60);
    await next.close();
  });
});
