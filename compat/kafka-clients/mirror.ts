/**
 * MirrorMaker 2 between a real Apache Kafka 4.3.1 and the service, both ways at once:
 *
 *   node compat/kafka-clients/mirror.ts [--redis]
 *
 * A topic of each side is copied to the other: every record, in its partition and order, with key, value, headers and time; the
 * topic's settings and number of partitions; and the positions of two groups. One stopped on its way: it goes on at the other side
 * and misses nothing. One had read everything: there is next to nothing left for it. What is a copy is not copied back.
 * MirrorMaker keeps its own state in compacted topics on both sides.
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

/** Written in two halves: one before MirrorMaker begins, one while it runs. */
const RECORDS = 2_000;
const HALF = RECORDS / 2;
/** Of each partition's second half; `readers` has read so many. */
const READ_OF_SECOND_HALF = 100;
const PARTITIONS = 3;
/** Stopped within the second half: MirrorMaker translates no position of before its own beginning but the last. */
const READERS = 'readers';
/** Has read everything. */
const FINISHED = 'finished';
/** Records of a partition that MirrorMaker may copy before it notes again which offset became which. */
const OFFSET_LAG_MAX = 10;
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

const topicsAt = (at: Side) => withAdmin(at, (admin) => admin.listTopics());

/** The end offset of each partition. */
async function ends(at: Side, topic: string): Promise<number[]> {
  const found = await withAdmin(at, (admin) => admin.fetchTopicOffsets(topic));
  return found.sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
}

/** The committed offset of each partition; -1 where there is none. */
async function committed(at: Side, groupId: string, topic: string): Promise<number[]> {
  const [found] = await withAdmin(at, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
  const partitions = found?.partitions ?? [];
  return partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
}

/** Makes the topic. */
async function create(one: Side): Promise<void> {
  const configEntries = Object.entries(SETTINGS).map(([name, value]) => ({ name, value }));
  const topics = [{ topic: one.topic, numPartitions: PARTITIONS, configEntries }];
  await withAdmin(one, (admin) => admin.createTopics({ topics, waitForLeaders: true }));
}

/** Writes half of the records. */
async function write(one: Side, begin: number): Promise<void> {
  const producer = one.kafka.producer();
  await producer.connect();
  for (let from = begin; from < begin + HALF; from += 100) {
    const messages = Array.from({ length: 100 }, (_, i) => ({
      key: (from + i) % 7 === 0 ? null : `key ${(from + i) % 37}`,
      value: (from + i) % 11 === 0 ? null : Buffer.from(`${one.alias} ${from + i}`),
      headers: { number: String(from + i), bytes: Buffer.from([0, 255, i]), twice: ['one', 'two'] },
      timestamp: String(begunMs + from + i),
    }));
    await producer.send({ topic: one.topic, messages });
  }
  await producer.disconnect();
}

async function commit(at: Side, groupId: string, topic: string, offsets: readonly number[]): Promise<void> {
  const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }));
  await withAdmin(at, (admin) => admin.setOffsets({ groupId, topic, partitions }));
}

/** All of a record but its offset, which a copy need not share. */
function line({ key, value, headers, timestamp }: KafkaMessage): string {
  const text = (part: Buffer | string | null | undefined) =>
    part === null || part === undefined ? '-' : Buffer.from(part).toString('latin1');
  const named = Object.entries(headers ?? {}).map(([name, parts]) => [name, [parts].flat().map(text)]);
  return JSON.stringify([text(key), text(value), named, timestamp]);
}

/** The records of a topic from where the group stands to the end, by partition, each as a line. */
async function read(at: Side, topic: string, groupId: string): Promise<string[][]> {
  const last = await ends(at, topic);
  const lines: string[][] = last.map(() => []);
  const next = last.map(() => 0);
  const consumer = at.kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      lines[partition]?.push(line(message));
      next[partition] = Number(message.offset) + 1;
    },
  });
  await until(`all of ${topic}`, () => last.every((end, partition) => (next[partition] ?? 0) >= end));
  await consumer.disconnect();
  return lines;
}

/** The first line that is not the same in both, as text. */
function difference(here: string[][], there: string[][]): string | undefined {
  if (here.length !== there.length) return `${here.length} partitions became ${there.length}`;
  for (const [partition, lines] of here.entries()) {
    const copied = there[partition] ?? [];
    for (let i = 0; i < Math.max(lines.length, copied.length); i++)
      if (lines[i] !== copied[i]) return `record ${i} of partition ${partition}: ${lines[i]} became ${copied[i]}`;
  }
  return undefined;
}

const copyOf = (from: Side) => `${from.alias}.${from.topic}`;

