import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeEndTransactionMarker, readBatchHeader } from '@tailrace/kafka-protocol';
import { eventually, type RedisServer, startRedis, uniqueName } from '@tailrace/testkit';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from '../redis/index.ts';
import { splitShard } from '../streams/reshard.ts';
import type { Stream } from '../streams/stream.ts';
import { StreamCatalog } from '../streams/stream-catalog.ts';
import { accepted, append, appendRequest, makeBatch, readValues } from '../testing/index.ts';
import { type EncryptedStore, openEncryptedStore } from './encrypted-store.ts';
import { encryptionChanged, withEncryption } from './encryption-change.ts';
import { KEY_ID, keyRingOf } from './testing/keys.ts';

const OTHER_KEY_ID = 'other';
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Too large to lie in the entry itself. */
const LARGE = 'secret '.repeat(10_000);

interface Process {
  readonly engine: Store;
  readonly catalog: StreamCatalog;
  readonly encrypted: EncryptedStore;
  readonly store: Store;
}

let redis: RedisServer;
let keyPrefix: string;
const processes: Process[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  keyPrefix = `${uniqueName('encryption')}:`;
});
afterEach(async () => {
  for (const { engine, catalog, encrypted } of processes.splice(0)) {
    await encrypted.close();
    await catalog.close();
    await engine.close();
  }
});

/** `isDeaf`: it hears of no change, as a process that stood still, or whose subscription is cut. */
async function started({ isDeaf = false, change = (store: Store) => store } = {}): Promise<Process> {
  const engine = change(await openRedisStore({ url: redis.url, keyPrefix, batchBytesMax: BATCH_BYTES_MAX }));
  const { documents } = engine;
  const deaf: Store['documents'] = {
    get: (key) => documents.get(key),
    write: (writes) => documents.write(writes),
    list: (prefix, options) => documents.list(prefix, options),
    watch: () => Promise.resolve(() => {}),
  };
  const seen = isDeaf ? withParts(engine, { documents: deaf }) : engine;
  const catalog = await StreamCatalog.open(seen);
  const encrypted = await openEncryptedStore(seen, catalog, {
    keyRing: keyRingOf(KEY_ID, OTHER_KEY_ID),
    onWorn: () => {},
    onError: (error) => {
      throw error;
    },
  });
  const process = { engine, catalog, encrypted, store: encrypted.store };
  processes.push(process);
  return process;
}

function withParts(store: Store, parts: Partial<Store>): Store {
  return Object.assign(Object.create(store) as Store, {
    health: () => store.health(),
    close: () => store.close(),
    ...parts,
  });
}

async function streamOf({ catalog }: Process, shardCount = 1): Promise<Stream> {
  return accepted(await catalog.create({ name: 's', shardCount, mode: 'PROVISIONED', origin: 'kinesis' }));
}

async function decide({ catalog, store }: Process, key: string | undefined): Promise<Stream> {
  const encryption = key === undefined ? undefined : { key, keyId: `alias/${key}` };
  return accepted(await catalog.update('s', (document) => withEncryption(document, encryption, store)));
}

async function encrypt(process: Process, key: string | undefined): Promise<void> {
  await encryptionChanged(process.catalog, await decide(process, key));
}

/** What lies in the log. */
async function stored({ engine }: Process, shard: ShardKey): Promise<string> {
  const { chunks } = accepted(await engine.log.read(shard, 0n, { maxBytes: 1 << 22 }));
  return Buffer.concat(chunks).toString('latin1');
}

