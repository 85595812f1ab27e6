import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { endTxnApi, findCoordinatorApi, initProducerIdApi, metadataApi } from '@tailrace/kafka-protocol';
import { type Store, type Stream, StreamCatalog } from '@tailrace/shard-core';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { eventually, freePort, guardProcess, type RedisServer, startRedis } from '@tailrace/testkit';
import { BROKER_LEASE_TTL_MS } from '../src/brokers/broker-registry.ts';
import { readAll, TransactionalClient } from '../src/testing/transactional-client.ts';
import { WireClient } from '../src/testing/wire-client.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');
const START_MS = 20_000;
const TAKE_OVER_MS = 2 * BROKER_LEASE_TTL_MS;
const TRANSACTION_KEY = 1;

interface RunningBridge {
  readonly process: ChildProcess;
  readonly port: number;
  connect(): Promise<WireClient>;
}

let redis: RedisServer;
let store: Store;
let catalog: StreamCatalog;
const bridges: RunningBridge[] = [];

async function start(): Promise<RunningBridge> {
  const port = await freePort();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      TAILRACE_STORE: 'redis',
      TAILRACE_REDIS_URL: redis.url,
      TAILRACE_KAFKA_PORT: String(port),
      TAILRACE_METRICS_PORT: '0',
      TAILRACE_LOG_LEVEL: 'error',
    },
  });
  guardProcess(child.pid as number);
  return { process: child, port, connect: () => WireClient.connect({ host: '127.0.0.1', port }) };
}

/** To which port a bridge sends the clients of a transactional id. */
async function coordinatorPort(client: WireClient, transactionalId: string): Promise<number> {
  const { port } = await client.request(findCoordinatorApi, 3, { key: transactionalId, keyType: TRANSACTION_KEY });
  return port;
}

/** A paused bridge with an open transaction, the last thing that its client has sent to it, and a client of the other bridge. */
async function paused(name: string, ask: (client: WireClient, producer: TransactionalClient) => void) {
  const [first, second] = bridges as [RunningBridge, RunningBridge];
  const [client, other] = [await first.connect(), await second.connect()];
  let transactionalId = name;
  for (let i = 0; (await coordinatorPort(other, transactionalId)) !== first.port; i++) transactionalId = `${name}-${i}`;
  const stream = (await catalog.find('orders')) as Stream;
  const before = new TransactionalClient(client, transactionalId, 1);
  expect(await before.init()).toBe('NONE');
  expect(await before.addPartitions(stream, [0])).toEqual(['NONE']);
  expect(await before.write(stream, [`first of ${name}`])).toBe('NONE');
  first.process.kill('SIGSTOP');
  ask(client, before);
  await eventually(async () => (await coordinatorPort(other, transactionalId)) === second.port, {
    timeoutMs: TAKE_OVER_MS,
  });
  const after = new TransactionalClient(other, transactionalId, 1);
  after.become(before.producerId, before.producerEpoch);
  /** The bridge goes on where it stood; settles when it has done with what it was asked. */
  const resume = async () => {
    const answered = client.nextFrame().then(
      () => 'answered',
      () => 'closed',
    );
    first.process.kill('SIGCONT');
    expect(await answered).toBe('closed');
    await eventually(async () => (await coordinatorPort(other, transactionalId)) === first.port, {
      timeoutMs: TAKE_OVER_MS,
    });
    const successor = new TransactionalClient(await first.connect(), transactionalId, 1);
    successor.become(before.producerId, before.producerEpoch);
    return successor;
  };
  return { stream, after, other, resume };
}

beforeAll(async () => {
  redis = await startRedis();
  store = await openRedisStore({ url: redis.url });
  catalog = await StreamCatalog.open(store);
  for (let i = 0; i < 2; i++) bridges.push(await start());
  await eventually(
    async () => {
      for (const bridge of bridges) {
        const client = await bridge.connect();
        const { brokers } = await client.request(metadataApi, 9, { topics: [{ name: 'orders' }] });
        client.close();
        expect(brokers.map(({ port }) => port).sort()).toEqual(bridges.map(({ port }) => port).sort());
      }
    },
    { timeoutMs: START_MS },
  );
}, START_MS);
afterAll(async () => {
  for (const { process: child } of bridges) child.kill('SIGKILL');
  await catalog.close();
  await store.close();
  await redis.stop();
});

describe('a bridge that was paused for longer than its lease', () => {
  it('does not end a transaction by what was sent to it about the one before', async () => {
    const { stream, after, other, resume } = await paused('ends', (client, { transactionalId, ...producer }) => {
      const { producerId, producerEpoch } = producer;
      client.tell(endTxnApi, 3, { transactionalId, producerId, producerEpoch, committed: true });
    });
    // No answer came in time: the producer asks the next coordinator, and begins another transaction there.
    await eventually(async () => expect(await after.end(true)).toBe('NONE'));
    await eventually(async () => expect(await after.addPartitions(stream, [1])).toEqual(['NONE']));
    expect(await after.write(stream, ['second'], { partition: 1 })).toBe('NONE');

    const successor = await resume();
    expect(await after.write(stream, ['third'], { partition: 1 })).toBe('NONE');
    await eventually(async () => expect(await successor.end(true)).toBe('NONE'));
    expect((await readAll(other, stream, { committed: true, partition: 1 })).values).toEqual(['second', 'third']);
  });

  it('does not fence a producer by what was sent to it before the producer began', async () => {
    const { stream, after, resume } = await paused('fences', (client, { transactionalId }) => {
      client.tell(initProducerIdApi, 4, { transactionalId, transactionTimeoutMs: 60_000 });
    });
    await eventually(async () => expect(await after.init()).toBe('NONE'));
    await eventually(async () => expect(await after.addPartitions(stream, [2])).toEqual(['NONE']));
    const successor = await resume();
    successor.become(after.producerId, after.producerEpoch);
    expect(await after.write(stream, ['of the producer that began last'], { partition: 2 })).toBe('NONE');
    await eventually(async () => expect(await successor.end(true)).toBe('NONE'));
  });
});
