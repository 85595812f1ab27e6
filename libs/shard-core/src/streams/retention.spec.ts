import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { accepted, append, readValues } from '../testing/index.ts';
import { startRetention, trimExpired } from './retention.ts';
import type { Stream } from './stream.ts';
import { StreamCatalog } from './stream-catalog.ts';

const HOUR = 3_600_000;

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;
let now: number;

beforeEach(async () => {
  directory = await temporaryDirectory();
  now = 1_700_000_000_000;
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed', clock: () => now });
  catalog = await StreamCatalog.open(store, () => now);
});

afterEach(async () => {
  await catalog.close();
  await store.close();
  await directory.remove();
});

async function streamOf(
  values: readonly (readonly [atHour: number, value: string])[],
  configs: Record<string, string> = {},
): Promise<Stream> {
  const made = await catalog.create({ name: 's', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis', configs });
  if (!made.ok) throw new Error(made.refusal.code);
  const begin = now;
  for (const [hour, value] of values) {
    now = begin + hour * HOUR;
    await append(store.log, made.value.shards[0]!.key, [value]);
  }
  return made.value;
}

async function left(stream: Stream): Promise<string[]> {
  const [shard] = stream.shards;
  const { logStartOffset } = accepted(await store.log.bounds(shard!.key));
  return readValues(store.log, shard!.key, logStartOffset);
}

describe('retention', () => {
  it.each([
    [23, ['a', 'b', 'c']],
    [25, ['b', 'c']],
    [26.5, ['c']],
    [100, []],
  ])('after %d hours of 24 keeps %p', async (hours, kept) => {
    const begin = now;
    const stream = await streamOf([
      [0, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    now = begin + hours * HOUR;
    await trimExpired(store, [stream], now);
    expect(await left(stream)).toEqual(kept);
  });

  it('goes by retention.ms where the stream sets it, and keeps everything at -1', async () => {
    const short = await streamOf([[0, 'a']], { 'retention.ms': '1000' });
    await trimExpired(store, [short], now + 999);
    expect(await left(short)).toEqual(['a']);
    await trimExpired(store, [short], now + 1001);
    expect(await left(short)).toEqual([]);
    await catalog.delete('s');
    const endless = await streamOf([[0, 'a']], { 'retention.ms': '-1' });
    await trimExpired(store, [endless], now + 1000 * 24 * HOUR);
    expect(await left(endless)).toEqual(['a']);
  });

  it('is the work of one process at a time, and of another when that one stops', async () => {
    const stream = await streamOf([[0, 'a']]);
    const fail = (error: unknown) => {
      throw error;
    };
    const future = () => now + 25 * HOUR;
    const idle = startRetention(store, catalog, { holder: 'first', intervalMs: 20, clock: () => now, onError: fail });
    await eventually(async () => (await store.leases.list('retention')).some(({ holder }) => holder === 'first'));
    const waiting = startRetention(store, catalog, { holder: 'second', intervalMs: 20, clock: future, onError: fail });
    await idle();
    await eventually(async () => (await left(stream)).length === 0);
    await waiting();
    expect(await store.leases.list('retention')).toEqual([]);
  });
});
