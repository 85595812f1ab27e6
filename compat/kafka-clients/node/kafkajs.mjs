// kafkajs
import kafkajs from 'kafkajs';
import { COUNT, main, record, same, until, verify } from './recipe.mjs';

const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;
const client = (bootstrap) => new Kafka({ clientId: 'kafkajs', brokers: [bootstrap], logLevel: logLevel.ERROR });

async function produce(bootstrap, topic) {
  const producer = client(bootstrap).producer();
  await producer.connect();
  for (let first = 0; first < COUNT; first += 100) {
    const messages = Array.from({ length: 100 }, (_, i) => record(first + i));
    await producer.send({
      topic,
      messages,
      acks: -1,
      compression: first < 500 ? CompressionTypes.GZIP : CompressionTypes.None,
    });
  }
  await producer.disconnect();
}

async function read(kafka, topic, groupId, members, wanted, patienceMs) {
  const records = [];
  // What is read again after another member came is told apart by its place.
  const seen = new Set();
  const shares = new Map();
  const consumers = Array.from({ length: members }, () => kafka.consumer({ groupId, maxWaitTimeInMs: 200 }));
  for (const [index, consumer] of consumers.entries()) {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
      shares.set(index, payload.memberAssignment[topic]?.length ?? 0),
    );
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        const place = `${partition}/${message.offset}`;
        if (seen.has(place)) return;
        seen.add(place);
        records.push(message);
      },
    });
  }
  const shared = () => consumers.every((_, index) => shares.get(index) === 4 / members);
  await until('records', () => records.length >= wanted && shared(), patienceMs);
  // What is resolved is committed on the way out.
  for (const consumer of consumers) await consumer.disconnect();
  return records;
}

async function group(bootstrap, topic, groupId) {
  const kafka = client(bootstrap);
  verify(await read(kafka, topic, groupId, 2, COUNT, 60_000));
  const admin = kafka.admin();
  await admin.connect();
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] });
  same(
    'committed',
    partitions.reduce((sum, { offset }) => sum + Number(offset), 0),
    COUNT,
  );
  await admin.disconnect();
}

async function administer(bootstrap, topic, groupId) {
  const admin = client(bootstrap).admin();
  await admin.connect();
  const configEntries = [{ name: 'retention.ms', value: '3600000' }];
  same(
    'created',
    await admin.createTopics({ topics: [{ topic, numPartitions: 2, configEntries }], waitForLeaders: true }),
    true,
  );
  same('listed', (await admin.listTopics()).includes(topic), true);
  const retention = async () => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }],
    });
    return resources[0].configEntries.map(({ configName, configValue }) => [configName, configValue]);
  };
  same('configs', await retention(), [['retention.ms', '3600000']]);
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'retention.ms', value: '7200000' }] },
    ],
  });
  same('configs', await retention(), [['retention.ms', '7200000']]);
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
  same('partitions', (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 3);
  const producer = client(bootstrap).producer();
  await producer.connect();
  await producer.send({ topic, messages: Array.from({ length: 10 }, (_, i) => ({ ...record(i), partition: 0 })) });
  await producer.disconnect();
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
  const ends = (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === 0);
  same('offsets', [ends.low, ends.high], ['4', '10']);
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '7' }] });
  same(
    'groups',
    (await admin.listGroups()).groups.some((one) => one.groupId === groupId),
    true,
  );
  same('group', (await admin.describeGroups([groupId])).groups[0].state, 'Empty');
  await admin.deleteGroups([groupId]);
  same('cluster', (await admin.describeCluster()).brokers.length, 1);
  await admin.deleteTopics({ topics: [topic] });
  await until('the topic gone', async () => !(await admin.listTopics()).includes(topic));
  await admin.disconnect();
}

async function transactions(bootstrap, topic, groupId) {
  const kafka = client(bootstrap);
  const producer = kafka.producer({ transactionalId: `txn-${topic}`, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (const [first, commit] of [
    [0, true],
    [10, false],
    [20, true],
  ]) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: Array.from({ length: 10 }, (_, i) => record(first + i)) });
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset: String(first + 1) }] }],
    });
    await (commit ? transaction.commit() : transaction.abort());
  }
  await producer.disconnect();
  const admin = kafka.admin();
  await admin.connect();
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] });
  same('committed', partitions.find(({ partition }) => partition === 0).offset, '21');
  await admin.disconnect();
  const wanted = [
    ...Array(10).keys(),
    ...Array(10)
      .keys()
      .map((i) => 20 + i),
  ];
  verify(await read(kafka, topic, `${groupId}-reader`, 1, wanted.length, 30_000), { wanted });
}

await main({ produce, group, admin: administer, transactions });
