import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Draft,
  errorName,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  type joinGroupRequest,
  leaveGroupApi,
  offsetCommitApi,
  offsetFetchApi,
  syncGroupApi,
} from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import { uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';
import { OFFSET_METADATA_BYTES_MAX } from './08-offset-commit.ts';

let under: DoorUnderTest;
let client: WireClient;
let topic: Stream;
beforeAll(async () => {
  under = await openDoorUnderTest({ initialRebalanceDelayMs: 5 });
  client = await under.connect();
  const created = await createTopic(under.catalog, { name: uniqueName('groups'), partitionCount: 3, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  topic = created.value;
});
afterAll(async () => {
  client.close();
  await under.close();
});

const range = { name: 'range', metadata: Buffer.from('meta') };

function joining(groupId: string, more: Partial<Draft<typeof joinGroupRequest>> = {}): Draft<typeof joinGroupRequest> {
  return {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [range],
    ...more,
  };
}

/** Joins and syncs as the only member; answers its id and generation. */
async function soleMember(groupId: string, its = client) {
  const joined = await its.request(joinGroupApi, 3, joining(groupId, { rebalanceTimeoutMs: 10_000 }));
  const assignments = [{ memberId: joined.memberId, assignment: Buffer.from('all') }];
  await its.request(syncGroupApi, 3, {
    groupId,
    generationId: joined.generationId,
    memberId: joined.memberId,
    assignments,
  });
  return { memberId: joined.memberId, generationId: joined.generationId };
}

describe('JoinGroup', () => {
  it.each(Array.from({ length: 10 }, (_, i) => i))('makes a member and its leader in version %i', async (version) => {
    const groupId = uniqueName('join');
    let request = joining(groupId, version === 0 ? { rebalanceTimeoutMs: -1 } : {});
    if (version >= 4) {
      const sentAway = await client.request(joinGroupApi, version, request);
      expect(errorName(sentAway.errorCode)).toBe('MEMBER_ID_REQUIRED');
      request = { ...request, memberId: sentAway.memberId };
    }
    const joined = await client.request(joinGroupApi, version, request);
    expect(joined).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      generationId: 1,
      protocolType: version >= 7 ? 'consumer' : null,
      protocolName: 'range',
      leader: joined.memberId,
      skipAssignment: false,
      memberId: joined.memberId,
      members: [{ memberId: joined.memberId, groupInstanceId: null, metadata: Buffer.from('meta') }],
    });
  });

  it.each<[string, Partial<Draft<typeof joinGroupRequest>>, string]>([
    ['no group id', { groupId: '' }, 'INVALID_GROUP_ID'],
    ['a group id that is too long to keep', { groupId: 'g'.repeat(641) }, 'INVALID_GROUP_ID'],
    ['a session time-out of 5,999 ms', { sessionTimeoutMs: 5_999 }, 'INVALID_SESSION_TIMEOUT'],
    ['a session time-out of 6,000 ms', { sessionTimeoutMs: 6_000 }, 'NONE'],
    ['a session time-out of 30 min', { sessionTimeoutMs: 1_800_000 }, 'NONE'],
    ['a session time-out past 30 min', { sessionTimeoutMs: 1_800_001 }, 'INVALID_SESSION_TIMEOUT'],
    ['a member id that was never given', { memberId: 'who' }, 'UNKNOWN_MEMBER_ID'],
    ['no protocols', { protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
  ])('answers to %s', async (_, wrong, expected) => {
    const joined = await client.request(joinGroupApi, 3, joining(uniqueName('join'), wrong));
    expect(errorName(joined.errorCode)).toBe(expected);
  });

  it('answers errors in every version', async () => {
    for (let version = 0; version <= 9; version++) {
      const request = joining('', version === 0 ? { rebalanceTimeoutMs: -1 } : {});
      expect(errorName((await client.request(joinGroupApi, version, request)).errorCode)).toBe('INVALID_GROUP_ID');
    }
  });
});

describe('SyncGroup, Heartbeat and LeaveGroup', () => {
  it.each([0, 1, 2, 3, 4, 5])('serve a member through its life in SyncGroup %i', async (version) => {
    const groupId = uniqueName('life');
    const { memberId, generationId } = await client.request(joinGroupApi, 3, joining(groupId));
    const assignments = [{ memberId, assignment: Buffer.from('mine') }];
    const names = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {};
    const synced = await client.request(syncGroupApi, version, {
      groupId,
      generationId,
      memberId,
      assignments,
      ...names,
    });
    expect([errorName(synced.errorCode), synced.assignment.toString(), synced.protocolName]).toEqual([
      'NONE',
      'mine',
      version >= 5 ? 'range' : null,
    ]);
    for (let v = 0; v <= 4; v++) {
      expect(await client.request(heartbeatApi, v, { groupId, generationId, memberId })).toEqual({
        throttleTimeMs: 0,
        errorCode: 0,
      });
    }
    expect(errorName((await client.request(heartbeatApi, 4, { groupId, generationId: 9, memberId })).errorCode)).toBe(
      'ILLEGAL_GENERATION',
    );
    const left = await client.request(
      leaveGroupApi,
      version,
      version >= 3 ? { groupId, members: [{ memberId }, { memberId: 'who' }] } : { groupId, memberId },
    );
    const perMember = [
      { memberId, groupInstanceId: null, errorCode: 0 },
      { memberId: 'who', groupInstanceId: null, errorCode: 25 },
    ];
    expect(left).toEqual({ throttleTimeMs: 0, errorCode: 0, members: version >= 3 ? perMember : [] });
    expect(errorName((await client.request(heartbeatApi, 4, { groupId, generationId, memberId })).errorCode)).toBe(
      'UNKNOWN_MEMBER_ID',
    );
  });

  it('tell of an unknown member of an unknown group', async () => {
    const groupId = uniqueName('nobody');
    const member = { groupId, generationId: 1, memberId: 'who' };
    expect(errorName((await client.request(heartbeatApi, 3, member)).errorCode)).toBe('UNKNOWN_MEMBER_ID');
    expect(errorName((await client.request(syncGroupApi, 3, { ...member, assignments: [] })).errorCode)).toBe(
      'UNKNOWN_MEMBER_ID',
    );
    expect(errorName((await client.request(leaveGroupApi, 1, { groupId, memberId: 'who' })).errorCode)).toBe(
      'UNKNOWN_MEMBER_ID',
    );
  });
});

function committing(groupId: string, member: { memberId: string; generationId: number }, byId = false) {
  const partition = { partitionIndex: 0, committedOffset: 5n, committedMetadata: 'note' };
  const named = byId ? { topicId: topic.id } : { name: topic.name };
  const { memberId, generationId } = member;
  return {
    groupId,
    memberId,
    generationIdOrMemberEpoch: generationId,
    topics: [{ ...named, partitions: [partition, { ...partition, partitionIndex: 2, committedOffset: 7n }] }],
  };
}
const nobody = { memberId: '', generationId: -1 };

describe('OffsetCommit and OffsetFetch', () => {
  it.each(Array.from({ length: 9 }, (_, i) => 2 + i))('keep what a member commits in version %i', async (version) => {
    const groupId = uniqueName('commit');
    const member = await soleMember(groupId);
    const byId = version >= 10;
    const committed = await client.request(offsetCommitApi, version, committing(groupId, member, byId));
    expect(committed.topics.map(({ name, topicId, partitions }) => [byId ? topicId : name, partitions])).toEqual([
      [byId ? topic.id : topic.name, [{ partitionIndex: 0, errorCode: 0 }, { partitionIndex: 2, errorCode: 0 }]],
    ]); // prettier-ignore
  });

  it.each(Array.from({ length: 10 }, (_, i) => 1 + i))(
    'find it again in version %i of OffsetFetch',
    async (version) => {
      const groupId = uniqueName('find');
      await client.request(offsetCommitApi, 9, committing(groupId, nobody));
      const fill = (committedOffset: bigint, partitionIndex: number) => ({
        partitionIndex,
        committedOffset,
        committedLeaderEpoch: -1,
        metadata: committedOffset < 0n ? '' : 'note',
        errorCode: 0,
      });
      const expected = [fill(5n, 0), fill(-1n, 1), fill(7n, 2)];
      const wanted = { name: topic.name, partitionIndexes: [0, 1, 2] };
      if (version < 8) {
        const { topics, errorCode } = await client.request(offsetFetchApi, version, { groupId, topics: [wanted] });
        expect([errorCode, topics]).toEqual([0, [{ name: topic.name, partitions: expected }]]);
        return;
      }
      const named = version >= 10 ? { topicId: topic.id } : { name: topic.name };
      const asked = {
        groups: [
          { groupId, topics: [{ ...named, partitionIndexes: [0, 1, 2] }] },
          { groupId, topics: null },
        ],
      };
      const { groups } = await client.request(offsetFetchApi, version, asked);
      expect(groups.map(({ errorCode, topics }) => [errorCode, topics.map(({ partitions }) => partitions)])).toEqual([
        [0, [expected]],
        [0, [[expected[0], expected[2]]]],
      ]);
    },
  );

  it('give all topics of a group before version 8 too, and none of a group that nobody knows', async () => {
    const groupId = uniqueName('all');
    await client.request(offsetCommitApi, 9, committing(groupId, nobody));
    const all = await client.request(offsetFetchApi, 5, { groupId, topics: null });
    expect(
      all.topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]),
    ).toEqual([[topic.name, [0, 2]]]);
    const none = await client.request(offsetFetchApi, 5, { groupId: uniqueName('none'), topics: null });
    expect([none.errorCode, none.topics]).toEqual([0, []]);
  });

  it('refuse what Kafka refuses', async () => {
    const groupId = uniqueName('refuse');
    const codes = async (request: ReturnType<typeof committing>) =>
      (await client.request(offsetCommitApi, 9, request)).topics.flatMap(({ partitions }) =>
        partitions.map(({ errorCode }) => errorName(errorCode)),
      );
    expect(await codes(committing('', nobody))).toEqual(['INVALID_GROUP_ID', 'INVALID_GROUP_ID']);
    expect(await codes(committing(groupId, { memberId: 'who', generationId: 1 }))).toEqual([
      'GROUP_ID_NOT_FOUND',
      'GROUP_ID_NOT_FOUND',
    ]);
    const member = await soleMember(groupId);
    expect(await codes(committing(groupId, nobody))).toEqual(['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID']);
    expect(await codes(committing(groupId, { ...member, generationId: 9 }))).toEqual([
      'ILLEGAL_GENERATION',
      'ILLEGAL_GENERATION',
    ]);
    const partition = { partitionIndex: 0, committedOffset: 1n, committedMetadata: null };
    const mixed = {
      ...committing(groupId, member),
      topics: [
        { name: 'no-such-topic', partitions: [partition] },
        {
          name: topic.name,
          partitions: [
            { ...partition, partitionIndex: 3 },
            { ...partition, committedMetadata: 'x'.repeat(OFFSET_METADATA_BYTES_MAX + 1) },
            { ...partition, committedMetadata: 'x'.repeat(OFFSET_METADATA_BYTES_MAX) },
          ],
        },
      ],
    };
    expect(await codes(mixed as unknown as ReturnType<typeof committing>)).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'OFFSET_METADATA_TOO_LARGE',
      'NONE',
    ]);
  });

  it('forget what was committed for a topic that was deleted and made again', async () => {
    const name = uniqueName('again');
    const make = () => createTopic(under.catalog, { name, partitionCount: 1, configs: {} });
    await make();
    const groupId = uniqueName('again');
    const partitions = [{ partitionIndex: 0, committedOffset: 5n, committedMetadata: null }];
    await client.request(offsetCommitApi, 9, { ...committing(groupId, nobody), topics: [{ name, partitions }] });
    await under.catalog.delete(name);
    await make();
    const { topics } = await client.request(offsetFetchApi, 5, { groupId, topics: [{ name, partitionIndexes: [0] }] });
    expect(topics[0]?.partitions[0]?.committedOffset).toBe(-1n);
  });

  it('keep apart groups whose names look alike', async () => {
    const groupId = uniqueName('a/b');
    await client.request(offsetCommitApi, 9, committing(groupId, nobody));
    for (const other of [groupId.slice(0, -1), `${groupId}/offsets`, encodeURIComponent(groupId)]) {
      expect((await client.request(offsetFetchApi, 5, { groupId: other, topics: null })).topics).toEqual([]);
    }
  });
});

