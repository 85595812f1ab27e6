import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, faultProxy, uniqueName } from '@tailrace/testkit';
import kafkajs, { type Consumer, type Kafka } from 'kafkajs';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';

const { CompressionTypes, Kafka: KafkaClient, logLevel } = kafkajs;

let under: DoorUnderTest;
beforeAll(async () => {
  under = await openDoorUnderTest();
});
afterAll(() => under.close());

function clientOf({ address }: Pick<DoorUnderTest, 'address'>): Kafka {
  return new KafkaClient({ brokers: [`${address.host}:${address.port}`], logLevel: logLevel.NOTHING });
}

/** Joins, and collects every value that it is given, also the ones that were given before. */
async function consume(kafka: Kafka, topic: string, groupId: string, values: string[]): Promise<Consumer> {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 200,
    rebalanceTimeout: 6_000,
    maxWaitTimeInMs: 100,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => {
      values.push(String(message.value));
    },
  });
  return consumer;
}

describe('kafkajs', () => {
  it.each([
    ['all', -1, CompressionTypes.None],
    ['the leader', 1, CompressionTypes.GZIP],
    ['nobody', 0, CompressionTypes.None],
  ])(
    'gets back what it sent with an acknowledgement by %s: keys, values, headers, order',
    async (_, acks, compression) => {
      const kafka = clientOf(under);
      const topic = uniqueName('kafkajs');
      const messages = Array.from({ length: 200 }, (_unused, i) => ({
        key: `ключ-${i % 7}`,
        value: Buffer.from([i, 0xff, 0]),
        headers: { n: String(i) },
      }));
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic, messages, acks, compression });
      const read: { key: string; value: Buffer; header: string; partition: number }[] = [];
      const consumer = kafka.consumer({ groupId: uniqueName('group') });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message, partition }) => {
          read.push({
            key: String(message.key),
            value: message.value as Buffer,
            header: String(message.headers?.['n']),
            partition,
          });
        },
      });
      await eventually(() => read.length >= messages.length, { timeoutMs: 15_000 });
      const byNumber = (a: { header: string }, b: { header: string }) => Number(a.header) - Number(b.header);
      for (const key of new Set(read.map((one) => one.key))) {
        const ofKey = read.filter((one) => one.key === key);
        expect(ofKey).toEqual([...ofKey].sort(byNumber));
        expect(new Set(ofKey.map(({ partition }) => partition)).size).toBe(1);
      }
      expect(
        [...read].sort(byNumber).map(({ key, value, header }) => ({ key, value, headers: { n: header } })),
      ).toEqual(messages);
      await Promise.all([consumer.disconnect(), producer.disconnect()]);
    },
  );

  it('makes, lists, describes and deletes topics', async () => {
    const admin = clientOf(under).admin();
    await admin.connect();
    const topic = uniqueName('admin');
    expect(
      await admin.createTopics({
        topics: [
          { topic, numPartitions: 3, replicationFactor: 1, configEntries: [{ name: 'retention.ms', value: '60000' }] },
        ],
      }),
    ).toBe(true);
    expect(await admin.createTopics({ topics: [{ topic }] })).toBe(false);
    expect(await admin.listTopics()).toContain(topic);
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions.length).toBe(3);
    expect(await admin.fetchTopicOffsets(topic)).toEqual(
      [0, 1, 2].map((partition) => ({ partition, offset: '0', high: '0', low: '0' })),
    );
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
    await admin.disconnect();
  });
});

describe('a kafkajs group of three over twelve partitions', () => {
  it('shares them out again when a member joins, leaves or crashes, and misses nothing', async () => {
    const kafka = clientOf(under);
    const topic = uniqueName('twelve');
    const groupId = uniqueName('group');
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 12 }] });
    const producer = kafka.producer();
    await producer.connect();
    const sent: string[] = [];
    const values: string[] = [];
    const sendRound = async (round: string) => {
      const messages = Array.from({ length: 12 }, (_, partition) => ({ value: `${round}-${partition}`, partition }));
      sent.push(...messages.map(({ value }) => value));
      await producer.send({ topic, messages });
      await eventually(() => sent.every((value) => values.includes(value)), { timeoutMs: 20_000 });
    };
    const shares = new Map<Consumer, number>();
    let crashing = false;
    const join = async (through = kafka) => {
      const consumer = through.consumer({
        groupId,
        sessionTimeout: 6_000,
        heartbeatInterval: 200,
        rebalanceTimeout: 6_000,
        maxWaitTimeInMs: 100,
        // The member that crashes would start again for ever, also after its disconnect(), and keep the process alive.
        retry: { retries: 5, restartOnFailure: () => Promise.resolve(!crashing) },
      });
      consumer.on('consumer.group_join', ({ payload }) => {
        shares.set(consumer, payload.memberAssignment[topic]?.length ?? 0);
      });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommitThreshold: 1,
        eachMessage: async ({ message }) => {
          values.push(String(message.value));
        },
      });
      return consumer;
    };
    const sharesAre = (expected: readonly number[]) =>
      eventually(() => [...shares.values()].sort((a, b) => a - b).join() === expected.join(), { timeoutMs: 20_000 });

    const first = await join();
    await sharesAre([12]);
    await sendRound('one');
    const second = await join();
    await sharesAre([6, 6]);
    // The third one reaches the door through a proxy, where it can be made to crash.
    const proxy = await faultProxy({ target: under.address });
    const third = await join(viaProxy(proxy.port, under.address.port));
    await sharesAre([4, 4, 4]);
    await sendRound('three');
    await second.disconnect();
    shares.delete(second);
    await sharesAre([6, 6]);
    await sendRound('two');
    crashing = true;
    proxy.refuse();
    proxy.cutAll();
    shares.delete(third);
    await sharesAre([12]);
    await sendRound('survivor');
    await proxy.stop();
    await Promise.allSettled([first.disconnect(), third.disconnect(), producer.disconnect(), admin.disconnect()]);
  }, 90_000);

  it('goes on where it had committed after a restart of door and store', async () => {
    const before = await openDoorUnderTest();
    const groupId = 'restarted';
    const kafka = clientOf(before);
    const producer = kafka.producer();
    await producer.connect();
    const messages = (from: number) =>
      Array.from({ length: 20 }, (_, i) => ({ value: `v${from + i}`, partition: i % 4 }));
    await producer.send({ topic: 'kept', messages: messages(0) });
    const early: string[] = [];
    const consumer = await consume(kafka, 'kept', groupId, early);
    await eventually(() => early.length === 20, { timeoutMs: 10_000 });
    await Promise.all([consumer.disconnect(), producer.disconnect()]);
    const after = await before.restart();
    const again = clientOf(after);
    const producerAgain = again.producer();
    await producerAgain.connect();
    await producerAgain.send({ topic: 'kept', messages: messages(20) });
    const late: string[] = [];
    const consumerAgain = await consume(again, 'kept', groupId, late);
    await eventually(() => late.length >= 20, { timeoutMs: 10_000 });
    expect([...late].sort()).toEqual(messages(20).map(({ value }) => value).sort()); // prettier-ignore
    await Promise.all([consumerAgain.disconnect(), producerAgain.disconnect()]);
    await after.close();
  });
});

/** A client whose every connection goes through a port of its own, whatever address the brokers name. */
function viaProxy(proxyPort: number, brokerPort: number): Kafka {
  return new KafkaClient({
    brokers: [`127.0.0.1:${proxyPort}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 2, initialRetryTime: 50 },
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connect({ host, port: port === brokerPort ? proxyPort : port }, onConnect);
      socket.setNoDelay(true);
      return socket;
    },
  });
}
