/**
 * Kills the service with SIGKILL while both doors write, again and again, and then counts: every record that was
 * acknowledged must be there once and in order.
 *
 *   node compat/kill/run.ts [--rounds 20]             embedded store, default durability
 *   node compat/kill/run.ts --redis [--rounds 20]     Redis with its append-only file; the service is killed
 *   node compat/kill/run.ts --redis --kill redis      the same, and it is Redis that is killed
 *
 * A record that was sent and not acknowledged may be there or not, but not twice where its producer is idempotent, and
 * nowhere out of order: the Kafka producer numbers its records per key and is idempotent; the HTTP writers retry nothing.
 */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis, temporaryDirectory } from '@tailrace/testkit';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { kafkaJs } from '../two-doors/clients/kafkajs.ts';
import { type Service, service } from '../service.ts';
import { Ledger } from './ledger.ts';

const { values: options } = parseArgs({
  options: {
    redis: { type: 'boolean' },
    kill: { type: 'string', default: 'service' },
    rounds: { type: 'string', default: '20' },
  },
});
const ROUNDS = Number(options.rounds);
const STREAM = 'killed';
const SHARDS = 4;
const HTTP_WRITERS = 8;
const KAFKA_WRITERS = 4;
/** How long each life lasts, between these, under load. */
const LIFE_MS = { min: 400, max: 1800 };

interface Writer {
  /** Settles when the writer has seen its connection die or was told to stop. */
  readonly done: Promise<void>;
}

/** Puts one record after the other over HTTP; a failure ends its turn. */
function httpWriter(server: Service, key: string, ledger: Ledger, stopped: () => boolean): Writer {
  const write = async () => {
    while (!stopped()) {
      const value = ledger.next(key);
      let response: Response;
      try {
        response = await fetch(`${server.http}/`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.PutRecord' },
          body: JSON.stringify({ StreamName: STREAM, PartitionKey: key, Data: Buffer.from(value).toString('base64') }),
        });
        await response.arrayBuffer();
      } catch {
        return;
      }
      if (response.status !== 200) {
        // An error tells that it may or may not be there; going on would put a later number behind a hole, which is legal.
        await sleep(20);
        continue;
      }
      ledger.acknowledged(key, value);
    }
  };
  return { done: write() };
}

/** An idempotent Kafka producer that sends small batches and does not outlive the kill. */
function kafkaWriter(server: Service, key: string, ledger: Ledger, stopped: () => boolean): Writer {
  const write = async () => {
    const producer = new Kafka({
      clientId: key,
      brokers: [server.kafka],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      retry: { retries: 2, initialRetryTime: 50 },
    }).producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner });
    try {
      await producer.connect();
      while (!stopped()) {
        const values = [ledger.next(key), ledger.next(key), ledger.next(key)];
        await producer.send({ topic: STREAM, acks: -1, messages: values.map((value) => ({ key, value })) });
        for (const value of values) ledger.acknowledged(key, value);
      }
    } catch {
      // Killed: what was under way stays unacknowledged.
    } finally {
      await producer.disconnect().catch(() => {});
    }
  };
  return { done: write() };
}

// When Redis itself is killed: with `everysec` it answers before it writes while a sync of a slow disk goes on.
const appendfsync = options.kill === 'redis' ? 'always' : 'everysec';
const redis = options.redis ? await startRedis({ appendonly: true, config: { appendfsync } }) : undefined;
const directory = await temporaryDirectory();
const server = await service({
  env: {
    TAILRACE_LIMITS: 'off',
    ...(redis ? { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url } : { TAILRACE_DATA_DIR: directory.path }),
  },
});
const ledger = new Ledger();
let failed = false;
try {
  await server.start();
  await fetch(`${server.http}/v1/streams`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: STREAM, shards: SHARDS }),
  });
  for (let round = 1; round <= ROUNDS; round++) {
    let stopped = false;
    const isStopped = () => stopped;
    const before = ledger.acknowledgedCount;
    const writers = [
      ...Array.from({ length: HTTP_WRITERS }, (_, i) => httpWriter(server, `http-${round}-${i}`, ledger, isStopped)),
      ...Array.from({ length: KAFKA_WRITERS }, (_, i) => kafkaWriter(server, `kafka-${round}-${i}`, ledger, isStopped)),
    ];
    await sleep(LIFE_MS.min + Math.random() * (LIFE_MS.max - LIFE_MS.min));
    let back: number;
    if (redis && options.kill === 'redis') {
      await redis.kill9();
      stopped = true;
      await Promise.all(writers.map(({ done }) => done));
      const begin = performance.now();
      await redis.restart();
      await ready(server);
      back = performance.now() - begin;
    } else {
      await server.kill9();
      stopped = true;
      await Promise.all(writers.map(({ done }) => done));
      back = await server.start();
    }
    console.log(
      `round ${round}: killed after ${ledger.acknowledgedCount - before} acknowledged records; ready again after ${Math.round(back)} ms`,
    );
  }
  const read = await readEverything(server);
  const problems = ledger.problems(read);
  console.log(`${ledger.acknowledgedCount} records acknowledged, ${read.length} there, ${problems.length} problems`);
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`);
  failed = problems.length > 0 || ledger.acknowledgedCount === 0;
} finally {
  await server.stop();
  await redis?.stop();
  await directory.remove();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);

async function ready({ http }: Service): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    const { status } = await fetch(`${http}/health/ready`);
    if (status === 200) return;
    await sleep(10);
  }
  throw new Error('the service did not resume');
}

async function readEverything(running: Service): Promise<{ key: string; value: string }[]> {
  const stream = (await (await fetch(`${running.http}/v1/streams/${STREAM}`)).json()) as {
    shards: { highWatermark: string }[];
  };
  const count = stream.shards.reduce((sum, { highWatermark }) => sum + Number(highWatermark), 0);
  const records = await kafkaJs.readAll(running, STREAM, count);
  return records.map(({ key, value }) => ({
    key: Buffer.from(key, 'base64').toString(),
    value: Buffer.from(value, 'base64').toString(),
  }));
}
