import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  errorName,
  fetchApi,
  listOffsetsApi,
  metadataApi,
  offsetForLeaderEpochApi,
  produceApi,
} from '@tailrace/kafka-protocol';
import { type LeaderEpochStart, type ShardKey, splitShard, type Store, type Stream } from '@tailrace/shard-core';
import { uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';

/** The epoch of the store, and those that shards remember: what an engine has whose primary changes. */
let current = 0;
const remembered = new Map<ShardKey, readonly (readonly [leaderEpoch: number, startOffset: bigint])[]>();

function failedOver(store: Store): Store {
  const { log } = store;
  const [bounds, read, leaderEpochs] = [log.bounds.bind(log), log.read.bind(log), log.leaderEpochs.bind(log)];
  log.bounds = async (shard) => {
    const outcome = await bounds(shard);
    return outcome.ok ? { ok: true, value: { ...outcome.value, leaderEpoch: current } } : outcome;
  };
  log.read = async (...of) => {
    const outcome = await read(...of);
    if (!outcome.ok) return outcome;
    const slice = outcome.value;
    const release = () => slice.release();
    return { ok: true, value: { ...slice, bounds: { ...slice.bounds, leaderEpoch: current }, release } };
  };
  log.leaderEpochs = async (shard) => {
    const outcome = await leaderEpochs(shard);
    if (!outcome.ok) return outcome;
    const starts = remembered.get(shard);
    const value = starts?.map(([leaderEpoch, startOffset]): LeaderEpochStart => ({ leaderEpoch, startOffset }));
    return { ok: true, value: value ?? outcome.value };
  };
  return store;
}

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest({ wrapStore: failedOver });
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

/** One record, of so many ms after 1970. */
async function append(name: string, timestampMs: number): Promise<void> {
  const records = batchOf([String(timestampMs)], { timestampMs });
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.request(produceApi, 9, { acks: -1, timeoutMs: 5_000, topicData });
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

/** A topic of one partition with so many records, the n-th of them of n ms after 1970. */
async function newTopic(recordCount: number): Promise<Stream> {
  const created = await createTopic(under.catalog, { name: uniqueName('topic'), partitionCount: 1, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  const { name } = created.value;
  for (let at = 0; at < recordCount; at++) {
    await append(name, at);
  }
  return created.value;
}

/** Epochs 0, 3 and 7 in a log of eight records, and 9 in which nothing has been written yet. */
async function longLivedTopic(): Promise<Stream> {
  const topic = await newTopic(8);
  remembered.set(shardOf(topic), [
    [0, 0n],
    [3, 2n],
    [7, 5n],
  ]);
  current = 9;
  return topic;
}

function shardOf({ partitions }: Stream): ShardKey {
  return (partitions[0] as Stream['partitions'][number]).appendTo.key;
}

async function endOf({ name }: Stream, leaderEpoch: number, currentLeaderEpoch = -1) {
  const { topics } = await client.request(offsetForLeaderEpochApi, 4, {
    topics: [{ topic: name, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }],
  });
  const [answer] = topics[0]?.partitions ?? [];
  return [errorName(answer?.errorCode ?? NaN), answer?.leaderEpoch, answer?.endOffset];
}

async function fetchAt(topic: Stream, fetchOffset: bigint, lastFetchedEpoch: number, more = {}, version = 12) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1, lastFetchedEpoch, ...more }];
  const { responses } = await client.request(fetchApi, version, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ ...(version >= 13 ? { topicId: topic.id } : { topic: topic.name }), partitions }],
  });
  const [answer] = responses[0]?.partitions ?? [];
  if (answer === undefined) throw new Error('no answer');
  return {
    error: errorName(answer.errorCode),
    baseOffset: answer.records?.length ? answer.records.readBigInt64BE(0) : undefined,
    diverging: [answer.divergingEpoch?.epoch, answer.divergingEpoch?.endOffset],
    highWatermark: answer.highWatermark,
  };
}

