/**
 * Kafka Streams counts words, exactly once, and is killed in the middle:
 *
 *   node compat/kafka-clients/streams.ts [--version 4.3.1] [--kills 2] [--redis] [--peer apache]
 *
 * Every count is written to a topic. A reader of committed records must see 1, 2, 3 … for each word, up to how often it was
 * written: a number twice or left out is a record that was counted twice or not at all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { javaLibraries } from './clients.ts';
import { startServer } from './server.ts';
import { makeTopic } from './topic.ts';
import { WordCounts } from './word-counts.ts';

const PARTITIONS = 4;
const LINES = 3000;
const WORDS_A_LINE = 3;
const WORDS = 50;
const LINES_A_SEND = 100;
/** Kafka Streams writes a count as a long. */
const COUNT_BYTES = 8;

const { values: options } = parseArgs({
  options: {
    version: { type: 'string', default: '4.3.1' },
    kills: { type: 'string', default: '2' },
    redis: { type: 'boolean' },
    peer: { type: 'string' },
  },
});
const kills = Number(options.kills);
const jars = javaLibraries(options.version);
const state = await temporaryDirectory();
const server = await startServer(options);
const kafka = new Kafka({ clientId: 'streams', brokers: [server.bootstrap], logLevel: logLevel.ERROR });
const counts = new WordCounts(kafka, (value) => (value.length === COUNT_BYTES ? Number(value.readBigInt64BE()) : NaN));
const { problems } = counts;
const exits: (() => void)[] = [];

function startWordCount(): ChildProcess {
  const program = join(import.meta.dirname, 'java', 'word-count.java');
  const args = [server.bootstrap, 'lines', 'counts', 'word-count', state.path];
  const child = spawn('java', ['-Xmx256m', '-cp', join(jars, '*'), program, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const release = guardProcess(child.pid as number);
  child.once('exit', (code) => {
    release();
    if (code !== null) problems.push(`the program ended with ${code}`);
  });
  exits.push(() => child.kill('SIGKILL'));
  return child;
}

/** Line `i`: words in turn, so that how often each comes is known. */
const wordsOf = (i: number) => Array.from({ length: WORDS_A_LINE }, (_, j) => `word-${(i * WORDS_A_LINE + j) % WORDS}`);

async function writeLines(first: number, end: number): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  for (let at = first; at < end; at += LINES_A_SEND) {
    const messages = Array.from({ length: LINES_A_SEND }, (_, i) => ({
      key: `k${at + i}`,
      value: wordsOf(at + i).join(' '),
    }));
    await producer.send({ topic: 'lines', messages, acks: -1 });
  }
  await producer.disconnect();
}

try {
  await makeTopic(server.bootstrap, 'lines', PARTITIONS);
  await makeTopic(server.bootstrap, 'counts', PARTITIONS);
  const stopReading = await counts.read();
  const part = Math.floor(LINES / (kills + 1) / LINES_A_SEND) * LINES_A_SEND;
  for (let kill = 0; kill < kills; kill++) {
    const before = counts.seen;
    const child = startWordCount();
    await writeLines(kill * part, (kill + 1) * part);
    // Half of what was written is counted; the rest is under way.
    await counts.until(`counts before kill ${kill + 1}`, () => counts.seen - before >= (part * WORDS_A_LINE) / 2);
    child.kill('SIGKILL');
    console.log(`killed after ${counts.seen} counts`);
  }
  startWordCount();
  await writeLines(kills * part, LINES);
  await counts.until('all counts', () => counts.seen >= LINES * WORDS_A_LINE);
  // Nothing may come behind the last one.
  await sleep(2000);
  await stopReading();
  counts.expectEach((LINES * WORDS_A_LINE) / WORDS);
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
