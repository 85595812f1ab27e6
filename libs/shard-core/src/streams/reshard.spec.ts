import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HASH_KEY_MAX, hashKeyOf } from '@tailrace/hashing';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { type Outcome, StoreUnavailable } from '../contract/refusal.ts';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { openEmbeddedStore } from '../embedded/index.ts';
import { accepted, append, appendRequest, makeBatch, readValues } from '../testing/index.ts';
import { completeReshard, mergeShards, splitShard } from './reshard.ts';
import { SHARDS_KEPT_MAX } from './reshard-plan.ts';
import { dropExpiredShards, trimExpired } from './retention.ts';
import { formatSequenceNumber } from './sequence-number.ts';
import {
  offsetInShard,
  shardForOffset,
  type Partition,
  type Shard,
  type ShardDocument,
  type Stream,
} from './stream.ts';
import { StreamCatalog } from './stream-catalog.ts';
import { evenBoundaries } from './uniform-scaling.ts';
import { updateShardCount } from './update-shard-count.ts';

const NOW_MS = 1_700_000_000_400;
/** The first whole second behind the creation. */
const NEXT_SECOND_MS = 1_700_000_001_000;
const MIDDLE = 1n << 127n;
/** Segments that are made fast. */
const SMALL = { segmentBytesMin: 64 * 1024, segmentBytesMax: 256 * 1024 };

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;
let nowMs: number;

beforeEach(async () => {
  nowMs = NOW_MS;
  directory = await temporaryDirectory();
  await open();
});

afterEach(async () => {
  await close();
  await directory.remove();
});

async function open() {
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed', ...SMALL });
  catalog = await StreamCatalog.open(store, () => nowMs);
}

async function close() {
  await catalog.close();
  await store.close();
}

async function created(shardCount = 1, name = 's'): Promise<Stream> {
  return accepted(await catalog.create({ name, shardCount, mode: 'PROVISIONED', origin: 'kinesis' }));
}

async function put(stream: Stream, shardNumber: number, ...values: string[]) {
  for (const value of values) accepted(await append(store.log, shardKey(stream.id, shardNumber), [value]));
}

/** What tells of a stream's shards, without hash ranges: `number:partition from-to <parents` */
function picture({ document }: Stream): string[] {
  return document.shards.map(
    ({ number, partition, startOffset, continuesFrom, endOffset, parent, adjacentParent, expired }) =>
      `${number}:${partition} ${continuesFrom === undefined ? '' : `(${continuesFrom})`}${startOffset}-${endOffset ?? ''}` +
      `${parent === undefined ? '' : ` <${parent}`}${adjacentParent === undefined ? '' : `+${adjacentParent}`}` +
      (expired ? ' expired' : ''),
  );
}

/** Reads a partition as a Kafka consumer does: link after link from an offset on. */
async function readPartition(stream: Stream, index: number, fromOffset: bigint): Promise<string[]> {
  const partition = stream.partitions[index] as Partition;
  const first = shardForOffset(partition, fromOffset);
  const values = await readValues(store.log, first.key, offsetInShard(first, fromOffset));
  for (const link of partition.chain.slice(partition.chain.indexOf(first) + 1)) {
    values.push(...(await readValues(store.log, link.key, link.startOffset)));
  }
  return values;
}

const middleOf = ({ hashRange }: { hashRange: { start: bigint; end: bigint } }) =>
  (hashRange.start + hashRange.end + 1n) / 2n;

const split = (number: number, at: bigint = MIDDLE) => splitShard(catalog, 's', number, at);
const merge = (number: number, adjacent: number) => mergeShards(catalog, 's', number, adjacent);

