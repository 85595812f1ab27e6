/**
 * Appends and reads of the embedded engine in this process: `node libs/shard-core/bench/embedded.bench.ts [directory]`.
 * Takes some ten seconds and up to 6 GB of disk. Differences under 1.3 times mean nothing on a shared machine.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { openEmbeddedStore } from '../src/embedded/index.ts';
import { type ShardKey, shardKey, type Store } from '../src/index.ts';

const APPEND_MS = 800;
const READ_MS = 500;
const READ_BYTES = 16 * 1024 * 1024;

const root = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'tailrace-bench-'));
let stores = 0;

function report(name: string, count: number, bytes: number, ms: number, cpu: NodeJS.CpuUsage): void {
  const perSecond = Math.round((count * 1000) / ms).toLocaleString('en');
  const mb = Math.round(bytes / 1000 / ms).toLocaleString('en');
  const used = (cpu.user + cpu.system) / 1000 / ms;
  console.log(`${name.padEnd(58)}${perSecond.padStart(12)} /s${mb.padStart(8)} MB/s  ${used.toFixed(2)} CPU`);
}

function batchOf(bytes: number): Buffer {
  return encodeBatch([{ key: null, value: Buffer.alloc(Math.max(1, bytes - 70), 'v'), timestampMs: Date.now() }]);
}

async function withStore(
  durability: 'sync' | 'relaxed',
  shardCount: number,
  run: (store: Store, shards: ShardKey[]) => Promise<void>,
) {
  const dataDir = join(root, `${stores++}`);
  const store = await openEmbeddedStore({ dataDir, durability });
  const shards = Array.from({ length: shardCount }, (_, i) => shardKey('bench', i));
  for (const shard of shards) await store.log.openShard(shard, { startOffset: 0n });
  await run(store, shards);
  await store.close();
  // The next must not pay for writing back what this one has left.
  await rm(dataDir, { recursive: true });
}

async function appendFor(store: Store, shards: readonly ShardKey[], bytes: number, writers: number, ms: number) {
  const until = performance.now() + ms;
  let count = 0;
  const write = async (writer: number) => {
    const shard = shards[writer % shards.length]!;
    const batch = batchOf(bytes);
    const header = readBatchHeader(batch, 0);
    while (performance.now() < until) {
      const outcome = await store.log.append({ shard, batch, header, acks: 'all', minInsyncReplicas: 1, timeoutMs: 0 });
      if (!outcome.ok) throw new Error(outcome.refusal.code);
      count++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => write(i)));
  return count;
}

async function measureAppend(durability: 'sync' | 'relaxed', bytes: number, writers: number, shardCount: number) {
  await withStore(durability, shardCount, async (store, shards) => {
    await appendFor(store, shards, bytes, writers, APPEND_MS / 4);
    const cpu = process.cpuUsage();
    const begun = performance.now();
    const count = await appendFor(store, shards, bytes, writers, APPEND_MS);
    const name = `append ${durability}, ${bytes / 1024} KiB, ${writers} writers, ${shardCount} shards`;
    report(name, count, count * bytes, performance.now() - begun, process.cpuUsage(cpu));
  });
}

async function measureRead(bytes: number, shardCount: number, totalBytes: number, readers: number) {
  await withStore('relaxed', shardCount, async (store, shards) => {
    const batch = batchOf(bytes);
    const header = readBatchHeader(batch, 0);
    for (let written = 0; written < totalBytes;) {
      const group = [];
      for (let i = 0; i < 64 && i * bytes < 8 * 1024 * 1024; i++, written += bytes) {
        const shard = shards[i % shardCount]!;
        group.push(
          store.log.append({
            shard,
            batch: Buffer.from(batch),
            header,
            acks: 'all',
            minInsyncReplicas: 1,
            timeoutMs: 0,
          }),
        );
      }
      await Promise.all(group);
    }
    let count = 0;
    let readBytes = 0;
    const read = async (reader: number, until: number) => {
      const shard = shards[reader % shardCount]!;
      for (let offset = 0n; performance.now() < until;) {
        const outcome = await store.log.read(shard, offset, { maxBytes: READ_BYTES });
        if (!outcome.ok) throw new Error(outcome.refusal.code);
        const slice = outcome.value;
        count += slice.batchCount;
        readBytes += slice.byteCount;
        offset = slice.batchCount === 0 ? 0n : slice.nextOffset;
        slice.release();
      }
    };
    const all = (ms: number) => {
      const until = performance.now() + ms;
      return Promise.all(Array.from({ length: readers }, (_, i) => read(i, until)));
    };
    await all(READ_MS / 4);
    [count, readBytes] = [0, 0];
    const cpu = process.cpuUsage();
    const begun = performance.now();
    await all(READ_MS);
    const name = `read ${bytes / 1024} KiB batches of ${shardCount} shards, ${readers} readers`;
    report(name, count, readBytes, performance.now() - begun, process.cpuUsage(cpu));
  });
}

try {
  await measureAppend('sync', 1024, 1, 1);
  await measureAppend('sync', 1024, 16, 4);
  await measureAppend('sync', 1024, 32, 4);
  await measureAppend('sync', 16 * 1024, 16, 4);
  await measureAppend('sync', 128 * 1024, 16, 4);
  await measureAppend('sync', 1024 * 1024, 4, 4);
  await measureAppend('sync', 1024 * 1024, 16, 4);
  await measureAppend('relaxed', 1024, 32, 4);
  await measureAppend('relaxed', 1024 * 1024, 4, 4);
  await measureRead(1024 * 1024, 1, 256 * 1024 * 1024, 1);
  await measureRead(1024 * 1024, 4, 256 * 1024 * 1024, 4);
  await measureRead(1024, 1, 64 * 1024 * 1024, 1);
  await measureRead(1024, 4, 64 * 1024 * 1024, 4);
} finally {
  await rm(root, { recursive: true, force: true });
}
