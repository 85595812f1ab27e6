/**
 * Records in the aggregated format of the Kinesis Producer Library, made by awslabs' own module for Python:
 *
 *   node compat/kpl/run.ts
 *
 * They pass through GetRecords and Kafka untouched; `/v1` shows the records in them when it is asked to; and a topic with
 * `tailrace.kpl.deaggregate=true` stores them one by one, which GetRecords and a Kafka consumer then see. Needs Python 3 with
 * pip, and fetches the module once.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { Kafka, logLevel } from 'kafkajs';
import { temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';

const HERE = import.meta.dirname;
const MODULE = 'aws_kinesis_agg==1.2.3';
const LIBRARY = join(HERE, '.cache', 'python');
const RECORDS = 5_000;
/** As Kafka numbers kinds of resources. */
const TOPIC_RESOURCE = 2;
const READ_PATIENCE_MS = 30_000;

interface UserRecord {
  readonly key: string;
  readonly hashKey: string | null;
  readonly data: string;
}

if (!existsSync(LIBRARY)) {
  mkdirSync(LIBRARY, { recursive: true });
  console.log('fetching aws_kinesis_agg by pip …');
  execFileSync('python3', ['-m', 'pip', 'install', '-q', '--target', LIBRARY, MODULE], { stdio: 'inherit' });
}
const sent = Array.from({ length: RECORDS }, (_, i): UserRecord => ({
  key: `key-${i % 50} ä`,
  hashKey: i % 3 === 0 ? String(BigInt(i) << 100n) : null,
  data: `${i} ${'.'.repeat((i * 31) % 300)}`,
}));
const aggregated = execFileSync('python3', [join(HERE, 'aggregate.py')], {
  input: sent.map((record) => JSON.stringify(record)).join('\n'),
  env: { ...process.env, PYTHONPATH: LIBRARY },
  maxBuffer: 1 << 28,
})
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly key: string; readonly hashKey: string | null; readonly data: string });

const directory = await temporaryDirectory();
const server = await service({ env: { TAILRACE_DATA_DIR: directory.path, TAILRACE_LIMITS: 'off' } });
process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
const problems: string[] = [];
const check = (what: string, found: unknown, expected: unknown) => {
  const equal = isDeepStrictEqual(found, expected);
  console.log(`${what}: ${equal ? 'equal' : 'DIFFERENT'}`);
  if (!equal) problems.push(what);
};
try {
  await server.start();
  const client = new KinesisClient({
    endpoint: server.http,
    region: 'us-east-1',
    credentials: { accessKeyId: 'kpl', secretAccessKey: 'secret' },
  });
  const kafka = new Kafka({ clientId: 'kpl', brokers: [server.kafka], logLevel: logLevel.NOTHING });

  const put = async (StreamName: string) => {
    const Records = aggregated.map(({ key, hashKey, data }) => ({
      PartitionKey: key,
      Data: Buffer.from(data, 'base64'),
      ...(hashKey !== null && { ExplicitHashKey: hashKey }),
    }));
    const { FailedRecordCount } = await client.send(new PutRecordsCommand({ StreamName, Records }));
    if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records were refused`);
  };
  const byKinesis = async (StreamName: string) => {
    const at = { StreamName, ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' } as const;
    const { ShardIterator } = await client.send(new GetShardIteratorCommand(at));
    const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
    return Records.map(({ PartitionKey, Data }) => [PartitionKey, Buffer.from(Data as Uint8Array).toString('base64')]);
  };
  const byKafka = async (topic: string, count: number) => {
    const consumer = kafka.consumer({ groupId: `read-${topic}` });
    const found: { readonly offset: number; readonly record: readonly [string, string] }[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error(`${found.length} of ${count} came`)), READ_PATIENCE_MS);
      void consumer.run({
        eachMessage: ({ message: { offset, key, value } }) => {
          found.push({
            offset: Number(offset),
            record: [(key as Buffer).toString(), (value as Buffer).toString('base64')],
          });
          if (found.length === count) {
            clearTimeout(patience);
            resolve();
          }
          return Promise.resolve();
        },
      });
    });
    await consumer.disconnect();
    return found;
  };

  const whole = aggregated.map(({ key, data }) => [key, data]);
  const single = sent.map(({ key, data }) => [key, Buffer.from(data).toString('base64')]);
  console.log(`${sent.length} records in ${aggregated.length} aggregated ones`);

  await client.send(new CreateStreamCommand({ StreamName: 'whole', ShardCount: 1 }));
  await put('whole');
  check('GetRecords, as they were put', await byKinesis('whole'), whole);
  const passed = await byKafka('whole', whole.length);
  check(
    'Kafka, as they were put',
    passed.map(({ record }) => record),
    whole,
  );
  const shown = await fetch(
    `${server.http}/v1/streams/whole/shards/0/records?limit=10000&maxBytes=8000000&deaggregate=true`,
  );
  const { records } = (await shown.json()) as {
    readonly records: readonly { readonly partitionKey: string; readonly dataBase64: string }[];
  };
  check(
    '/v1, de-aggregated',
    records.map(({ partitionKey, dataBase64 }) => [partitionKey, dataBase64]),
    single,
  );

  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'single', numPartitions: 1 }] });
  const resources = [
    {
      type: TOPIC_RESOURCE,
      name: 'single',
      configEntries: [{ name: 'tailrace.kpl.deaggregate', value: 'true' }],
    },
  ];
  await admin.alterConfigs({ validateOnly: false, resources });
  await admin.disconnect();
  await put('single');
  check('GetRecords, de-aggregated', await byKinesis('single'), single);
  const found = await byKafka('single', single.length);
  check(
    'Kafka, de-aggregated',
    found.map(({ record }) => record),
    single,
  );
  check(
    'each with its own offset',
    found.map(({ offset }) => offset),
    [...single.keys()],
  );
  client.destroy();
} finally {
  await server.stop();
  await directory.remove();
}
console.log(problems.length > 0 ? 'FAILED' : 'passed');
process.exit(problems.length > 0 ? 1 : 0);
