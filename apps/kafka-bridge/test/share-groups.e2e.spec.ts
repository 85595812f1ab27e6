import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  alterShareGroupOffsetsApi,
  apiVersionsApi,
  consumerGroupHeartbeatApi,
  createAclsApi,
  deleteGroupsApi,
  deleteRecordsApi,
  deleteShareGroupOffsetsApi,
  describeShareGroupOffsetsApi,
  errorName,
  findCoordinatorApi,
  joinGroupApi,
  listGroupsApi,
  offsetCommitApi,
  produceApi,
  shareGroupDescribeApi,
} from '@tailrace/kafka-protocol';
import { splitShard, type Stream } from '@tailrace/shard-core';
import { eventually, uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';
import { batchOf } from '../src/testing/records.ts';
import { ShareClient } from '../src/testing/share-client.ts';
import { TransactionalClient } from '../src/testing/transactional-client.ts';
import type { WireClient } from '../src/testing/wire-client.ts';
import { StoredConfigs } from '../src/topics/configs/stored-configs.ts';
import { createTopic } from '../src/topics/topic-creation.ts';

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

const ACCEPT = [1];
const RELEASE = [2];
const REJECT = [3];
const RENEW = [4];

async function newTopic(partitionCount = 1): Promise<Stream> {
  const created = await createTopic(under.catalog, { name: uniqueName('shared'), partitionCount, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

/** A group that begins where partitions begin, with these settings besides. */
async function newGroup(settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const groupId = uniqueName('sharers');
  await configure(groupId, { 'share.auto.offset.reset': 'earliest', ...settings });
  return groupId;
}

async function configure(groupId: string, settings: Readonly<Record<string, string>>): Promise<void> {
  // Beside the door, which takes no time-outs as short as tests want them.
  await new StoredConfigs(under.store.documents).change('group', groupId, (current) => ({ ...current, ...settings }));
}

async function produce(stream: Stream, values: readonly string[], partition = 0): Promise<void> {
  const answer = await client.request(produceApi, 9, {
    acks: -1,
    timeoutMs: 1_000,
    topicData: [{ name: stream.name, partitionData: [{ index: partition, records: batchOf(values) }] }],
  });
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

function numbered(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(first + i));
}

let members = 0;
function member(groupId: string, stream: Stream, over = client): ShareClient {
  return new ShareClient(over, groupId, `m${++members}`, stream.id);
}

async function offsetsOf(groupId: string, stream: Stream, partitions: readonly number[] | null = [0]) {
  const answer = await client.request(describeShareGroupOffsetsApi, 1, {
    groups: [{ groupId, topics: partitions && [{ topicName: stream.name, partitions: [...partitions] }] }],
  });
  const [group] = answer.groups;
  if (group?.errorCode !== 0) return errorName(group?.errorCode ?? NaN);
  return group.topics.flatMap((topic) =>
    topic.partitions.map((one) => [one.partitionIndex, Number(one.startOffset), Number(one.lag)]),
  );
}

describe('a share group', () => {
  it('is told of by ApiVersions', async () => {
    const { finalizedFeatures } = await client.request(apiVersionsApi, 4, {
      clientSoftwareName: 'spec',
      clientSoftwareVersion: '1',
    });
    expect(finalizedFeatures).toContainEqual({ name: 'share.version', maxVersionLevel: 1, minVersionLevel: 1 });
  });

  it('gives every member partitions, and shares one among several', async () => {
    const stream = await newTopic(2);
    const groupId = await newGroup();
    const [a, b, c] = [member(groupId, stream), member(groupId, stream), member(groupId, stream)];
    expect(await a.heartbeat([stream.name])).toBe('0,1');
    expect(await b.heartbeat([stream.name])).toBe('1');
    expect(await a.heartbeat(null)).toBe('0');
    expect(await a.heartbeat(null)).toBe('-');
    expect(await c.heartbeat([stream.name])).toBe('0');
    expect(await c.heartbeat(null, 99)).toBe(110);
    expect(await c.heartbeat(null, -1)).toBe('-');
    expect(errorName((await c.heartbeat(null, 3)) as number)).toBe('UNKNOWN_MEMBER_ID');
    const { groups } = await client.request(shareGroupDescribeApi, 1, { groupIds: [groupId], includeAuthorizedOperations: false }); // prettier-ignore
    expect(groups).toMatchObject([
      {
        errorCode: 0,
        groupState: 'Stable',
        assignorName: 'simple',
        members: [
          { memberId: a.memberId, subscribedTopicNames: [stream.name], clientHost: '/127.0.0.1' },
          { memberId: b.memberId, assignment: { topicPartitions: [{ topicName: stream.name, partitions: [1] }] } },
        ],
      },
    ]);
    const listed = await client.request(listGroupsApi, 5, { statesFilter: [], typesFilter: ['Share'] });
    expect(listed.groups.find((one) => one.groupId === groupId)).toMatchObject({
      groupType: 'share',
      protocolType: 'share',
      groupState: 'Stable',
    });
  });

  it('is no group of another kind, and another kind is none', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    await member(groupId, stream).heartbeat([stream.name]);
    const consumer = await client.request(consumerGroupHeartbeatApi, 1, {
      groupId,
      memberId: 'c',
      memberEpoch: 0,
      rebalanceTimeoutMs: 1_000,
      subscribedTopicNames: [stream.name],
      topicPartitions: [],
    });
    expect(errorName(consumer.errorCode)).toBe('GROUP_ID_NOT_FOUND');
    const classic = await client.request(joinGroupApi, 5, { groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.from('m') }] }); // prettier-ignore
    expect(errorName(classic.errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL');
    const commit = await client.request(offsetCommitApi, 9, { groupId, memberId: '', generationIdOrMemberEpoch: -1, topics: [{ name: stream.name, partitions: [{ partitionIndex: 0, committedOffset: 0n, committedMetadata: null }] }] }); // prettier-ignore
    expect(errorName(commit.topics[0]?.partitions[0]?.errorCode ?? NaN)).toBe('GROUP_ID_NOT_FOUND');
  });

  it('hands each record to one member, and never again when it was accepted', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    await produce(stream, numbered(0, 5));
    await produce(stream, numbered(5, 5));
    const [a, b] = [member(groupId, stream), member(groupId, stream)];
    const first = await a.fetch([0], { maxRecords: 3 });
    expect(first).toMatchObject({ errorCode: 0, acquired: ['0-4 x1'], lockMs: 30_000 });
    expect(first.records.map(({ value }) => value)).toEqual(numbered(0, 5));
    expect((await b.fetch([0])).records.map(({ value }) => value)).toEqual(numbered(5, 5));
    expect((await a.fetch([], { acknowledge: [{ first: 0, last: 4, types: ACCEPT }] })).acknowledgeErrors).toEqual([0]);
    expect(await b.acknowledge([{ first: 5, last: 9, types: [1, 1, 2, 1, 1] }])).toEqual([0]);
    expect(await b.fetch()).toMatchObject({ acquired: ['7-7 x2'] });
    expect(await b.acknowledge([{ first: 7, last: 7, types: REJECT }])).toEqual([0]);
    expect(await a.fetch()).toMatchObject({ acquired: [], partitionErrors: [] });
    await a.heartbeat([stream.name]);
    expect(await offsetsOf(groupId, stream)).toEqual([[0, 10, 0]]);
  });

  it('gives exactly as many records as are wanted, where the client asks for it', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    await produce(stream, numbered(0, 10));
    const a = member(groupId, stream);
    expect(await a.fetch([0], { maxRecords: 3, strict: true })).toMatchObject({ acquired: ['0-2 x1'] });
    expect(await a.fetch([], { maxRecords: 4, strict: true })).toMatchObject({ acquired: ['3-6 x1'] });
  });

  it('begins at the end, unless it is set otherwise', async () => {
    const stream = await newTopic();
    await produce(stream, numbered(0, 3));
    const a = member(uniqueName('latest'), stream);
    expect(await a.fetch([0])).toMatchObject({ acquired: [] });
    await produce(stream, numbered(3, 1));
    expect(await a.fetch()).toMatchObject({ acquired: ['3-3 x1'] });
    const groupId = await newGroup({ 'share.auto.offset.reset': 'by_duration:PT1H' });
    expect(await member(groupId, stream).fetch([0])).toMatchObject({ acquired: [] });
    const all = await newGroup({ 'share.auto.offset.reset': 'by_duration:P36500D' });
    expect(await member(all, stream).fetch([0])).toMatchObject({ acquired: ['0-3 x1'] });
  });

  it('wakes a member that waits, by an append, by a record that comes back, and by a member that goes', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    const other = await under.connect();
    const [a, b] = [member(groupId, stream), member(groupId, stream, other)];
    await a.fetch([0]);
    await b.fetch([0]);
    const byAppend = b.fetch([], { maxWaitMs: 8_000 });
    await produce(stream, ['x']);
    expect(await byAppend).toMatchObject({ acquired: ['0-0 x1'] });
    const third = await under.connect();
    const c = member(groupId, stream, third);
    const byRelease = c.fetch([0], { maxWaitMs: 8_000 });
    expect(await b.acknowledge([{ first: 0, last: 0, types: RELEASE }])).toEqual([0]);
    expect(await byRelease).toMatchObject({ acquired: ['0-0 x2'] });
    const byLoss = b.fetch([], { maxWaitMs: 8_000 });
    third.close();
    expect(await byLoss).toMatchObject({ acquired: ['0-0 x3'] });
    other.close();
  });

  it('takes records back when their time is over, gives them up behind the limit, and lets a member renew its time', async () => {
    const stream = await newTopic();
    const groupId = await newGroup({ 'share.record.lock.duration.ms': '1000', 'share.delivery.count.limit': '2' });
    await produce(stream, ['a', 'b']);
    const a = member(groupId, stream);
    expect(await a.fetch([0])).toMatchObject({ acquired: ['0-1 x1'], lockMs: 1_000 });
    expect(await a.fetch([], { maxWaitMs: 5_000 })).toMatchObject({ acquired: ['0-1 x2'] });
    expect(await a.acknowledge([{ first: 0, last: 0, types: RENEW }])).toEqual([42]);
    const renewed = await a.fetch([], { acknowledge: [{ first: 1, last: 1, types: RENEW }], renew: true });
    expect(renewed).toMatchObject({ acknowledgeErrors: [0], acquired: [] });
    await a.heartbeat([stream.name]);
    await eventually(async () => expect(await offsetsOf(groupId, stream)).toEqual([[0, 2, 0]]), { timeoutMs: 5_000 });
    expect(await a.acknowledge([{ first: 1, last: 1, types: ACCEPT }])).toEqual([0]);
  });

  it('keeps sessions by their numbers', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    await produce(stream, ['a']);
    const a = member(groupId, stream);
    expect(await a.fetch([0], { epoch: 5 })).toMatchObject({ errorCode: 122 });
    expect(await a.acknowledge([], 1)).toBe(122);
    expect(await a.fetch([], { acknowledge: [{ first: 0, last: 0, types: ACCEPT }] })).toMatchObject({ errorCode: 42 });
    await a.fetch([0]);
    expect(await a.fetch([], { epoch: 7 })).toMatchObject({ errorCode: 123 });
    expect(await a.acknowledge([], 0)).toBe(123);
    expect(await a.acknowledge([{ first: 0, last: 0, types: [9] }])).toEqual([42]);
    expect(await a.acknowledge([{ first: 0, last: 1, types: ACCEPT }])).toEqual([42]);
    expect(await a.acknowledge([{ first: 5, last: 5, types: ACCEPT }])).toEqual([121]);
    expect(await a.acknowledge([], -1)).toEqual([]);
    const b = member(groupId, stream);
    expect(await b.fetch([0])).toMatchObject({ acquired: ['0-0 x2'] });
    expect(await b.fetch([], { forget: [0], acknowledge: [{ first: 0, last: 0, types: RELEASE }] })).toMatchObject({ acknowledgeErrors: [0], acquired: [] }); // prettier-ignore
    expect(await b.fetch([7])).toMatchObject({ partitionErrors: [3] });
  });

  it('passes over transactions that are not committed, and over their markers', async () => {
    const stream = await newTopic();
    const committed = await newGroup({ 'share.isolation.level': 'read_committed' });
    const uncommitted = await newGroup();
    const producer = new TransactionalClient(client, uniqueName('producer'), 2);
    await producer.init();
    for (const [value, commit] of [
      ['a', true],
      ['b', false],
      ['c', true],
    ] as const) {
      await producer.write(stream, [value, value]);
      expect(await producer.end(commit)).toBe('NONE');
    }
    await producer.write(stream, ['d']);
    const one = await member(committed, stream).fetch([0]);
    expect([one.acquired, one.records.map(({ value }) => value).join('')]).toEqual([['0-1 x1', '6-7 x1'], 'aacc']);
    const two = await member(uncommitted, stream).fetch([0]);
    expect(two.records.map(({ value }) => value).join('')).toBe('aabbccd');
    await producer.end(true);
  });

  it('goes on behind records that were deleted', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    await produce(stream, numbered(0, 4));
    await produce(stream, numbered(4, 4));
    const a = member(groupId, stream);
    expect(await a.fetch([0], { maxRecords: 1 })).toMatchObject({ acquired: ['0-3 x1'] });
    await a.acknowledge([{ first: 0, last: 3, types: RELEASE }]);
    const partitions = [{ partitionIndex: 0, offset: 6n }];
    await client.request(deleteRecordsApi, 2, { topics: [{ name: stream.name, partitions }], timeoutMs: 1_000 });
    const after = await a.fetch();
    expect(after.acquired).toEqual(['6-7 x1']);
    await a.heartbeat([stream.name]);
    expect(await offsetsOf(groupId, stream)).toEqual([[0, 6, 2]]);
  });

  it('is moved, forgotten and deleted by administrators when it has no members', async () => {
    const stream = await newTopic(2);
    const groupId = await newGroup();
    await produce(stream, numbered(0, 6));
    const move = async () => {
      const partitions = [{ partitionIndex: 0, startOffset: 3n }, { partitionIndex: 9, startOffset: 0n }]; // prettier-ignore
      const answer = await client.request(alterShareGroupOffsetsApi, 0, { groupId, topics: [{ topicName: stream.name, partitions }] }); // prettier-ignore
      return answer.errorCode === 0 ? answer.responses[0]?.partitions.map((one) => one.errorCode) : errorName(answer.errorCode); // prettier-ignore
    };
    const forget = async (topicName = stream.name) => {
      const answer = await client.request(deleteShareGroupOffsetsApi, 0, { groupId, topics: [{ topicName }] });
      return errorName(answer.errorCode || (answer.responses[0]?.errorCode ?? NaN));
    };
    expect(await forget()).toBe('GROUP_ID_NOT_FOUND');
    expect(await offsetsOf(groupId, stream)).toEqual([[0, -1, -1]]);
    const a = member(groupId, stream);
    await a.heartbeat([stream.name]);
    expect(await a.fetch([0])).toMatchObject({ acquired: ['0-5 x1'] });
    expect(await move()).toBe('NON_EMPTY_GROUP');
    expect(await forget()).toBe('NON_EMPTY_GROUP');
    await a.heartbeat(null, -1);
    expect(await move()).toEqual([0, 3]);
    expect(await offsetsOf(groupId, stream, [0, 1])).toEqual([[0, 3, 3], [1, -1, -1]]); // prettier-ignore
    expect(await offsetsOf(groupId, stream, null)).toEqual([[0, 3, 3]]);
    const b = member(groupId, stream);
    expect(await b.fetch([0])).toMatchObject({ acquired: ['3-5 x1'] });
    expect(await forget()).toBe('NONE');
    expect(await forget('no such topic')).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await forget()).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await offsetsOf(groupId, stream, null)).toEqual([]);
    const c = member(groupId, stream);
    expect(await c.fetch([0])).toMatchObject({ acquired: ['0-5 x1'] });
    const { results } = await client.request(deleteGroupsApi, 2, { groupsNames: [groupId] });
    expect(results).toEqual([{ groupId, errorCode: 0 }]);
    expect(await offsetsOf(groupId, stream)).toEqual([[0, -1, -1]]);
    expect(await under.store.documents.list(`share-group/${groupId}/`)).toEqual([]);
  });

  it('is made by whoever says where it is to begin, as on Apache Kafka', async () => {
    const stream = await newTopic();
    await produce(stream, numbered(0, 5));
    const alter = async (groupId: string, topicName: string, partitionIndex: number) => {
      const topics = [{ topicName, partitions: [{ partitionIndex, startOffset: 3n }] }];
      const answer = await client.request(alterShareGroupOffsetsApi, 0, { groupId, topics: topicName === '' ? [] : topics });
      return [answer.errorCode, answer.responses[0]?.partitions[0]?.errorCode];
    };
    const described = async (groupId: string) => {
      const { groups } = await client.request(shareGroupDescribeApi, 1, { groupIds: [groupId], includeAuthorizedOperations: false });
      return groups.map(({ errorCode, groupState, groupEpoch }) => [errorCode, groupState, groupEpoch]);
    };
    const groupId = await newGroup();
    expect(await alter(groupId, stream.name, 0)).toEqual([0, 0]);
    expect([await described(groupId), await offsetsOf(groupId, stream)]).toEqual([[[0, 'Empty', 1]], [[0, 3, 2]]]);
    const listed = await client.request(listGroupsApi, 5, { statesFilter: ['Empty'], typesFilter: ['Share'] });
    expect(listed.groups.map((one) => one.groupId)).toContain(groupId);
    const a = member(groupId, stream);
    expect(await a.heartbeat([stream.name])).toBe('0');
    expect(await a.fetch([0])).toMatchObject({ acquired: ['3-4 x1'] });
    // A partition that is not there makes the group, a topic that is not there or none does not.
    for (const [topicName, partition, ofPartition, state] of [
      [stream.name, 7, 3, 'Empty'],
      ['no-such', 0, 3, ''],
      ['', 0, undefined, ''],
    ] as const) {
      const other = uniqueName('made');
      expect(await alter(other, topicName, partition)).toEqual([0, ofPartition]);
      expect((await described(other))[0]?.[1]).toBe(state);
    }
    const consumers = uniqueName('consumers');
    await client.request(offsetCommitApi, 9, { groupId: consumers, memberId: '', generationIdOrMemberEpoch: -1, topics: [{ name: stream.name, partitions: [{ partitionIndex: 0, committedOffset: 0n, committedMetadata: null }] }] });
    expect(errorName((await alter(consumers, stream.name, 0))[0] as number)).toBe('GROUP_ID_NOT_FOUND');
    expect(errorName((await alter('', stream.name, 0))[0] as number)).toBe('INVALID_GROUP_ID');
  }); // prettier-ignore

  it('goes on through a split of its partition, with records of both shards out at once', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    await produce(stream, numbered(0, 3));
    const a = member(groupId, stream);
    expect(await a.fetch([0])).toMatchObject({ acquired: ['0-2 x1'] });
    await splitShard(under.catalog, stream.name, 0, 1n << 127n);
    await produce(stream, numbered(3, 3));
    const b = member(groupId, stream);
    expect((await b.fetch([0])).records.map(({ value }) => value)).toEqual(['3', '4', '5']);
    expect(await a.acknowledge([{ first: 0, last: 2, types: [1, 2, 1] }])).toEqual([0]);
    expect(await b.acknowledge([{ first: 3, last: 5, types: [1, 1, 2] }])).toEqual([0]);
    const again = await a.fetch();
    expect([again.acquired, again.records.map(({ value }) => value)]).toEqual([
      ['1-1 x2', '5-5 x2'],
      ['1', '5'],
    ]);
    await a.acknowledge([{ first: 1, last: 1, types: ACCEPT }, { first: 5, last: 5, types: ACCEPT }]); // prettier-ignore
    await a.heartbeat([stream.name]);
    expect(await offsetsOf(groupId, stream)).toEqual([[0, 6, 0]]);
  });

  it('is kept to what its members may do', async () => {
    const stream = await newTopic();
    const groupId = await newGroup();
    await produce(stream, ['a']);
    const a = member(groupId, stream);
    await a.heartbeat([stream.name]);
    await a.fetch([0], { maxRecords: 1 });
    const deny = async (resourceType: number, resourceName: string, operation: number) => {
      const creation = { resourceType, resourceName, resourcePatternType: 3, principal: 'User:*', host: '*', operation, permissionType: 2 }; // prettier-ignore
      const { results } = await client.request(createAclsApi, 3, { creations: [creation] });
      expect(results.map(({ errorCode }) => errorCode)).toEqual([0]);
    };
    const [TOPIC, GROUP, READ, DESCRIBE] = [2, 3, 3, 8];
    await deny(TOPIC, stream.name, READ);
    await eventually(async () => expect((await a.fetch()).partitionErrors).toEqual([29]));
    expect(await a.acknowledge([{ first: 0, last: 0, types: ACCEPT }])).toEqual([29]);
    await deny(TOPIC, stream.name, DESCRIBE);
    await eventually(async () => expect(await a.heartbeat([stream.name])).toBe(29));
    const { groups } = await client.request(shareGroupDescribeApi, 1, { groupIds: [groupId], includeAuthorizedOperations: true }); // prettier-ignore
    expect(groups).toMatchObject([{ errorCode: 29, members: [] }]);
    const described = await client.request(describeShareGroupOffsetsApi, 1, { groups: [{ groupId, topics: [{ topicName: stream.name, partitions: [0] }] }] }); // prettier-ignore
    expect(described.groups[0]?.topics[0]?.partitions).toMatchObject([{ errorCode: 29 }]);
    await deny(GROUP, groupId, READ);
    await eventually(async () => expect(await a.heartbeat([stream.name])).toBe(30));
    expect(await a.fetch()).toMatchObject({ errorCode: 30 });
    expect(await a.acknowledge([])).toBe(30);
    await deny(GROUP, groupId, DESCRIBE);
    await eventually(async () => expect(await offsetsOf(groupId, stream)).toBe('GROUP_AUTHORIZATION_FAILED'));
  });

  it('has its state where FindCoordinator says', async () => {
    const stream = await newTopic();
    const find = async (key: string, version = 6) => {
      const answer = await client.request(findCoordinatorApi, version, { keyType: 2, coordinatorKeys: [key] });
      return answer.coordinators.map(({ errorCode, nodeId }) => [errorName(errorCode), nodeId]);
    };
    expect(await find(`g:${stream.id}:0`)).toEqual([['NONE', 1]]);
    expect(await find('g')).toEqual([['INVALID_REQUEST', -1]]);
    expect(await find(`g:${stream.id}:0`, 5)).toEqual([['INVALID_REQUEST', -1]]);
  });
});

