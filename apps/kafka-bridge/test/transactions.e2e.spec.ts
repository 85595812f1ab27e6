import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import {
  describeTransactionsApi,
  endTxnApi,
  errorName,
  findCoordinatorApi,
  offsetFetchApi,
} from '@tailrace/kafka-protocol';
import {
  mergeShards,
  splitShard,
  type Store,
  StoreUnavailable,
  StreamCatalog,
  type Stream,
} from '@tailrace/shard-core';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { createLogger } from '@tailrace/telemetry';
import { eventually, startRedis, temporaryDirectory } from '@tailrace/testkit';
import kafkajs from 'kafkajs';
import { type Address, createKafkaDoor, type KafkaDoor } from '../src/index.ts';
import { readAll, TransactionalClient } from '../src/testing/transactional-client.ts';
import { WireClient } from '../src/testing/wire-client.ts';
import { createTopic } from '../src/topics/topic-creation.ts';

const { Kafka, logLevel } = kafkajs;
const redisIsHere = spawnSync('redis-server', ['--version']).status === 0;
const logger = createLogger({ level: 'silent' });
const MIDDLE = 2n ** 127n;

/** A store with a bridge on it; more bridges may be opened, and be dropped as if their process had died. */
interface Cluster {
  readonly catalog: StreamCatalog;
  /** Another bridge. `withoutMarkers`: it dies, as far as markers are concerned, before it writes any. */
  bridge(options?: { readonly withoutMarkers?: boolean }): Promise<Bridge>;
  newTopic(name: string, partitionCount: number): Promise<Stream>;
  close(): Promise<void>;
}

interface Bridge {
  readonly address: Address;
  readonly client: WireClient;
  stop(): Promise<void>;
}

async function clusterOn(opened: Store, closed: () => Promise<void>): Promise<Cluster> {
  const catalog = await StreamCatalog.open(opened);
  const bridges = new Set<Bridge>();
  return {
    catalog,
    async bridge({ withoutMarkers = false } = {}) {
      const log: Store['log'] = Object.create(opened.log, {
        endTransaction: { value: async () => Promise.reject(new StoreUnavailable('this bridge writes no marker')) },
      }) as Store['log'];
      const store = withoutMarkers ? { ...opened, log: bound(log, opened.log), health: () => opened.health() } : opened;
      const door: KafkaDoor = createKafkaDoor({ store, catalog, logger });
      const address = await door.listen({ host: '127.0.0.1', port: 0 });
      const client = await WireClient.connect(address);
      const bridge: Bridge = {
        address,
        client,
        async stop() {
          bridges.delete(bridge);
          client.close();
          await door.close(100);
        },
      };
      bridges.add(bridge);
      return bridge;
    },
    async newTopic(name, partitionCount) {
      const created = await createTopic(catalog, { name, partitionCount, configs: {} });
      if (!created.ok) throw new Error(created.refusal.code);
      return created.value;
    },
    async close() {
      for (const bridge of bridges) await bridge.stop();
      await catalog.close();
      await opened.close();
      await closed();
    },
  };
}

/** The methods of a log whose fields are private, but for those that `changed` has itself. */
function bound(changed: Store['log'], original: Store['log']): Store['log'] {
  return new Proxy(original, {
    get(target, name) {
      const owner = Object.hasOwn(changed, name) ? changed : target;
      const found: unknown = Reflect.get(owner, name, owner);
      return typeof found === 'function' ? (found.bind(owner) as unknown) : found;
    },
  });
}

const engines: readonly (readonly [string, () => Promise<Cluster>])[] = [
  [
    'embedded',
    async () => {
      const directory = await temporaryDirectory();
      const store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
      return clusterOn(store, () => directory.remove());
    },
  ],
  ...(redisIsHere
    ? [
        [
          'Redis',
          async () => {
            const redis = await startRedis();
            return clusterOn(await openRedisStore({ url: redis.url }), () => redis.stop());
          },
        ] as const,
      ]
    : []),
];

