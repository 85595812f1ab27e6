import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchSizeAt, readBatchHeader } from '@tailrace/kafka-protocol';
import { type RedisServer, seededRandom, startRedis } from '@tailrace/testkit';
import { isAborted } from '../contract/aborted-transactions.ts';
import { type Outcome, StoreUnavailable } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from '../redis/index.ts';
import { accepted, append, appendRequest, makeBatch, type ReadRecord, readAll, recordsOf } from '../testing/index.ts';
import { beginReshard, mergeShards, splitShard } from './reshard.ts';
import { planSplit } from './reshard-plan.ts';
import { offsetInShard, type Partition, type Shard, shardForOffset, type Stream } from './stream.ts';
import { StreamCatalog } from './stream-catalog.ts';
import { updateShardCount } from './update-shard-count.ts';

const RESHARD_MS = 5_000;
const WRITERS = 12;
const OPEN_SHARDS_MAX = 12;
const WAIT = { timeoutMs: 20_000 };

interface Process {
  readonly store: Store;
  readonly catalog: StreamCatalog;
}

let redis: RedisServer;
const processes: Process[] = [];

beforeAll(async () => {
  redis = await startRedis();
  for (let i = 0; i < 2; i++) {
    const store = await openRedisStore({ url: redis.url });
    processes.push({ store, catalog: await StreamCatalog.open(store) });
  }
});

afterAll(async () => {
  for (const { store, catalog } of processes) {
    await catalog.close();
    await store.close();
  }
  await redis.stop();
});

/** Chooses the shard as one of the doors does: by partition key, or by partition. */
type Route = (stream: Stream) => Shard;

/** Appends one value after the other, each when the last one was acknowledged; answers how many were. */
async function write({ store, catalog }: Process, id: string, route: Route, signal: AbortSignal): Promise<number> {
  let stream = catalog.peek('soak') as Stream;
  let acknowledged = 0;
  while (!signal.aborted) {
    const shard = route(stream);
    const outcome = await append(store.log, shard.key, [`${id}:${acknowledged}`]);
    if (outcome.ok) acknowledged++;
    else if (outcome.refusal.code !== 'shardSealed') throw new Error(`${id} was refused: ${outcome.refusal.code}`);
    else stream = (await catalog.whenResharded(stream, shard, WAIT)) as Stream;
  }
  return acknowledged;
}

