/**
 * What Java consumers are told when a failover of Redis takes back records that they have read, and as many others and more
 * stand in their place (KIP-320):
 *
 *   node compat/lost-tail/run.ts [--rounds 1]
 *
 * In each round a reader with auto.offset.reset=none must throw LogTruncationException at the first record that was lost, and
 * readers that may reset must go back to there and read what is there now: nothing left out.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { faultProxy, guardProcess, type RedisServer, startRedis } from '@tailrace/testkit';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { CLIENTS, javaLibraries } from '../kafka-clients/clients.ts';
import { service } from '../service.ts';

const CLASSES = join(import.meta.dirname, '.cache');
const PATIENCE_MS = 30_000;
const KEPT = 10;
const LOST = 5;
const NEW = 12;
const RESETS = ['none', 'earliest', 'latest'] as const;
type Reset = (typeof RESETS)[number];

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } });

async function until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
  const begin = performance.now();
  while (!(await reached())) {
    if (performance.now() - begin > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}

class Reader {
  readonly #child: ChildProcess;
  readonly #release: () => void;
  readonly reset: Reset;
  /** What it told, in order. */
  readonly lines: string[] = [];

  constructor(bootstrap: string, topic: string, reset: Reset) {
    this.reset = reset;
    const classPath = `${join(javaLibraries('4.3.1'), '*')}:${CLASSES}`;
    const args = ['-Xmx128m', '-cp', classPath, 'Reader', bootstrap, topic, reset];
    this.#child = spawn('java', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#release = guardProcess(this.#child.pid as number);
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => this.lines.push(line));
  }

  stop(): void {
    this.#child.kill('SIGKILL');
    this.#release();
  }
}

const numbered = (word: string, from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `r ${from + i} ${word}-${i}`);

/** What a reader must have told in the end. */
function expectedOf(reset: Reset): string[] {
  const before = [...numbered('kept', 0, KEPT), ...numbered('lost', KEPT, LOST)];
  return reset === 'none' ? [...before, `t ${KEPT}`] : [...before, ...numbered('new', KEPT, NEW)];
}

async function round(): Promise<string[]> {
  const endings: (() => unknown)[] = [];
  try {
    const redis = await startRedis({ replicas: 1 });
    endings.push(() => redis.stop());
    const [replica] = redis.replicas as [RedisServer];
    const proxy = await faultProxy({ target: { port: redis.port } });
    endings.push(() => proxy.stop());
    const env = { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: `redis://127.0.0.1:${proxy.port}` };
    const server = await service({ env });
    endings.push(() => server.kill9());
    await server.start();

    const topic = 'lost-tail';
    const retry = { retries: 100, maxRetryTime: 1_000 };
    const kafka = new Kafka({ brokers: [server.kafka], logLevel: logLevel.NOTHING, retry });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    await admin.disconnect();
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    endings.push(() => producer.disconnect());
    const send = async (word: string, count: number, acks: number) => {
      for (let i = 0; i < count; i++) await producer.send({ topic, acks, messages: [{ partition: 0, value: `${word}-${i}` }] }); // prettier-ignore
    };

    await send('kept', KEPT, -1);
    await until('a replica that has it all', async () => {
      const info = String(await redis.command('INFO', 'replication'));
      const [, offset] = /slave0:.*offset=(\d+)/.exec(info) ?? [];
      return offset !== undefined && offset === /master_repl_offset:(\d+)/.exec(info)?.[1];
    });
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await send('lost', LOST, 1);
    const readers = RESETS.map((reset) => new Reader(server.kafka, topic, reset));
    endings.push(() => readers.forEach((reader) => reader.stop()));
    await until('readers at the end', () => readers.every(({ lines }) => lines.length >= KEPT + LOST));

    proxy.target = { port: replica.port };
    await redis.kill9();
    await send('new', NEW, 1);
    const isDone = ({ reset, lines }: Reader) => lines.length >= expectedOf(reset).length;
    await until('readers', () => readers.every(isDone)).catch(() => undefined);
    return readers.flatMap(({ reset, lines }) => {
      const expected = expectedOf(reset);
      if (lines.join('\n') === expected.join('\n')) return [];
      return [`auto.offset.reset=${reset} told\n  ${lines.join('\n  ')}\ninstead of\n  ${expected.join('\n  ')}`];
    });
  } finally {
    for (const end of endings.reverse()) await end();
  }
}

CLIENTS.find(({ name }) => name === 'java-4.3')?.install();
mkdirSync(CLASSES, { recursive: true });
execFileSync('javac', [
  '-cp',
  join(javaLibraries('4.3.1'), '*'),
  '-d',
  CLASSES,
  join(import.meta.dirname, 'Reader.java'),
]);
for (let n = 1; n <= Number(options.rounds); n++) {
  const failures = await round();
  for (const failure of failures) process.stdout.write(`${failure}\n`);
  process.stdout.write(`round ${n}: ${RESETS.length - failures.length} of ${RESETS.length} readers were told\n`);
  if (failures.length > 0) process.exitCode = 1;
}
