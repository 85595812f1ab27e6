import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  type consumerGroupHeartbeatRequest,
  deleteGroupsApi,
  describeGroupsApi,
  type Draft,
  errorName,
  joinGroupApi,
  listGroupsApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  syncGroupApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import { eventually, uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';
import { ID_CHARACTERS_MAX, OWNED_PARTITIONS_MAX, SUBSCRIBED_TOPICS_MAX } from './68-consumer-group-heartbeat.ts';

/** READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, as Apache Kafka 4.3.1 answers without an authorizer. */
const ALL_OPERATIONS = 3_400;
const NOT_ASKED = -2_147_483_648;

let under: DoorUnderTest;
let client: WireClient;
let topic: Stream;
let other: Stream;
beforeAll(async () => {
  under = await openDoorUnderTest({ initialRebalanceDelayMs: 5 });
  client = await under.connect('admin');
  topic = await made(3);
  other = await made(1);
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function made(partitionCount: number): Promise<Stream> {
  const created = await createTopic(under.catalog, { name: uniqueName('administration'), partitionCount, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

type Heartbeat = Draft<typeof consumerGroupHeartbeatRequest>;

async function beat(version: number, heartbeat: Partial<Heartbeat>) {
  const request = { groupId: uniqueName('consumer'), memberId: 'm', memberEpoch: 0, ...heartbeat };
  return client.request(consumerGroupHeartbeatApi, version, request);
}

const joining = () => ({ rebalanceTimeoutMs: 1_000, subscribedTopicNames: [topic.name], topicPartitions: [] });

/** A consumer group of one. */
async function consumerGroup(): Promise<string> {
  const groupId = uniqueName('consumer');
  await beat(1, { groupId, ...joining() });
  return groupId;
}

/** A classic group of one, stable. */
async function classicGroup(protocolType = 'consumer', metadata = Buffer.from('00000000000000000000', 'hex')) {
  const groupId = uniqueName('classic');
  const protocols = [{ name: 'range', metadata }];
  const timeouts = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 };
  const joined = await client.request(joinGroupApi, 3, { groupId, memberId: '', protocolType, protocols, ...timeouts });
  const { memberId, generationId } = joined;
  const assignments = [{ memberId, assignment: Buffer.from('mine') }];
  await client.request(syncGroupApi, 3, { groupId, generationId, memberId, assignments });
  return { groupId, memberId, generationId };
}

async function commitAlone(groupId: string, name = topic.name, partitionIndex = 0): Promise<void> {
  const partitions = [{ partitionIndex, committedOffset: 5n, committedMetadata: null }];
  const simple = { groupId, generationIdOrMemberEpoch: -1, memberId: '' };
  await client.request(offsetCommitApi, 9, { ...simple, topics: [{ name, partitions }] });
}

describe('ListGroups', () => {
  it.each([0, 1, 2, 3, 4, 5])('names the groups in version %i', async (version) => {
    const [consumer, { groupId: classic }, simple] = [
      await consumerGroup(),
      await classicGroup(),
      uniqueName('simple'),
    ];
    await commitAlone(simple);
    const { errorCode, groups } = await client.request(listGroupsApi, version, {});
    const state = (name: string) => (version >= 4 ? name : '');
    const type = (name: string) => (version >= 5 ? name : '');
    expect(errorCode).toBe(0);
    expect(groups.filter(({ groupId }) => [consumer, classic, simple].includes(groupId))).toEqual([
      { groupId: classic, protocolType: 'consumer', groupState: state('Stable'), groupType: type('classic') },
      { groupId: consumer, protocolType: 'consumer', groupState: state('Stable'), groupType: type('consumer') },
      { groupId: simple, protocolType: '', groupState: state('Empty'), groupType: type('classic') },
    ]);
  });

  it.each<[readonly string[], readonly string[], readonly string[]]>([
    [['stable'], [], ['classic', 'consumer']],
    [['STABLE', 'Empty'], ['Classic'], ['classic', 'simple']],
    [[], ['consumer'], ['consumer']],
    [['Nonsense'], [], []],
    [[], ['streams'], []],
  ])('filters by states %j and types %j', async (statesFilter, typesFilter, expected) => {
    const ids = new Map([
      [await consumerGroup(), 'consumer'],
      [(await classicGroup()).groupId, 'classic'],
      [uniqueName('simple'), 'simple'],
    ]);
    for (const [groupId, kind] of ids) if (kind === 'simple') await commitAlone(groupId);
    const { groups } = await client.request(listGroupsApi, 5, { statesFilter, typesFilter });
    expect(groups.flatMap(({ groupId }) => ids.get(groupId) ?? []).sort()).toEqual(expected);
  });
});

describe('DescribeGroups', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('shows state and members in version %i', async (version) => {
    const { groupId, memberId } = await classicGroup();
    const asked = version >= 3 ? { includeAuthorizedOperations: true } : {};
    const { groups } = await client.request(describeGroupsApi, version, { groups: [groupId], ...asked });
    expect(groups).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        groupId,
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [
          {
            memberId,
            groupInstanceId: null,
            clientId: 'admin',
            clientHost: '/127.0.0.1',
            memberMetadata: Buffer.alloc(10),
            memberAssignment: Buffer.from('mine'),
          },
        ],
        authorizedOperations: version >= 3 ? ALL_OPERATIONS : NOT_ASKED,
      },
    ]);
  });

  it.each([5, 6])('says in its way that there is no such classic group, in version %i', async (version) => {
    const consumer = await consumerGroup();
    const groups = ['none', '', consumer];
    const described = await client.request(describeGroupsApi, version, { groups });
    expect(described.groups.map((group) => [errorName(group.errorCode), group.errorMessage, group.groupState])).toEqual(
      version >= 6
        ? [
            ['GROUP_ID_NOT_FOUND', 'Group none not found.', 'Dead'],
            ['GROUP_ID_NOT_FOUND', 'Group  not found.', 'Dead'],
            ['GROUP_ID_NOT_FOUND', `Group ${consumer} is not a classic group.`, 'Dead'],
          ]
        : groups.map(() => ['NONE', null, 'Dead']),
    );
  });
});

describe('ConsumerGroupDescribe', () => {
  it.each([0, 1])('shows members, what they have and what they will have, in version %i', async (version) => {
    const groupId = await consumerGroup();
    const described = await client.request(consumerGroupDescribeApi, version, {
      groupIds: [groupId],
      includeAuthorizedOperations: true,
    });
    const assignment = { topicPartitions: [{ topicId: topic.id, topicName: topic.name, partitions: [0, 1, 2] }] };
    expect(described.groups).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        groupId,
        groupState: 'Stable',
        groupEpoch: 1,
        assignmentEpoch: 1,
        assignorName: 'uniform',
        members: [
          {
            memberId: 'm',
            instanceId: null,
            rackId: null,
            memberEpoch: 1,
            clientId: 'admin',
            clientHost: '/127.0.0.1',
            subscribedTopicNames: [topic.name],
            subscribedTopicRegex: '',
            assignment,
            targetAssignment: assignment,
            memberType: version >= 1 ? 1 : -1,
          },
        ],
        authorizedOperations: ALL_OPERATIONS,
      },
    ]);
  });

  it('knows no others', async () => {
    const { groupId } = await classicGroup();
    const request = { groupIds: ['none', '', groupId], includeAuthorizedOperations: false };
    const { groups } = await client.request(consumerGroupDescribeApi, 1, request);
    expect(groups.map(({ errorCode, errorMessage }) => [errorName(errorCode), errorMessage])).toEqual([
      ['GROUP_ID_NOT_FOUND', 'Group none not found.'],
      ['INVALID_GROUP_ID', null],
      ['GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`],
    ]);
  });
});