describe('a split', () => {
  it('closes the parent and opens two children at its end', async () => {
    const stream = await created();
    await put(stream, 0, 'a', 'b');
    nowMs = NOW_MS + 5_000;
    const outcome = accepted(await split(0, 5n));
    expect(outcome.document).toEqual({
      ...stream.document,
      status: 'ACTIVE',
      shards: [
        { ...(stream.document.shards[0] as ShardDocument), endOffset: '2', closedAtMs: nowMs },
        {
          number: 1,
          hashRange: { start: '0', end: '4' },
          parent: 0,
          partition: 0,
          startOffset: '2',
          openedAtMs: nowMs,
        },
        {
          number: 2,
          hashRange: { start: '5', end: HASH_KEY_MAX.toString() },
          parent: 0,
          partition: 1,
          startOffset: '2',
          openedAtMs: nowMs,
        },
      ],
    });
    expect(catalog.peek('s')?.document).toEqual(outcome.document);
    expect(await append(store.log, shardKey(stream.id, 0), ['late'])).toMatchObject({
      refusal: { code: 'shardSealed' },
    });
    await put(stream, 1, 'c');
    expect(await readPartition(outcome, 0, 0n)).toEqual(['a', 'b', 'c']);
    expect(await store.leases.list('reshard/')).toEqual([]);
  });

  it('in the second of its parent is dated into the next, so that sequence numbers grow', async () => {
    const stream = await created();
    await put(stream, 0, 'a');
    const once = accepted(await split(0));
    const twice = accepted(await split(1, MIDDLE / 2n));
    expect(twice.shards.map(({ openedAtMs }) => openedAtMs)).toEqual(
      [0, 1, 1, 2, 2].map((seconds) => (seconds === 0 ? NOW_MS : NEXT_SECOND_MS + (seconds - 1) * 1000)),
    );
    expect(once.shard(0)?.closedAtMs).toBe(NEXT_SECOND_MS);
    const number = (shardNumber: number) =>
      BigInt(
        formatSequenceNumber({
          offset: 1n,
          shardNumber,
          appendTimeSeconds: Math.floor(NOW_MS / 1000),
          shardCreatedSeconds: Math.floor((twice.shard(shardNumber)?.openedAtMs ?? 0) / 1000),
        }),
      );
    expect([number(0) < number(1), number(1) < number(3), number(0) < number(2)]).toEqual([true, true, true]);
  });

  it.each([0n, 1n, HASH_KEY_MAX, HASH_KEY_MAX + 1n])('at hash key %s is refused', async (hashKey) => {
    const stream = await created();
    const { key: shard, hashRange } = stream.openShards[0] as Shard;
    expect(await split(0, hashKey)).toEqual({
      ok: false,
      refusal: { code: 'hashKeyOutOfRange', shard, hashKey, hashRange },
    });
    expect((await catalog.refresh('s'))?.document).toEqual(stream.document);
  });

  it.each([2n, HASH_KEY_MAX - 1n])('at hash key %s is made', async (hashKey) => {
    await created();
    const { openShards } = accepted(await split(0, hashKey));
    expect(openShards.map(({ hashRange }) => hashRange)).toEqual([
      { start: 0n, end: hashKey - 1n },
      { start: hashKey, end: HASH_KEY_MAX },
    ]);
  });
});

describe('an idempotent producer', () => {
  /** As the Kafka door appends: to the shard that takes the partition's appends now. */
  const sent = (stream: Stream, partition: number, baseSequence: number) => {
    const batch = makeBatch([`${partition}/${baseSequence}`], { producer: { id: 7n, epoch: 0, baseSequence } });
    const { key } = (stream.partitions[partition] as Partition).appendTo;
    return store.log.append(appendRequest(key, batch, { partition }));
  };

  it('goes on in the child with its next sequence, and has what it sends again answered as the first time', async () => {
    const stream = await created();
    accepted(await sent(stream, 0, 0));
    const lost = accepted(await sent(stream, 0, 1));
    const after = accepted(await split(0));
    expect(accepted(await sent(after, 0, 1))).toMatchObject({ baseOffset: lost.baseOffset, duplicate: true });
    expect(accepted(await sent(after, 0, 2))).toMatchObject({ baseOffset: 2n, duplicate: false });
    expect(await sent(after, 0, 4)).toMatchObject({ refusal: { code: 'outOfOrderSequence' } });
    // The new partition begins at 0.
    expect(accepted(await sent(after, 1, 0))).toMatchObject({ baseOffset: 2n, duplicate: false });
  });

  it('keeps its partitions apart when their shards are merged, and when they part again', async () => {
    const stream = await created(2);
    const lost = [accepted(await sent(stream, 0, 0)), accepted(await sent(stream, 1, 0))];
    const merged = accepted(await merge(0, 1));
    for (const partition of [0, 1]) {
      expect(accepted(await sent(merged, partition, 0))).toMatchObject({
        baseOffset: lost[partition]?.baseOffset,
        duplicate: true,
      });
    }
    const inMerged = [accepted(await sent(merged, 0, 1)), accepted(await sent(merged, 1, 1))];
    expect(inMerged).toMatchObject([{ baseOffset: 1n }, { baseOffset: 2n }]);
    const parted = accepted(await split(2));
    for (const partition of [0, 1]) {
      expect(accepted(await sent(parted, partition, 1))).toMatchObject({
        baseOffset: inMerged[partition]?.baseOffset,
        duplicate: true,
      });
      expect(accepted(await sent(parted, partition, 2))).toMatchObject({ baseOffset: 3n, duplicate: false });
    }
  });

  it('goes on where its partition sleeps when another shard is split', async () => {
    const stream = await created(4);
    for (const partition of [0, 1, 2, 3]) accepted(await sent(stream, partition, 0));
    const merged = accepted(await merge(2, 3));
    const lost = accepted(await sent(merged, 3, 1));
    const parted = accepted(await split(0, MIDDLE / 4n));
    // The upper half opens a partition of its own: in that of number 3, the records would not be behind those in shard 4.
    expect(parted.partitions.map(({ appendTo }) => appendTo.number)).toEqual([5, 1, 4, 4, 6]);
    expect(accepted(await sent(parted, 3, 1))).toMatchObject({ baseOffset: lost.baseOffset, duplicate: true });
    expect(accepted(await sent(parted, 3, 2)).duplicate).toBe(false);
  });
});

