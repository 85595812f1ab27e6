/**
 * MirrorMaker 2 between a real Apache Kafka 4.3.1 and the service, both ways at once:
 *
 *   node compat/kafka-clients/mirror.ts [--redis]
 *
 * A topic of each side is copied to the other: every record, in its partition and order, with key, value, headers and time; the
 * topic's settings and number of partitions; and the position of a group, which goes on at the other side where it stopped
 * here. What is a copy is not copied back. MirrorMaker keeps its own state in compacted topics on both sides.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { startApacheKafka } from '../apache-kafka.ts';
import { startServer } from './server.ts';

const RECORDS = 2_000;
const COMMITTED = 700;
const PARTITIONS = 3;
const GROUP = 'readers';
const SETTINGS = { 'retention.ms': '123456789', 'max.message.bytes': '654321' };
const PATIENCE_MS = 240_000;
/** Times of records; older ones would fall to the retention before they are copied. */
const begunMs = Date.now();
const TOPIC_RESOURCE = 2;
const CACHE = join(import.meta.dirname, '.cache', 'mirror');
const jars = join(CACHE, 'lib');
const { values: options } = parseArgs({ options: { redis: { type: 'boolean' } } });

function install(): void {
  if (existsSync(jars)) return;
  mkdirSync(CACHE, { recursive: true });
  cpSync(join(import.meta.dirname, 'mirror', 'pom.xml'), join(CACHE, 'pom.xml'));
  const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  execFileSync('mvn', args, { cwd: CACHE, stdio: ['ignore', 'ignore', 'inherit'] });
}

interface Side {
  /** As MirrorMaker calls it, and with it what it copies from there. */
  readonly alias: string;
  readonly bootstrap: string;
  readonly kafka: Kafka;
  /** The topic that is made here and copied. */
  readonly topic: string;
}

const side = (alias: string, bootstrap: string, topic: string): Side => ({
  alias,
  bootstrap,
  topic,
  kafka: new Kafka({ clientId: 'mirror', brokers: [bootstrap], logLevel: logLevel.NOTHING }),
});

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  for (const begin = performance.now(); !(await done()); await sleep(500))
    if (performance.now() - begin > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
}

async function withAdmin<T>({ kafka }: Side, work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Makes the topic, writes to it, and reads a part of it as the group. */
async function fill(one: Side): Promise<void> {
  const configEntries = Object.entries(SETTINGS).map(([name, value]) => ({ name, value }));
  const topics = [{ topic: one.topic, numPartitions: PARTITIONS, configEntries }];
  await withAdmin(one, (admin) => admin.createTopics({ topics, waitForLeaders: true }));
  const producer = one.kafka.producer();
  await producer.connect();
  for (let from = 0; from < RECORDS; from += 100) {
    const messages = Array.from({ length: 100 }, (_, i) => ({
      key: (from + i) % 7 === 0 ? null : `key ${(from + i) % 37}`,
      value: (from + i) % 11 === 0 ? null : Buffer.from(`${one.alias} ${from + i}`),
      headers: { number: String(from + i) },
      timestamp: String(begunMs + from + i),
    }));
    await producer.send({ topic: one.topic, messages });
  }
  await producer.disconnect();
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    offset: String(Math.floor(COMMITTED / PARTITIONS)),
  }));
  await withAdmin(one, (admin) => admin.setOffsets({ groupId: GROUP, topic: one.topic, partitions }));
}

/** All records of a topic, by partition, each as a line. */
async function read({ kafka }: Side, topic: string, records: number): Promise<string[][]> {
  const consumer = kafka.consumer({ groupId: `check-${topic}` });
  const lines: string[][] = Array.from({ length: PARTITIONS }, () => []);
  let seen = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const line = ({ key, value, headers, timestamp }: KafkaMessage) =>
    [key, value, headers?.['number'] as Buffer, timestamp]
      .map((part) => (part === null ? '-' : String(part)))
      .join('|');
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      lines[partition]?.push(line(message));
      seen++;
    },
  });
  await until(`${records} records of ${topic}`, () => seen >= records);
  await consumer.disconnect();
  return lines;
}

