import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeClusterApi,
  describeConfigsApi,
  describeLogDirsApi,
  errorName,
  incrementalAlterConfigsApi,
  metadataApi,
  produceApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { StreamCatalog } from '@tailrace/shard-core';
import { eventually, uniqueName } from '@tailrace/testkit';
import { type Address, createKafkaDoor, type KafkaDoor } from '../src/index.ts';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';
import { batchOf } from '../src/testing/records.ts';
import { WireClient } from '../src/testing/wire-client.ts';

/** Two doors on one store, as two processes over one Redis are. */
let first: DoorUnderTest;
let second: { door: KafkaDoor; address: Address; catalog: StreamCatalog };
let a: WireClient;
let b: WireClient;

beforeAll(async () => {
  first = await openDoorUnderTest({ rack: 'zone-a' });
  const catalog = await StreamCatalog.open(first.store);
  const door = createKafkaDoor({ store: first.store, catalog }, { rack: 'zone-b' });
  second = { door, catalog, address: await door.listen({ host: '127.0.0.1', port: 0 }) };
  a = await first.connect();
  b = await WireClient.connect(second.address);
  const brokers = async () => (await a.request(metadataApi, 9, { topics: [] })).brokers.length;
  await eventually(async () => (await brokers()) === 2);
});
afterAll(async () => {
  a.close();
  b.close();
  await second.door.close(1_000);
  await second.catalog.close();
  await first.close();
});

async function newTopic(numPartitions: number): Promise<string> {
  const name = uniqueName('shared');
  const topics = [{ name, numPartitions, replicationFactor: 2, assignments: [], configs: [] }];
  const answer = await a.request(createTopicsApi, 7, { topics, timeoutMs: 1_000, validateOnly: false });
  expect(answer.topics[0]?.errorCode).toBe(0);
  return name;
}

async function partitionCount(client: WireClient, name: string): Promise<number | undefined> {
  const { topics } = await client.request(metadataApi, 9, { topics: [{ name }], allowAutoTopicCreation: false });
  return topics[0]?.partitions.length;
}

async function produce(client: WireClient, name: string, index = 0) {
  const topicData = [{ name, partitionData: [{ index, records: batchOf(['x']) }] }];
  const { responses } = await client.request(produceApi, 9, { acks: -1, timeoutMs: 1_000, topicData });
  return responses[0]?.partitionResponses[0];
}

describe('topics on two bridges', () => {
  it('grow, change and go at the other one, too', async () => {
    const name = await newTopic(2);
    expect(await partitionCount(b, name)).toBe(2);

    const grow = { topics: [{ name, count: 5, assignments: null }], timeoutMs: 5_000, validateOnly: false };
    expect((await a.request(createPartitionsApi, 3, grow)).results[0]?.errorCode).toBe(0);
    await eventually(async () => (await partitionCount(b, name)) === 5);
    expect(errorName((await produce(b, name, 4))?.errorCode ?? NaN)).toBe('NONE');

    const configs = [{ name: 'message.timestamp.type', configOperation: 0, value: 'LogAppendTime' }];
    const resources = [{ resourceType: 2, resourceName: name, configs }];
    await a.request(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    await eventually(async () => ((await produce(b, name))?.logAppendTimeMs ?? -1n) > 0n);

    await b.request(deleteTopicsApi, 6, { topics: [{ name, topicId: ZERO_UUID }], timeoutMs: 1_000 });
    await eventually(async () => (await partitionCount(a, name)) === 0);
  });

  it('are measured once: each partition at the bridge that leads it', async () => {
    const name = await newTopic(16);
    const measured = async (client: WireClient) => {
      const { results } = await client.request(describeLogDirsApi, 4, { topics: null });
      const topic = results[0]?.topics.find((one) => one.name === name);
      return topic?.partitions.map(({ partitionIndex }) => partitionIndex) ?? [];
    };
    await eventually(async () => (await partitionCount(b, name)) === 16);
    const [atA, atB] = [await measured(a), await measured(b)];
    expect([...atA, ...atB].sort((x, y) => x - y)).toEqual(Array.from({ length: 16 }, (_, index) => index));
    expect([atA.length > 0, atB.length > 0]).toEqual([true, true]);
    const { topics } = await b.request(metadataApi, 9, { topics: [{ name }] });
    const ledBySecond = topics[0]?.partitions.filter(({ leaderId }) => leaderId === 2).map((one) => one.partitionIndex);
    expect(ledBySecond).toEqual(atB);
  });

  it('are led by bridges that tell their racks and one controller', async () => {
    for (const client of [a, b]) {
      const { brokers, controllerId } = await client.request(describeClusterApi, 0, { includeClusterAuthorizedOperations: false }); // prettier-ignore
      expect([brokers.map(({ rack }) => rack), controllerId]).toEqual([['zone-a', 'zone-b'], 1]);
    }
  });

  it('have brokers of which each one answers for itself', async () => {
    const ask = async (client: WireClient, resourceName: string) => {
      const resources = [{ resourceType: 4, resourceName, configurationKeys: ['broker.rack'] }];
      const { results } = await client.request(describeConfigsApi, 4, { resources });
      return results.map(({ errorCode, configs }) => [errorName(errorCode), configs[0]?.value])[0];
    };
    expect(await ask(b, '2')).toEqual(['NONE', 'zone-b']);
    expect(await ask(b, '1')).toEqual(['INVALID_REQUEST', undefined]);
  });

  it('keep settings of brokers where all can see them', async () => {
    const configs = [{ name: 'num.io.threads', configOperation: 0, value: '9' }];
    const resources = [{ resourceType: 4, resourceName: '', configs }];
    await a.request(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    const asked = [{ resourceType: 4, resourceName: '2', configurationKeys: ['num.io.threads'] }];
    const { results } = await b.request(describeConfigsApi, 4, { resources: asked, includeSynonyms: true });
    expect(results[0]?.configs.map(({ value, configSource, synonyms }) => [value, configSource, synonyms])).toEqual([
      ['9', 3, [{ name: 'num.io.threads', value: '9', source: 3 }, { name: 'num.io.threads', value: '8', source: 5 }]],
    ]); // prettier-ignore
  });
});