interface Producing {
  readonly id: string;
  readonly producerId: bigint;
  readonly partition: number;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Does something with the shard that takes a partition's appends, wherever that is by then. */
async function follow<T>(
  { catalog }: Process,
  partition: number,
  work: (shard: Shard) => Promise<Outcome<T>>,
): Promise<T> {
  for (;;) {
    const stream = catalog.peek('soak') as Stream;
    const { appendTo } = stream.partitions[partition] as Partition;
    const outcome = await work(appendTo);
    if (outcome.ok) return outcome.value;
    if (outcome.refusal.code !== 'shardSealed') throw new Error(`partition ${partition}: ${outcome.refusal.code}`);
    await catalog.whenResharded(stream, appendTo, WAIT);
  }
}

/** As an idempotent producer of one partition: many an answer is lost, and the batch sent again. */
async function produce(process: Process, { id, producerId, partition, random, signal }: Producing): Promise<number> {
  let sequence = 0;
  for (; !signal.aborted; sequence++) {
    const producer = { id: producerId, epoch: 0, baseSequence: sequence };
    const send = () =>
      follow(process, partition, ({ key }) =>
        process.store.log.append(appendRequest(key, makeBatch([`${id}:${sequence}`], { producer }), { partition })),
      );
    const { baseOffset } = await send();
    if (random() > 0.4) continue;
    await sleep(random() * 10);
    expect(await send()).toMatchObject({ baseOffset, duplicate: true });
  }
  return sequence;
}

/** One transaction after the other; answers what was committed. */
async function transact(process: Process, { id, producerId, partition, random, signal }: Producing): Promise<string[]> {
  const committed: string[] = [];
  for (let sequence = 0; !signal.aborted;) {
    const commit = random() < 0.6;
    const values: string[] = [];
    for (const last = sequence + Math.floor(random() * 4); sequence <= last; sequence++) {
      values.push(`${id}:${sequence}`);
      const options = { producer: { id: producerId, epoch: 0, baseSequence: sequence }, isTransactional: true };
      const batch = makeBatch(values.slice(-1), options);
      await follow(process, partition, ({ key }) => process.store.log.append(appendRequest(key, batch, { partition })));
      await sleep(random() * 5);
    }
    const of = { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit, partition } as const;
    const end = (attempts = 10): Promise<unknown> =>
      follow(process, partition, ({ key: shard }) =>
        process.store.log.endTransaction({ shard, ...of, acks: 'all', minInsyncReplicas: 1, timeoutMs: 5_000 }),
      ).catch((error: unknown) => {
        // Then it is unknown whether all is done, and a coordinator sends it again.
        if (!(error instanceof StoreUnavailable) || attempts === 1) throw error;
        return end(attempts - 1);
      });
    await end();
    if (random() < 0.2) await end();
    if (commit) committed.push(...values);
  }
  return committed;
}

/** What committed readers see of one writer, along a partition. */
async function committedOf(store: Store, { chain }: Partition, id: string): Promise<string[]> {
  const found: string[] = [];
  for (const { key, startOffset } of chain) {
    for (let offset = startOffset; ;) {
      const slice = accepted(await store.log.read(key, offset, { maxBytes: 1 << 20, isolation: 'readCommitted' }));
      if (slice.batchCount === 0) break;
      const values = new Map(recordsOf(slice).map((record) => [record.offset, record.value]));
      for (const chunk of slice.chunks) {
        for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at)) {
          const header = readBatchHeader(chunk, at);
          const value = values.get(header.baseOffset) as string;
          if (!header.isControl && !isAborted(slice, header) && value.startsWith(`${id}:`)) found.push(value);
        }
      }
      offset = slice.nextOffset;
    }
    const { lastStableOffset, logEndOffset } = accepted(await store.log.bounds(key));
    expect([key, lastStableOffset]).toEqual([key, logEndOffset]);
  }
  return found;
}

async function reshardAtRandom({ catalog }: Process, random: () => number, signal: AbortSignal): Promise<number> {
  let done = 0;
  while (!signal.aborted) {
    const stream = catalog.peek('soak') as Stream;
    const open = [...stream.openShards].sort((a, b) => (a.hashRange.start < b.hashRange.start ? -1 : 1));
    const at = Math.floor(random() * open.length);
    const shard = open[at] as Shard;
    const next = open[at + 1];
    const width = shard.hashRange.end - shard.hashRange.start;
    const hashKey = shard.hashRange.start + 2n + (width * BigInt(Math.floor(random() * 1000))) / 1001n;
    const roll = random();
    const outcome =
      roll < 0.05
        ? await updateShardCount(catalog, 'soak', 1 + Math.floor(random() * OPEN_SHARDS_MAX))
        : next !== undefined && (roll < 0.5 || open.length >= OPEN_SHARDS_MAX)
          ? await mergeShards(catalog, 'soak', shard.number, next.number)
          : await splitShard(catalog, 'soak', shard.number, hashKey);
    if (outcome.ok) done++;
    await sleep(random() * 20);
  }
  return done;
}

/** Reads a partition as a Kafka consumer does: it knows nothing but the offset that comes next. */
async function readPartition(store: Store, partition: Partition): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  let offset = (partition.chain[0] as Shard).startOffset;
  for (;;) {
    const shard = shardForOffset(partition, offset);
    const read = await readAll(store.log, shard.key, offsetInShard(shard, offset));
    records.push(...read);
    if (shard === partition.chain.at(-1)) return records;
    offset = shard.endOffset as bigint;
  }
}

