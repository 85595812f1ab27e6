import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { startServer } from './server.ts';
import { makeTopic } from './topic.ts';
import { WordCounts } from './word-counts.ts';

const PARTITIONS = 4;
const WORDS = 50;
const LINES_A_SEND = 100;

/** A Java program that counts the words in the topic `lines` and writes each count to `counts`, exactly once. */
export interface CountingProgram {
  /** What `java` is called with, asked before each start. `statePath`: a directory that outlives the program. */
  readonly javaArgs: (bootstrap: string, statePath: string) => readonly string[];
  /** The count that a record's value says; NaN: there is none. */
  readonly countOf: (value: Buffer) => number;
  /** How many lines it is given; a multiple of 100. */
  readonly lines: number;
  readonly wordsALine: number;
  /** Between two sends of 100 lines. */
  readonly sendEveryMs: number;
  /** From where a killed one goes on, for the log. */
  readonly position?: (statePath: string) => string | undefined;
  /** What must come true besides, once everything is counted. */
  readonly isSettled?: (kafka: Kafka) => Promise<boolean>;
}

/**
 * Starts the program, kills it so often while it counts, and lets it count the rest. A reader of committed records must see
 * 1, 2, 3 … for each word, up to how often it was written: a number twice or left out is a record that was counted twice or
 * not at all. Reports, and answers whether all was well.
 */
export async function countThroughKills(
  program: CountingProgram,
  { kills, ...where }: { readonly kills: number } & Parameters<typeof startServer>[0],
): Promise<boolean> {
  const { lines, wordsALine, sendEveryMs } = program;
  const state = await temporaryDirectory();
  const server = await startServer(where);
  const kafka = new Kafka({ clientId: 'compat', brokers: [server.bootstrap], logLevel: logLevel.ERROR });
  const counts = new WordCounts(kafka, program.countOf);
  const { problems } = counts;
  const exits: (() => void)[] = [];

  function start(): ChildProcess {
    const args = program.javaArgs(server.bootstrap, state.path);
    const child = spawn('java', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const release = guardProcess(child.pid as number);
    child.once('exit', (code) => {
      release();
      if (code !== null) problems.push(`the program ended with ${code}`);
    });
    exits.push(() => child.kill('SIGKILL'));
    return child;
  }

  /** Words in turn, so that how often each comes is known. */
  const lineOf = (i: number) =>
    Array.from({ length: wordsALine }, (_, j) => `word-${(i * wordsALine + j) % WORDS}`).join(' ');

  async function writeLines(first: number, end: number): Promise<void> {
    const producer = kafka.producer();
    await producer.connect();
    for (let at = first; at < end; at += LINES_A_SEND) {
      const messages = Array.from({ length: LINES_A_SEND }, (_, i) => ({ key: `k${at + i}`, value: lineOf(at + i) }));
      await producer.send({ topic: 'lines', messages, acks: -1 });
      await sleep(sendEveryMs);
    }
    await producer.disconnect();
  }

  try {
    await makeTopic(server.bootstrap, 'lines', PARTITIONS);
    await makeTopic(server.bootstrap, 'counts', PARTITIONS);
    const stopReading = await counts.read();
    const part = Math.floor(lines / (kills + 1) / LINES_A_SEND) * LINES_A_SEND;
    for (let kill = 0; kill < kills; kill++) {
      const before = counts.seen;
      const child = start();
      await writeLines(kill * part, (kill + 1) * part);
      // Half of what was written is counted; the rest is under way.
      await counts.until(`counts before kill ${kill + 1}`, () => counts.seen - before >= (part * wordsALine) / 2);
      child.kill('SIGKILL');
      const position = program.position?.(state.path);
      console.log(`killed after ${counts.seen} counts${position === undefined ? '' : `, at ${position}`}`);
    }
    start();
    await writeLines(kills * part, lines);
    await counts.until('all counts', () => counts.seen >= lines * wordsALine);
    await counts.until('what must come true at the end', () => program.isSettled?.(kafka) ?? true);
    // Nothing may come behind the last one.
    await sleep(2000);
    await stopReading();
    counts.expectEach((lines * wordsALine) / WORDS);
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
  return problems.length === 0;
}
