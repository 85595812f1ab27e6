import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  consumerGroupHeartbeatApi,
  errorName,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  produceApi,
  syncGroupApi,
} from '@tailrace/kafka-protocol';
import { StreamCatalog } from '@tailrace/shard-core';
import { eventually } from '@tailrace/testkit';
import { type Address, createKafkaDoor, type KafkaDoor } from '../src/index.ts';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';
import { batchOf } from '../src/testing/records.ts';
import { WireClient } from '../src/testing/wire-client.ts';

/** Two doors on one store, as two processes over one Redis are. */
let first: DoorUnderTest;
let second: { door: KafkaDoor; address: Address; catalog: StreamCatalog };
let a: WireClient;
let b: WireClient;

beforeAll(async () => {
  first = await openDoorUnderTest({ initialRebalanceDelayMs: 5 });
  const catalog = await StreamCatalog.open(first.store);
  const door = createKafkaDoor({ store: first.store, catalog }, { initialRebalanceDelayMs: 5 });
  second = { door, catalog, address: await door.listen({ host: '127.0.0.1', port: 0 }) };
  a = await first.connect();
  b = await WireClient.connect(second.address);
});
afterAll(async () => {
  a.close();
  b.close();
  await second.catalog.close();
  await first.close();
});

const nodeIds = async (client: WireClient) =>
  (await client.request(metadataApi, 9, { topics: [] })).brokers.map(({ nodeId }) => nodeId);

/** A group that this node coordinates, in the view of both. */
async function groupOf(nodeId: number, name = 'group'): Promise<string> {
  for (let i = 0; ; i++) {
    const key = `${name}-${nodeId}-${i}`;
    const [mine, theirs] = await Promise.all(
      [a, b].map((client) => client.request(findCoordinatorApi, 3, { key, keyType: 0 })),
    );
    if (mine?.nodeId !== theirs?.nodeId) throw new Error(`the bridges disagree about ${key}`);
    if (mine?.nodeId === nodeId) return key;
  }
}

describe('two bridges over one store', () => {
  it('see each other, name the same cluster, and share out the partitions alike', async () => {
    await eventually(async () => String(await nodeIds(a)) === '1,2');
    expect(await nodeIds(b)).toEqual([1, 2]);
    const topics = [{ name: 'shared' }];
    const mine = await a.request(metadataApi, 9, { topics });
    const theirs = await b.request(metadataApi, 9, { topics });
    expect(theirs).toEqual(mine);
    expect(mine.brokers.map(({ port }) => port)).toEqual([first.address.port, second.address.port]);
  });

  it('take appends for any partition, in one order', async () => {
    const request = {
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: 'shared', partitionData: [{ index: 0, records: batchOf(['x']) }] }],
    };
    const offsets: unknown[] = [];
    for (const client of [a, b, a, b]) {
      offsets.push((await client.request(produceApi, 9, request)).responses[0]?.partitionResponses[0]?.baseOffset);
    }
    expect(offsets).toEqual([0n, 1n, 2n, 3n]);
  });

  it('send members of a group to the one that has it, and the other one takes over with members, generation and offsets', async () => {
    const groupId = await groupOf(2);
    const joining = { groupId, sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.from('m') }] }; // prettier-ignore
    expect(errorName((await a.request(joinGroupApi, 3, joining)).errorCode)).toBe('NOT_COORDINATOR');
    const { memberId, generationId } = await b.request(joinGroupApi, 3, joining);
    const member = { groupId, memberId, generationId };
    await b.request(syncGroupApi, 3, { ...member, assignments: [{ memberId, assignment: Buffer.from('all') }] });
    const partitions = [{ partitionIndex: 0, committedOffset: 3n, committedMetadata: null }];
    const commit = {
      groupId,
      memberId,
      generationIdOrMemberEpoch: generationId,
      topics: [{ name: 'shared', partitions }],
    };
    expect((await a.request(offsetCommitApi, 7, commit)).topics[0]?.partitions[0]?.errorCode).toBe(16);
    expect((await b.request(offsetCommitApi, 7, commit)).topics[0]?.partitions[0]?.errorCode).toBe(0);

    // A group of the consumer protocol, in the middle of handing partitions from one member to another.
    const consumers = await groupOf(2, 'consumers');
    const beat = async (client: WireClient, memberId: string, memberEpoch: number, more: object = {}) => {
      const answer = await client.request(consumerGroupHeartbeatApi, 1, { groupId: consumers, memberId, memberEpoch, ...more }); // prettier-ignore
      if (answer.errorCode !== 0) return errorName(answer.errorCode);
      return [answer.memberEpoch, answer.assignment?.topicPartitions.flatMap((one) => one.partitions)];
    };
    const join = { rebalanceTimeoutMs: 30_000, subscribedTopicNames: ['shared'], topicPartitions: [] };
    expect(await beat(a, 'm1', 0, join)).toBe('NOT_COORDINATOR');
    expect(await beat(b, 'm1', 0, join)).toEqual([1, [0, 1, 2, 3]]);
    expect(await beat(b, 'm2', 0, join)).toEqual([2, []]);
    expect(await beat(b, 'm1', 1)).toEqual([1, [0, 1]]);

    await second.door.close(1_000);
    await eventually(async () => String(await nodeIds(a)) === '1', { timeoutMs: 10_000 });
    expect(errorName((await a.request(heartbeatApi, 3, member)).errorCode)).toBe('NONE');
    const fetched = await a.request(offsetFetchApi, 5, {
      groupId,
      topics: [{ name: 'shared', partitionIndexes: [0] }],
    });
    expect(fetched.topics[0]?.partitions[0]?.committedOffset).toBe(3n);
    const synced = await a.request(syncGroupApi, 3, { ...member, assignments: [] });
    expect([errorName(synced.errorCode), synced.assignment.toString()]).toEqual(['NONE', 'all']);
    // What m1 has not given back nobody else gets, also from the other bridge.
    expect(await beat(a, 'm2', 2)).toEqual([2, undefined]);
    const topicId = first.catalog.peek('shared')?.id;
    expect(await beat(a, 'm1', 1, { topicPartitions: [{ topicId, partitions: [0, 1] }] })).toEqual([2, undefined]);
    expect(await beat(a, 'm2', 2)).toEqual([2, [2, 3]]);
  });
});