describe('DeleteGroups', () => {
  it.each([0, 1, 2])('drops groups without members in version %i', async (version) => {
    const [simple, { groupId: classic }] = [uniqueName('simple'), await classicGroup()];
    await commitAlone(simple);
    const remove = async () => {
      const { results } = await client.request(deleteGroupsApi, version, { groupsNames: [simple, 'none', classic, '', simple] }); // prettier-ignore
      return results.map(({ errorCode }) => errorName(errorCode));
    };
    expect(await remove()).toEqual(['NONE', 'GROUP_ID_NOT_FOUND', 'NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND']);
    expect((await remove())[0]).toBe('GROUP_ID_NOT_FOUND');
    expect((await client.request(offsetFetchApi, 5, { groupId: simple, topics: null })).topics).toEqual([]);
  });
});

describe('OffsetDelete', () => {
  const remove = async (groupId: string) => {
    const topics = [
      { name: topic.name, partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] },
      { name: other.name, partitions: [{ partitionIndex: 0 }] },
      { name: 'no-such-topic', partitions: [{ partitionIndex: 0 }] },
    ];
    const answer = await client.request(offsetDeleteApi, 0, { groupId, topics });
    if (answer.errorCode !== 0) return errorName(answer.errorCode);
    return answer.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode)));
  };

  it('forgets offsets of topics that nobody in the group reads', async () => {
    const groupId = uniqueName('offsets');
    await commitAlone(groupId);
    await commitAlone(groupId, other.name);
    await commitAlone(groupId, topic.name, 1);
    await beat(1, { groupId, ...joining() });
    expect(await remove(groupId)).toEqual([
      ['GROUP_SUBSCRIBED_TO_TOPIC', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['NONE'],
      ['UNKNOWN_TOPIC_OR_PARTITION'],
    ]);
    await beat(1, { groupId, memberEpoch: -1 });
    expect(await remove(groupId)).toEqual([['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'], ['NONE'], ['UNKNOWN_TOPIC_OR_PARTITION']]); // prettier-ignore
    const { topics } = await client.request(offsetFetchApi, 5, { groupId, topics: null });
    expect(topics.map(({ name, partitions }) => [name, partitions.map((one) => one.partitionIndex)])).toEqual([[topic.name, [1]]]); // prettier-ignore
  });

  it('refuses groups that are not there, or have members that are no consumers', async () => {
    const { groupId } = await classicGroup('connect');
    expect([await remove(''), await remove('none'), await remove(groupId)]).toEqual([
      'INVALID_GROUP_ID',
      'GROUP_ID_NOT_FOUND',
      'NON_EMPTY_GROUP',
    ]);
  });
});

