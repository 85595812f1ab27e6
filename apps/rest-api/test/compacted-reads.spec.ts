import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { Compaction, type Shard, type Store } from '@tailrace/shard-core';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { temporaryDirectory, type TemporaryDirectory, uniqueName } from '@tailrace/testkit';
import { readPage } from '../src/aws/record-page.ts';
import { type RestService, startRestService } from './rest-service.ts';

const BATCHES = 12;
const RECORDS = 5;

let directory: TemporaryDirectory;
let store: Store;
let rest: RestService;
let name: string;
let shard: Shard;

/** Batches of five records; of the older ones there is a record or two left, or nothing, and all of the newest one. */
beforeAll(async () => {
  directory = await temporaryDirectory();
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
  rest = await startRestService(store);
  name = uniqueName('compacted');
  const configs = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' };
  const made = await rest.catalog.create({ name, shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka', configs });
  if (!made.ok) throw new Error(made.refusal.code);
  shard = made.value.shards[0] as Shard;
  for (let i = 0; i < BATCHES; i++) {
    const records = Array.from({ length: RECORDS }, (_, at) => {
      const offset = i * RECORDS + at;
      return { key: keyOf(offset), value: Buffer.from(`${offset}`), timestampMs: Date.now() };
    });
    const batch = encodeBatch(records, { compression: i % 2 === 0 ? 'none' : 'gzip' });
    const header = readBatchHeader(batch, 0);
    const how = { acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 } as const;
    expect(await store.log.append({ shard: shard.key, batch, header, ...how })).toMatchObject({ ok: true });
  }
  const errors: unknown[] = [];
  const compaction = new Compaction(store, rest.catalog, { holder: 'here', onError: (error) => errors.push(error) });
  await compaction.look();
  await compaction.close();
  expect(errors).toEqual([]);
});
afterAll(async () => {
  await rest.close();
  await directory.remove();
});

/** Every seventh record is alone with its key; all others have one key, whose newest record is in the newest batch. */
function keyOf(offset: number): string {
  return offset % 7 === 3 ? `alone-${offset}` : 'often';
}

const end = BATCHES * RECORDS;
const all = Array.from({ length: end }, (_, offset) => offset);
const left = all.filter((offset) => offset % 7 === 3 || offset >= end - RECORDS);

describe('a compacted stream', () => {
  it.each([1, 2, 100])(
    'is read by GetRecords and SubscribeToShard from any offset on, %d records a page',
    async (records) => {
      for (let from = 0; from <= end; from++) {
        const seen: number[] = [];
        for (let offset = BigInt(from); offset < BigInt(end);) {
          const page = await readPage(store.log, shard.key, offset, { records, bytes: 1_000_000 });
          if (!page.ok) throw new Error(page.refusal.code);
          for (const run of page.value.runs) {
            for (const { offsetDelta, value } of run.records) {
              expect(value?.toString()).toEqual(String(run.baseOffset + BigInt(offsetDelta)));
              seen.push(Number(run.baseOffset) + offsetDelta);
            }
          }
          expect(page.value.nextOffset).toBeGreaterThan(offset);
          offset = page.value.nextOffset;
          page.value.release();
        }
        expect({ from, seen }).toEqual({ from, seen: left.filter((offset) => offset >= from) });
      }
    },
  );

  it.each([1, 100])('is read by the REST API from any offset on, %d records a page', async (limit) => {
    for (const from of [0, 1, 4, 17, 30, 54, 55, 58]) {
      const seen: number[] = [];
      for (let next = String(from); Number(next) < end;) {
        const path = `/v1/streams/${name}/shards/0/records?as=text&limit=${limit}&from=${next}`;
        const { status, body } = await rest.call('GET', path);
        expect(status).toEqual(200);
        for (const { offset, data } of body.records as { offset: string; data: string }[]) {
          expect(data).toEqual(offset);
          seen.push(Number(offset));
        }
        expect(Number(body.nextOffset)).toBeGreaterThan(Number(next));
        next = body.nextOffset;
      }
      expect({ from, seen }).toEqual({ from, seen: left.filter((offset) => offset >= from) });
    }
  });
});
