import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { uniqueName } from '@tailrace/testkit';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';

const { ConfigResourceTypes, Kafka: KafkaClient, logLevel } = kafkajs;

let under: DoorUnderTest;
let kafka: Kafka;
let admin: Admin;

beforeAll(async () => {
  under = await openDoorUnderTest({ nodeId: 3 });
  kafka = new KafkaClient({ brokers: [`127.0.0.1:${under.address.port}`], logLevel: logLevel.NOTHING });
  admin = kafka.admin();
  await admin.connect();
});
afterAll(async () => {
  await admin.disconnect();
  await under.close();
});

async function newTopic(numPartitions = 2, configEntries: { name: string; value: string }[] = []): Promise<string> {
  const topic = uniqueName('admin');
  expect(await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })).toBe(true);
  return topic;
}

async function send(topic: string, partition: number, ...values: string[]): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  const messages = values.map((value, index) => ({ value, partition, timestamp: String(1_000 * (index + 1)) }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

describe("kafkajs' admin", () => {
  it('describes the cluster and its topics', async () => {
    const topic = await newTopic(3);
    expect(await admin.describeCluster()).toEqual({
      brokers: [{ nodeId: 3, host: '127.0.0.1', port: under.address.port }],
      controller: 3,
      clusterId: expect.stringMatching(/^[\w-]{22}$/),
    });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics).toEqual([
      {
        name: topic,
        partitions: [0, 1, 2].map((partitionId) => ({
          partitionErrorCode: 0,
          partitionId,
          leader: 3,
          replicas: [3],
          isr: [3],
          offlineReplicas: [],
        })),
      },
    ]);
    expect(await admin.listTopics()).toContain(topic);
  });

  it('says that a topic is there already, and waits for none that is not made', async () => {
    const topic = await newTopic();
    expect(await admin.createTopics({ topics: [{ topic }] })).toBe(false);
    const made = uniqueName('only-looked');
    expect(await admin.createTopics({ topics: [{ topic: made }], validateOnly: true, waitForLeaders: false })).toBe(
      true,
    );
    expect(under.catalog.peek(made)).toBeUndefined();
  });

  it('adds partitions, and writes to them', async () => {
    const topic = await newTopic(2);
    await send(topic, 1, 'before');
    await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([0, 1, 2, 3, 4]);
    await send(topic, 4, 'new');
    await send(topic, 1, 'after');
    // A partition begins where the shard ended that it was split from.
    const counts = (await admin.fetchTopicOffsets(topic)).map(({ partition, high, low }) => [partition, Number(high) - Number(low)]); // prettier-ignore
    expect(counts.sort()).toEqual([[0, 0], [1, 2], [2, 0], [3, 0], [4, 1]]); // prettier-ignore
  });

  it('describes and alters settings', async () => {
    const topic = await newTopic(1, [{ name: 'retention.ms', value: '60000' }]);
    const described = async (...configNames: string[]) => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames }];
      const { resources: answers } = await admin.describeConfigs({ resources, includeSynonyms: true });
      return answers[0]?.configEntries.map(({ configName, configValue, isDefault, configSource }) => [
        configName,
        configValue,
        isDefault,
        configSource,
      ]);
    };
    expect(await described('retention.ms', 'cleanup.policy')).toEqual([
      ['cleanup.policy', 'delete', true, 5],
      ['retention.ms', '60000', false, 1],
    ]);
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] });
    // AlterConfigs replaces them all.
    expect(await described('retention.ms', 'cleanup.policy')).toEqual([
      ['cleanup.policy', 'compact', false, 1],
      ['retention.ms', '604800000', true, 5],
    ]);
    const wrong = [{ name: 'no.such.setting', value: '1' }];
    const altering = admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: wrong }] });
    await expect(altering).rejects.toThrow(/Unknown topic config name|Configuration is invalid/);
    const { resources } = await admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.BROKER, name: '3' }], includeSynonyms: false });
    const byName = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
    expect(byName.get('num.partitions')).toBe('4');
  }); // prettier-ignore

  it('deletes records, and finds offsets by time', async () => {
    const topic = await newTopic(1);
    await send(topic, 0, 'a', 'b', 'c');
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, 2_000)).toEqual([{ partition: 0, offset: '1' }]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    expect(await admin.fetchTopicOffsets(topic)).toEqual([{ partition: 0, offset: '3', high: '3', low: '2' }]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] });
    expect(await admin.fetchTopicOffsets(topic)).toEqual([{ partition: 0, offset: '3', high: '3', low: '3' }]);
  });

  it('deletes topics', async () => {
    const topic = await newTopic();
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
    const impatient = kafka.admin({ retry: { retries: 0 } });
    await impatient.connect();
    await expect(impatient.deleteTopics({ topics: [topic] })).rejects.toThrow('This server does not host this topic-partition'); // prettier-ignore
    await impatient.disconnect();
  });
});