describe('after failovers of the store', () => {
  it.each<[number, number, bigint]>([
    [0, 0, 2n],
    [1, 0, 2n],
    [2, 0, 2n],
    [3, 3, 5n],
    [6, 3, 5n],
    [7, 7, 8n],
    [8, 7, 8n],
    [9, 9, 8n],
    [10, -1, -1n],
  ])('OffsetForLeaderEpoch tells that epoch %i ended as %i at %i', async (asked, leaderEpoch, endOffset) => {
    const topic = await longLivedTopic();
    expect(await endOf(topic, asked)).toEqual(['NONE', leaderEpoch, endOffset]);
  });

  it('OffsetForLeaderEpoch tells of an epoch whose records are gone that it ended where the log begins', async () => {
    const topic = await newTopic(8);
    remembered.set(shardOf(topic), [
      [3, 4n],
      [7, 5n],
    ]);
    current = 7;
    expect(await endOf(topic, 0)).toEqual(['NONE', 0, 4n]);
    expect(await endOf(topic, 3)).toEqual(['NONE', 3, 5n]);
  });

  it('OffsetForLeaderEpoch tells of an epoch that nobody has noted that it ended with the log', async () => {
    const topic = await newTopic(2);
    remembered.set(shardOf(topic), []);
    current = 5;
    expect(await endOf(topic, 4)).toEqual(['NONE', 4, 2n]);
  });

  it('OffsetForLeaderEpoch goes over all shards that a partition has been', async () => {
    const topic = await newTopic(4);
    await splitShard(under.catalog, topic.name, 0, 1n << 127n);
    for (let at = 4; at < 8; at++) await append(topic.name, at);
    const fresh = await under.catalog.find(topic.name);
    const [parent, child] = fresh?.partitions[0]?.chain.map(({ key }) => key) as [ShardKey, ShardKey];
    remembered.set(parent, [
      [0, 0n],
      [3, 2n],
    ]);
    remembered.set(child, [
      [3, 4n],
      [7, 6n],
    ]);
    current = 7;
    expect([await endOf(topic, 0), await endOf(topic, 3), await endOf(topic, 5), await endOf(topic, 7)]).toEqual([
      ['NONE', 0, 2n],
      ['NONE', 3, 6n],
      ['NONE', 3, 6n],
      ['NONE', 7, 8n],
    ]);
  });

  it.each<[string, bigint, number, bigint]>([
    ['the beginning', -2n, 0, 0n],
    ['the end', -1n, 9, 8n],
    ['the newest record', -3n, 7, 7n],
    ['a time', 3n, 3, 3n],
    ['another time', 1n, 0, 1n],
  ])('ListOffsets tells the epoch of %s', async (_, timestamp, leaderEpoch, offset) => {
    const { name } = await longLivedTopic();
    const { topics } = await client.request(listOffsetsApi, 8, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    expect(topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, leaderEpoch, offset });
  });

  it.each([12, 18])(
    'Fetch in version %i answers where the logs part to whoever has read what is not there',
    async (version) => {
      const topic = await longLivedTopic();
      const none = [-1, -1n];
      const here = { error: 'NONE', diverging: none, highWatermark: 8n };
      expect(await fetchAt(topic, 2n, 0, {}, version)).toEqual({ ...here, baseOffset: 2n });
      expect(await fetchAt(topic, 4n, 3, {}, version)).toEqual({ ...here, baseOffset: 4n });
      expect(await fetchAt(topic, 4n, -1, {}, version)).toEqual({ ...here, baseOffset: 4n });
      const elsewhere = { error: 'NONE', baseOffset: undefined, highWatermark: 8n };
      // Read further under epoch 0 than that goes here.
      expect(await fetchAt(topic, 3n, 0, {}, version)).toEqual({ ...elsewhere, diverging: [0, 2n] });
      // Even beyond the end.
      expect(await fetchAt(topic, 11n, 7, {}, version)).toEqual({ ...elsewhere, diverging: [7, 8n] });
      // Of an epoch in which nothing was written here.
      expect(await fetchAt(topic, 4n, 5, {}, version)).toEqual({ ...elsewhere, diverging: [3, 5n] });
      expect(await fetchAt(topic, 8n, 8, {}, version)).toEqual({ ...elsewhere, diverging: [7, 8n] });
      expect(await fetchAt(topic, 8n, 10, {}, version)).toMatchObject({ error: 'OFFSET_OUT_OF_RANGE' });
      expect(await fetchAt(topic, 3n, 0, { currentLeaderEpoch: 7 }, version)).toMatchObject({
        error: 'FENCED_LEADER_EPOCH',
        diverging: none,
      });
    },
  );

  it('Fetch answers a part of the logs at once, in a session each time, and also where other partitions fill the answer', async () => {
    const [topic, other] = [await longLivedTopic(), await longLivedTopic()];
    const partition = { partition: 0, partitionMaxBytes: 1 << 20 };
    const astray = { topic: topic.name, partitions: [{ ...partition, fetchOffset: 3n, lastFetchedEpoch: 0 }] };
    const wait = { maxWaitMs: 10_000, minBytes: 1 << 20 };
    const began = performance.now();
    const opened = await client.request(fetchApi, 12, { ...wait, sessionEpoch: 0, topics: [astray] });
    const { sessionId } = opened;
    const again = await client.request(fetchApi, 12, { ...wait, sessionId, sessionEpoch: 1, topics: [] });
    const filled = await client.request(fetchApi, 12, {
      ...wait,
      maxBytes: 1,
      topics: [{ topic: other.name, partitions: [{ ...partition, fetchOffset: 0n }] }, astray],
    });
    expect(performance.now() - began).toBeLessThan(5_000);
    for (const { responses } of [opened, again, filled]) {
      const answer = responses.find((one) => one.topic === topic.name)?.partitions[0];
      expect(answer?.divergingEpoch).toEqual({ epoch: 0, endOffset: 2n });
    }
  });

  it.each<[string, bigint]>([
    ['within the log', 3n],
    ['beyond its end', 11n],
  ])('a reader %s that goes by an older epoch is told so, and by Metadata of the one that there is', async (_, at) => {
    const topic = await longLivedTopic();
    expect(await fetchAt(topic, at, -1, { currentLeaderEpoch: 7 })).toMatchObject({ error: 'FENCED_LEADER_EPOCH' });
    const { topics } = await client.request(metadataApi, 9, { topics: [{ name: topic.name }] });
    expect(topics[0]?.partitions[0]?.leaderEpoch).toBe(9);
  });
});