/** Waits until the group stands at the end of the copy, or shortly before it. */
async function finishedAt(from: Side, to: Side): Promise<number[]> {
  let positions: number[] = [];
  await until(`the position of ${FINISHED} at ${to.alias}`, async () => {
    if (!(await topicsAt(to)).includes(copyOf(from))) return false;
    const last = await ends(from, from.topic);
    positions = await committed(to, FINISHED, copyOf(from));
    return last.every((end, partition) => (positions[partition] ?? -1) >= end - OFFSET_LAG_MAX);
  });
  return positions;
}

/** Looks whether `to` has what `from` has; says what is not so. */
async function compare(from: Side, to: Side, wanted: readonly number[]): Promise<string[]> {
  const problems: string[] = [];
  const copy = copyOf(from);
  const count = async (at: Side, topic: string) => (await ends(at, topic)).reduce((sum, end) => sum + end, 0);
  await until(`${RECORDS} records of ${copy}`, async () => (await count(to, copy)) >= RECORDS);
  const here = await read(from, from.topic, `check-${from.topic}`);
  const there = await read(to, copy, `check-${copy}`);
  const records = here.reduce((sum, lines) => sum + lines.length, 0);
  if (records !== RECORDS) problems.push(`${from.topic} has ${records} records of ${RECORDS}`);
  const differing = difference(here, there);
  if (differing !== undefined) problems.push(`${copy} is not what ${from.topic} is: ${differing}`);

  const settings = () =>
    withAdmin(to, async (admin) => {
      const resources = [{ type: TOPIC_RESOURCE, name: copy }];
      const { resources: found } = await admin.describeConfigs({ resources, includeSynonyms: false });
      const entries = found[0]?.configEntries ?? [];
      return Object.keys(SETTINGS).map((name) => entries.find(({ configName }) => configName === name)?.configValue);
    });
  await until(`the settings of ${copy}`, async () => (await settings()).join() === Object.values(SETTINGS).join());

  // A translated position may lie before the true one, never behind it: what is read twice is not lost.
  let positions: number[] = [];
  await until(`the position of ${READERS} at ${to.alias}`, async () => {
    positions = await committed(to, READERS, copy);
    return positions.length === PARTITIONS && positions.every((offset) => offset > 0);
  });
  if (positions.some((offset, partition) => offset > (wanted[partition] ?? 0)))
    problems.push(`${READERS} stands at ${positions.join()} of ${copy}, and at ${wanted.join()} where it was`);
  const rest = difference(
    there.map((lines, partition) => lines.slice(positions[partition])),
    await read(to, copy, READERS),
  );
  if (rest !== undefined) problems.push(`${READERS} goes on in ${copy} with something else: ${rest}`);

  const [last, finished] = [there.map(({ length }) => length), await finishedAt(from, to)];
  if (finished.some((offset, partition) => offset > (last[partition] ?? 0)))
    problems.push(`${FINISHED} stands at ${finished.join()} of ${copy}, which ends at ${last.join()}`);
  console.log(
    `${copy}: ${records} records, settings, ${READERS} went on from ${positions.join()} (was at ${wanted.join()}), ` +
      `${FINISHED} stands at ${finished.join()} of ${last.join()}`,
  );
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
  for (const one of sides) {
    await create(one);
    await write(one, 0);
    await commit(one, FINISHED, one.topic, await ends(one, one.topic));
  }
  const file = join(directory.path, 'mirror.properties');
  const properties = {
    clusters: 'apache,tailrace',
    'apache.bootstrap.servers': apache.kafka,
    'tailrace.bootstrap.servers': server.bootstrap,
    'apache->tailrace.enabled': true,
    'tailrace->apache.enabled': true,
    'apache->tailrace.topics': 'orders',
    'tailrace->apache.topics': 'tills',
    groups: `${READERS},${FINISHED}`,
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
    'offset.lag.max': OFFSET_LAG_MAX,
    // As often it notes offsets that it has held back.
    'offset.flush.interval.ms': 2_000,
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
  const ways = [sides, [sides[1], sides[0]]] as const;
  for (const [from, to] of ways) await finishedAt(from, to);
  const wanted = new Map<Side, readonly number[]>();
  for (const one of sides) {
    const half = await ends(one, one.topic);
    await write(one, HALF);
    const offsets = half.map((end) => end + READ_OF_SECOND_HALF);
    await commit(one, READERS, one.topic, offsets);
    await commit(one, FINISHED, one.topic, await ends(one, one.topic));
    wanted.set(one, offsets);
  }
  for (const [from, to] of ways) problems.push(...(await compare(from, to, wanted.get(from) ?? [])));
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