describe.each(engines)('transactions on %s', (_, open) => {
  it('are completed by another bridge when theirs dies between the decision and the markers', async () => {
    const cluster = await open();
    const stream = await cluster.newTopic('decided', 2);
    const dying = await cluster.bridge({ withoutMarkers: true });
    const [committed, aborted] = ['commits', 'aborts'].map((id) => new TransactionalClient(dying.client, id, 1)) as [
      TransactionalClient,
      TransactionalClient,
    ];
    for (const producer of [committed, aborted]) {
      expect([await producer.init(), await producer.addPartitions(stream, [0])]).toEqual(['NONE', ['NONE']]);
      expect(await producer.write(stream, [producer.transactionalId])).toBe('NONE');
      expect(await producer.addOffsets(`group of ${producer.transactionalId}`)).toBe('NONE');
      expect(await producer.commitOffset(`group of ${producer.transactionalId}`, stream, 0, 5n)).toBe('NONE');
    }
    expect([await committed.end(true), await aborted.end(false)]).toEqual(['NONE', 'NONE']);
    expect((await readAll(dying.client, stream, { committed: true })).values).toEqual([]);
    await dying.stop();

    const next = await cluster.bridge();
    await eventually(
      async () => expect((await readAll(next.client, stream, { committed: true })).values).toEqual(['commits']),
      { timeoutMs: 15_000 },
    );
    await eventually(async () => {
      const transactionalIds = ['commits', 'aborts'];
      const { transactionStates } = await next.client.request(describeTransactionsApi, 0, { transactionalIds });
      expect(transactionStates.map(({ transactionState }) => transactionState)).toEqual([
        'CompleteCommit',
        'CompleteAbort',
      ]);
    });
    const committedOf = async (groupId: string) => {
      const groups = [{ groupId, topics: [{ name: stream.name, partitionIndexes: [0] }] }];
      const answer = await next.client.request(offsetFetchApi, 8, { groups, requireStable: true });
      return answer.groups[0]?.topics[0]?.partitions[0]?.committedOffset;
    };
    expect([await committedOf('group of commits'), await committedOf('group of aborts')]).toEqual([5n, -1n]);
    await cluster.close();
  });

  it('go on over several bridges, and are fenced over all of them', async () => {
    const cluster = await open();
    const stream = await cluster.newTopic('several', 2);
    const bridges = [await cluster.bridge(), await cluster.bridge()] as const;
    await eventually(async () => {
      const id = await idOf(bridges[0].client, bridges[1].address.port);
      expect(id).toBeDefined();
    });
    const id = (await idOf(bridges[0].client, bridges[1].address.port)) as string;
    const coordinator = bridges[1].client;
    const elsewhere = new TransactionalClient(bridges[0].client, id, 2);
    expect(await elsewhere.init()).toBe('NOT_COORDINATOR');
    const producer = new TransactionalClient(coordinator, id, 2);
    expect(await producer.init()).toBe('NONE');
    // A batch makes its partition part of the transaction at whichever bridge it comes in.
    elsewhere.become(producer.producerId, producer.producerEpoch);
    expect(await elsewhere.write(stream, ['a'])).toBe('NONE');
    expect(await producer.write(stream, ['b'], { partition: 1 })).toBe('NONE');
    expect(await producer.end(true)).toBe('NONE');
    for (const { client } of bridges) {
      expect((await readAll(client, stream, { committed: true })).values).toEqual(['a']);
      expect((await readAll(client, stream, { committed: true, partition: 1 })).values).toEqual(['b']);
    }
    // What this bridge remembers of the last transaction does not let it in.
    expect(await elsewhere.write(stream, ['late'])).toBe('INVALID_PRODUCER_EPOCH');
    expect((await readAll(coordinator, stream, { committed: true })).lastStableOffset).toBe(2n);
    await cluster.close();
  });

  it('forget at every bridge what a producer that keeps its epoch may write to', async () => {
    const cluster = await open();
    const stream = await cluster.newTopic('remembered', 2);
    const bridges = [await cluster.bridge(), await cluster.bridge()] as const;
    await eventually(async () => expect(await idOf(bridges[0].client, bridges[1].address.port)).toBeDefined());
    const id = (await idOf(bridges[0].client, bridges[1].address.port)) as string;
    const producer = new TransactionalClient(bridges[1].client, id, 1);
    expect([await producer.init(), await producer.addPartitions(stream, [0])]).toEqual(['NONE', ['NONE']]);
    const elsewhere = new TransactionalClient(bridges[0].client, id, 1);
    elsewhere.become(producer.producerId, producer.producerEpoch);
    expect([await elsewhere.write(stream, ['a']), await elsewhere.write(stream, ['b'])]).toEqual(['NONE', 'NONE']);
    expect(await producer.end(true)).toBe('NONE');
    await eventually(async () => expect(await elsewhere.write(stream, ['hangs'])).toBe('TRANSACTION_ABORTABLE'));
    await cluster.close();
  });

  it.each([true, false])('end in the shards where their partitions go on (commit: %p)', async (commit) => {
    const cluster = await open();
    const { client } = await cluster.bridge();
    let stream = await cluster.newTopic('resharded', 1);
    const producer = new TransactionalClient(client, 'resharded', 2);
    expect([await producer.init(), await producer.write(stream, ['in the parent'])]).toEqual(['NONE', 'NONE']);
    await splitShard(cluster.catalog, stream.name, 0, MIDDLE);
    stream = (await cluster.catalog.find(stream.name)) as Stream;
    expect(await producer.write(stream, ['in the child'])).toBe('NONE');
    expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
    await mergeShards(cluster.catalog, stream.name, 1, 2);
    stream = (await cluster.catalog.find(stream.name)) as Stream;
    expect(await producer.end(commit)).toBe('NONE');
    const plain = new TransactionalClient(client, 'another', 2);
    for (const partition of [0, 1]) {
      expect([await plain.init(), await plain.write(stream, ['behind'], { partition })]).toEqual(['NONE', 'NONE']);
      expect(await plain.end(true)).toBe('NONE');
    }
    const { values } = await readAll(client, stream, { committed: true });
    expect(values).toEqual([...(commit ? ['in the parent', 'in the child'] : []), 'behind', 'behind']);
    await cluster.close();
  });

  it('are those of kafkajs: what it aborts is never read, and offsets go with the records', async () => {
    const cluster = await open();
    const { address } = await cluster.bridge();
    const stream = await cluster.newTopic('kafkajs', 2);
    const kafka = new Kafka({ brokers: [`${address.host}:${address.port}`], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ transactionalId: 'kafkajs', maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const expected: string[] = [];
    for (let n = 0; n < 12; n++) {
      const transaction = await producer.transaction();
      const values = Array.from({ length: 5 }, (_unused, i) => `${n}.${i}`);
      await transaction.send({ topic: 'kafkajs', messages: values.map((value) => ({ key: `k${value}`, value })) });
      const topics = [{ topic: 'kafkajs', partitions: [{ partition: 0, offset: String(n) }] }];
      await transaction.sendOffsets({ consumerGroupId: 'group', topics });
      if (n % 3 === 2) await transaction.abort();
      else {
        await transaction.commit();
        expected.push(...values);
      }
    }
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: 'readers', readUncommitted: false, maxWaitTimeInMs: 100 });
    const values: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic: 'kafkajs', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value));
      },
    });
    await eventually(() => expect(values.toSorted()).toEqual(expected.toSorted()), { timeoutMs: 15_000 });
    const admin = kafka.admin();
    await admin.connect();
    const [committed] = await admin.fetchOffsets({ groupId: 'group', topics: ['kafkajs'] });
    expect(committed?.partitions.find(({ partition }) => partition === 0)?.offset).toBe('10');
    await Promise.all([consumer.disconnect(), admin.disconnect()]);
    expect(stream.partitions.length).toBe(2);
    await cluster.close();
  });
});

