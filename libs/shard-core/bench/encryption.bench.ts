/**
 * What encryption costs: reads and appends of a stream that was never encrypted, with and without the seam, and of one
 * that is. `node libs/shard-core/bench/encryption.bench.ts [batchBytes]`. In one process, the embedded engine, relaxed.
 */
import { temporaryDirectory } from '@tailrace/testkit';
import { openEmbeddedStore } from '../src/embedded/index.ts';
import { KeyRing, openEncryptedStore, type ShardKey, type Store, StreamCatalog } from '../src/index.ts';
import { accepted, appendRequest, makeBatch } from '../src/testing/batches.ts';

const BATCH_BYTES = Number(process.argv[2] ?? 16_384);
const BATCHES = Math.min(2_000, Math.floor((32 * 1024 * 1024) / BATCH_BYTES));
const ROUNDS = 5;

const directory = await temporaryDirectory();
const engine = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
const catalog = await StreamCatalog.open(engine);
const { store: encrypted, close } = await openEncryptedStore(engine, catalog, {
  keyRing: new KeyRing([{ id: 'key-1', bytes: Buffer.alloc(32, 7) }]),
  onWorn: () => {},
  onError: console.error,
});

async function shardOf(name: string, isEncrypted: boolean): Promise<ShardKey> {
  const stream = accepted(await catalog.create({ name, shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka' }));
  if (isEncrypted) {
    accepted(
      await catalog.update(name, (document) => ({
        ...document,
        encryption: { key: 'key-1', keyId: 'key-1' },
        wasEncrypted: true,
      })),
    );
  }
  return stream.openShards[0]!.key;
}

const batch = makeBatch([Buffer.alloc(BATCH_BYTES, 'abcdefghijklmnop')]);

async function appends(store: Store, shard: ShardKey): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < BATCHES; i++) accepted(await store.log.append(appendRequest(shard, Buffer.from(batch))));
  return ((performance.now() - started) * 1000) / BATCHES;
}

/** One batch at a time, at the tail. */
async function reads(store: Store, shard: ShardKey): Promise<number> {
  const end = accepted(await store.log.bounds(shard)).logEndOffset;
  const looks = 20_000;
  const started = performance.now();
  for (let i = 0; i < looks; i++) {
    accepted(await store.log.read(shard, end - BigInt(1 + (i % 32)), { maxBytes: 1 })).release();
  }
  return ((performance.now() - started) * 1000) / looks;
}

const kinds = [
  ['never encrypted, without the seam', engine, await shardOf('bare', false)],
  ['never encrypted, with it', encrypted, await shardOf('plain', false)],
  ['encrypted', encrypted, await shardOf('sealed', true)],
] as const;
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, store, shard] of kinds) {
    const append = await appends(store, shard);
    const read = await reads(store, shard);
    console.log(`${name}: append ${append.toFixed(2)} µs, read at the tail ${read.toFixed(2)} µs`);
  }
}
await close();
await catalog.close();
await engine.close();
await directory.remove();
