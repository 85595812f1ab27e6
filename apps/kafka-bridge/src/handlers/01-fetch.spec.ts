import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  decodeBatch,
  deleteRecordsApi,
  type Draft,
  errorName,
  fetchApi,
  type FetchResponse,
  type fetchRequest,
  produceApi,
  readBatchHeader,
  type RequestHeader,
} from '@tailrace/kafka-protocol';
import { mergeShards, type ShardDocument, shardKey, type Stream } from '@tailrace/shard-core';
import { eventually, uniqueName } from '@tailrace/testkit';
import type { Bridge } from '../bridge.ts';
import { Exchange, type Peer } from '../connection/exchange.ts';
import { FetchSessionCache } from '../fetch/fetch-session-cache.ts';
import { UnsentAnswers } from '../fetch/unsent-answers.ts';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';
import { fetch } from './01-fetch.ts';

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest();
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function newTopic(partitionCount = 1): Promise<Stream> {
  const created = await createTopic(under.catalog, { name: uniqueName('fetch'), partitionCount, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

async function append(name: string, index: number, records: Buffer): Promise<void> {
  const sent = { acks: -1, timeoutMs: 1_000, topicData: [{ name, partitionData: [{ index, records }] }] };
  const { responses } = await client.request(produceApi, 9, sent);
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

type Wanted = {
  readonly partition?: number;
  readonly fetchOffset?: bigint;
  readonly partitionMaxBytes?: number;
  readonly currentLeaderEpoch?: number;
};

function request(
  topic: Pick<Stream, 'name' | 'id'>,
  partitions: readonly Wanted[],
  more: Partial<Draft<typeof fetchRequest>> = {},
  version = 12,
): Draft<typeof fetchRequest> {
  const filled = partitions.map((one) => ({ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1 << 20, ...one }));
  const topics = [{ ...(version >= 13 ? { topicId: topic.id } : { topic: topic.name }), partitions: filled }];
  return { maxWaitMs: 0, minBytes: 1, topics, ...more };
}

function values(records: Buffer | null | undefined): string[] {
  const found: string[] = [];
  for (let at = 0; records && at < records.length;) {
    const header = readBatchHeader(records, at);
    for (const { offsetDelta, value } of decodeBatch(records, at, header, { uncompressedBytesMax: 1 << 20 })) {
      found.push(`${header.baseOffset + BigInt(offsetDelta)}=${value?.toString()}`);
    }
    at += header.sizeBytes;
  }
  return found;
}

/** `partition: values` of every partition in the answer, errors by name. */
function view({ responses }: Pick<FetchResponse, 'responses'>): string[] {
  return responses.flatMap(({ partitions }) =>
    partitions.map(
      ({ partitionIndex, errorCode, records }) =>
        `${partitionIndex}: ${errorCode ? errorName(errorCode) : values(records as Buffer).join(' ')}`,
    ),
  );
}

describe('Fetch', () => {
  it.each(Array.from({ length: 15 }, (_, i) => 4 + i))(
    'gives the batches as they are in version %i',
    async (version) => {
      const topic = await newTopic();
      await append(topic.name, 0, batchOf(['a', 'b']));
      await append(topic.name, 0, batchOf(['c'], { compression: 'gzip' }));
      const answer = await client.request(fetchApi, version, request(topic, [{}], {}, version));
      const partition = answer.responses[0]?.partitions[0];
      expect(values(partition?.records)).toEqual(['0=a', '1=b', '2=c']);
      expect({ ...partition, records: undefined }).toMatchObject({
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 3n,
        lastStableOffset: 3n,
        logStartOffset: version >= 5 ? 0n : -1n,
        abortedTransactions: null,
        preferredReadReplica: -1,
      });
      expect([answer.errorCode, answer.sessionId, answer.throttleTimeMs]).toEqual([0, 0, 0]);
    },
  );

  it('gives the whole batch that holds the offset, and an empty list of aborted transactions to read_committed', async () => {
    const topic = await newTopic();
    await append(topic.name, 0, batchOf(['a', 'b', 'c']));
    const answer = await client.request(fetchApi, 12, request(topic, [{ fetchOffset: 1n }], { isolationLevel: 1 }));
    expect([view(answer), answer.responses[0]?.partitions[0]?.abortedTransactions]).toEqual([['0: 0=a 1=b 2=c'], []]);
  });

  it.each<[string, Wanted, string]>([
    ['below the start', { fetchOffset: -1n }, 'OFFSET_OUT_OF_RANGE'],
    ['at the end', { fetchOffset: 1n }, ''],
    ['past the end', { fetchOffset: 2n }, 'OFFSET_OUT_OF_RANGE'],
    ['of a partition that is not there', { partition: 1 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['under a leader epoch to come', { currentLeaderEpoch: 1 }, 'UNKNOWN_LEADER_EPOCH'],
    [
      'beyond the end, under a leader epoch to come',
      { currentLeaderEpoch: 1, fetchOffset: 5n },
      'UNKNOWN_LEADER_EPOCH',
    ],
  ])('answers to an offset %s', async (_, wanted, expected) => {
    const topic = await newTopic();
    await append(topic.name, 0, batchOf(['a']));
    const answer = await client.request(fetchApi, 12, request(topic, [wanted]));
    expect(view(answer)).toEqual([`${wanted.partition ?? 0}: ${expected}`]);
  });

  it('does not know topics that are not there, by name or id, and goes on with the others', async () => {
    const unknown = { name: 'no-such-topic', id: 'BBBBBBBBBBBBBBBBBBBBBA' };
    expect(view(await client.request(fetchApi, 12, request(unknown, [{}], { maxWaitMs: 5_000 })))).toEqual([
      '0: UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    expect(view(await client.request(fetchApi, 13, request(unknown, [{}], { maxWaitMs: 5_000 }, 13)))).toEqual([
      '0: UNKNOWN_TOPIC_ID',
    ]);
  });

  it('returns the first batch whole, and stops before the one that does not fit', async () => {
    const topic = await newTopic(3);
    for (const index of [0, 1, 2]) {
      await append(topic.name, index, batchOf(['x'.repeat(1_000)]));
      await append(topic.name, index, batchOf(['y']));
    }
    const all = [{ partition: 0 }, { partition: 1 }, { partition: 2 }];
    const sizes = async (more: Partial<Draft<typeof fetchRequest>>) =>
      (await client.request(fetchApi, 12, request(topic, all, more))).responses[0]?.partitions.map(({ records, highWatermark }) => [
        values(records).length, highWatermark,
      ]); // prettier-ignore
    expect(await sizes({ maxBytes: 10 })).toEqual([
      [1, 2n],
      [0, 2n],
      [0, 2n],
    ]);
    expect(await sizes({ maxBytes: 1_200 })).toEqual([
      [2, 2n],
      [0, 2n],
      [0, 2n],
    ]);
    expect(await sizes({ maxBytes: 2_400 })).toEqual([
      [2, 2n],
      [2, 2n],
      [0, 2n],
    ]);
    const small = all.map((one) => ({ ...one, partitionMaxBytes: 100 }));
    const answer = await client.request(fetchApi, 12, request(topic, small));
    expect(answer.responses[0]?.partitions.map(({ records }) => values(records).length)).toEqual([1, 1, 1]);
  });
});

describe('a Fetch that waits', () => {
  it('is answered by the append, long before its time is over', async () => {
    const topic = await newTopic(2);
    const reader = await under.connect();
    const started = performance.now();
    const waiting = reader.request(
      fetchApi,
      12,
      request(topic, [{ partition: 0 }, { partition: 1 }], { maxWaitMs: 8_000 }),
    );
    await append(topic.name, 1, batchOf(['a']));
    expect(view(await waiting)).toEqual(['0: ', '1: 0=a']);
    expect(performance.now() - started).toBeLessThan(4_000);
    reader.close();
  });

  it('is answered empty when the time is over', async () => {
    const topic = await newTopic();
    const started = performance.now();
    expect(view(await client.request(fetchApi, 12, request(topic, [{}], { maxWaitMs: 150 })))).toEqual(['0: ']);
    expect(performance.now() - started).toBeGreaterThan(140);
  });

  it('collects until there are as many bytes as it wants', async () => {
    const topic = await newTopic();
    const reader = await under.connect();
    const one = batchOf(['a']);
    const waiting = reader.request(fetchApi, 12, request(topic, [{}], { maxWaitMs: 8_000, minBytes: one.length * 3 }));
    for (const value of ['a', 'b', 'c']) await append(topic.name, 0, batchOf([value]));
    expect(view(await waiting)).toEqual(['0: 0=a 1=b 2=c']);
    reader.close();
  });

  it('counts what it has read among the unsent answers from then on, also while it waits for more', async () => {
    const topic = await newTopic();
    await append(topic.name, 0, batchOf(['x'.repeat(1_000)]));
    const unsentAnswers = new UnsentAnswers();
    const stop = new AbortController();
    const { store, catalog } = under;
    const bridge = {
      store,
      catalog,
      unsentAnswers,
      fetchSessions: new FetchSessionCache(),
      leaderEpochs: { observe: () => undefined },
      options: { fetchBytesMax: 1 << 20 },
    } as unknown as Bridge;
    const header = { apiVersion: 12 } as RequestHeader;
    const exchange = new Exchange(header, { signal: stop.signal } as Peer, {
      bytes: Buffer.alloc(0),
      pooled: undefined,
    });
    const wanted = request(topic, [{ currentLeaderEpoch: -1 }], {
      minBytes: 1 << 20,
      maxBytes: 1 << 20,
      maxWaitMs: 20_000,
    });
    const full = { isolationLevel: 0, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], ...wanted };
    const answering = fetch.run(full, exchange, bridge);
    await eventually(() => expect(unsentAnswers.bytes).toBeGreaterThan(1_000));
    // The client goes away.
    stop.abort();
    await answering;
    exchange.sent();
    expect(unsentAnswers.bytes).toBe(0);
  });

  it('is answered when its topic goes away', async () => {
    const topic = await newTopic();
    const reader = await under.connect();
    const waiting = reader.request(fetchApi, 12, request(topic, [{}], { maxWaitMs: 8_000 }));
    await under.catalog.delete(topic.name);
    expect(view(await waiting)).toEqual(['0: UNKNOWN_TOPIC_OR_PARTITION']);
    reader.close();
  });
});

describe('a Fetch session', () => {
  it('remembers what is read, and tells only what is new', async () => {
    const topic = await newTopic(3);
    await append(topic.name, 1, batchOf(['a']));
    const opened = await client.request(
      fetchApi,
      12,
      request(topic, [{ partition: 0 }, { partition: 1 }, { partition: 2 }], { sessionEpoch: 0 }),
    );
    expect([opened.sessionId > 0, view(opened)]).toEqual([true, ['0: ', '1: 0=a', '2: ']]);
    const next = (
      sessionEpoch: number,
      partitions: readonly Wanted[] = [],
      more: Partial<Draft<typeof fetchRequest>> = {},
    ) =>
      client.request(fetchApi, 12, {
        ...request(topic, partitions, { sessionId: opened.sessionId, sessionEpoch, ...more }),
        ...(partitions.length === 0 && { topics: [] }),
      });
    expect(view(await next(1, [{ partition: 1, fetchOffset: 1n }]))).toEqual([]);
    await append(topic.name, 2, batchOf(['b']));
    await append(topic.name, 0, batchOf(['c']));
    expect(view(await next(2))).toEqual(['0: 0=c', '2: 0=b']);
    const forgotten = [{ topic: topic.name, partitions: [2] }];
    expect(view(await next(3, [{ partition: 0, fetchOffset: 1n }], { forgottenTopicsData: forgotten }))).toEqual([]);
    await append(topic.name, 0, batchOf(['d']));
    await append(topic.name, 1, batchOf(['e']));
    // What was served last comes last.
    expect(view(await next(4))).toEqual(['1: 1=e', '0: 1=d']);
    const repeated = await next(4);
    expect([errorName(repeated.errorCode), repeated.responses]).toEqual(['INVALID_FETCH_SESSION_EPOCH', []]);
    expect(view(await next(-1, [{ partition: 0, fetchOffset: 1n }]))).toEqual(['0: 1=d']);
    expect(errorName((await next(5)).errorCode)).toBe('FETCH_SESSION_ID_NOT_FOUND');
  });

  it('tells when the log begins later', async () => {
    const topic = await newTopic();
    for (const value of ['a', 'b']) await append(topic.name, 0, batchOf([value]));
    const opened = request(topic, [{ fetchOffset: 2n }], { sessionEpoch: 0 });
    const { sessionId } = await client.request(fetchApi, 12, opened);
    const next = (sessionEpoch: number) =>
      client.request(fetchApi, 12, { ...request(topic, [], { sessionId, sessionEpoch }), topics: [] });
    expect(view(await next(1))).toEqual([]);
    const partitions = [{ partitionIndex: 0, offset: 1n }];
    await client.request(deleteRecordsApi, 2, { topics: [{ name: topic.name, partitions }], timeoutMs: 1_000 });
    const told = await next(2);
    expect([view(told), told.responses[0]?.partitions[0]?.logStartOffset]).toEqual([['0: '], 1n]);
    expect(view(await next(3))).toEqual([]);
  });

  it('does not change between names and ids', async () => {
    const topic = await newTopic();
    const { sessionId } = await client.request(fetchApi, 12, request(topic, [{}], { sessionEpoch: 0 }));
    const answer = await client.request(fetchApi, 13, request(topic, [{}], { sessionId, sessionEpoch: 1 }, 13));
    expect(errorName(answer.errorCode)).toBe('FETCH_SESSION_TOPIC_ID_ERROR');
  });

  it('tells of errors each time, and of the partition when they are over', async () => {
    const topic = await newTopic();
    const { sessionId } = await client.request(
      fetchApi,
      12,
      request(topic, [{ fetchOffset: 5n }], { sessionEpoch: 0 }),
    );
    const next = (sessionEpoch: number, partitions: readonly Wanted[]) =>
      client.request(fetchApi, 12, request(topic, partitions, { sessionId, sessionEpoch }));
    expect(view(await next(1, []))).toEqual(['0: OFFSET_OUT_OF_RANGE']);
    expect(view(await next(2, [{ fetchOffset: 0n }]))).toEqual(['0: ']);
    expect(view(await next(3, []))).toEqual([]);
  });
});

/** Closes the only shard of a topic and lets its partition go on in a second one. */
async function goOnInSecondShard(topic: Stream, endOffset: bigint, startOffset: bigint): Promise<void> {
  const [parent] = topic.shards;
  if (parent === undefined) throw new Error('no shard');
  await under.store.log.openShard(shardKey(topic.id, 1), { startOffset });
  expect(await under.store.log.seal(parent.key)).toEqual({ ok: true, value: { endOffset } });
  await under.catalog.update(topic.name, (document) => {
    const [closed] = document.shards as [ShardDocument];
    const shards = [
      { ...closed, endOffset: String(endOffset), closedAtMs: 1 },
      { ...closed, number: 1, parent: 0, startOffset: String(startOffset), openedAtMs: 1 },
    ];
    return { ...document, shards };
  });
}

describe('Fetch across a reshard', () => {
  it('goes on in the shard that continues the partition', async () => {
    const topic = await newTopic();
    await append(topic.name, 0, batchOf(['a', 'b']));
    await goOnInSecondShard(topic, 2n, 2n);
    await append(topic.name, 0, batchOf(['c']));
    const answer = await client.request(fetchApi, 12, request(topic, [{}]));
    expect([view(answer), answer.responses[0]?.partitions[0]?.highWatermark]).toEqual([['0: 0=a 1=b'], 3n]);
    const behind = await client.request(fetchApi, 12, request(topic, [{ fetchOffset: 2n }]));
    expect([view(behind), behind.responses[0]?.partitions[0]?.logStartOffset]).toEqual([['0: 2=c'], 0n]);
  });

  it('passes over the offsets that a merge has left out', async () => {
    const topic = await newTopic();
    await append(topic.name, 0, batchOf(['a', 'b']));
    await goOnInSecondShard(topic, 2n, 7n);
    await append(topic.name, 0, batchOf(['c']));
    expect(view(await client.request(fetchApi, 12, request(topic, [{ fetchOffset: 2n }])))).toEqual(['0: 7=c']);
  });

  it('is woken while it waits at the end of the shard that is closed', async () => {
    const topic = await newTopic();
    await append(topic.name, 0, batchOf(['a']));
    const reader = await under.connect();
    const waiting = reader.request(fetchApi, 12, request(topic, [{ fetchOffset: 1n }], { maxWaitMs: 2_000 }));
    await goOnInSecondShard(topic, 1n, 1n);
    await append(topic.name, 0, batchOf(['b']));
    const first = await waiting;
    // It may have looked between closing and going on; then the next poll finds it.
    const found =
      view(first)[0] === '0: ' ? await reader.request(fetchApi, 12, request(topic, [{ fetchOffset: 1n }])) : first;
    expect(view(found)).toEqual(['0: 1=b']);
    reader.close();
  });
});

describe('Fetch across a merge', () => {
  async function merged(): Promise<Stream> {
    const topic = await newTopic(2);
    await append(topic.name, 0, batchOf(['a']));
    await append(topic.name, 1, batchOf(['x', 'y', 'z']));
    const outcome = await mergeShards(under.catalog, topic.name, 0, 1);
    if (!outcome.ok) throw new Error(outcome.refusal.code);
    return outcome.value;
  }

  it('goes on behind the offsets that were never written, from the end of the one shard to the start of the next', async () => {
    const topic = await merged();
    await append(topic.name, 0, batchOf(['b']));
    // Partition 1 is dormant: what is sent to it lands where its range went.
    await append(topic.name, 1, batchOf(['c']));
    for (const fetchOffset of [1n, 2n, 3n]) {
      const answer = await client.request(fetchApi, 12, request(topic, [{ fetchOffset }]));
      expect([view(answer), answer.responses[0]?.partitions[0]?.highWatermark]).toEqual([['0: 3=b 4=c'], 5n]);
    }
    const begin = await client.request(fetchApi, 12, request(topic, [{}, { partition: 1, fetchOffset: 1n }]));
    expect(view(begin)).toEqual(['0: 0=a', '1: 0=x 1=y 2=z']);
  });

  it('waits at the end of a dormant partition, instead of answering at once', async () => {
    const topic = await merged();
    const began = performance.now();
    const answer = await client.request(
      fetchApi,
      12,
      request(topic, [{ partition: 1, fetchOffset: 3n }], { maxWaitMs: 300 }),
    );
    expect(performance.now() - began).toBeGreaterThan(250);
    expect([view(answer), answer.responses[0]?.partitions[0]?.highWatermark]).toEqual([['1: '], 3n]);
    // Beside one that lives, it holds nobody up.
    const waiting = client.request(
      fetchApi,
      12,
      request(topic, [{ fetchOffset: 3n }, { partition: 1, fetchOffset: 3n }], { maxWaitMs: 10_000 }),
    );
    const other = await under.connect();
    const sent = { acks: -1, timeoutMs: 1_000, topicData: [{ name: topic.name, partitionData: [{ index: 0, records: batchOf(['b']) }] }] }; // prettier-ignore
    await other.request(produceApi, 9, sent);
    other.close();
    expect(view(await waiting)).toEqual(['0: 3=b', '1: ']);
  });
});