describe('a merge', () => {
  it.each([
    [0, 1],
    [1, 0],
  ])('of %d with %d starts at the larger end and continues the lower partition', async (one, other) => {
    const stream = await created(2);
    await put(stream, 0, 'a');
    await put(stream, 1, 'x', 'y', 'z');
    const merged = accepted(await merge(one, other));
    expect(picture(merged)).toEqual(['0:0 0-1', '1:1 0-3', `2:0 (1)3- <${one}+${other}`]);
    expect(merged.openShards[0]?.hashRange).toEqual({ start: 0n, end: HASH_KEY_MAX });
    await put(stream, 2, 'both');
    // Offsets 1 and 2 of partition 0 were never written: who asks for them goes on behind them.
    expect(await Promise.all([0n, 1n, 2n, 3n].map((from) => readPartition(merged, 0, from)))).toEqual([
      ['a', 'both'], ['both'], ['both'], ['both'],
    ]); // prettier-ignore
    expect(await readPartition(merged, 1, 1n)).toEqual(['y', 'z']);
    expect(merged.partitions.map(({ appendTo }) => appendTo.number)).toEqual([2, 2]);
  });

  it('leaves its upper partition to the next split, where offsets go on growing', async () => {
    const stream = await created(2);
    await put(stream, 0, 'a');
    await put(stream, 1, 'x', 'y', 'z');
    accepted(await merge(0, 1));
    // The parent ends at 3, where the dormant partition ended too: no gap.
    const again = accepted(await split(2));
    expect(picture(again).slice(2)).toEqual(['2:0 (1)3-3 <0+1', '3:0 3- <2', '4:1 3- <2']);
    await put(stream, 4, 'w');
    expect(await readPartition(again, 1, 0n)).toEqual(['x', 'y', 'z', 'w']);
    // A dormant partition that ended behind the parent's end: the child starts there.
    accepted(await merge(3, 4));
    await put(stream, 5, 'm');
    accepted(await split(5));
    const last = accepted(await split(6, MIDDLE / 2n));
    expect(picture(last).slice(5)).toEqual([
      '5:0 (3)4-5 <3+4', '6:0 5-5 <5', '7:1 (4)5- <5', '8:0 5- <6', '9:2 5- <6',
    ]); // prettier-ignore
  });

  it('leaves its upper partition to a split of its own shard', async () => {
    const stream = await created(4);
    await put(stream, 1, 'a', 'b', 'c', 'd');
    await put(stream, 3, 'x');
    accepted(await merge(0, 1));
    accepted(await merge(2, 3));
    const next = accepted(await splitShard(catalog, 's', 5, middleOf(catalog.peek('s')?.shard(5) as never)));
    expect(picture(next).slice(4)).toEqual(['4:0 (0)4- <0+1', '5:2 (0)1-1 <2+3', '6:2 1- <5', '7:3 1- <5']);
    expect(next.partitions.map(({ appendTo }) => appendTo.number)).toEqual([4, 4, 6, 7]);
  });
});

