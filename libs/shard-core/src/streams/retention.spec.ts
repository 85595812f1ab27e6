import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { accepted, append, readValues } from '../testing/index.ts';
import { splitShard } from './reshard.ts';
import { retentionMsOf, startRetention, trimExpired, trimOversized } from './retention.ts';
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

describe('retention by size', () => {
  /** A stream of one partition with so many batches of 1,000 bytes of data in each of its links. */
  async function sized(links: readonly number[], configs: Record<string, string>): Promise<Stream> {
    const made = accepted(
      await catalog.create({ name: 's', shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka', configs }),
    );
    let stream = made;
    for (const [link, batches] of links.entries()) {
      if (link > 0) {
        const { number, hashRange } = stream.partitions[0]!.appendTo;
        stream = accepted(await splitShard(catalog, 's', number, (hashRange.start + hashRange.end) / 2n + 1n));
      }
      for (let i = 0; i < batches; i++)
        await append(store.log, stream.partitions[0]!.appendTo.key, ['x'.repeat(1_000)]);
    }
    return stream;
  }

  async function kept(stream: Stream): Promise<{ bytes: number; start: bigint }> {
    let bytes = 0;
    let start: bigint | undefined;
    for (const { key } of stream.partitions[0]!.chain) {
      const bounds = accepted(await store.log.bounds(key));
      bytes += bounds.sizeBytes;
      if (bounds.logStartOffset < bounds.logEndOffset) start ??= bounds.logStartOffset;
    }
    return { bytes, start: start ?? -1n };
  }

  it.each([
    [[20], 5_000],
    [[10, 10], 5_000],
    [[10, 10], 15_000],
    [[4, 4, 12], 18_000],
  ])('keeps of partitions of %p batches as many as have %d bytes', async (links, retentionBytes) => {
    const stream = await sized(links, { 'retention.bytes': String(retentionBytes) });
    const before = (await kept(stream)).bytes;
    expect(await trimOversized(store, [stream])).toBeGreaterThan(0);
    const { bytes, start } = await kept(stream);
    const batchBytes = before / 20;
    expect(bytes).toBeGreaterThanOrEqual(retentionBytes);
    expect(bytes).toBeLessThan(retentionBytes + 2 * batchBytes);
    expect(start).toBe(20n - BigInt(Math.round(bytes / batchBytes)));
    expect(await trimOversized(store, [stream])).toBe(0);
  });

  it('judges what it does not look at by what it has seen', async () => {
    const stream = await sized([40], { 'retention.bytes': '5000' });
    await trimOversized(store, [stream], 3_000);
    const { bytes } = await kept(stream);
    expect(bytes).toBeGreaterThanOrEqual(5_000);
    expect(bytes).toBeLessThan(9_000);
  });

  it.each<[string, Record<string, string>]>([
    ['no limit', {}],
    ['-1', { 'retention.bytes': '-1' }],
    ['a limit that is not reached', { 'retention.bytes': '1000000' }],
    ['a topic that is only compacted', { 'retention.bytes': '100', 'cleanup.policy': 'compact' }],
  ])('leaves everything with %s', async (_, configs) => {
    const stream = await sized([5], configs);
    expect([await trimOversized(store, [stream]), (await kept(stream)).start]).toEqual([0, 0n]);
  });

  it('forgets everything with 0', async () => {
    const stream = await sized([3, 2], { 'retention.bytes': '0' });
    await trimOversized(store, [stream]);
    expect(await kept(stream)).toEqual({ bytes: 0, start: -1n });
  });

  it('keeps what is only compacted for ever', async () => {
    const ofPolicy = async (policy: string | undefined, name: string) => {
      const configs = { 'retention.ms': '1000', ...(policy !== undefined && { 'cleanup.policy': policy }) };
      const made = await catalog.create({ name, shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka', configs });
      return retentionMsOf(accepted(made));
    };
    expect([await ofPolicy(undefined, 'a'), await ofPolicy('delete', 'b'), await ofPolicy('compact, delete', 'c')]).toEqual([1000, 1000, 1000]); // prettier-ignore
    expect([await ofPolicy('compact', 'd'), await ofPolicy('', 'e')]).toEqual([undefined, undefined]);
  });
});

describe('a shard that cannot be looked at', () => {
  it('holds up neither the other streams nor what else there is to do, and is told of', async () => {
    const streams: Stream[] = [];
    for (const name of ['a', 'b', 'c']) {
      const made = accepted(await catalog.create({ name, shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' }));
      accepted(await append(store.log, made.shards[0]!.key, ['old']));
      streams.push(made);
    }
    const { offsetForTime } = store.log;
    const [damaged] = streams[0]!.shards;
    store.log.offsetForTime = (shard, ...rest) =>
      shard === damaged!.key ? Promise.reject(new Error('damaged')) : offsetForTime.call(store.log, shard, ...rest);
    await expect(trimExpired(store, streams, now + 25 * HOUR)).rejects.toThrow('damaged');
    const starts = await Promise.all(
      streams.map(async ({ shards }) => accepted(await store.log.bounds(shards[0]!.key)).logStartOffset),
    );
    expect(starts).toEqual([0n, 1n, 1n]);
  });

  it('is not asked for all that there is where the store itself is away', async () => {
    const stream = await streamOf([[0, 'a']]);
    const many = Array.from({ length: 100 }, () => stream);
    let asked = 0;
    store.log.bounds = () => {
      asked++;
      return Promise.reject(new Error('away'));
    };
    await expect(trimExpired(store, many, now)).rejects.toThrow('away');
    expect(asked).toBe(16);
  });
});
