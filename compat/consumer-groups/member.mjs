// A member by one of two libraries of npm: member.mjs LIBRARY BOOTSTRAP TOPIC GROUP PROTOCOL INSTANCE, from the folder that
// has them; ends cleanly on SIGTERM.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [library, bootstrap, topic, groupId, protocol, instance] = process.argv.slice(2);
const require = createRequire(join(process.env.LIBRARIES, 'x.cjs'));
const tell = ({ partition, message }) => process.stdout.write(`r ${partition} ${message.offset}\n`);

async function confluent() {
  const { Kafka, logLevel } = require('@confluentinc/kafka-javascript').KafkaJS;
  const classic = { sessionTimeout: 6_000, heartbeatInterval: 1_000 };
  const kafkaJS = { groupId, fromBeginning: true, autoCommit: false, ...(protocol === 'classic' && classic) };
  const consumer = new Kafka({ kafkaJS: { brokers: [bootstrap], logLevel: logLevel.NOTHING } }).consumer({
    kafkaJS,
    'group.protocol': protocol,
    ...(instance && { 'group.instance.id': instance }),
  });
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({
    eachMessage: async (payload) => {
      tell(payload);
      const { partition, message } = payload;
      const committed = consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }]);
      // What was taken away meanwhile is read again by whoever has it now.
      await committed.catch(() => undefined);
    },
  });
  return consumer;
}

async function kafkajs() {
  const { Kafka, logLevel } = require('kafkajs');
  const consumer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).consumer({
    groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 1_000,
    rebalanceTimeout: 10_000,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommitThreshold: 1, eachMessage: async (payload) => tell(payload) });
  return consumer;
}

const consumer = await (library === 'kafkajs' ? kafkajs() : confluent());
process.once('SIGTERM', () => {
  void consumer.disconnect().then(() => {
    process.stdout.write('end\n', () => process.exit(0));
  });
});
