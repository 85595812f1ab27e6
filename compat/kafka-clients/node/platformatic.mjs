// @platformatic/kafka
import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  FetchIsolationLevels,
  GroupProtocols,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
  MessagesStreamModes,
  Producer,
} from '@platformatic/kafka';
import { COUNT, main, record, same, until, verify } from './recipe.mjs';

const base = (bootstrap) => ({ clientId: 'platformatic', bootstrapBrokers: [bootstrap] });

function message(topic, i) {
  const { key, value, headers } = record(i);
  return {
    topic,
    key,
    value: value ?? undefined,
    headers: new Map(Object.entries(headers).map(([name, bytes]) => [Buffer.from(name), bytes])),
  };
}

async function produce(bootstrap, topic) {
  for (const [index, compression] of ['none', 'gzip', 'snappy', 'lz4', 'zstd'].entries()) {
    const producer = new Producer({ ...base(bootstrap), acks: -1, idempotent: true, compression });
    for (let first = index * 200; first < (index + 1) * 200; first += 100)
      await producer.send({ messages: Array.from({ length: 100 }, (_, i) => message(topic, first + i)) });
    await producer.close();
  }
}

async function read(bootstrap, topic, groupId, members, wanted, more = {}) {
  const assigned = new Map();
  const consumers = Array.from({ length: members }, (_, index) => {
    const consumer = new Consumer({
      ...base(bootstrap),
      groupId,
      autocommit: false,
      maxWaitTime: 200,
      ...more,
    });
    consumer.on('consumer:group:join', () => assigned.set(index, consumer.assignments?.[0]?.partitions.length ?? 0));
    return consumer;
  });
  const records = [];
  const last = new Map();
  // Records are told apart by place: what is read again after a rebalance comes once.
  const seen = new Set();
  const streams = await Promise.all(
    consumers.map((consumer) =>
      consumer.consume({ topics: [topic], mode: MessagesStreamModes.COMMITTED, fallbackMode: 'earliest' }),
    ),
  );
  for (const stream of streams)
    stream.on('data', (one) => {
      const place = `${one.partition}/${one.offset}`;
      if (seen.has(place)) return;
      seen.add(place);
      last.set(one.partition, one);
      records.push({
        ...one,
        headers: Object.fromEntries([...one.headers].map(([name, bytes]) => [String(name), bytes])),
      });
    });
  const shares = () => consumers.map((consumer) => consumer.assignments?.[0]?.partitions.length ?? 0);
  await until('records', () => records.length >= wanted && shares().every((count) => count === 4 / members));
  for (const [index, consumer] of consumers.entries()) {
    const mine = consumer.assignments[0].partitions;
    const offsets = [...last.values()].filter(({ partition }) => mine.includes(partition));
    if (offsets.length > 0)
      await consumer.commit({
        offsets: offsets.map(({ partition, offset, leaderEpoch }) => ({
          topic,
          partition,
          offset: offset + 1n,
          leaderEpoch,
        })),
      });
    await streams[index].close();
    await consumer.close(true);
  }
  return records;
}

async function committed(bootstrap, topic, group) {
  const admin = new Admin(base(bootstrap));
  const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [group] });
  await admin.close();
  return topics
    .find(({ name }) => name === topic)
    .partitions.reduce((sum, { committedOffset }) => sum + Number(committedOffset), 0);
}

async function group(bootstrap, topic, groupId) {
  verify(await read(bootstrap, topic, groupId, 2, COUNT));
  same('committed', await committed(bootstrap, topic, groupId), COUNT);
}

async function consumerProtocol(bootstrap, topic, groupId) {
  verify(await read(bootstrap, topic, groupId, 2, COUNT, { groupProtocol: GroupProtocols.CONSUMER }));
  same('committed', await committed(bootstrap, topic, groupId), COUNT);
}

async function administer(bootstrap, topic, groupId) {
  const admin = new Admin(base(bootstrap));
  await admin.createTopics({
    topics: [topic],
    partitions: 2,
    replicas: 1,
    configs: [{ name: 'retention.ms', value: '3600000' }],
  });
  same('listed', (await admin.listTopics()).includes(topic), true);
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic };
  const retention = async () =>
    (await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: ['retention.ms'] }] }))[0].configs.map(
      ({ value }) => value,
    );
  same('configs', await retention(), ['3600000']);
  const config = { name: 'retention.ms', configOperation: IncrementalAlterConfigOperationTypes.SET, value: '7200000' };
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [config] }] });
  same('configs', await retention(), ['7200000']);
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] });
  const producer = new Producer({ ...base(bootstrap), acks: -1 });
  for (let i = 0; i < 10; i++) await producer.send({ messages: [{ ...message(topic, i), partition: 0 }] });
  await producer.close();
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 4n }] }] });
  const end = async (timestamp) =>
    Number(
      (await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }] }))[0]
        .partitions[0].offset,
    );
  same('offsets', [await end(ListOffsetTimestamps.EARLIEST), await end(ListOffsetTimestamps.LATEST)], [4, 10]);
  await admin.alterConsumerGroupOffsets({
    groupId,
    topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 7n }] }],
  });
  same('group', (await admin.listGroups()).has(groupId), true);
  same('state', (await admin.describeGroups({ groups: [groupId] })).get(groupId).state, 'Empty');
  await admin.deleteGroups({ groups: [groupId] });
  same(
    'partitions',
    (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount,
    3,
  );
  await admin.deleteTopics({ topics: [topic] });
  await until('the topic gone', async () => !(await admin.listTopics()).includes(topic));
  await admin.close();
}

async function transactions(bootstrap, topic, groupId) {
  const producer = new Producer({ ...base(bootstrap), acks: -1, idempotent: true, transactionalId: `txn-${topic}` });
  for (const [first, commit] of [
    [0, true],
    [10, false],
    [20, true],
  ]) {
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages: Array.from({ length: 10 }, (_, i) => message(topic, first + i)) });
    await (commit ? transaction.commit() : transaction.abort());
  }
  await producer.close();
  const wanted = [
    ...Array(10).keys(),
    ...Array(10)
      .keys()
      .map((i) => 20 + i),
  ];
  const isolationLevel = FetchIsolationLevels.READ_COMMITTED;
  verify(await read(bootstrap, topic, `${groupId}-reader`, 1, wanted.length, { isolationLevel }), { wanted });
}

await main({ produce, group, admin: administer, transactions, 'consumer-protocol': consumerProtocol });