/** Looks whether `to` has what `from` has; says what is not so. */
async function compare(from: Side, to: Side): Promise<string[]> {
  const problems: string[] = [];
  const copy = `${from.alias}.${from.topic}`;
  const topicsAt = (at: Side) => withAdmin(at, (admin) => admin.listTopics());
  await until(`${copy} at ${to.alias}`, async () => (await topicsAt(to)).includes(copy));
  const [here, there] = [await read(from, from.topic, RECORDS), await read(to, copy, RECORDS)];
  if (JSON.stringify(here) !== JSON.stringify(there)) problems.push(`${copy} is not what ${from.topic} is`);

  const settings = () =>
    withAdmin(to, async (admin) => {
      const resources = [{ type: TOPIC_RESOURCE, name: copy }];
      const { resources: found } = await admin.describeConfigs({ resources, includeSynonyms: false });
      const entries = found[0]?.configEntries ?? [];
      return Object.keys(SETTINGS).map((name) => entries.find(({ configName }) => configName === name)?.configValue);
    });
  await until(`the settings of ${copy}`, async () => (await settings()).join() === Object.values(SETTINGS).join());

  const committed = () =>
    withAdmin(to, async (admin) => {
      const [found] = await admin.fetchOffsets({ groupId: GROUP, topics: [copy] });
      return (found?.partitions ?? []).map(({ offset }) => Number(offset));
    });
  const wanted = Math.floor(COMMITTED / PARTITIONS);
  // A translated position may lie before the true one, never behind it: what is read twice is not lost.
  await until(`the position of ${GROUP} at ${to.alias}`, async () => (await committed()).every((offset) => offset > 0));
  const positions = await committed();
  if (positions.length !== PARTITIONS || positions.some((offset) => offset > wanted))
    problems.push(`${GROUP} stands at ${positions.join()} of ${copy}, and at ${wanted} where it was`);
  console.log(`${copy}: ${RECORDS} records, settings, ${GROUP} at ${positions.join()} of ${wanted}`);
  const back = (await topicsAt(from)).filter((name) => name === `${to.alias}.${copy}`);
  if (back.length > 0) problems.push(`${back.join()}: a copy was copied back`);
  return problems;
}

install();
const directory = await temporaryDirectory();
const [apache, server] = await Promise.all([startApacheKafka(), startServer(options)]);
const sides = [side('apache', apache.kafka, 'orders'), side('tailrace', server.bootstrap, 'tills')] as const;
const problems: string[] = [];
let stop = async () => {};
try {
  for (const one of sides) await fill(one);
  const file = join(directory.path, 'mirror.properties');
  const properties = {
    clusters: 'apache,tailrace',
    'apache.bootstrap.servers': apache.kafka,
    'tailrace.bootstrap.servers': server.bootstrap,
    'apache->tailrace.enabled': true,
    'tailrace->apache.enabled': true,
    'apache->tailrace.topics': 'orders',
    'tailrace->apache.topics': 'tills',
    groups: GROUP,
    'replication.factor': 1,
    'checkpoints.topic.replication.factor': 1,
    'heartbeats.topic.replication.factor': 1,
    'offset-syncs.topic.replication.factor': 1,
    'offset.storage.replication.factor': 1,
    'status.storage.replication.factor': 1,
    'config.storage.replication.factor': 1,
    'sync.group.offsets.enabled': true,
    'sync.group.offsets.interval.seconds': 2,
    'emit.checkpoints.interval.seconds': 2,
    'emit.heartbeats.interval.seconds': 2,
    'refresh.topics.interval.seconds': 3,
    'refresh.groups.interval.seconds': 3,
    'sync.topic.configs.interval.seconds': 3,
    'offset.lag.max': 10,
    'consumer.auto.offset.reset': 'earliest',
  };
  const text = Object.entries(properties).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(file, text.join(''));
  const program = 'org.apache.kafka.connect.mirror.MirrorMaker';
  const child = spawn('java', ['-Xmx384m', '-cp', join(jars, '*'), program, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const release = guardProcess(child.pid as number);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  stop = async () => {
    child.kill('SIGKILL');
    await gone;
    release();
  };
  for (const [from, to] of [sides, [sides[1], sides[0]]] as const) problems.push(...(await compare(from, to)));
} catch (error) {
  problems.push((error as Error).stack ?? String(error));
} finally {
  await stop();
  await server.stop();
  await apache.stop();
  await directory.remove();
}
for (const text of problems) console.log(text);
console.log(problems.length > 0 ? 'FAILED' : 'passed');
process.exit(problems.length > 0 ? 1 : 0);
