/**
 * Kafka Connect between two files, killed in the middle:
 *
 *   node compat/kafka-clients/connect.ts [--kills 1] [--redis] [--peer apache]
 *
 * A distributed worker keeps its connectors, offsets and states in three compacted topics. A file source writes the lines of
 * one file to a topic, exactly once (KIP-618), and a file sink those of the topic to another file. With the worker killed
 * meanwhile, the topic must have every line once and in order, and the sink's file every line at least once: the sink itself
 * promises no more.
 */
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort, guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { startServer } from './server.ts';
import { makeTopic } from './topic.ts';

const LINES = 2000;
const LINES_A_WRITE = 100;
const WRITE_EVERY_MS = 50;
const PATIENCE_MS = 180_000;
const CACHE = join(import.meta.dirname, '.cache', 'connect');
const jars = join(CACHE, 'lib');

const { values: options } = parseArgs({
  options: { kills: { type: 'string', default: '1' }, redis: { type: 'boolean' }, peer: { type: 'string' } },
});
const kills = Number(options.kills);

function install(): void {
  if (existsSync(jars)) return;
  mkdirSync(CACHE, { recursive: true });
  cpSync(join(import.meta.dirname, 'connect', 'pom.xml'), join(CACHE, 'pom.xml'));
  const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  execFileSync('mvn', args, { cwd: CACHE, stdio: ['ignore', 'ignore', 'inherit'] });
}

install();
const directory = await temporaryDirectory();
const [source, sink, plugins] = ['source.txt', 'sink.txt', 'plugins'].map((name) => join(directory.path, name)) as [
  string,
  string,
  string,
];
mkdirSync(plugins);
writeFileSync(source, '');
const server = await startServer(options);
const restPort = await freePort();
const rest = `http://127.0.0.1:${restPort}`;
const kafka = new Kafka({ clientId: 'connect', brokers: [server.bootstrap], logLevel: logLevel.ERROR });
const problems: string[] = [];
let exit = () => {};

/** Starts a worker and waits until it answers. */
async function startWorker(): Promise<() => Promise<void>> {
  const file = join(directory.path, 'worker.properties');
  const properties = {
    'bootstrap.servers': server.bootstrap,
    'group.id': 'connect-workers',
    'config.storage.topic': 'connect-configs',
    'offset.storage.topic': 'connect-offsets',
    'status.storage.topic': 'connect-status',
    'config.storage.replication.factor': 1,
    'offset.storage.replication.factor': 1,
    'offset.storage.partitions': 5,
    'status.storage.replication.factor': 1,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'exactly.once.source.support': 'enabled',
    'offset.flush.interval.ms': 500,
    'session.timeout.ms': 6000,
    'heartbeat.interval.ms': 1000,
    'scheduled.rebalance.max.delay.ms': 1000,
    listeners: `HTTP://127.0.0.1:${restPort}`,
    'plugin.path': plugins,
    'plugin.discovery': 'only_scan',
  };
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const program = 'org.apache.kafka.connect.cli.ConnectDistributed';
  const child = spawn('java', ['-Xmx256m', '-cp', join(jars, '*'), program, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const release = guardProcess(child.pid as number);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  exit = () => void child.kill('SIGKILL');
  await until('the worker', async () => {
    if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}`);
    return (await fetch(`${rest}/connectors`).catch(() => undefined))?.ok ?? false;
  });
  return async () => {
    child.kill('SIGKILL');
    await gone;
    release();
  };
}

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  for (const begin = performance.now(); !(await done()); await sleep(100))
    if (performance.now() - begin > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
}

async function makeConnector(name: string, config: Readonly<Record<string, string>>): Promise<void> {
  await until(`connector ${name}`, async () => {
    const body = JSON.stringify({ name, config: { 'tasks.max': '1', ...config } });
    const answer = await fetch(`${rest}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (answer.status === 201) return true;
    // A rebalance is under way.
    if (answer.status === 409) return false;
    throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
  });
}

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);

/** What the topic holds for readers of committed records. */
async function readTopic(): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: 'check', maxWaitTimeInMs: 100 });
  const lines: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: 'lines', fromBeginning: true });
  await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void lines.push(String(message.value))) });
  await until('the topic read', () => lines.length >= LINES);
  // More than there should be would come now.
  await sleep(2000);
  await consumer.disconnect();
  return lines;
}

const expected = Array.from({ length: LINES }, (_, i) => `line ${i}`);
try {
  // One partition: the order of the file is the order of the topic.
  await makeTopic(server.bootstrap, 'lines', 1);
  let kill = await startWorker();
  await makeConnector('source', {
    'connector.class': 'FileStreamSource',
    file: source,
    topic: 'lines',
    'exactly.once.support': 'required',
  });
  await makeConnector('sink', { 'connector.class': 'FileStreamSink', file: sink, topics: 'lines' });
  const part = Math.floor(LINES / (kills + 1) / LINES_A_WRITE) * LINES_A_WRITE;
  for (let first = 0; first < LINES; first += LINES_A_WRITE) {
    appendFileSync(source, `${expected.slice(first, first + LINES_A_WRITE).join('\n')}\n`);
    await sleep(WRITE_EVERY_MS);
    if (first > 0 && first % part === 0 && first / part <= kills) {
      await until('half of it in the sink', () => linesOf(sink).length >= first / 2);
      await kill();
      console.log(`killed with ${linesOf(sink).length} lines in the sink`);
      kill = await startWorker();
    }
  }
  await until('all lines in the sink', () => new Set(linesOf(sink)).size >= LINES);
  const topic = await readTopic();
  if (topic.length !== LINES) problems.push(`${topic.length} lines in the topic instead of ${LINES}`);
  const wrong = topic.findIndex((line, i) => line !== expected[i]);
  if (wrong >= 0) problems.push(`record ${wrong} of the topic is ${topic[wrong]}`);
  const missing = expected.filter((line) => !new Set(linesOf(sink)).has(line));
  if (missing.length > 0) problems.push(`${missing.length} lines are not in the sink`);
  const statuses = (await (await fetch(`${rest}/connectors?expand=status`)).json()) as Record<
    string,
    { status: { tasks: { state: string; trace?: string }[] } }
  >;
  for (const [name, { status }] of Object.entries(statuses))
    for (const { state, trace } of status.tasks)
      if (state !== 'RUNNING') problems.push(`${name} is ${state}: ${trace?.slice(0, 500)}`);
} catch (error) {
  problems.push((error as Error).message);
} finally {
  exit();
  await server.stop();
  await directory.remove();
}
for (const problem of problems) console.log(problem);
console.log(`${LINES} lines, ${kills} kills, ${problems.length} problems`);
console.log(problems.length === 0 ? 'passed' : 'FAILED');
process.exit(problems.length === 0 ? 0 : 1);