describe('ConsumerGroupHeartbeat', () => {
  it.each([0, 1])('makes a member in version %i', async (version) => {
    const answer = await beat(version, joining());
    expect(answer).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      memberId: 'm',
      memberEpoch: 1,
      heartbeatIntervalMs: 5_000,
      assignment: { topicPartitions: [{ topicId: topic.id, partitions: [0, 1, 2] }] },
    });
  });

  it('makes an id for a member of version 0 that has none', async () => {
    const { errorCode, memberId } = await beat(0, { memberId: '', ...joining() });
    expect([errorCode, memberId]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  // In the order in which they are checked, in the words of Apache Kafka 4.3.1.
  it.each<[Partial<Heartbeat>, string, string]>([
    [{ groupId: '' }, 'INVALID_REQUEST', "GroupId can't be empty."],
    [{ instanceId: '' }, 'INVALID_REQUEST', "InstanceId can't be empty."],
    [{ rackId: '' }, 'INVALID_REQUEST', "RackId can't be empty."],
    [{ memberId: '' }, 'INVALID_REQUEST', "MemberId can't be empty."],
    [{ memberEpoch: -3 }, 'INVALID_REQUEST', 'MemberEpoch is invalid.'],
    [{ memberEpoch: -2 }, 'INVALID_REQUEST', "InstanceId can't be null."],
    [{ rebalanceTimeoutMs: -1 }, 'INVALID_REQUEST', 'RebalanceTimeoutMs must be provided in first request.'],
    [{ topicPartitions: null }, 'INVALID_REQUEST', 'TopicPartitions must be empty when (re-)joining.'],
    [
      { topicPartitions: [{ topicId: ZERO_UUID, partitions: [0] }] },
      'INVALID_REQUEST',
      'TopicPartitions must be empty when (re-)joining.',
    ],
    [
      { subscribedTopicNames: null },
      'INVALID_REQUEST',
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    ],
    [
      { serverAssignor: 'sticky' },
      'UNSUPPORTED_ASSIGNOR',
      'ServerAssignor sticky is not supported. Supported assignors: uniform, range.',
    ],
    [
      { subscribedTopicRegex: '[' },
      'INVALID_REGULAR_EXPRESSION',
      'SubscribedTopicRegex `[` is not a valid regular expression: missing closing ]: `[`.',
    ],
  ])('refuses %j', async (wrong, code, message) => {
    const { errorCode, errorMessage } = await beat(1, { ...joining(), ...wrong });
    expect([errorName(errorCode), errorMessage]).toEqual([code, message]);
  });

  it('takes no more of a member than it can keep', async () => {
    const owning = (count: number) => ({
      memberEpoch: 1,
      topicPartitions: [{ topicId: topic.id, partitions: Array.from({ length: count }, (_, i) => i) }],
    });
    const names = (count: number) => ({ subscribedTopicNames: Array.from({ length: count }, (_, i) => `t${i}`) });
    const codes = [];
    for (const more of [
      { memberId: 'm'.repeat(ID_CHARACTERS_MAX), instanceId: 'i'.repeat(ID_CHARACTERS_MAX) },
      { memberId: 'm'.repeat(ID_CHARACTERS_MAX + 1) },
      { instanceId: 'i'.repeat(ID_CHARACTERS_MAX + 1) },
      { rackId: 'r'.repeat(ID_CHARACTERS_MAX + 1) },
      names(SUBSCRIBED_TOPICS_MAX),
      names(SUBSCRIBED_TOPICS_MAX + 1),
      owning(OWNED_PARTITIONS_MAX),
      owning(OWNED_PARTITIONS_MAX + 1),
    ])
      codes.push(errorName((await beat(1, { ...joining(), ...more })).errorCode));
    expect(codes).toEqual([
      'NONE',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'NONE',
      'INVALID_REQUEST',
      'GROUP_ID_NOT_FOUND',
      'INVALID_REQUEST',
    ]);
  });

  it('keeps offsets of its members apart from those of others', async () => {
    const groupId = await consumerGroup();
    const partitions = [{ partitionIndex: 0, committedOffset: 5n, committedMetadata: null }];
    const commit = async (version: number, memberId: string, generationIdOrMemberEpoch: number) => {
      const topics = [version >= 10 ? { topicId: topic.id, partitions } : { name: topic.name, partitions }];
      const answer = await client.request(offsetCommitApi, version, { groupId, memberId, generationIdOrMemberEpoch, topics }); // prettier-ignore
      return errorName(answer.topics[0]?.partitions[0]?.errorCode ?? -1);
    };
    expect([await commit(9, 'm', 1), await commit(10, 'm', 1), await commit(8, 'm', 1), await commit(9, 'm', 2), await commit(9, 'who', 1), await commit(9, '', -1)]).toEqual(
      ['NONE', 'NONE', 'UNSUPPORTED_VERSION', 'STALE_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID'],
    ); // prettier-ignore
    const fetch = async (memberId: string | null, memberEpoch: number) => {
      const topics = [{ name: topic.name, partitionIndexes: [0] }];
      const { groups } = await client.request(offsetFetchApi, 9, {
        groups: [{ groupId, memberId, memberEpoch, topics }],
      });
      return [errorName(groups[0]?.errorCode ?? -1), groups[0]?.topics[0]?.partitions[0]?.committedOffset];
    };
    expect([await fetch('m', 1), await fetch(null, -1), await fetch('m', 2), await fetch('who', 1)]).toEqual([
      ['NONE', 5n],
      ['NONE', 5n],
      ['STALE_MEMBER_EPOCH', undefined],
      ['UNKNOWN_MEMBER_ID', undefined],
    ]);
  });
});

describe('committed offsets', () => {
  it('expire after their own time, or with their topic', async () => {
    const door = await openDoorUnderTest({ offsetsCheckIntervalMs: 50, offsetsRetentionMs: 1_000_000 });
    const its = await door.connect();
    const created = await createTopic(door.catalog, { name: 'kept', partitionCount: 3, configs: {} });
    if (!created.ok) throw new Error(created.refusal.code);
    const commit = (partitionIndex: number, retentionTimeMs: bigint) =>
      its.request(offsetCommitApi, 4, {
        groupId: 'g',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        retentionTimeMs,
        topics: [{ name: 'kept', partitions: [{ partitionIndex, committedOffset: 1n, committedMetadata: null }] }],
      });
    await commit(0, 1n);
    await commit(1, -1n);
    await commit(2, 1_000_000n);
    const left = async () => {
      const { topics } = await its.request(offsetFetchApi, 5, { groupId: 'g', topics: null });
      return topics.flatMap(({ partitions }) => partitions.map((one) => one.partitionIndex));
    };
    await eventually(async () => expect(await left()).toEqual([1, 2]));
    await door.catalog.delete('kept');
    await eventually(async () => expect((await its.request(listGroupsApi, 5, {})).groups).toEqual([]));
    its.close();
    await door.close();
  });
});