describe('a reshard is refused', () => {
  const refusalOf = (outcome: Outcome<unknown>) => (outcome.ok ? undefined : outcome.refusal);

  it('in this order', async () => {
    expect(refusalOf(await split(0))).toEqual({ code: 'streamNotFound', stream: 's' });
    const stream = await created(4);
    const shard = (number: number) => shardKey(stream.id, number);
    expect(refusalOf(await split(4))).toEqual({ code: 'shardNotFound', shard: shard(4) });
    expect(refusalOf(await merge(0, 4))).toEqual({ code: 'shardNotFound', shard: shard(4) });
    expect(refusalOf(await merge(0, 2))).toEqual({
      code: 'shardsNotAdjacent',
      shard: shard(0),
      adjacentShard: shard(2),
    });
    expect(refusalOf(await merge(1, 1))).toMatchObject({ code: 'shardsNotAdjacent' });
    accepted(await merge(1, 2));
    expect(refusalOf(await split(1))).toEqual({ code: 'shardClosed', shard: shard(1) });
    expect(refusalOf(await merge(0, 1))).toEqual({ code: 'shardClosed', shard: shard(1) });
    accepted(await catalog.update('s', (document) => ({ ...document, status: 'UPDATING' })));
    const busy = { code: 'streamBusy', stream: 's', status: 'UPDATING' };
    expect(refusalOf(await split(99))).toEqual(busy);
    expect(refusalOf(await merge(0, 3))).toEqual(busy);
    expect(refusalOf(await updateShardCount(catalog, 's', 2))).toEqual(busy);
  });

  it('when the stream has as many shards as it can keep', async () => {
    await created(SHARDS_KEPT_MAX - 1);
    const tooMany = (shards: number) => ({ code: 'tooManyShards', stream: 's', shards, shardsMax: SHARDS_KEPT_MAX });
    expect(refusalOf(await split(0, 9n))).toEqual(tooMany(SHARDS_KEPT_MAX + 1));
    expect(refusalOf(await updateShardCount(catalog, 's', SHARDS_KEPT_MAX - 3))).toMatchObject({
      code: 'tooManyShards',
    });
    accepted(await merge(0, 1));
    expect(refusalOf(await merge(2, 3))).toEqual(tooMany(SHARDS_KEPT_MAX + 1));
    // The document of such a stream can be written.
    expect(catalog.peek('s')?.shards.length).toBe(SHARDS_KEPT_MAX);
  });

  it('for all but one of those that come at once', async () => {
    await created(2);
    const outcomes = await Promise.all([split(0, 9n), merge(0, 1), split(1, HASH_KEY_MAX - 9n), split(0, 99n)]);
    const codes = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.refusal.code));
    expect(codes.filter((code) => code === 'ok').length).toBeGreaterThanOrEqual(1);
    expect(codes.filter((code) => !['ok', 'streamBusy', 'shardClosed'].includes(code))).toEqual([]);
    expect(catalog.peek('s')?.document.status).toBe('ACTIVE');
  });
});

/** A store whose process ends at the `crashAt`-th step that changes something: just before or just behind it. */
function crashing(inner: Store, crashAt: number, behind: boolean) {
  let steps = 0;
  let crashed = false;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (crashed) throw new StoreUnavailable('the process has ended');
    if (++steps < crashAt) return work();
    if (behind) await work();
    crashed = true;
    throw new StoreUnavailable('the process ends');
  };
  const crashStore: Store = {
    ...inner,
    engine: inner.engine,
    tokenBuckets: inner.tokenBuckets,
    health: () => inner.health(),
    close: () => inner.close(),
    leases: {
      acquire: (...of) => step(() => inner.leases.acquire(...of)),
      release: (...of) => step(() => inner.leases.release(...of)),
      list: (prefix) => inner.leases.list(prefix),
    },
    documents: {
      get: (key) => inner.documents.get(key),
      list: (...of) => inner.documents.list(...of),
      watch: (...of) => inner.documents.watch(...of),
      write: (writes) => step(() => inner.documents.write(writes)),
    },
    log: {
      openShard: (...of) => step(() => inner.log.openShard(...of)),
      seal: (shard) => step(() => inner.log.seal(shard)),
      append: (request) => inner.log.append(request),
      endTransaction: (request) => inner.log.endTransaction(request),
      producers: (shard) => inner.log.producers(shard),
      read: (...of) => inner.log.read(...of),
      bounds: (shard) => inner.log.bounds(shard),
      leaderEpochs: (shard) => inner.log.leaderEpochs(shard),
      offsetForTime: (...of) => inner.log.offsetForTime(...of),
      maxRecordTimestamp: (shard) => inner.log.maxRecordTimestamp(shard),
      trim: (...of) => inner.log.trim(...of),
      compact: (request) => inner.log.compact(request),
      deleteShards: (shards) => inner.log.deleteShards(shards),
      awaitAppend: (...of) => inner.log.awaitAppend(...of),
    },
  };
  return { store: crashStore, crashed: () => crashed, steps: () => steps };
}