describe('FindCoordinator', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('names this bridge in version %i', async (version) => {
    const self = { nodeId: 1, host: '127.0.0.1', port: under.address.port, errorCode: 0 };
    if (version < 4) {
      const found = await client.request(findCoordinatorApi, version, { key: 'g', ...(version > 0 && { keyType: 0 }) });
      expect(found).toMatchObject(self);
      return;
    }
    const { coordinators } = await client.request(findCoordinatorApi, version, {
      keyType: 1,
      coordinatorKeys: ['a', 'b'],
    });
    expect(coordinators).toMatchObject([
      { key: 'a', ...self },
      { key: 'b', ...self },
    ]);
  });

  it('knows groups and transactional ids alone', async () => {
    expect(errorName((await client.request(findCoordinatorApi, 3, { key: 'g', keyType: 2 })).errorCode)).toBe(
      'INVALID_REQUEST',
    );
  });
});

describe('groups across a restart', () => {
  it('keep offsets, members and generation', async () => {
    const before = await openDoorUnderTest({ initialRebalanceDelayMs: 5 });
    const created = await createTopic(before.catalog, { name: 'kept', partitionCount: 1, configs: {} });
    if (!created.ok) throw new Error(created.refusal.code);
    const first = await before.connect();
    const member = await soleMember('g', first);
    const partitions = [{ partitionIndex: 0, committedOffset: 42n, committedMetadata: null }];
    await first.request(offsetCommitApi, 9, { ...committing('g', member), topics: [{ name: 'kept', partitions }] });
    const after = await before.restart();
    const second = await after.connect();
    const { topics } = await second.request(offsetFetchApi, 5, {
      groupId: 'g',
      topics: [{ name: 'kept', partitionIndexes: [0] }],
    });
    expect(topics[0]?.partitions[0]?.committedOffset).toBe(42n);
    expect(errorName((await second.request(heartbeatApi, 4, { groupId: 'g', ...member })).errorCode)).toBe('NONE');
    const next = await second.request(joinGroupApi, 3, joining('g', { memberId: member.memberId }));
    expect([next.memberId, next.generationId]).toEqual([member.memberId, member.generationId + 1]);
    await after.close();
  });
});
