// node-rdkafka
import { promisify } from 'node:util';
import Kafka from 'node-rdkafka';
import { COUNT, main, record, same, sleep, until, verify } from './recipe.mjs';

async function connected(client) {
  await new Promise((resolve, reject) =>
    client.connect({ timeout: 30_000 }, (error) => (error ? reject(error) : resolve())),
  );
  return client;
}
const disconnected = (client) => new Promise((resolve) => client.disconnect(() => resolve()));

async function written(producer, topic, indices) {
  for (const i of indices) {
    const { key, value, headers } = record(i);
    producer.produce(
      topic,
      null,
      value,
      key,
      null,
      null,
      Object.entries(headers).map(([name, bytes]) => ({ [name]: bytes })),
    );
  }
  await promisify(producer.flush.bind(producer))(60_000);
}

async function produce(bootstrap, topic) {
  for (const [index, codec] of ['none', 'gzip', 'snappy', 'lz4'].entries()) {
    const producer = await connected(
      new Kafka.Producer({
        'bootstrap.servers': bootstrap,
        'enable.idempotence': true,
        'compression.codec': codec,
        dr_cb: true,
      }),
    );
    let reports = 0;
    const failures = [];
    producer.on('delivery-report', (error) => (error ? failures.push(error) : (reports += 1))).setPollInterval(50);
    await written(
      producer,
      topic,
      Array.from({ length: 250 }, (_, i) => index * 250 + i),
    );
    await until('delivery reports', () => reports + failures.length === 250);
    same('failures', failures, []);
    await disconnected(producer);
  }
}

async function read(bootstrap, topic, group, members, wanted, more = {}) {
  const settings = { 'bootstrap.servers': bootstrap, 'group.id': group, 'enable.auto.commit': false, ...more };
  const records = [];
  const seen = new Set();
  const last = new Map();
  const consumers = await Promise.all(
    Array.from({ length: members }, () =>
      connected(new Kafka.KafkaConsumer(settings, { 'auto.offset.reset': 'earliest' })),
    ),
  );
  for (const consumer of consumers) {
    consumer.on('data', (one) => {
      const place = `${one.partition}/${one.offset}`;
      if (seen.has(place)) return;
      seen.add(place);
      last.set(one.partition, one.offset + 1);
      records.push({ ...one, headers: Object.assign({}, ...(one.headers ?? [])) });
    });
    consumer.subscribe([topic]);
    consumer.consume();
  }
  const shared = () => consumers.every((consumer) => consumer.assignments().length === 4 / members);
  await until('records', () => records.length >= wanted && shared());
  for (const consumer of consumers) {
    const mine = consumer.assignments().filter(({ partition }) => last.has(partition));
    if (mine.length > 0)
      consumer.commitSync(mine.map(({ partition }) => ({ topic, partition, offset: last.get(partition) })));
    await disconnected(consumer);
  }
  return records;
}

async function committed(bootstrap, topic, group) {
  const consumer = await connected(new Kafka.KafkaConsumer({ 'bootstrap.servers': bootstrap, 'group.id': group }, {}));
  const places = Array.from({ length: 4 }, (_, partition) => ({ topic, partition }));
  const answer = await promisify(consumer.committed.bind(consumer))(places, 10_000);
  await disconnected(consumer);
  return answer.map(({ offset }) => offset ?? 0);
}

async function group(bootstrap, topic, groupId) {
  verify(await read(bootstrap, topic, groupId, 2, COUNT));
  same(
    'committed',
    (await committed(bootstrap, topic, groupId)).reduce((sum, one) => sum + one, 0),
    COUNT,
  );
}

async function administer(bootstrap, topic) {
  const admin = Kafka.AdminClient.create({ 'bootstrap.servers': bootstrap });
  const call = (name, ...rest) => promisify(admin[name].bind(admin))(...rest);
  await call(
    'createTopic',
    { topic, num_partitions: 2, replication_factor: 1, config: { 'retention.ms': '3600000' } },
    10_000,
  );
  await call('createPartitions', topic, 3, 10_000);
  const producer = await connected(new Kafka.Producer({ 'bootstrap.servers': bootstrap }));
  const partitions = async () => {
    const { topics } = await promisify(producer.getMetadata.bind(producer))({ topic, timeout: 10_000 });
    return topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
  };
  await until('partitions', async () => (await partitions()) === 3);
  await call('deleteTopic', topic, 10_000);
  await sleep(500);
  const { topics } = await promisify(producer.getMetadata.bind(producer))({ timeout: 10_000 });
  same(
    'gone',
    topics.some(({ name }) => name === topic),
    false,
  );
  await disconnected(producer);
  admin.disconnect();
}

async function transactions(bootstrap, topic, groupId) {
  const producer = await connected(
    new Kafka.Producer({ 'bootstrap.servers': bootstrap, 'transactional.id': `txn-${topic}` }),
  );
  const call = (name, ...rest) => promisify(producer[name].bind(producer))(...rest);
  await call('initTransactions', 30_000);
  const consumer = await connected(
    new Kafka.KafkaConsumer({ 'bootstrap.servers': bootstrap, 'group.id': groupId }, {}),
  );
  for (const [first, commit] of [
    [0, true],
    [10, false],
    [20, true],
  ]) {
    await call('beginTransaction');
    await written(
      producer,
      topic,
      Array.from({ length: 10 }, (_, i) => first + i),
    );
    await call('sendOffsetsToTransaction', [{ topic, partition: 0, offset: first + 1 }], consumer, 30_000);
    await call(commit ? 'commitTransaction' : 'abortTransaction', 30_000);
  }
  await disconnected(consumer);
  await disconnected(producer);
  same('committed', (await committed(bootstrap, topic, groupId))[0], 21);
  const wanted = [
    ...Array(10).keys(),
    ...Array(10)
      .keys()
      .map((i) => 20 + i),
  ];
  // It makes strings of headers' values as it writes them.
  const settings = { 'isolation.level': 'read_committed' };
  verify(await read(bootstrap, topic, `${groupId}-reader`, 1, wanted.length, settings), { wanted, headers: false });
}

await main({ produce, group, admin: administer, transactions });
