/**
 * Flink counts words, exactly once, and is killed in the middle:
 *
 *   node compat/kafka-clients/flink.ts [--kills 2] [--naming pooling|incrementing] [--redis] [--peer apache]
 *
 * A job with two tasks reads a topic and writes every count to another, in one transaction of each task a checkpoint. A killed
 * job goes on from its last checkpoint: it commits the transactions of that checkpoint by the producer ids and epochs that it
 * noted, which are no longer anybody's, and aborts those begun behind it. It finds them by asking for all transactions
 * (`pooling`), or by taking up one transactional id behind the other (`incrementing`). A reader of committed records must see
 * 1, 2, 3 … for each word, up to how often it was written. The offsets that Flink commits, as a group without members, must
 * end where the topic does.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { startServer } from './server.ts';
import { makeTopic } from './topic.ts';
import { WordCounts } from './word-counts.ts';

const PARTITIONS = 4;
const LINES = 6000;
const WORDS = 50;
const LINES_A_SEND = 100;
/** So that checkpoints of one run have records between them. */
const SEND_EVERY_MS = 50;
/** As the job says. */
const GROUP = 'flink';
const CACHE = join(import.meta.dirname, '.cache', 'flink');
const jars = join(CACHE, 'lib');
const classes = join(CACHE, 'classes');

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '2' },
    naming: { type: 'string', default: 'pooling' },
    redis: { type: 'boolean' },
    peer: { type: 'string' },
  },
});
const kills = Number(options.kills);

function install(): void {
  mkdirSync(classes, { recursive: true });
  const source = join(import.meta.dirname, 'flink', 'CountByKey.java');
  if (!existsSync(jars)) {
    cpSync(join(import.meta.dirname, 'flink', 'pom.xml'), join(CACHE, 'pom.xml'));
    const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
    execFileSync('mvn', args, { cwd: CACHE, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  execFileSync('javac', ['-cp', join(jars, '*'), '-d', classes, source], { stdio: ['ignore', 'inherit', 'inherit'] });
}

install();
const state = await temporaryDirectory();
const server = await startServer(options);
const kafka = new Kafka({ clientId: 'flink', brokers: [server.bootstrap], logLevel: logLevel.ERROR });
const counts = new WordCounts(kafka, (value) => Number(String(value).split('=')[1]));
const { problems } = counts;
const exits: (() => void)[] = [];

/** The newest checkpoint that is whole; absent before the first one. */
function lastCheckpoint(): string | undefined {
  const files = readdirSync(state.path, { recursive: true, encoding: 'utf8' });
  const whole = files.filter((file) => file.endsWith('_metadata')).map((file) => join(state.path, file, '..'));
  return whole.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

function startJob(): ChildProcess {
  const checkpoint = lastCheckpoint();
  const open = ['java.base/java.util', 'java.base/java.lang'].flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]);
  const args = [server.bootstrap, 'lines', 'counts', state.path, options.naming.toUpperCase()];
  const child = spawn(
    'java',
    ['-Xmx512m', ...open, '-cp', [classes, join(jars, '*')].join(':'), 'CountByKey', ...args, ...(checkpoint === undefined ? [] : [checkpoint])],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  ); // prettier-ignore
  const release = guardProcess(child.pid as number);
  child.once('exit', (code) => {
    release();
    if (code !== null) problems.push(`the job ended with ${code}`);
  });
  exits.push(() => child.kill('SIGKILL'));
  return child;
}

async function writeLines(first: number, end: number): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  for (let at = first; at < end; at += LINES_A_SEND) {
    const messages = Array.from({ length: LINES_A_SEND }, (_, i) => ({
      key: `k${at + i}`,
      value: `word-${(at + i) % WORDS}`,
    }));
    await producer.send({ topic: 'lines', messages, acks: -1 });
    await sleep(SEND_EVERY_MS);
  }
  await producer.disconnect();
}

/** What Flink has committed, over all partitions. */
async function committed(): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: ['lines'] });
  await admin.disconnect();
  return (topic?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
}

try {
  await makeTopic(server.bootstrap, 'lines', PARTITIONS);
  await makeTopic(server.bootstrap, 'counts', PARTITIONS);
  const stopReading = await counts.read();
  const part = Math.floor(LINES / (kills + 1) / LINES_A_SEND) * LINES_A_SEND;
  for (let kill = 0; kill < kills; kill++) {
    const before = counts.seen;
    const child = startJob();
    await writeLines(kill * part, (kill + 1) * part);
    // Half of what was written is counted; the rest is under way.
    await counts.until(`counts before kill ${kill + 1}`, () => counts.seen - before >= part / 2);
    child.kill('SIGKILL');
    console.log(`killed after ${counts.seen} counts, at ${lastCheckpoint()?.split('/').at(-1)}`);
  }
  startJob();
  await writeLines(kills * part, LINES);
  await counts.until('all counts', () => counts.seen >= LINES);
  await counts.until('the committed offsets', async () => (await committed()) === LINES);
  // Nothing may come behind the last one.
  await sleep(2000);
  await stopReading();
  counts.expectEach(LINES / WORDS);
} catch (error) {
  problems.push((error as Error).message);
} finally {
  for (const exit of exits) exit();
  await server.stop();
  await state.remove();
}
for (const problem of problems.slice(0, 10)) console.log(problem);
console.log(`${counts.seen} counts of ${counts.words} words, ${kills} kills, ${problems.length} problems`);
console.log(problems.length === 0 ? 'passed' : 'FAILED');
process.exit(problems.length === 0 ? 0 : 1);
