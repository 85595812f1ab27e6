import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { guardProcess, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { shardKey } from '../contract/shard-key.ts';
import { accepted, append, readAll } from '../testing/index.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { type EmbeddedStoreOptions, openEmbeddedStore } from './index.ts';

const SHARDS = [0, 1, 2].map((number) => shardKey('killed', number));
const BOUNDS = { segmentBytesMin: 256 * 1024, segmentBytesMax: 512 * 1024 };

let directory: TemporaryDirectory;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await directory.remove();
});

/** A process of its own that appends for as long as it lives, and tells what was acknowledged: `shard offset value`. */
function startWriter(durability: EmbeddedStoreOptions['durability']): {
  child: ChildProcess;
  lines: string[];
  said(): Promise<unknown>;
} {
  const script = join(import.meta.dirname, '..', 'testing', 'writer-process.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, directory.path, durability], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  guardProcess(child.pid!);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  return { child, lines, said: () => once(reader, 'line') };
}

describe('the data directory', () => {
  it('is refused to a second process, in a sentence', async () => {
    const { said } = startWriter('sync');
    await said();
    await expect(openEmbeddedStore({ dataDir: directory.path, durability: 'sync' })).rejects.toMatchObject({
      name: 'DataDirectoryLocked',
      message: `The data directory ${directory.path} is in use by another process; stop that one, or name another directory.`,
    });
  });

  it('is free again once the process that had it was killed', async () => {
    const { child, said } = startWriter('sync');
    await said();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openEmbeddedStore({ dataDir: directory.path, durability: 'sync' });
    await store.close();
  });

  it('is refused to a second store of the same process', async () => {
    const store = await openEmbeddedStore({ dataDir: directory.path, durability: 'sync' });
    await expect(openEmbeddedStore({ dataDir: directory.path, durability: 'sync' })).rejects.toMatchObject({
      name: 'DataDirectoryLocked',
    });
    await store.documents.write([{ key: 'k', value: '1', expected: 'any' }]);
    await store.close();
  });

  it('is made when it is not there, with those above it', async () => {
    const dataDir = join(directory.path, 'a', 'b');
    const store = await openEmbeddedStore({ dataDir, durability: 'sync' });
    expect(await store.health()).toEqual({ ready: true, detail: `embedded engine in ${dataDir}` });
    await store.close();
  });

  it('is there after a power loss before anything in it is acknowledged: its names are made lasting', async () => {
    const dataDir = join(directory.path, 'a', 'b');
    const synced: string[] = [];
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      syncDirectory: (path) => {
        synced.push(path);
        return nodeFileSystem.syncDirectory(path);
      },
    };
    const store = await openEmbeddedStore({ dataDir, durability: 'sync', fileSystem });
    expect(synced).toEqual([directory.path, join(directory.path, 'a'), dataDir]);
    await store.close();
    synced.splice(0);
    await (await openEmbeddedStore({ dataDir, durability: 'sync', fileSystem })).close();
    expect(synced).toEqual([dataDir]);
  });

  it('that is a file, or lies below one, is refused with the reason', async () => {
    const file = join(directory.path, 'file');
    writeFileSync(file, '');
    await expect(openEmbeddedStore({ dataDir: file, durability: 'sync' })).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: expect.stringMatching(/^The data directory .*file cannot be used: a part of the path is a file\.$/),
    });
    await expect(openEmbeddedStore({ dataDir: join(file, 'below'), durability: 'sync' })).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: expect.stringContaining('a part of the path is a file'),
    });
  });

  // Only Linux has a directory in which even root makes nothing.
  (existsSync('/proc/self') ? it : it.skip)('that lies where nothing can be made is refused', async () => {
    await expect(openEmbeddedStore({ dataDir: '/proc/a/b', durability: 'sync' })).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: 'The data directory /proc/a/b cannot be used: no directory can be made there.',
    });
  });

  it('whose database is none is refused with the reason', async () => {
    mkdirSync(join(directory.path, 'log'));
    writeFileSync(
      join(directory.path, 'tailrace.db'),
      'not a database, but long enough to be taken for one'.repeat(100),
    );
    await expect(openEmbeddedStore({ dataDir: directory.path, durability: 'sync' })).rejects.toMatchObject({
      name: 'DataDirectoryUnusable',
      message: expect.stringContaining('not a database'),
    });
  });
});

describe('killed under load', () => {
  it.each(['sync', 'relaxed'] as const)('has every acknowledged record once, in order (%s)', async (durability) => {
    const acknowledged = SHARDS.map(() => new Map<bigint, string>());
    for (let round = 0; round < 3; round++) {
      const { child, lines, said } = startWriter(durability);
      await said();
      await new Promise((resolve) => setTimeout(resolve, 150 + 70 * round));
      child.kill('SIGKILL');
      await once(child, 'close');
      expect(lines.length).toBeGreaterThan(3);
      for (const line of lines) {
        const [shard, offset, value] = line.split(' ') as [string, string, string];
        acknowledged[Number(shard)]!.set(BigInt(offset), value);
      }
      const store = await openEmbeddedStore({ dataDir: directory.path, durability, ...BOUNDS });
      for (const [i, shard] of SHARDS.entries()) {
        const records = await readAll(store.log, shard, 0n);
        expect(records.map(({ offset }) => offset)).toEqual(records.map((_, offset) => BigInt(offset)));
        for (const [offset, value] of acknowledged[i]!) expect(records[Number(offset)]?.value.trim()).toEqual(value);
        const values = records.map(({ value }) => value);
        expect(new Set(values).size).toEqual(values.length);
        const between = accepted(await append(store.log, shard, [`round ${round}`]));
        expect(between.baseOffset).toEqual(BigInt(records.length));
      }
      await store.close();
    }
  });
});
