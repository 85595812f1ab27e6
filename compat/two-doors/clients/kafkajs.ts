import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { base64, bytes, type Client, type ReadRecord } from '../client.ts';

const connect = (broker: string) => new Kafka({ clientId: 'two-doors', brokers: [broker], logLevel: logLevel.ERROR });
const BATCH = 500;
const READ_PATIENCE_MS = 60_000;
/** After the last expected record: long enough that one too many would come. */
const EXTRA_MS = 500;
let groups = 0;

export const kafkaJs: Client = {
  name: 'kafkajs',
  door: 'kafka',
  binary: true,
  async write({ kafka }, stream, records) {
    const producer = connect(kafka).producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    for (let i = 0; i < records.length; i += BATCH) {
      await producer.send({
        topic: stream,
        acks: -1,
        messages: records.slice(i, i + BATCH).map(({ key, value, headers = {} }) => ({
          key: bytes(key),
          value: bytes(value),
          headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, bytes(header)])),
        })),
      });
    }
    await producer.disconnect();
  },
  async readAll({ kafka }, stream, count) {
    const consumer = connect(kafka).consumer({ groupId: `two-doors-${process.pid}-${++groups}` });
    await consumer.connect();
    await consumer.subscribe({ topics: [stream], fromBeginning: true });
    const read: ReadRecord[] = [];
    await new Promise<void>((resolve, reject) => {
      const patience = setTimeout(
        () => reject(new Error(`kafkajs read ${read.length} of ${count} records`)),
        READ_PATIENCE_MS,
      );
      consumer
        .run({
          eachMessage: async ({ partition, message: { key, value, headers = {} } }) => {
            read.push({
              key: base64(key ?? Buffer.alloc(0)),
              value: base64(value ?? Buffer.alloc(0)),
              place: String(partition),
              headers: Object.fromEntries(
                Object.entries(headers).map(([name, header]) => [name, base64(Buffer.from(header as Buffer))]),
              ),
            });
            if (read.length === count) {
              clearTimeout(patience);
              setTimeout(resolve, EXTRA_MS);
            }
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return read;
  },
};