const sequenceOf = (value: string): [writer: string, sequence: number] => {
  const [writer, sequence] = value.split(':') as [string, string];
  return [writer, Number(sequence)];
};

/** Per writer, the sequence numbers in the order in which they were read. */
function byWriter(records: readonly ReadRecord[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { value } of records) {
    const [writer, sequence] = sequenceOf(value);
    const sequences = found.get(writer);
    if (sequences === undefined) found.set(writer, [sequence]);
    else sequences.push(sequence);
  }
  return found;
}

describe('two processes that write while shards split and merge', () => {
  it('lose nothing, double nothing, and keep the order of each writer', async () => {
    const [one, other] = processes as [Process, Process];
    accepted(await one.catalog.create({ name: 'soak', shardCount: 3, mode: 'ON_DEMAND', origin: 'kinesis' }));
    await other.catalog.find('soak');
    const writing = new AbortController();
    const resharding = new AbortController();
    const writers = Array.from({ length: WRITERS }, (_, index) => {
      const id = `w${index}`;
      // Every second one as a Kafka producer: to a partition, dormant or not.
      const route: Route =
        index % 2 === 0
          ? (stream) => stream.router.forPartitionKey(id)
          : (stream) => (stream.partitions[index % 3] as Partition).appendTo;
      return write(processes[(index >> 1) % 2] as Process, id, route, writing.signal);
    });
    const seed = 20_261_123;
    const reshards = processes.map((process, index) =>
      reshardAtRandom(process, seededRandom(seed + index), resharding.signal),
    );
    await sleep(RESHARD_MS);
    resharding.abort();
    const reshardCount = (await Promise.all(reshards)).reduce((sum, count) => sum + count, 0);
    // A process that begins a split and is gone: a writer's wait has to end all the same.
    await one.catalog.waitFor('soak', (now) => now?.isResharding === false, WAIT);
    accepted(
      await beginReshard(other.catalog, 'soak', (stream) => {
        const [{ number, hashRange }] = stream.openShards as [Shard];
        return planSplit(stream, number, (hashRange.start + hashRange.end) / 2n);
      }),
    );
    const stream = (await one.catalog.waitFor('soak', (now) => now?.isResharding === false, WAIT)) as Stream;
    writing.abort();
    const acknowledged = await Promise.all(writers);

    expect(stream.document.status).toBe('ACTIVE');
    // On a machine that is busy with other things, each takes long.
    expect(reshardCount).toBeGreaterThan(5);
    const expected = new Map(acknowledged.map((count, index) => [`w${index}`, count]));
    for (const [writer, count] of expected) if (count < 50) throw new Error(`${writer} wrote only ${count}`);
    const whole = (count: number) => Array.from({ length: count }, (_, sequence) => sequence);

    // Along the lineage: parents have smaller numbers than their children.
    const lineage: ReadRecord[] = [];
    for (const shard of stream.shards) {
      const records = await readAll(other.store.log, shard.key, shard.startOffset);
      for (const parent of [shard.parent, shard.adjacentParent]) {
        if (parent === undefined) continue;
        expect(shard.startOffset).toBeGreaterThanOrEqual(stream.shard(parent)?.endOffset as bigint);
      }
      if (shard.endOffset !== undefined) {
        expect((records.at(-1)?.offset ?? shard.startOffset - 1n) + 1n).toBe(shard.endOffset);
      }
      lineage.push(...records);
    }
    const read = byWriter(lineage);
    for (const [writer, count] of expected) expect([writer, read.get(writer)]).toEqual([writer, whole(count)]);
    expect(read.size).toBe(WRITERS);

    // Along the partitions: offsets grow, all of it is there once, each writer's part of a partition in order.
    const found = new Map<string, number[]>();
    for (const partition of stream.partitions) {
      const records = await readPartition(one.store, partition);
      for (let i = 1; i < records.length; i++) {
        if ((records[i] as ReadRecord).offset <= (records[i - 1] as ReadRecord).offset) {
          throw new Error(`partition ${partition.index} goes back at offset ${records[i]?.offset}`);
        }
      }
      for (const [writer, sequences] of byWriter(records)) {
        expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
        found.set(writer, [...(found.get(writer) ?? []), ...sequences]);
      }
    }
    for (const [writer, count] of expected) {
      expect(found.get(writer)?.sort((a, b) => a - b)).toEqual(whole(count));
    }
  }, 60_000);
});

