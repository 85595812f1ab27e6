// confluent-kafka-javascript, by its KafkaJS-like interface
import confluent from '@confluentinc/kafka-javascript';
import { COUNT, main, record, same, until, verify } from './recipe.mjs';

const { CompressionTypes, Kafka, logLevel } = confluent.KafkaJS;
const client = (bootstrap) =>
  new Kafka({ kafkaJS: { clientId: 'confluent', brokers: [bootstrap], logLevel: logLevel.ERROR } });

async function produce(bootstrap, topic) {
  const codecs = [CompressionTypes.None, CompressionTypes.GZIP, CompressionTypes.SNAPPY, CompressionTypes.LZ4];
  for (const [index, compression] of codecs.entries()) {
    const producer = client(bootstrap).producer({ kafkaJS: { acks: -1, idempotent: true, compression } });
    await producer.connect();
    await producer.send({ topic, messages: Array.from({ length: 250 }, (_, i) => record(index * 250 + i)) });
    await producer.disconnect();
  }
}

async function read(bootstrap, topic, groupId, members, wanted, more = {}) {
  const records = [];
  const seen = new Set();
  const last = new Map();
  const consumers = Array.from({ length: members }, () =>
    client(bootstrap).consumer({ kafkaJS: { groupId, fromBeginning: true, autoCommit: false }, ...more }),
  );
  for (const consumer of consumers) {
    await consumer.connect();
    await consumer.subscribe({ topic });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        // What is read again after the second member came is told apart by its place.
        const place = `${partition}/${message.offset}`;
        if (seen.has(place)) return;
        seen.add(place);
        last.set(partition, Number(message.offset) + 1);
        records.push({
          ...message,
          headers: Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([name, value]) => [name, [value].flat()[0]]),
          ),
        });
      },
    });
  }
  const shared = () => consumers.every((consumer) => consumer.assignment().length === 4 / members);
  await until('records', () => records.length >= wanted && shared());
  for (const consumer of consumers) {
    const mine = consumer.assignment().filter(({ partition }) => last.has(partition));
    if (mine.length > 0)
      await consumer.commitOffsets(
        mine.map(({ partition }) => ({ topic, partition, offset: String(last.get(partition)) })),
      );
  }
  for (const consumer of consumers) await consumer.disconnect();
  return records;
}

async function committed(bootstrap, topic, groupId) {
  const admin = client(bootstrap).admin();
  await admin.connect();
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return partitions.map(({ offset }) => Number(offset));
}

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

async function group(bootstrap, topic, groupId) {
  verify(await read(bootstrap, topic, groupId, 2, COUNT));
  same('committed', sum(await committed(bootstrap, topic, groupId)), COUNT);
}

async function consumerProtocol(bootstrap, topic, groupId) {
  verify(await read(bootstrap, topic, groupId, 2, COUNT, { 'group.protocol': 'consumer' }));
  same('committed', sum(await committed(bootstrap, topic, groupId)), COUNT);
}

async function administer(bootstrap, topic, groupId) {
  const admin = client(bootstrap).admin();
  await admin.connect();
  const configEntries = [{ name: 'retention.ms', value: '3600000' }];
  same('created', await admin.createTopics({ topics: [{ topic, numPartitions: 2, configEntries }] }), true);
  await until('the topic listed', async () => (await admin.listTopics()).includes(topic));
  const producer = client(bootstrap).producer();
  await producer.connect();
  await producer.send({ topic, messages: Array.from({ length: 10 }, (_, i) => ({ ...record(i), partition: 0 })) });
  await producer.disconnect();
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
  const { low, high } = (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === 0);
  same('offsets', [low, high], ['4', '10']);
  const { topics } = { topics: await admin.fetchTopicMetadata({ topics: [topic] }) };
  same('partitions', (topics.topics ?? topics)[0].partitions.length, 2);
  // It cannot set a group's offsets: a commit makes the group.
  const consumer = client(bootstrap).consumer({ kafkaJS: { groupId, autoCommit: false } });
  await consumer.connect();
  await consumer.commitOffsets([{ topic, partition: 0, offset: '7' }]);
  await consumer.disconnect();
  same(
    'group',
    (await admin.listGroups()).groups.some((one) => one.groupId === groupId),
    true,
  );
  same('described', (await admin.describeGroups([groupId])).groups[0].groupId, groupId);
  await admin.deleteGroups([groupId]);
  await admin.deleteTopics({ topics: [topic] });
  await until('the topic gone', async () => !(await admin.listTopics()).includes(topic));
  await admin.disconnect();
}

async function transactions(bootstrap, topic, groupId) {
  const producer = client(bootstrap).producer({ kafkaJS: { transactionalId: `txn-${topic}` } });
  await producer.connect();
  const consumer = client(bootstrap).consumer({ kafkaJS: { groupId, autoCommit: false } });
  await consumer.connect();
  for (const [first, commit] of [
    [0, true],
    [10, false],
    [20, true],
  ]) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: Array.from({ length: 10 }, (_, i) => record(first + i)) });
    await transaction.sendOffsets({
      consumer,
      topics: [{ topic, partitions: [{ partition: 0, offset: String(first + 1) }] }],
    });
    await (commit ? transaction.commit() : transaction.abort());
  }
  await producer.disconnect();
  await consumer.disconnect();
  same(
    'committed',
    (await committed(bootstrap, topic, groupId)).find((offset) => offset > 0),
    21,
  );
  const wanted = [
    ...Array(10).keys(),
    ...Array(10)
      .keys()
      .map((i) => 20 + i),
  ];
  verify(await read(bootstrap, topic, `${groupId}-reader`, 1, wanted.length), { wanted });
}

await main({ produce, group, admin: administer, transactions, 'consumer-protocol': consumerProtocol });