describe('a reshard whose process ends', () => {
  const operations = {
    split: (on: StreamCatalog) => splitShard(on, 's', 0, MIDDLE / 2n),
    merge: (on: StreamCatalog) => mergeShards(on, 's', 1, 0),
    'change of the shard count': async (on: StreamCatalog) => {
      const outcome = await updateShardCount(on, 's', 3);
      await on.finishReshard('s');
      return outcome;
    },
  };

  it.each(Object.keys(operations) as (keyof typeof operations)[])(
    'ends the same, wherever that is: %s',
    async (operation) => {
      const ends: unknown[] = [];
      for (let crashAt = 1; ; crashAt++) {
        let reached = false;
        for (const behind of [false, true]) {
          const stream = await created(2);
          await put(stream, 0, 'a');
          await put(stream, 1, 'x', 'y');
          const crash = crashing(store, crashAt, behind);
          const dying = await StreamCatalog.open(crash.store, () => nowMs);
          await operations[operation](dying).catch((error: unknown) => {
            if (!(error instanceof StoreUnavailable)) throw error;
          });
          await dying.close();
          reached ||= crash.crashed();
          // The next process finds what is left, as soon as it starts.
          await close();
          await open();
          const found = await catalog.waitFor('s', (now) => now?.isResharding === false, { timeoutMs: 5_000 });
          // When nothing was decided, nothing was done.
          const done =
            found?.shards.length === 2
              ? (await operations[operation](catalog), (await catalog.refresh('s')) as Stream)
              : (found as Stream);
          const logs = await Promise.all(done.shards.map(({ key }) => store.log.bounds(key)));
          ends.push({
            document: { ...done.document, id: '' },
            logs: logs.map((bounds) => bounds.ok && [bounds.value.logStartOffset, bounds.value.logEndOffset, bounds.value.sealed]), // prettier-ignore
            values: await Promise.all(done.shards.map(({ key, startOffset }) => readValues(store.log, key, startOffset))), // prettier-ignore
          });
          accepted(await catalog.delete('s'));
        }
        if (!reached) break;
      }
      // Decide, take the lease, seal, open, decide, give it up: at least these were each the last.
      expect(ends.length).toBeGreaterThan(2 * 5);
      for (const end of ends) expect(end).toEqual(ends[0]);
    },
  );

  it('is completed by another process that waits for it, also one that only writes', async () => {
    const stream = await created(2);
    const [first] = stream.openShards as [Shard];
    // Decided, and the parent sealed: then the process is gone, and its lease is free.
    accepted(
      await catalog.update('s', (document) => ({
        ...document,
        status: 'UPDATING',
        resharding: { kind: 'split', shard: 0, newStartingHashKey: '77', firstChild: 2 },
      })),
    );
    accepted(await store.log.seal(first.key));
    const fresh = await catalog.whenResharded(stream, first, { timeoutMs: 10_000 });
    expect(fresh?.openShards.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(fresh?.document.status).toBe('ACTIVE');
  });

  it('is left alone while another process has the lease', async () => {
    await created(2);
    accepted(
      await catalog.update('s', (document) => ({
        ...document,
        status: 'UPDATING',
        resharding: { kind: 'merge', shard: 0, adjacentShard: 1, firstChild: 2 },
      })),
    );
    const name = `reshard/${catalog.peek('s')?.id}`;
    await store.leases.acquire(name, 'somebody else', 60_000);
    expect((await completeReshard(store, catalog, 's'))?.isResharding).toBe(true);
    await store.leases.release(name, 'somebody else');
    expect(picture((await completeReshard(store, catalog, 's')) as Stream)).toEqual([
      '0:0 0-0', '1:1 0-0', '2:0 0- <0+1',
    ]); // prettier-ignore
  });

  it('leaves nothing behind when the stream is deleted meanwhile', async () => {
    const stream = await created();
    const keys = [0, 1, 2].map((number) => shardKey(stream.id, number));
    accepted(
      await catalog.update('s', (document) => ({
        ...document,
        status: 'UPDATING',
        resharding: { kind: 'split', shard: 0, newStartingHashKey: '77', firstChild: 1 },
      })),
    );
    // The children are there already; nobody else knows.
    for (const key of keys.slice(1)) await store.log.openShard(key, { startOffset: 0n });
    accepted(await catalog.delete('s'));
    expect(await completeReshard(store, catalog, 's')).toBeUndefined();
    expect((await Promise.all(keys.map((key) => store.log.bounds(key)))).map(({ ok }) => ok)).toEqual([
      false, false, false,
    ]); // prettier-ignore
  });
});

describe('waiting for a reshard', () => {
  it('ends at once when the stream is known to be resharded, is gone, or is another of its name', async () => {
    const stream = await created();
    const [shard] = stream.openShards as [Shard];
    const wait = { timeoutMs: 60_000 };
    const after = accepted(await split(0));
    expect(await catalog.whenResharded(stream, shard, wait)).toBe(after);
    accepted(await catalog.delete('s'));
    expect(await catalog.whenResharded(stream, shard, wait)).toBeUndefined();
    await created();
    expect(await catalog.whenResharded(stream, shard, wait)).toBeUndefined();
  });

  it('ends when the time is over or the signal fires, with the stream as it is', async () => {
    const stream = await created();
    const [shard] = stream.openShards as [Shard];
    expect(await catalog.whenResharded(stream, shard, { timeoutMs: 20 })).toBe(stream);
    const abort = new AbortController();
    const waiting = catalog.whenResharded(stream, shard, { timeoutMs: 60_000, signal: abort.signal });
    setTimeout(() => abort.abort(), 10);
    expect(await waiting).toBe(stream);
  });

  it('ends for all writers when the split is done', async () => {
    const stream = await created();
    const [shard] = stream.openShards as [Shard];
    const waiting = Array.from({ length: 100 }, () => catalog.whenResharded(stream, shard, { timeoutMs: 10_000 }));
    const done = accepted(await split(0));
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([done]));
  });
});

