import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  describeGroupsApi,
  errorName,
  findCoordinatorApi,
  offsetCommitApi,
  offsetFetchApi,
} from '@tailrace/kafka-protocol';
import { uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';
import { endOffset, readAll, TransactionalClient } from '../src/testing/transactional-client.ts';
import { createTopic } from '../src/topics/topic-creation.ts';

/**
 * What Flink's Kafka connector does and other clients do not: a sink that comes back from a checkpoint commits the
 * transaction of a producer that is gone, by its id and epoch and without InitProducerId; it may do so twice, and with
 * nothing in it; a source commits offsets of a group that never has members.
 */
describe("Flink's habits", () => {
  let under: DoorUnderTest;
  beforeAll(async () => {
    under = await openDoorUnderTest();
  });
  afterAll(() => under.close());

  async function newTopic() {
    const created = await createTopic(under.catalog, { name: uniqueName('flink'), partitionCount: 2, configs: {} });
    if (!created.ok) throw new Error(created.refusal.code);
    return created.value;
  }

  /** A transaction of a job that dies before its commit, as the checkpoint knows it. */
  async function prepared(transactionalId: string, version: 1 | 2, values: readonly string[]) {
    const stream = await newTopic();
    const client = await under.connect();
    const producer = new TransactionalClient(client, transactionalId, version);
    expect(await producer.init()).toBe('NONE');
    if (version === 1 || values.length === 0) expect(await producer.addPartitions(stream, [0, 1])).toEqual(['NONE', 'NONE']); // prettier-ignore
    if (values.length > 0) expect(await producer.write(stream, values)).toBe('NONE');
    client.close();
    return { stream, producerId: producer.producerId, producerEpoch: producer.producerEpoch };
  }

  /** The same transaction in a new process that knows no more than id and epoch. */
  async function resumed(transactionalId: string, version: 1 | 2, producerId: bigint, producerEpoch: number) {
    const client = await under.connect();
    const found = await client.request(findCoordinatorApi, 4, { keyType: 1, coordinatorKeys: [transactionalId] });
    expect(found.coordinators.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE']);
    const producer = new TransactionalClient(client, transactionalId, version);
    producer.become(producerId, producerEpoch);
    return { client, producer };
  }

  it.each([1, 2] as const)(
    'a transaction is committed by who resumes it, and once more (transaction.version %i)',
    async (version) => {
      const id = uniqueName('sink');
      const { stream, producerId, producerEpoch } = await prepared(id, version, ['a', 'b']);
      const { client, producer } = await resumed(id, version, producerId, producerEpoch);
      expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
      expect(await producer.end(true)).toBe('NONE');
      expect((await readAll(client, stream, { committed: true })).values).toEqual(['a', 'b']);
      producer.become(producerId, producerEpoch);
      expect(await producer.end(true)).toBe('NONE');
      expect((await readAll(client, stream, { committed: true })).values).toEqual(['a', 'b']);
      client.close();
    },
  );

  it.each([1, 2] as const)('goes on over a restart of the service (transaction.version %i)', async (version) => {
    const id = uniqueName('sink');
    const { stream, producerId, producerEpoch } = await prepared(id, version, ['a']);
    under = await under.restart();
    const { client, producer } = await resumed(id, version, producerId, producerEpoch);
    expect(await producer.end(true)).toBe('NONE');
    expect((await readAll(client, stream, { committed: true })).values).toEqual(['a']);
    client.close();
  });

  it('a transaction that was given up is aborted by the next one of its id, and cannot be committed then', async () => {
    const id = uniqueName('sink');
    const { stream, producerId, producerEpoch } = await prepared(id, 1, ['a']);
    const next = await resumed(id, 1, -1n, -1);
    expect(await next.producer.init()).toBe('NONE');
    const { client, producer } = await resumed(id, 1, producerId, producerEpoch);
    expect(await producer.end(true)).toBe('PRODUCER_FENCED');
    expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
    client.close();
    next.client.close();
  });

  it.each([1, 2] as const)(
    'one without a record is committed, and shows nothing (transaction.version %i)',
    async (version) => {
      const id = uniqueName('sink');
      const { stream, producerId, producerEpoch } = await prepared(id, version, []);
      const { client, producer } = await resumed(id, version, producerId, producerEpoch);
      expect(await producer.end(true)).toBe('NONE');
      expect((await readAll(client, stream, { committed: true })).values).toEqual([]);
      expect(await endOffset(client, stream, true)).toBe(await endOffset(client, stream, false));
      client.close();
    },
  );

  it('a group without members keeps what is committed for it', async () => {
    const stream = await newTopic();
    const client = await under.connect();
    const groupId = uniqueName('source');
    const commit = async (committedOffset: bigint) => {
      const { topics } = await client.request(offsetCommitApi, 8, {
        groupId,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [{ name: stream.name, partitions: [{ partitionIndex: 1, committedOffset, committedMetadata: '' }] }],
      });
      return topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode)));
    };
    expect([await commit(5n), await commit(7n), await commit(3n)]).toEqual([[['NONE']], [['NONE']], [['NONE']]]);
    const { groups } = await client.request(offsetFetchApi, 8, {
      groups: [{ groupId, topics: [{ name: stream.name, partitionIndexes: [0, 1] }] }],
      requireStable: true,
    });
    expect(groups[0]?.topics[0]?.partitions.map(({ committedOffset }) => committedOffset)).toEqual([-1n, 3n]);
    const described = await client.request(describeGroupsApi, 5, { groups: [groupId] });
    expect(described.groups.map(({ groupState, members }) => [groupState, members])).toEqual([['Empty', []]]);
    client.close();
  });
});
