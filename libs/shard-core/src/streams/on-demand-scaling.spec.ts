import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { ShardBounds } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { accepted, append } from '../testing/index.ts';
import {
  COLD_LOOKS,
  HOT_LOOKS,
  ON_DEMAND_INTERVAL_MS,
  OnDemandScaling,
  startOnDemandScaling,
} from './on-demand-scaling.ts';
import type { StreamSettings } from './stream.ts';
import { StreamCatalog } from './stream-catalog.ts';

const MIB = 1024 * 1024;
const SECONDS = ON_DEMAND_INTERVAL_MS / 1000;

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;
let scaling: OnDemandScaling;
let now: number;
/** What the logs are said to have grown by, beside what lies in them. */
let grown: Map<ShardKey, { bytes: number; records: bigint }>;

beforeEach(async () => {
  directory = await temporaryDirectory();
  now = 1_700_000_000_000;
  grown = new Map();
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed', clock: () => now });
  catalog = await StreamCatalog.open(store, () => now);
  scaling = new OnDemandScaling(async (shard) => {
    const bounds = await store.log.bounds(shard);
    if (!bounds.ok) return bounds;
    const { bytes = 0, records = 0n } = grown.get(shard) ?? {};
    const value: ShardBounds = {
      ...bounds.value,
      sizeBytes: bounds.value.sizeBytes + bytes,
      logEndOffset: bounds.value.logEndOffset + records,
    };
    return { ok: true, value };
  }, catalog);
});

afterEach(async () => {
  await catalog.close();
  await store.close();
  await directory.remove();
});

async function create(origin: 'kinesis' | 'kafka' = 'kinesis', shardCount = 4, settings: StreamSettings = {}) {
  accepted(await catalog.create({ name: 's', shardCount, mode: 'ON_DEMAND', origin, settings }));
}

const open = () => catalog.peek('s')?.openShards ?? [];

/** Looks so often, with what each open shard takes in a second in between. Answers splits and merges. */
async function looks(
  count: number,
  perSecond: (index: number) => { bytes?: number; records?: number } = () => ({}),
): Promise<number> {
  let reshards = 0;
  for (let i = 0; i < count; i++) {
    for (const [index, { key }] of open().entries()) {
      const { bytes = 0, records = 0 } = perSecond(index);
      const before = grown.get(key) ?? { bytes: 0, records: 0n };
      grown.set(key, {
        bytes: before.bytes + bytes * SECONDS,
        records: before.records + BigInt(records * SECONDS),
      });
    }
    now += ON_DEMAND_INTERVAL_MS;
    reshards += await scaling.look(now);
  }
  return reshards;
}

describe('an ON_DEMAND stream', () => {
  it.each([
    ['bytes', { bytes: 0.8 * MIB }],
    ['records', { records: 800 }],
  ])('has shards split in the middle that take many %s for long', async (_what, hot) => {
    await create();
    // The first look has nothing to compare with.
    const busy = (index: number) => (index === 1 ? hot : {});
    expect(await looks(HOT_LOOKS, busy)).toBe(0);
    const [, parent] = open();
    expect(await looks(1, busy)).toBe(1);
    const { start, end } = parent!.hashRange;
    expect(open().map(({ number, parent }) => [number, parent])).toEqual([
      [0, undefined],
      [2, undefined],
      [3, undefined],
      [4, 1],
      [5, 1],
    ]);
    expect(open()[4]?.hashRange).toEqual({ start: (start + end) / 2n + 1n, end });
  });

  it('is left as it is by a short peak, and by traffic that its shards are made for', async () => {
    await create();
    expect(await looks(HOT_LOOKS, () => ({ records: 5_000 }))).toBe(0);
    expect(await looks(1)).toBe(0);
    expect(await looks(HOT_LOOKS * 3, () => ({ records: 740, bytes: 0.74 * MIB }))).toBe(0);
  });

  it('stays hot while old records are trimmed away', async () => {
    await create('kinesis', 4);
    await looks(HOT_LOOKS, () => ({ bytes: 0.9 * MIB }));
    for (const { key } of open()) grown.set(key, { bytes: -MIB, records: 0n });
    now += ON_DEMAND_INTERVAL_MS;
    expect(await scaling.look(now)).toBe(4);
  });

  it('is not split for ever when one key makes all the heat', async () => {
    await create();
    const oneKey = (index: number) => (index === open().length - 1 ? { records: 3_000 } : {});
    await looks(HOT_LOOKS * 40, oneKey);
    expect(open()).toHaveLength(12);
  });

  it('has the coldest neighbours merged, one pair at a time, and never fewer than four shards left', async () => {
    await create('kinesis', 6);
    const quiet = (index: number) => ({ records: index === 2 || index === 3 ? 0 : 20 });
    expect(await looks(COLD_LOOKS, quiet)).toBe(0);
    expect(await looks(1, quiet)).toBe(1);
    expect(open().map(({ number, parent, adjacentParent }) => [number, parent, adjacentParent])).toEqual([
      [0, undefined, undefined],
      [1, undefined, undefined],
      [4, undefined, undefined],
      [5, undefined, undefined],
      [6, 2, 3],
    ]);
    expect(await looks(COLD_LOOKS * 3)).toBe(1);
    expect(open()).toHaveLength(4);
  });

  it('keeps the shards of its warm throughput', async () => {
    await create('kinesis', 6, { warmThroughputMiBps: 6 });
    expect(await looks(COLD_LOOKS * 2)).toBe(0);
  });

  it('is left alone when a Kafka client made it, or when it is resharded already', async () => {
    await create('kafka');
    expect(await looks(HOT_LOOKS + 2, () => ({ records: 5_000 }))).toBe(0);
    await catalog.delete('s');
    await create();
    await catalog.update('s', (document) => ({ ...document, status: 'UPDATING' }));
    expect(await looks(HOT_LOOKS + 2, () => ({ records: 5_000 }))).toBe(0);
  });
});

describe('scaling in the background', () => {
  it('sees what is appended, and is the work of one process at a time', async () => {
    await create();
    const errors: unknown[] = [];
    let at = now;
    // Each look is a second later, and sees what was appended before it.
    const clock = () => (at += 1_000);
    const options = { intervalMs: 20, clock, onError: (error: unknown) => errors.push(error) };
    const stopOther = startOnDemandScaling(store, catalog, { ...options, holder: 'other', clock: () => 0 });
    const stop = startOnDemandScaling(store, catalog, { ...options, holder: 'one' });
    await stopOther();
    const { key } = open()[0]!;
    const values = Array.from({ length: 2_000 }, () => 'v');
    await eventually(async () => {
      if (open().length === 4) await append(store.log, key, values).catch(() => {});
      expect(open().length).toBeGreaterThan(4);
    });
    await stop();
    expect(errors).toEqual([]);
  });
});