describe('a change of the shard count', () => {
  it.each([
    [4, 5, 15],
    [10, 13, 37],
    [2, 4, 6],
    [4, 2, 6],
  ])('from %d to %d leaves %d shards in all', async (from, to, expected) => {
    const stream = await created(from);
    for (const { number } of stream.openShards) await put(stream, number, `of ${number}`);
    const begun = accepted(await updateShardCount(catalog, 's', to));
    expect([begun.document.status, begun.openShards.length]).toEqual(['UPDATING', from]);
    const done = (await catalog.waitFor('s', (now) => now?.isResharding === false, { timeoutMs: 20_000 })) as Stream;
    expect([done.document.status, done.openShards.length, done.shards.length]).toEqual(['ACTIVE', to, expected]);
    expect(done.partitions.length).toBe(Math.max(from, to));
    expect(done.document.scaling).toBeUndefined();
    const starts = done.openShards.map(({ hashRange }) => hashRange.start).sort((a, b) => (a < b ? -1 : 1));
    expect(starts).toEqual([
      0n,
      ...evenBoundaries(
        stream.openShards.map(({ hashRange }) => hashRange),
        to,
      ),
    ]);
    const read = await Promise.all(
      done.partitions.map(({ index, chain }) => readPartition(done, index, (chain[0] as Shard).startOffset)),
    );
    expect(read.flat().sort()).toEqual(stream.openShards.map(({ number }) => `of ${number}`).sort());
  });

  it('routes every key to an open shard all the way', async () => {
    await created(4);
    const seen: Stream[] = [];
    catalog.onChange(() => seen.push(catalog.peek('s') as Stream));
    accepted(await updateShardCount(catalog, 's', 7));
    await catalog.waitFor('s', (now) => now?.isResharding === false, { timeoutMs: 20_000 });
    expect(seen.length).toBeGreaterThan(10);
    for (const stream of seen) {
      const ranges = stream.openShards.map(({ hashRange }) => hashRange).sort((a, b) => (a.start < b.start ? -1 : 1));
      expect([ranges[0]?.start, ranges.at(-1)?.end]).toEqual([0n, HASH_KEY_MAX]);
      for (let i = 1; i < ranges.length; i++) expect(ranges[i]?.start).toBe((ranges[i - 1]?.end as bigint) + 1n);
      const key = `key ${stream.version}`;
      const { hashRange } = stream.router.forPartitionKey(key);
      expect(hashRange.start <= hashKeyOf(key) && hashKeyOf(key) <= hashRange.end).toBe(true);
    }
  });

  it('to the number that is there already is done at once', async () => {
    const stream = await created(3);
    accepted(await updateShardCount(catalog, 's', 3));
    const done = await catalog.waitFor('s', (now) => now?.isResharding === false, { timeoutMs: 5_000 });
    expect(done?.document).toEqual(stream.document);
  });
});