describe('a share group over a restart', () => {
  it('goes on where it was: nothing accepted comes again, nothing else is lost, and deliveries are counted', async () => {
    let door = await openDoorUnderTest();
    try {
      const created = await createTopic(door.catalog, { name: 'kept', partitionCount: 1, configs: {} });
      if (!created.ok) throw new Error(created.refusal.code);
      const stream = created.value;
      await new StoredConfigs(door.store.documents).change('group', 'g', () => ({
        'share.auto.offset.reset': 'earliest',
      }));
      let over = await door.connect();
      const request = { acks: -1, timeoutMs: 1_000, topicData: [{ name: 'kept', partitionData: [{ index: 0, records: batchOf(numbered(0, 10)) }] }] }; // prettier-ignore
      await over.request(produceApi, 9, request);
      const a = member('g', stream, over);
      await a.heartbeat(['kept']);
      await a.fetch([0]);
      expect(await a.acknowledge([{ first: 0, last: 9, types: [1, 1, 2, 1, 3, 2, 1, 1, 2, 2] }])).toEqual([0]);
      const b = member('g', stream, over);
      expect(await b.fetch([0], { maxRecords: 1, strict: true })).toMatchObject({ acquired: ['2-2 x2'] });

      door = await door.restart();
      over = await door.connect();
      const c = member('g', stream, over);
      expect(await c.heartbeat(['kept'], 1)).toBe(25);
      const again = await c.fetch([0]);
      expect([2, 3].map((count) => again.acquired.includes(`2-2 x${count}`))).toContain(true);
      expect(again.acquired.slice(1)).toEqual(['5-5 x2', '8-9 x2']);
      expect(again.records.map(({ value }) => value)).toEqual(['2', '5', '8', '9']);
      expect(await c.acknowledge([{ first: 2, last: 2, types: ACCEPT }, { first: 5, last: 5, types: ACCEPT }, { first: 8, last: 9, types: ACCEPT }])).toEqual([0]); // prettier-ignore
      expect(await c.fetch()).toMatchObject({ acquired: [] });
    } finally {
      await door.close();
    }
  });
});