describe('EndTxn over a bridge that is closed', () => {
  it('is answered by the next one', async () => {
    const [, open] = engines[0] as (typeof engines)[number];
    const cluster = await open();
    const first = await cluster.bridge();
    const stream = await cluster.newTopic('closed', 1);
    const producer = new TransactionalClient(first.client, 'closed', 2);
    expect([await producer.init(), await producer.write(stream, ['x'])]).toEqual(['NONE', 'NONE']);
    await first.stop();
    const second = await cluster.bridge();
    const { producerId, producerEpoch } = producer;
    const request = { transactionalId: 'closed', producerId, producerEpoch, committed: true };
    const answer = await second.client.request(endTxnApi, 5, request);
    expect([errorName(answer.errorCode), answer.producerEpoch]).toEqual(['NONE', producerEpoch + 1]);
    expect((await readAll(second.client, stream, { committed: true })).values).toEqual(['x']);
    await cluster.close();
  });
});

/** A transactional id that the bridge at this port coordinates, as another bridge sees it. */
async function idOf(client: WireClient, port: number): Promise<string | undefined> {
  const coordinatorKeys = Array.from({ length: 50 }, (_, i) => `producer-${i}`);
  const { coordinators } = await client.request(findCoordinatorApi, 4, { keyType: 1, coordinatorKeys });
  return coordinators.find((one) => one.port === port)?.key;
}
