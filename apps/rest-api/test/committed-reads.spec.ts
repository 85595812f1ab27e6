import { encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { openStore, type Shard, type ShardKey, type Store, type Stream, StreamCatalog } from '@tailrace/shard-core';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { millisBehind, readPage } from '../src/aws/record-page.ts';
import { startOffset } from '../src/aws/starting-position.ts';
import { eventFeed } from '../src/rest/event-feed.ts';
import { offsetOf } from '../src/rest/read-from.ts';
import { readPage as readRestPage } from '../src/rest/shard-reader.ts';

const ID = 5n;
const PLACE = { streamName: 's', account: '000000000000', operation: 'GetShardIterator' };
const LIMITS = { records: 100, bytes: 1 << 20 };

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;
let shard: ShardKey;
let sequence: number;

beforeEach(async () => {
  directory = await temporaryDirectory();
  store = await openStore({
    store: 'embedded',
    dataDir: directory.path,
    durability: 'relaxed',
    redisUrl: '',
    minInsyncReplicas: 1,
  });
  catalog = await StreamCatalog.open(store);
  const made = await catalog.create({ name: 's', shardCount: 1, mode: 'PROVISIONED', origin: 'kafka' });
  if (!made.ok) throw new Error(made.refusal.code);
  shard = made.value.shards[0]?.key as ShardKey;
  sequence = 0;
});

afterEach(async () => {
  await catalog.close();
  await store.close();
  await directory.remove();
});

async function write(value: string, isTransactional: boolean): Promise<void> {
  const producer = isTransactional ? { producer: { id: ID, epoch: 0, baseSequence: sequence++ } } : {};
  const records = [{ key: Buffer.from('k'), value: Buffer.from(value), timestampMs: Date.now() }];
  const batch = encodeBatch(records, { ...producer, isTransactional });
  const header = readBatchHeader(batch, 0);
  const outcome = await store.log.append({ shard, batch, header, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 });
  if (!outcome.ok) throw new Error(outcome.refusal.code);
}

async function end(commit: boolean): Promise<void> {
  const of = { producerId: ID, producerEpoch: 0, coordinatorEpoch: 0, commit };
  const outcome = await store.log.endTransaction({ shard, ...of, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 });
  if (!outcome.ok) throw new Error(outcome.refusal.code);
}

/** What both HTTP interfaces show. */
async function shown(fromOffset = 0n) {
  const page = await readPage(store.log, shard, fromOffset, LIMITS);
  if (!page.ok) throw new Error(page.refusal.code);
  const aws = page.value.runs.flatMap(({ records }) => records.map(({ value }) => String(value)));
  const behindMs = millisBehind(page.value, Date.now() + 60_000);
  const limits = { recordsMax: 100, bytesMax: 1 << 20 };
  const only = catalog.peek('s')?.shards[0] as Shard;
  const rest = await readRestPage(store, only, fromOffset, limits, ({ value }) => String(value));
  if (!rest.ok) throw new Error(rest.refusal.code);
  expect(rest.value.records).toEqual(aws);
  expect(rest.value.nextOffset).toEqual(page.value.nextOffset);
  page.value.release();
  return { values: aws, nextOffset: page.value.nextOffset, behindMs };
}

describe('records that Kafka producers write in transactions', () => {
  it('are shown when they are committed, with all behind them', async () => {
    await write('before', false);
    await write('in', true);
    await write('behind', false);
    expect(await shown()).toEqual({ values: ['before'], nextOffset: 1n, behindMs: 0 });
    expect(await shown(1n)).toEqual({ values: [], nextOffset: 1n, behindMs: 0 });
    await end(true);
    expect(await shown()).toEqual({ values: ['before', 'in', 'behind'], nextOffset: 4n, behindMs: 0 });
  });

  it('are never shown when they were aborted', async () => {
    await write('gone', true);
    await write('kept', false);
    await write('gone too', true);
    await end(false);
    expect(await shown()).toEqual({ values: ['kept'], nextOffset: 4n, behindMs: 0 });
    expect(await shown(2n)).toEqual({ values: [], nextOffset: 4n, behindMs: 0 });
    await write('last', true);
    await end(true);
    expect((await shown()).values).toEqual(['kept', 'last']);
  });

  it('come behind LATEST as long as their transaction is open', async () => {
    await write('before', false);
    await write('in', true);
    const latest = { type: 'LATEST', sequenceNumber: undefined, timestampMs: undefined } as const;
    const only = catalog.peek('s')?.shards[0] as Shard;
    expect(await startOffset(latest, only, PLACE, store, Date.now())).toBe(1n);
    expect(await offsetOf(store, only, { at: 'latest' })).toBe(1n);
    await end(true);
    expect((await shown(1n)).values).toEqual(['in']);
  });

  it('reach those who follow events at the commit, and no sooner', async () => {
    const stop = new AbortController();
    const stream = catalog.peek('s') as Stream;
    const events = eventFeed({ store, catalog }, {
      stream,
      offsets: new Map([[0, 0n]]),
      childrenFrom: { at: 'earliest' },
      as: 'utf8',
      heartbeatMs: 20,
      signal: stop.signal,
    } as never);
    const texts: string[] = [];
    const following = (async () => {
      for await (const text of events) texts.push(text);
    })();
    await write('gone', true);
    await end(false);
    await write('in', true);
    // It has looked, and waits again.
    await eventually(() => {
      if (texts.filter((text) => text.startsWith(': heartbeat')).length < 3) throw new Error('no heartbeat yet');
    });
    expect(texts.join('')).not.toContain('data:');
    await end(true);
    await eventually(() => {
      if (!texts.join('').includes('data:')) throw new Error('no record yet');
    });
    expect(texts.join('').match(/data:/g)).toHaveLength(1);
    stop.abort();
    await following;
  });
});