describe('when encryption begins', () => {
  it('nothing lands in the clear any more, also from a process that has not heard of it', async () => {
    const [one, other] = [await started(), await started({ isDeaf: true })];
    const shard = (await streamOf(one)).shards[0]!.key;
    await other.catalog.find('s');
    await append(other.store.log, shard, ['before']);
    await encrypt(one, KEY_ID);
    expect(one.catalog.peek('s')?.document).toMatchObject({ status: 'ACTIVE', encryption: { key: KEY_ID } });
    expect(other.catalog.peek('s')?.document.encryption).toBeUndefined();
    accepted(await append(other.store.log, shard, ['behind']));
    accepted(await append(other.store.log, shard, [LARGE]));
    const lies = await stored(one, shard);
    expect([lies.includes('before'), lies.includes('behind'), lies.includes('secret')]).toEqual([true, false, false]);
    for (const { store } of [one, other])
      expect(await readValues(store.log, shard)).toEqual(['before', 'behind', LARGE]);
    expect(other.catalog.peek('s')?.document.encryption).toEqual({ key: KEY_ID, keyId: `alias/${KEY_ID}` });
  });

  it('a batch that was under way is not taken in the clear either', async () => {
    const one = await started();
    const shard = (await streamOf(one)).shards[0]!.key;
    await encrypt(one, KEY_ID);
    for (const value of ['small', LARGE]) {
      expect(await one.engine.log.append(appendRequest(shard, makeBatch([value])))).toEqual({
        ok: false,
        refusal: { code: 'encryptionRequired', shard },
      });
    }
    const marker = encodeEndTransactionMarker({ commits: true, producerId: 1n, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 0 }); // prettier-ignore
    expect(readBatchHeader(marker, 0).isControl).toBe(true);
    const end = { shard, producerId: 1n, producerEpoch: 0, coordinatorEpoch: 0, commit: true, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 } as const; // prettier-ignore
    accepted(await one.store.log.endTransaction(end));
  });

  it('shards that are opened later take nothing in the clear', async () => {
    const [one, other] = [await started(), await started({ isDeaf: true })];
    const stream = await streamOf(one);
    await other.catalog.find('s');
    await encrypt(one, KEY_ID);
    const children = accepted(await splitShard(one.catalog, 's', 0, 1n << 127n)).openShards;
    for (const { key } of children) {
      expect(await one.engine.log.append(appendRequest(key, makeBatch(['plain'])))).toMatchObject({
        refusal: { code: 'encryptionRequired' },
      });
      accepted(await append(other.store.log, key, ['behind']));
      expect(await stored(one, key)).not.toContain('behind');
    }
    expect(stream.shards.length).toBe(1);
  });

  it('the stream is UPDATING until every shard knows, and another process goes on where one has died', async () => {
    const died = new StoreUnavailable('died');
    const one = await started({
      change: (store) => {
        let told = 0;
        const log = new Proxy(store.log, {
          get(target, name) {
            if (name === 'requireEncryption' && told++ > 1) return () => Promise.reject(died);
            const member: unknown = Reflect.get(target, name);
            return typeof member === 'function' ? (member.bind(target) as unknown) : member;
          },
        });
        return withParts(store, { log });
      },
    });
    const stream = await streamOf(one, 2);
    await expect(encrypt(one, KEY_ID)).rejects.toBe(died);
    expect(one.catalog.peek('s')?.document).toMatchObject({ status: 'UPDATING', encryptionChange: 'start' });
    const other = await started();
    await eventually(() => expect(other.catalog.peek('s')?.document).toMatchObject({ status: 'ACTIVE' }));
    for (const { key } of stream.shards) {
      expect(await other.engine.log.append(appendRequest(key, makeBatch(['plain'])))).toMatchObject({ ok: false });
    }
    expect(other.catalog.peek('s')?.document.encryptionChange).toBeUndefined();
  });

  it('another key is no change for the shards', async () => {
    const one = await started();
    await streamOf(one);
    await encrypt(one, KEY_ID);
    expect((await decide(one, OTHER_KEY_ID)).document).toMatchObject({
      status: 'ACTIVE',
      encryption: { key: OTHER_KEY_ID },
    });
  });
});

describe('when encryption ends', () => {
  it('what is written is stored as it comes, and who has not heard of it may seal still', async () => {
    const [one, other] = [await started(), await started({ isDeaf: true })];
    const shard = (await streamOf(one)).shards[0]!.key;
    await encrypt(one, KEY_ID);
    await other.catalog.refresh('s');
    await encrypt(one, undefined);
    const { document } = one.catalog.peek('s') as Stream;
    expect([document.status, document.encryption, document.wasEncrypted, document.encryptionChange]).toEqual([
      'ACTIVE', undefined, true, undefined,
    ]); // prettier-ignore
    accepted(await append(one.store.log, shard, ['plain']));
    accepted(await append(other.store.log, shard, ['sealed']));
    const lies = await stored(one, shard);
    expect([lies.includes('plain'), lies.includes('sealed')]).toEqual([true, false]);
    expect(await readValues(one.store.log, shard)).toEqual(['plain', 'sealed']);
  });

  it('begins again where it has begun before', async () => {
    const one = await started();
    const shard = (await streamOf(one)).shards[0]!.key;
    for (const key of [KEY_ID, undefined, OTHER_KEY_ID]) {
      await encrypt(one, key);
      accepted(await append(one.store.log, shard, [`under ${key}`]));
    }
    const lies = await stored(one, shard);
    expect(['under undefined', `under ${KEY_ID}`, `under ${OTHER_KEY_ID}`].map((text) => lies.includes(text))).toEqual([
      true, false, false,
    ]); // prettier-ignore
  });
});