describe('closed shards, when the time is over for which records are kept', () => {
  const DAY_MS = 24 * 60 * 60 * 1000;
  const sweep = () => dropExpiredShards(store, catalog, [catalog.peek('s') as Stream], nowMs);
  const isThere = async (key: ShardKey) => (await store.log.bounds(key)).ok;

  it('disappear with their logs once they are empty, not before', async () => {
    const stream = await created();
    await put(stream, 0, 'a', 'b');
    const { closedAtMs } = accepted(await split(0)).shard(0) as Stream['shards'][0];
    nowMs = (closedAtMs as number) + DAY_MS;
    // It is old enough, but not empty.
    expect(await sweep()).toBe(0);
    accepted(await store.log.trim(shardKey(stream.id, 0), 2n));
    // It is empty, but not old enough.
    nowMs -= 1;
    expect(await sweep()).toBe(0);
    nowMs += 1;
    expect(await sweep()).toBe(1);
    const after = catalog.peek('s') as Stream;
    expect(picture(after)).toEqual(['1:0 2- <0', '2:1 2- <0']);
    expect(await isThere(shardKey(stream.id, 0))).toBe(false);
    expect(await store.documents.list('garbage/')).toEqual([]);
    // Numbers do not come back.
    expect(picture(accepted(await split(2, MIDDLE + 9n))).map((text) => text.split(':')[0])).toEqual([
      '1', '2', '3', '4',
    ]); // prettier-ignore
  });

  it('keep the place of a dormant partition, out of sight, until it goes on', async () => {
    const stream = await created(2);
    await put(stream, 0, 'a');
    await put(stream, 1, 'x', 'y');
    accepted(await merge(0, 1));
    nowMs += 2 * DAY_MS;
    await trimExpired(store, [catalog.peek('s') as Stream], Date.now() + 2 * DAY_MS);
    expect(await sweep()).toBe(2);
    const after = catalog.peek('s') as Stream;
    expect(picture(after)).toEqual(['1:1 0-2 expired', '2:0 (1)2- <0+1']);
    expect([after.shards.map(({ number }) => number), after.shard(1)]).toEqual([[2], undefined]);
    expect(after.partitions.map(({ appendTo }) => appendTo.number)).toEqual([2, 2]);
    expect(await store.log.bounds(shardKey(stream.id, 1))).toMatchObject({
      value: { logStartOffset: 2n, logEndOffset: 2n },
    });
    // Who had read partition 0 up to the merge goes on behind it, although that link is gone.
    await put(stream, 2, 'b');
    expect(await readPartition(after, 0, 1n)).toEqual(['b']);
    expect(await sweep()).toBe(0);

    const again = accepted(await split(2));
    expect(picture(again).slice(2)).toEqual(['3:0 3- <2', '4:1 (2)3- <2']);
    await put(stream, 4, 'z');
    expect(await readPartition(again, 1, 2n)).toEqual(['z']);
    nowMs += 2 * DAY_MS;
    accepted(await store.log.trim(shardKey(stream.id, 2), 3n));
    expect(await sweep()).toBe(1);
    expect(picture(catalog.peek('s') as Stream)).toEqual(['3:0 3- <2', '4:1 (2)3- <2']);
    expect(await isThere(shardKey(stream.id, 1))).toBe(false);
  });

  it('stay for ever in a stream that keeps records for ever', async () => {
    await created();
    accepted(await split(0));
    accepted(await catalog.update('s', (document) => ({ ...document, configs: { 'retention.ms': '-1' } })));
    nowMs += 1000 * DAY_MS;
    expect(await sweep()).toBe(0);
  });

  it('go with the stream, also those out of sight', async () => {
    const stream = await created(2);
    accepted(await merge(0, 1));
    nowMs += 2 * DAY_MS;
    expect(await sweep()).toBe(2);
    accepted(await catalog.delete('s'));
    await eventually(async () => expect(await isThere(shardKey(stream.id, 1))).toBe(false));
  });
});