describe('producers of two processes while shards split and merge', () => {
  it('write each batch once, however often it is sent, and all of a transaction or nothing', async () => {
    const [one] = processes as [Process];
    await one.catalog.delete('soak');
    accepted(await one.catalog.create({ name: 'soak', shardCount: 3, mode: 'ON_DEMAND', origin: 'kafka' }));
    for (const { catalog } of processes) await catalog.refresh('soak');
    const writing = new AbortController();
    const resharding = new AbortController();
    const seed = 20_261_124;
    const producing = (kind: string, index: number, producerId: bigint): Producing => ({
      id: `${kind}${index}`,
      producerId,
      partition: index % 3,
      random: seededRandom(seed + index),
      signal: writing.signal,
    });
    // Three partitions each: with the same id and the same sequences in all of them.
    const idempotent = Array.from({ length: 6 }, (_, index) => producing('i', index, BigInt(Math.floor(index / 3))));
    const transactional = Array.from({ length: 6 }, (_, index) => producing('t', index, BigInt(100 + index)));
    const counts = idempotent.map((of, index) => produce(processes[index % 2] as Process, of));
    const commits = transactional.map((of, index) => transact(processes[index % 2] as Process, of));
    const reshards = processes.map((process, index) =>
      reshardAtRandom(process, seededRandom(seed + 100 + index), resharding.signal),
    );
    await sleep(RESHARD_MS);
    resharding.abort();
    const done = (await Promise.all(reshards)).reduce((sum, count) => sum + count, 0);
    expect(done).toBeGreaterThan(5);
    await one.catalog.waitFor('soak', (now) => now?.isResharding === false, WAIT);
    writing.abort();
    const [sent, committed] = [await Promise.all(counts), await Promise.all(commits)];

    const stream = (await one.catalog.refresh('soak')) as Stream;
    const all = await Promise.all(
      stream.shards.map(({ key, startOffset }) => readAll(one.store.log, key, startOffset)),
    );
    const found = byWriter(all.flat().filter(({ value }) => value.startsWith('i')));
    for (const [index, count] of sent.entries()) {
      expect(count).toBeGreaterThan(20);
      const sequences = found.get(`i${index}`)?.sort((a, b) => a - b);
      expect(sequences).toEqual(Array.from({ length: count }, (_, sequence) => sequence));
    }
    for (const [index, values] of committed.entries()) {
      expect(values.length).toBeGreaterThan(5);
      const seen = await Promise.all(
        stream.partitions.map((partition) => committedOf(one.store, partition, `t${index}`)),
      );
      expect(seen.flat().sort()).toEqual([...values].sort());
    }
  }, 60_000);
});

describe('an idempotent producer', () => {
  it('goes on in the child with its next sequence', async () => {
    const [{ store, catalog }] = processes as [Process];
    const made = await catalog.create({ name: 'idempotent', shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka' });
    const [parent] = accepted(made).openShards as [Shard];
    const sent = (shard: Shard, baseSequence: number) =>
      append(store.log, shard.key, ['v'], { producer: { id: 7n, epoch: 0, baseSequence } });
    accepted(await sent(parent, 0));
    accepted(await sent(parent, 1));
    const [child] = accepted(await splitShard(catalog, 'idempotent', 0, 1n << 127n)).openShards as [Shard];
    expect(accepted(await sent(child, 2))).toMatchObject({ baseOffset: 2n, duplicate: false });
    expect(accepted(await sent(child, 2))).toMatchObject({ baseOffset: 2n, duplicate: true });
    expect(await sent(child, 4)).toMatchObject({ refusal: { code: 'outOfOrderSequence' } });
  });
});
