import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from '@tailrace/testkit';
import { encodeEndTransactionMarker, readBatchHeader } from '@tailrace/kafka-protocol';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { splitShard } from '../streams/reshard.ts';
import { StreamCatalog } from '../streams/stream-catalog.ts';
import { accepted, append, appendRequest, compactTo, makeBatch, readAll, readValues } from '../testing/index.ts';
import { openEncryptedStore } from './encrypted-store.ts';
import { SEALS_PER_KEY_WARNING } from './key-use.ts';
import { EncryptionKeyMissing } from './sealed-batch.ts';
import { KEY_ID, keyRingOf } from './testing/keys.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let engine: Store;
let catalog: StreamCatalog;
const worn: [string, number][] = [];

beforeEach(async () => {
  worn.length = 0;
  directory = await temporaryDirectory();
  engine = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
  catalog = await StreamCatalog.open(engine);
});
afterEach(async () => {
  await catalog.close();
  await engine.close();
  await directory.remove();
});

const open = (...keyIds: string[]) =>
  openEncryptedStore(engine, catalog, {
    keyRing: keyRingOf(...keyIds),
    onWorn: (keyId, seals) => worn.push([keyId, seals]),
    onError: (error) => {
      throw error;
    },
  });

async function streamOfOneShard() {
  const { shards } = accepted(
    await catalog.create({ name: 's', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' }),
  );
  return shards[0]!.key;
}

async function encrypt(key: string | undefined): Promise<void> {
  accepted(
    await catalog.update('s', ({ encryption: _before, ...document }) => ({
      ...document,
      ...(key !== undefined && { encryption: { key, keyId: `alias/${key}` }, wasEncrypted: true }),
    })),
  );
}

/** What lies in the log. */
async function stored(shard: Parameters<Store['log']['read']>[0]): Promise<string> {
  const { chunks } = accepted(await engine.log.read(shard, 0n, { maxBytes: 1 << 20 }));
  return Buffer.concat(chunks).toString('latin1');
}

describe('a store under encryption', () => {
  it('seals what is written while a stream is encrypted, and gives back all of it, before, during and after', async () => {
    const { store, close } = await open(KEY_ID, 'key-2');
    const shard = await streamOfOneShard();
    accepted(await append(store.log, shard, ['before']));
    await encrypt(KEY_ID);
    accepted(await append(store.log, shard, ['first key']));
    await encrypt('key-2');
    accepted(await append(store.log, shard, ['second key']));
    await encrypt(undefined);
    accepted(await append(store.log, shard, ['after']));
    expect(await readValues(store.log, shard)).toEqual(['before', 'first key', 'second key', 'after']);
    const lying = await stored(shard);
    expect(['before', 'first key', 'second key', 'after'].map((value) => lying.includes(value))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    const { sealed } = accepted(await store.log.read(shard, 0n, { maxBytes: 1 << 20 }));
    expect(sealed).toEqual([false, true, true, false]);
    await close();
  });

  it('says of a stream that was never encrypted what the engine says', async () => {
    const { store, close } = await open(KEY_ID);
    const shard = await streamOfOneShard();
    accepted(await append(store.log, shard, ['v']));
    expect(accepted(await store.log.read(shard, 0n, { maxBytes: 1 })).sealed).toBeUndefined();
    await close();
  });

  it('seals what goes to the children of a shard', async () => {
    const { store, close } = await open(KEY_ID);
    await streamOfOneShard();
    await encrypt(KEY_ID);
    accepted(await splitShard(catalog, 's', 0, 1n << 127n));
    for (const { key } of catalog.peek('s')!.openShards) {
      accepted(await append(store.log, key, ['secret']));
      expect(await readValues(store.log, key)).toEqual(['secret']);
      expect(await stored(key)).not.toContain('secret');
    }
    await close();
  });

  it('knows the sequences of idempotent producers', async () => {
    const { store, close } = await open(KEY_ID);
    const shard = await streamOfOneShard();
    await encrypt(KEY_ID);
    const producer = { id: 5n, epoch: 0, baseSequence: 0 };
    const first = accepted(await append(store.log, shard, ['a', 'b'], { producer }));
    expect(accepted(await append(store.log, shard, ['a', 'b'], { producer }))).toEqual({ ...first, duplicate: true });
    expect(await append(store.log, shard, ['c'], { producer: { ...producer, baseSequence: 3 } })).toMatchObject({
      ok: false,
      refusal: { code: 'outOfOrderSequence', expected: 2 },
    });
    await close();
  });

  it('leaves control batches as they are', async () => {
    const { store, close } = await open(KEY_ID);
    const shard = await streamOfOneShard();
    await encrypt(KEY_ID);
    const marker = encodeEndTransactionMarker({
      commits: true,
      producerId: 5n,
      producerEpoch: 0,
      coordinatorEpoch: 3,
      timestampMs: 1,
    });
    accepted(await store.log.append(appendRequest(shard, marker)));
    const { chunks } = accepted(await engine.log.read(shard, 0n, { maxBytes: 1 }));
    expect(readBatchHeader(chunks[0]!, 0)).toMatchObject({ isControl: true, sizeBytes: marker.length });
    await close();
  });

  it('seals what a compaction writes anew, also what lay plain from before the stream was encrypted', async () => {
    const { store, close } = await open(KEY_ID, 'key-2');
    const shard = await streamOfOneShard();
    accepted(await append(store.log, shard, ['plain a', 'plain b']));
    accepted(await append(store.log, shard, ['as it was']));
    await encrypt(KEY_ID);
    accepted(await append(store.log, shard, ['sealed a', 'sealed b']));
    accepted(await append(store.log, shard, ['last']));
    await encrypt('key-2');
    await compactTo(store.log, shard, 5n, (offset) => ![0n, 3n].includes(offset));
    const expected = ['plain b', 'as it was', 'sealed b', 'last'].map((value, i) => ({
      offset: [1n, 2n, 4n, 5n][i],
      value,
    }));
    expect(await readAll(store.log, shard, 0n)).toEqual(expected);
    const { sealed } = accepted(await store.log.read(shard, 0n, { maxBytes: 1 << 20 }));
    expect(sealed).toEqual([true, false, true, true]);
    const lying = await stored(shard);
    expect(['plain', 'as it was', 'sealed'].map((value) => lying.includes(value))).toEqual([false, true, false]);
    // And not of a stream that is not encrypted any more.
    await encrypt(undefined);
    accepted(await append(store.log, shard, ['late a', 'late b']));
    accepted(await append(store.log, shard, ['end']));
    await compactTo(store.log, shard, 8n, (offset) => offset > 4n && offset !== 6n);
    expect(await readValues(store.log, shard)).toEqual(['last', 'late b', 'end']);
    expect(await stored(shard)).toContain('late b');
    await close();
  });

  it('without the key neither takes records nor gives any out, and does both when the key is back', async () => {
    const shard = await streamOfOneShard();
    await encrypt(KEY_ID);
    const before = await open(KEY_ID);
    accepted(await append(before.store.log, shard, ['secret']));
    await before.close();
    const without = await open();
    await expect(append(without.store.log, shard, ['more'])).rejects.toThrow(EncryptionKeyMissing);
    await expect(without.store.log.read(shard, 0n, { maxBytes: 1 })).rejects.toThrow(EncryptionKeyMissing);
    await without.close();
    const after = await open('key-2', KEY_ID);
    expect(await readValues(after.store.log, shard)).toEqual(['secret']);
    await after.close();
  });

  it('gives out nothing sealed of a stream that is being deleted', async () => {
    const { store, close } = await open(KEY_ID);
    const shard = await streamOfOneShard();
    await encrypt(KEY_ID);
    accepted(await append(store.log, shard, ['secret']));
    const found = catalog.peekById.bind(catalog);
    catalog.peekById = () => undefined;
    expect(await readValues(store.log, shard)).toEqual(['secret']);
    catalog.peekById = found;
    await close();
  });

  it('refuses batches that say of themselves that they are sealed', async () => {
    const { store, close } = await open(KEY_ID);
    const shard = await streamOfOneShard();
    const batch = makeBatch(['v']);
    batch[21] = 0x40;
    expect(() => store.log.append(appendRequest(shard, batch))).toThrow('sealed already');
    await close();
  });

  it('counts what each key has sealed, over restarts, and says when a key is worn', async () => {
    const shard = await streamOfOneShard();
    await encrypt(KEY_ID);
    for (const seals of [3, 6]) {
      const { store, close } = await open(KEY_ID);
      for (let i = 0; i < 3; i++) accepted(await append(store.log, shard, ['v']));
      await close();
      expect((await engine.documents.get(`encryption-key-use/${KEY_ID}`))?.value).toBe(JSON.stringify({ seals }));
    }
    expect(worn).toEqual([]);
    const value = JSON.stringify({ seals: SEALS_PER_KEY_WARNING - 1 });
    await engine.documents.write([{ key: `encryption-key-use/${KEY_ID}`, value, expected: 'any' }]);
    const { store, close } = await open(KEY_ID);
    expect(worn).toEqual([]);
    accepted(await append(store.log, shard, ['v']));
    await close();
    expect(worn).toEqual([[KEY_ID, SEALS_PER_KEY_WARNING]]);
    await (await open(KEY_ID)).close();
    expect(worn).toHaveLength(2);
  });
});
