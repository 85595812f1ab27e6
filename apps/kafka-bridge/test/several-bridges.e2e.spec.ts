import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
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
async function groupOf(nodeId: number): Promise<string> {
  for (let i = 0; ; i++) {
    const key = `group-${nodeId}-${i}`;
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
  });
});
