import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorName, metadataApi, produceApi, shareFetchApi } from '@tailrace/kafka-protocol';
import { type Store, type Stream, StreamCatalog } from '@tailrace/shard-core';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { eventually, type RedisServer, startRedis, uniqueName } from '@tailrace/testkit';
import { BROKER_LEASE_TTL_MS } from '../src/brokers/broker-registry.ts';
import { type Address, createKafkaDoor, type KafkaDoor } from '../src/index.ts';
import { batchOf } from '../src/testing/records.ts';
import { ShareClient } from '../src/testing/share-client.ts';
import { WireClient } from '../src/testing/wire-client.ts';
import { StoredConfigs } from '../src/topics/configs/stored-configs.ts';
import { createTopic } from '../src/topics/topic-creation.ts';

/** A bridge as a process of its own would be: everything but Redis belongs to it alone. */
interface OneBridge {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly door: KafkaDoor;
  readonly address: Address;
  readonly client: WireClient;
  close(): Promise<void>;
}

let redis: RedisServer;
let first: OneBridge;
let second: OneBridge;

async function openBridge(): Promise<OneBridge> {
  const store = await openRedisStore({ url: redis.url });
  const catalog = await StreamCatalog.open(store);
  const door = createKafkaDoor({ store, catalog });
  const address = await door.listen({ host: '127.0.0.1', port: 0 });
  const client = await WireClient.connect(address);
  let closed = false;
  return {
    store,
    catalog,
    door,
    address,
    client,
    async close() {
      if (closed) return;
      closed = true;
      client.close();
      await door.close(1_000);
      await catalog.close();
      await store.close();
    },
  };
}

beforeAll(async () => {
  redis = await startRedis();
  first = await openBridge();
  second = await openBridge();
  await seeEachOther();
}, 60_000);
afterAll(async () => {
  await second.close();
  await first.close();
  await redis.stop();
});

async function seeEachOther(): Promise<void> {
  const count = async () => (await first.client.request(metadataApi, 9, { topics: [] })).brokers.length;
  await eventually(async () => (await count()) === 2, { timeoutMs: BROKER_LEASE_TTL_MS + 5_000 });
}

const ACCEPT = [1];

async function newTopic(): Promise<Stream> {
  const created = await createTopic(first.catalog, { name: uniqueName('shared'), partitionCount: 1, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  await eventually(() => second.catalog.peek(created.value.name) !== undefined);
  return created.value;
}

async function newGroup(): Promise<string> {
  const groupId = uniqueName('sharers');
  const configs = new StoredConfigs(first.store.documents);
  await configs.change('group', groupId, () => ({ 'share.auto.offset.reset': 'earliest' }));
  return groupId;
}

/** Which node leads the partition, and its address, as a bridge that does not lead it says. */
async function leaderOf(stream: Stream): Promise<OneBridge> {
  for (const bridge of [first, second]) {
    const topics = [{ topicId: stream.id, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }];
    const answer = await bridge.client.request(shareFetchApi, 2, { groupId: uniqueName('probe'), memberId: 'probe', shareSessionEpoch: 0, maxWaitMs: 0, minBytes: 1, maxRecords: 1, batchSize: 1, topics, forgottenTopicsData: [] }); // prettier-ignore
    const [partition] = answer.responses[0]?.partitions ?? [];
    if (partition === undefined || partition.errorCode === 0) continue;
    expect(errorName(partition.errorCode)).toBe('NOT_LEADER_OR_FOLLOWER');
    const leader = answer.nodeEndpoints.find(({ nodeId }) => nodeId === partition.currentLeader.leaderId);
    const found = [first, second].find(({ address }) => address.port === leader?.port);
    expect(found).not.toBe(bridge);
    return found as OneBridge;
  }
  throw new Error('both bridges lead the partition');
}

/** A topic whose partition this bridge leads. */
async function topicLedBy(bridge: OneBridge): Promise<Stream> {
  for (;;) {
    const stream = await newTopic();
    if ((await leaderOf(stream)) === bridge) return stream;
  }
}

async function produce(stream: Stream, values: readonly string[]): Promise<void> {
  const topicData = [{ name: stream.name, partitionData: [{ index: 0, records: batchOf(values) }] }];
  const answer = await first.client.request(produceApi, 9, { acks: -1, timeoutMs: 1_000, topicData });
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

describe('a share group on two bridges over Redis', () => {
  it('goes on at the other bridge when the leader of its partition goes: nothing accepted comes again, nothing is lost', async () => {
    const stream = await topicLedBy(second);
    const groupId = await newGroup();
    await produce(stream, ['0', '1', '2', '3', '4', '5']);
    const before = new ShareClient(second.client, groupId, 'm1', stream.id);
    expect(await before.fetch([0])).toMatchObject({ acquired: ['0-5 x1'] });
    const types = [1, 2, 1, 1, 2, 1];
    expect(await before.acknowledge([{ first: 0, last: 5, types }])).toEqual([0]);
    expect(await before.fetch([], { maxRecords: 1, strict: true })).toMatchObject({ acquired: ['1-1 x2'] });
    const refused = await new ShareClient(first.client, groupId, 'm2', stream.id).fetch([0]);
    expect(refused.partitionErrors).toEqual([6]);

    await second.close();
    const after = new ShareClient(first.client, groupId, 'm2', stream.id);
    const values = new Set<string>();
    const taken = async () => {
      const { records, partitionErrors } = await after.fetch([0], { epoch: after.sessionEpoch });
      for (const { value, deliveryCount } of records) if (deliveryCount > 1) values.add(value);
      expect([partitionErrors.filter((code) => code !== 0), [...values].sort()]).toEqual([[], ['1', '4']]);
    };
    await eventually(taken, { timeoutMs: BROKER_LEASE_TTL_MS + 5_000 });
    expect(await after.acknowledge([{ first: 1, last: 1, types: ACCEPT }, { first: 4, last: 4, types: ACCEPT }])).toEqual([0]); // prettier-ignore
    expect(await after.fetch()).toMatchObject({ acquired: [] });
    second = await openBridge();
    await seeEachOther();
  }, 60_000);

  it('lets no bridge write what another one has taken over', async () => {
    const stream = await topicLedBy(first);
    const groupId = await newGroup();
    await produce(stream, ['0', '1']);
    const member = new ShareClient(first.client, groupId, 'm1', stream.id);
    expect(await member.fetch([0], { maxRecords: 1, strict: true })).toMatchObject({ acquired: ['0-0 x1'] });
    // As a bridge does that takes the partition over while this one does not know of it yet.
    const key = `share-group/${groupId}/${stream.id}/0`;
    const { documents } = second.store;
    const { value = '', version = 0 } = (await documents.get(key)) ?? {};
    const taken = JSON.stringify({ ...(JSON.parse(value) as object), epoch: 2 });
    expect(await documents.write([{ key, value: taken, expected: version }])).toMatchObject({ ok: true });
    expect(await member.acknowledge([{ first: 0, last: 0, types: ACCEPT }])).toEqual([6]);
    expect((await documents.get(key))?.value).toBe(taken);
    // It is loaded again, if this bridge leads the partition after all.
    expect(await member.fetch()).toMatchObject({ acquired: ['0-1 x1'] });
  });
});
