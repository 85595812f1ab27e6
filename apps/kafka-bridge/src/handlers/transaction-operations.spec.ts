import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  addPartitionsToTxnApi,
  apiVersionsApi,
  describeProducersApi,
  describeTransactionsApi,
  endTxnApi,
  errorName,
  fetchApi,
  findCoordinatorApi,
  initProducerIdApi,
  listOffsetsApi,
  listTransactionsApi,
  offsetFetchApi,
  writeTxnMarkersApi,
} from '@tailrace/kafka-protocol';
import { splitShard, type Stream } from '@tailrace/shard-core';
import { eventually, uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { endOffset, readAll, TransactionalClient, type TransactionVersion } from '../testing/transactional-client.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest();
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function newTopic(partitionCount = 2) {
  const created = await createTopic(under.catalog, { name: uniqueName('txn'), partitionCount, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

async function newProducer(version: TransactionVersion, more: Parameters<TransactionalClient['init']>[0] = {}) {
  const producer = new TransactionalClient(client, uniqueName('producer'), version);
  expect(await producer.init(more)).toBe('NONE');
  return producer;
}

async function begin(
  producer: TransactionalClient,
  version: TransactionVersion,
  stream: Parameters<typeof readAll>[1],
) {
  if (version === 1) expect(await producer.addPartitions(stream, [0])).toEqual(['NONE']);
}

async function committedOffset(groupId: string, topic: string, requireStable = false) {
  const answer = await client.request(offsetFetchApi, 8, {
    groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
    requireStable,
  });
  const partition = answer.groups[0]?.topics[0]?.partitions[0];
  return partition && [errorName(partition.errorCode), partition.committedOffset];
}

async function describeTransaction(transactionalId: string) {
  const answer = await client.request(describeTransactionsApi, 0, { transactionalIds: [transactionalId] });
  return answer.transactionStates[0];
}

describe.each<[TransactionVersion]>([[1], [2]])('a transaction by the rules of transaction.version %i', (version) => {
  it('is seen by committed readers when it is committed, and not before', async () => {
    const stream = await newTopic();
    const producer = await newProducer(version);
    await begin(producer, version, stream);
    expect(await producer.write(stream, ['a', 'b'])).toBe('NONE');
    expect(await readAll(client, stream, { committed: false })).toEqual({
      values: ['a', 'b'],
      highWatermark: 2n,
      lastStableOffset: 0n,
    });
    expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
    expect([await endOffset(client, stream, false), await endOffset(client, stream, true)]).toEqual([2n, 0n]);
    expect(await producer.end(true)).toBe('NONE');
    expect(await readAll(client, stream, { committed: true })).toEqual({
      values: ['a', 'b'],
      highWatermark: 3n,
      lastStableOffset: 3n,
    });
    expect(await endOffset(client, stream, true)).toBe(3n);
  });

  it('is never seen by committed readers when it is aborted', async () => {
    const stream = await newTopic();
    const other = await newProducer(version);
    const producer = await newProducer(version);
    for (const commit of [false, true, false, true]) {
      await begin(producer, version, stream);
      await begin(other, version, stream);
      expect(await producer.write(stream, [`${commit} 1`])).toBe('NONE');
      expect(await other.write(stream, ['by another'])).toBe('NONE');
      expect(await producer.write(stream, [`${commit} 2`])).toBe('NONE');
      expect(await producer.end(commit)).toBe('NONE');
      expect(await other.end(true)).toBe('NONE');
    }
    const aborted = ['false 1', 'by another', 'false 2'];
    const committed = ['true 1', 'by another', 'true 2'];
    const all = [...aborted, ...committed, ...aborted, ...committed];
    expect((await readAll(client, stream, { committed: false })).values).toEqual(all);
    expect((await readAll(client, stream, { committed: true })).values).toEqual([
      'by another', ...committed, 'by another', ...committed,
    ]); // prettier-ignore
  });

  it('holds partitions of several topics, and ends in all of them', async () => {
    const streams = [await newTopic(), await newTopic()];
    const producer = await newProducer(version);
    for (const stream of streams) {
      if (version === 1) expect(await producer.addPartitions(stream, [0, 1])).toEqual(['NONE', 'NONE']);
      for (const partition of [0, 1]) expect(await producer.write(stream, ['x'], { partition })).toBe('NONE');
    }
    expect(await producer.end(true)).toBe('NONE');
    for (const stream of streams) {
      for (const partition of [0, 1]) {
        expect((await readAll(client, stream, { committed: true, partition })).values).toEqual(['x']);
      }
    }
  });

  it('is aborted when another producer takes the id, who is then alone', async () => {
    const stream = await newTopic();
    const zombie = await newProducer(version);
    await begin(zombie, version, stream);
    expect(await zombie.write(stream, ['lost'])).toBe('NONE');
    const heir = new TransactionalClient(client, zombie.transactionalId, version);
    expect(await heir.init()).toBe('NONE');
    expect([heir.producerId, heir.producerEpoch > zombie.producerEpoch]).toEqual([zombie.producerId, true]);
    await begin(heir, version, stream);
    expect(await heir.write(stream, ['kept'])).toBe('NONE');
    expect(await zombie.write(stream, ['late'])).toBe('INVALID_PRODUCER_EPOCH');
    expect(await zombie.addPartitions(stream, [1])).toEqual(['PRODUCER_FENCED']);
    expect(await zombie.addPartitions(stream, [1], 1)).toEqual(['INVALID_PRODUCER_EPOCH']);
    expect(await zombie.addOffsets('g')).toBe('PRODUCER_FENCED');
    expect(await zombie.addOffsets('g', 1)).toBe('INVALID_PRODUCER_EPOCH');
    expect(await zombie.commitOffset('g', stream, 0, 1n)).toBe('INVALID_PRODUCER_EPOCH');
    expect([await zombie.end(true), await zombie.end(true, 1)]).toEqual(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH']);
    const before = { producerId: zombie.producerId, producerEpoch: zombie.producerEpoch };
    expect(await zombie.init(before)).toBe('PRODUCER_FENCED');
    expect(await zombie.init({ ...before, version: 3 })).toBe('INVALID_PRODUCER_EPOCH');
    expect(await heir.end(true)).toBe('NONE');
    expect((await readAll(client, stream, { committed: true })).values).toEqual(['kept']);
  });

  it('makes offsets valid with its commit, and not before', async () => {
    const stream = await newTopic();
    const groupId = uniqueName('group');
    const producer = await newProducer(version);
    const offer = async (offset: bigint) => {
      if (version === 1) expect(await producer.addOffsets(groupId)).toBe('NONE');
      expect(await producer.commitOffset(groupId, stream, 0, offset)).toBe('NONE');
    };
    await offer(5n);
    await offer(7n);
    expect(await committedOffset(groupId, stream.name)).toEqual(['NONE', -1n]);
    expect(await committedOffset(groupId, stream.name, true)).toEqual(['UNSTABLE_OFFSET_COMMIT', -1n]);
    expect(await producer.end(true)).toBe('NONE');
    expect(await committedOffset(groupId, stream.name, true)).toEqual(['NONE', 7n]);
    await offer(9n);
    expect(await committedOffset(groupId, stream.name)).toEqual(['NONE', 7n]);
    expect(await producer.end(false)).toBe('NONE');
    expect(await committedOffset(groupId, stream.name, true)).toEqual(['NONE', 7n]);
    expect(await under.store.documents.list('transaction-offsets/')).toEqual([]);
  });

  it('is aborted when its time is over', async () => {
    const stream = await newTopic();
    const producer = await newProducer(version, { timeoutMs: 200 });
    await begin(producer, version, stream);
    expect(await producer.write(stream, ['too late'])).toBe('NONE');
    await eventually(async () => {
      expect((await describeTransaction(producer.transactionalId))?.transactionState).toBe('CompleteAbort');
    });
    expect(await endOffset(client, stream, true)).toBe(2n);
    expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
    expect(await producer.write(stream, ['more'])).toBe('INVALID_PRODUCER_EPOCH');
    expect(await producer.end(true)).toBe(version === 1 ? 'PRODUCER_FENCED' : 'INVALID_TXN_STATE');
    expect(await under.store.documents.list('open-transaction/')).toEqual([]);
  });

  it('goes on over a restart of the bridge', async () => {
    const before = await openDoorUnderTest();
    const first = await before.connect();
    const created = await createTopic(before.catalog, { name: 'restarted', partitionCount: 1, configs: {} });
    if (!created.ok) throw new Error(created.refusal.code);
    const stream = created.value;
    const producer = new TransactionalClient(first, 'restarted', version);
    expect(await producer.init()).toBe('NONE');
    await begin(producer, version, stream);
    expect(await producer.write(stream, ['before'])).toBe('NONE');
    first.close();
    const after = await before.restart();
    const second = await after.connect();
    const resumed = new TransactionalClient(second, 'restarted', version);
    resumed.become(producer.producerId, producer.producerEpoch);
    expect((await readAll(second, stream, { committed: true })).values).toEqual([]);
    expect(await resumed.end(true)).toBe('NONE');
    expect((await readAll(second, stream, { committed: true })).values).toEqual(['before']);
    second.close();
    await after.close();
  });
});

describe('InitProducerId', () => {
  it('refuses what Kafka refuses', async () => {
    const ask = async (transactionalId: string | null, more = {}) => {
      const request = { transactionalId, transactionTimeoutMs: 60_000, ...more };
      return errorName((await client.request(initProducerIdApi, 5, request)).errorCode);
    };
    expect(await ask('')).toBe('INVALID_REQUEST');
    expect(await ask('x'.repeat(641))).toBe('INVALID_REQUEST');
    expect(await ask('x'.repeat(640))).toBe('NONE');
    expect(await ask('t', { transactionTimeoutMs: 0 })).toBe('INVALID_TRANSACTION_TIMEOUT');
    expect(await ask('t', { transactionTimeoutMs: -1 })).toBe('INVALID_TRANSACTION_TIMEOUT');
    expect(await ask('t', { transactionTimeoutMs: 900_001 })).toBe('INVALID_TRANSACTION_TIMEOUT');
    expect(await ask('t', { transactionTimeoutMs: 900_000 })).toBe('NONE');
    expect(await ask('t', { producerId: 5n })).toBe('INVALID_REQUEST');
    expect(await ask(null, { producerEpoch: 5 })).toBe('INVALID_REQUEST');
    expect(await ask(null, { producerId: 5n, producerEpoch: 5 })).toBe('NONE');
  });

  it.each([0, 1, 2, 3, 4, 5])('raises the epoch in version %i', async (version) => {
    const producer = await newProducer(1, { version });
    const { producerId } = producer;
    expect(await producer.init({ version })).toBe('NONE');
    expect([producer.producerId, producer.producerEpoch]).toEqual([producerId, 1]);
  });

  it('gives the same again to a producer whose answer was lost', async () => {
    const producer = await newProducer(2);
    const before = { producerId: producer.producerId, producerEpoch: producer.producerEpoch };
    expect([await producer.init(before), producer.producerEpoch]).toEqual(['NONE', 1]);
    expect([await producer.init(before), producer.producerEpoch]).toEqual(['NONE', 1]);
    expect([await producer.init(before), await producer.init()]).toEqual(['NONE', 'NONE']);
    expect(await producer.init(before)).toBe('PRODUCER_FENCED');
  });
});

describe('Produce in a transaction', () => {
  it.each([
    [3, 'INVALID_TXN_STATE'],
    [9, 'INVALID_TXN_STATE'],
    [10, 'INVALID_TXN_STATE'],
    [11, 'TRANSACTION_ABORTABLE'],
  ])('refuses a partition that is no part of it, in version %i', async (version, expected) => {
    const stream = await newTopic();
    const producer = await newProducer(1);
    expect(await producer.write(stream, ['x'], { version })).toBe(expected);
    expect(await producer.addPartitions(stream, [1])).toEqual(['NONE']);
    expect(await producer.write(stream, ['x'], { version })).toBe(expected);
    expect(await producer.write(stream, ['x'], { version, partition: 1 })).toBe('NONE');
    expect(await producer.end(true)).toBe('NONE');
    // Of the last one; the next transaction has not begun.
    expect(await producer.write(stream, ['x'], { version, partition: 1 })).toBe(expected);
    expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
    expect((await readAll(client, stream, { committed: true, partition: 1 })).values).toEqual(['x']);
  });

  it.each([12, 13])('takes a partition in by writing to it, in version %i', async (version) => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    for (let round = 0; round < 3; round++) {
      for (const partition of [0, 1, 0]) {
        expect(await producer.write(stream, [`${round}`], { partition, version })).toBe('NONE');
      }
      expect(await producer.end(round !== 1)).toBe('NONE');
    }
    expect((await readAll(client, stream, { committed: true })).values).toEqual(['0', '0', '2', '2']);
    expect((await readAll(client, stream, { committed: true, partition: 1, version: 13 })).values).toEqual(['0', '2']);
  });

  it('makes a topic that is not there', async () => {
    const name = uniqueName('made-by-writing');
    const producer = await newProducer(2);
    expect(await producer.write({ name, id: name } as Parameters<typeof readAll>[1], ['x'])).toBe('NONE');
    expect(await producer.end(true)).toBe('NONE');
    const stream = under.catalog.peek(name) as Parameters<typeof readAll>[1];
    expect((await readAll(client, stream, { committed: true })).values).toEqual(['x']);
  });

  it('refuses in the name of an id that is not theirs', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    const other = await newProducer(2);
    expect(await producer.write(stream, ['x'], { transactionalId: null })).toBe(
      'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    );
    expect(await producer.write(stream, ['x'], { transactionalId: 'nobody' })).toBe('INVALID_PRODUCER_ID_MAPPING');
    const { transactionalId } = other;
    expect(await producer.write(stream, ['x'], { transactionalId })).toBe('INVALID_PRODUCER_ID_MAPPING');
    expect(await producer.write(stream, ['x'], { transactionalId, version: 9 })).toBe('INVALID_PRODUCER_ID_MAPPING');
  });

  it('lets a batch through that is in no transaction', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    expect(await producer.write(stream, ['plain'], { isTransactional: false })).toBe('NONE');
    expect((await readAll(client, stream, { committed: true })).values).toEqual(['plain']);
  });
});

describe('Produce outside of the transaction that is open', () => {
  it('is refused until the transaction has ended', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    expect(await producer.write(stream, ['in'])).toBe('NONE');
    expect(await producer.write(stream, ['beside'], { isTransactional: false })).toBe('INVALID_TXN_STATE');
    expect(await producer.end(true)).toBe('NONE');
    expect(await producer.write(stream, ['behind'], { isTransactional: false })).toBe('NONE');
    expect((await readAll(client, stream, { committed: true })).values).toEqual(['in', 'behind']);
  });
});

describe('AddPartitionsToTxn', () => {
  it.each([0, 1, 2, 3])('takes all partitions or none in version %i', async (version) => {
    const stream = await newTopic();
    const producer = await newProducer(1);
    expect(await producer.addPartitions(stream, [0, 9], version)).toEqual([
      'OPERATION_NOT_ATTEMPTED',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    expect((await describeTransaction(producer.transactionalId))?.transactionState).toBe('Empty');
    expect(await producer.addPartitions(stream, [0, 1], version)).toEqual(['NONE', 'NONE']);
    expect(await producer.addPartitions(stream, [1], version)).toEqual(['NONE']);
    expect(await producer.end(false)).toBe('NONE');
  });

  it.each([4, 5])('answers for several transactions at once in version %i', async (version) => {
    const stream = await newTopic();
    const producer = await newProducer(1);
    const { transactionalId, producerId, producerEpoch } = producer;
    const topics = [{ name: stream.name, partitions: [0] }];
    const one = { transactionalId, producerId, producerEpoch, topics };
    const ask = async (transactions: (typeof one & { verifyOnly?: boolean })[]) => {
      const answer = await client.request(addPartitionsToTxnApi, version, { transactions });
      return answer.resultsByTransaction.map(({ topicResults }) =>
        errorName(topicResults[0]?.resultsByPartition[0]?.partitionErrorCode ?? NaN),
      );
    };
    const stranger = { ...one, transactionalId: 'nobody' };
    expect(await ask([{ ...one, verifyOnly: true }, stranger])).toEqual([
      'TRANSACTION_ABORTABLE',
      'INVALID_PRODUCER_ID_MAPPING',
    ]);
    expect(await ask([one])).toEqual(['NONE']);
    expect(await ask([{ ...one, verifyOnly: true }])).toEqual(['NONE']);
    expect(await producer.end(false)).toBe('NONE');
  });
});

describe('EndTxn', () => {
  /** As recorded from Apache Kafka 4.3.1. */
  it('answers as Kafka to a producer that raises its epoch', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    const { transactionalId, producerId } = producer;
    const end = async (version: number, committed: boolean, producerEpoch: number) => {
      const request = { transactionalId, producerId, producerEpoch, committed };
      const answer = await client.request(endTxnApi, version, request);
      return version < 5 ? errorName(answer.errorCode) : [errorName(answer.errorCode), answer.producerEpoch];
    };
    expect([await end(4, true, 0), await end(4, false, 0)]).toEqual(['INVALID_TXN_STATE', 'INVALID_TXN_STATE']);
    expect(await end(5, true, 0)).toEqual(['INVALID_TXN_STATE', -1]);
    expect(await end(5, false, 0)).toEqual(['NONE', 1]);
    expect(await end(5, false, 0)).toEqual(['NONE', 1]);
    expect(await end(5, true, 0)).toEqual(['INVALID_TXN_STATE', -1]);
    expect(await end(5, true, 1)).toEqual(['INVALID_TXN_STATE', -1]);
    producer.become(producerId, 1);
    expect(await producer.write(stream, ['x'])).toBe('NONE');
    expect(await end(5, true, 1)).toEqual(['NONE', 2]);
    expect(await end(5, true, 1)).toEqual(['NONE', 2]);
    expect(await end(5, false, 1)).toEqual(['INVALID_TXN_STATE', -1]);
    expect(await end(4, true, 1)).toBe('PRODUCER_FENCED');
    expect([await end(4, true, 2), await end(4, false, 2)]).toEqual(['NONE', 'INVALID_TXN_STATE']);
  });

  it('says INVALID_PRODUCER_ID_MAPPING of an id that it does not know', async () => {
    const nobody = new TransactionalClient(client, 'nobody', 2);
    expect([await nobody.end(true), await nobody.end(false, 0)]).toEqual([
      'INVALID_PRODUCER_ID_MAPPING',
      'INVALID_PRODUCER_ID_MAPPING',
    ]);
  });

  it('passes over a topic that was deleted meanwhile, also when there is a new one of that name', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    expect(await producer.write(stream, ['x'])).toBe('NONE');
    await under.catalog.delete(stream.name);
    expect(await producer.end(true)).toBe('NONE');
    expect((await describeTransaction(producer.transactionalId))?.transactionState).toBe('CompleteCommit');
  });
});

describe('TxnOffsetCommit', () => {
  it('refuses what is no part of the transaction, where that has to be said before', async () => {
    const stream = await newTopic();
    const producer = await newProducer(1);
    for (const version of [0, 1, 2, 3, 4]) {
      expect(await producer.commitOffset('g', stream, 0, 1n, version)).toBe('INVALID_TXN_STATE');
    }
    expect(await producer.addOffsets('')).toBe('INVALID_GROUP_ID');
    for (const version of [0, 1, 2, 3, 4]) {
      const groupId = uniqueName('group');
      expect(await producer.addOffsets(groupId, version)).toBe('NONE');
      expect(await producer.commitOffset(groupId, stream, 9, 1n, version)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
      expect(await producer.commitOffset(groupId, stream, 0, 1n, version)).toBe('NONE');
    }
    expect(await producer.end(true)).toBe('NONE');
  });
});

describe('DescribeTransactions, ListTransactions, DescribeProducers, WriteTxnMarkers', () => {
  it('show a transaction that hangs, and end it', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    const { transactionalId, producerId, producerEpoch } = producer;
    expect(await producer.write(stream, ['x'])).toBe('NONE');
    const described = await describeTransaction(transactionalId);
    expect(described).toEqual({
      errorCode: 0,
      transactionalId,
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      transactionStartTimeMs: described?.transactionStartTimeMs,
      producerId,
      producerEpoch,
      topics: [{ topic: stream.name, partitions: [0] }],
    });
    expect(Math.abs(Date.now() - Number(described?.transactionStartTimeMs))).toBeLessThan(10_000);

    const producersOf = async () => {
      const topics = [{ name: stream.name, partitionIndexes: [0, 77] }];
      return (await client.request(describeProducersApi, 0, { topics })).topics[0]?.partitions;
    };
    const found = await producersOf();
    expect(found).toEqual([
      {
        partitionIndex: 0,
        errorCode: 0,
        errorMessage: null,
        activeProducers: [
          {
            producerId,
            producerEpoch,
            lastSequence: 0,
            lastTimestamp: found?.[0]?.activeProducers[0]?.lastTimestamp,
            coordinatorEpoch: -1,
            currentTxnStartOffset: 0n,
          },
        ],
      },
      { partitionIndex: 77, errorCode: 3, errorMessage: null, activeProducers: [] },
    ]);

    const markers = (topic: string) => [
      {
        producerId,
        producerEpoch,
        transactionResult: false,
        coordinatorEpoch: 0,
        topics: [{ name: topic, partitionIndexes: [0] }],
      },
    ];
    for (const version of [1, 2]) {
      const answer = await client.request(writeTxnMarkersApi, version, {
        markers: [...markers(stream.name), ...markers('no-such-topic')],
      });
      expect(answer.markers.map(({ topics }) => errorName(topics[0]?.partitions[0]?.errorCode ?? NaN))).toEqual([
        'NONE',
        'UNKNOWN_TOPIC_OR_PARTITION',
      ]);
    }
    const impossible = markers(stream.name).flatMap((one) => [
      { ...one, producerId: -1n },
      { ...one, producerEpoch: -1 },
    ]);
    const refused = await client.request(writeTxnMarkersApi, 1, { markers: impossible });
    expect(refused.markers.map(({ topics }) => errorName(topics[0]?.partitions[0]?.errorCode ?? NaN))).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'INVALID_PRODUCER_EPOCH',
    ]);
    expect((await producersOf())?.[0]?.activeProducers[0]?.currentTxnStartOffset).toBe(-1n);
    expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
    expect(await endOffset(client, stream, true)).toBe(3n);
  });

  it('lists by state, producer, duration and pattern', async () => {
    const open = await newProducer(2);
    const stream = await newTopic();
    expect(await open.write(stream, ['x'])).toBe('NONE');
    const empty = await newProducer(2);
    const list = async (version: number, more: object) => {
      const request = { stateFilters: [], producerIdFilters: [], ...more };
      const answer = await client.request(listTransactionsApi, version, request);
      return { ...answer, transactionStates: answer.transactionStates.map((one) => one.transactionalId) };
    };
    const both = [open.transactionalId, empty.transactionalId];
    for (const version of [0, 1, 2]) {
      expect((await list(version, {})).transactionStates).toEqual(expect.arrayContaining(both));
      expect((await list(version, { producerIdFilters: [empty.producerId] })).transactionStates).toEqual([both[1]]);
    }
    expect(
      await list(0, { stateFilters: ['Ongoing', 'Odd'], producerIdFilters: both.map(() => open.producerId) }),
    ).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      unknownStateFilters: ['Odd'],
      transactionStates: [both[0]],
    });
    expect((await list(1, { durationFilter: 60_000n })).transactionStates).toEqual([]);
    expect((await list(1, { durationFilter: 0n })).transactionStates).toContain(both[0]);
    const pattern = (transactionalIdPattern: string) => list(2, { transactionalIdPattern });
    expect((await pattern(`${both[0]?.slice(0, -1)}.`)).transactionStates).toEqual([both[0]]);
    expect((await pattern(`${both[0]?.slice(0, -1)}`)).transactionStates).toEqual([]);
    expect(errorName((await pattern('(')).errorCode)).toBe('INVALID_REGULAR_EXPRESSION');
    expect(await open.end(false)).toBe('NONE');
  });

  it('say what they do not know', async () => {
    const answer = await client.request(describeTransactionsApi, 0, { transactionalIds: ['nobody', ''] });
    expect(answer.transactionStates.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'TRANSACTIONAL_ID_NOT_FOUND',
      'INVALID_REQUEST',
    ]);
  });
});

describe('Fetch and ListOffsets for committed readers', () => {
  it('wake a reader when the transaction that it waits for is over', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    expect(await producer.write(stream, ['x'])).toBe('NONE');
    const reader = await under.connect();
    const waiting = reader.request(fetchApi, 12, {
      maxWaitMs: 8_000,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 1,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: stream.name, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
      forgottenTopicsData: [],
    });
    const startedMs = performance.now();
    expect(await producer.end(false)).toBe('NONE');
    const partition = (await waiting).responses[0]?.partitions[0];
    expect([partition?.abortedTransactions, partition?.lastStableOffset]).toEqual([
      [{ producerId: producer.producerId, firstOffset: 0n }],
      2n,
    ]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    reader.close();
  });

  /** A committed read of partition 0 from its beginning, as it comes. */
  async function fetchCommitted(stream: Stream, more: { maxWaitMs: number; minBytes: number }) {
    const reader = await under.connect();
    const answer = await reader.request(fetchApi, 12, {
      ...more,
      maxBytes: 1_000_000,
      isolationLevel: 1,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: stream.name, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
      forgottenTopicsData: [],
    });
    reader.close();
    return answer.responses[0]?.partitions[0];
  }

  it('wait for as much as they want before an open transaction, as before the end of the log', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    expect(await (await newProducer(2)).write(stream, ['before'], { isTransactional: false })).toBe('NONE');
    expect(await producer.write(stream, ['x'])).toBe('NONE');
    const startedMs = performance.now();
    const partition = await fetchCommitted(stream, { maxWaitMs: 400, minBytes: 100_000 });
    expect(performance.now() - startedMs).toBeGreaterThan(350);
    expect([partition?.records?.includes('before'), partition?.lastStableOffset]).toEqual([true, 1n]);
    expect(await producer.end(false)).toBe('NONE');
  });

  it('end an answer where a shard was split behind something aborted', async () => {
    const stream = await newTopic(1);
    const producer = await newProducer(2);
    expect([await producer.write(stream, ['left']), await producer.end(false)]).toEqual(['NONE', 'NONE']);
    expect((await splitShard(under.catalog, stream.name, 0, 1n << 127n)).ok).toBe(true);
    const after = under.catalog.peek(stream.name) as Stream;
    expect([await producer.write(after, ['kept']), await producer.end(true)]).toEqual(['NONE', 'NONE']);
    // As much as there is, over both shards: a consumer would take what was kept for aborted too.
    const partition = await fetchCommitted(after, { maxWaitMs: 1_000, minBytes: 1_000_000 });
    expect([partition?.records?.includes('left'), partition?.records?.includes('kept')]).toEqual([true, false]);
    expect((await readAll(client, after, { committed: true })).values).toEqual(['kept']);
  });

  it('are told of a transaction that is open in a shard which was split since, as all readers are', async () => {
    const stream = await newTopic(1);
    const producer = await newProducer(2);
    expect(await producer.write(stream, ['in'])).toBe('NONE');
    expect((await splitShard(under.catalog, stream.name, 0, 1n << 127n)).ok).toBe(true);
    const after = under.catalog.peek(stream.name) as Stream;
    const behind = await newProducer(2);
    expect(await behind.write(after, ['behind'], { isTransactional: false })).toBe('NONE');
    const all = await readAll(client, after, { committed: false });
    expect([all.values, all.highWatermark, all.lastStableOffset]).toEqual([['in', 'behind'], 2n, 0n]);
    const committed = await readAll(client, after, { committed: true });
    expect([committed.values, committed.lastStableOffset]).toEqual([[], 0n]);
    expect(await producer.end(true)).toBe('NONE');
    const ended = await readAll(client, after, { committed: false });
    expect(ended.lastStableOffset).toBe(ended.highWatermark);
  });

  it('find no record by time that lies behind an open transaction', async () => {
    const stream = await newTopic();
    const producer = await newProducer(2);
    expect(await producer.write(stream, ['x'])).toBe('NONE');
    const find = async (timestamp: bigint, isolationLevel: number) => {
      const topics = [{ name: stream.name, partitions: [{ partitionIndex: 0, timestamp }] }];
      return (await client.request(listOffsetsApi, 7, { replicaId: -1, isolationLevel, topics })).topics[0]
        ?.partitions[0]?.offset;
    };
    expect([await find(0n, 0), await find(-3n, 0), await find(-2n, 0)]).toEqual([0n, 0n, 0n]);
    expect([await find(0n, 1), await find(-3n, 1), await find(-2n, 1)]).toEqual([-1n, -1n, 0n]);
    expect(await producer.end(true)).toBe('NONE');
    expect(await find(0n, 1)).toBe(0n);
  });
});

describe('the door', () => {
  it('tells clients by which rules transactions work here', async () => {
    const software = { clientSoftwareName: 'spec', clientSoftwareVersion: '1.0' };
    const [old, current] = [
      await client.request(apiVersionsApi, 3, software),
      await client.request(apiVersionsApi, 4, software),
    ];
    const level = { name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 };
    for (const { finalizedFeatures, finalizedFeaturesEpoch } of [old, current]) {
      expect(finalizedFeatures).toContainEqual(level);
      expect(finalizedFeaturesEpoch).toBe(1n);
    }
    // Clients of version 3 cannot read that a lowest level is 0.
    expect(old.supportedFeatures.map(({ name }) => name)).not.toContain('transaction.version');
    expect(current.supportedFeatures).toContainEqual({ name: 'transaction.version', minVersion: 0, maxVersion: 2 });
  });

  it('names itself as the coordinator of transactional ids', async () => {
    const answer = await client.request(findCoordinatorApi, 4, { keyType: 1, coordinatorKeys: ['t'] });
    expect(answer.coordinators[0]).toMatchObject({ key: 't', errorCode: 0, port: under.address.port });
  });
});
