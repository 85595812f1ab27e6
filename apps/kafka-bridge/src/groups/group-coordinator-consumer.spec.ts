import { describe, expect, it } from '@jest/globals';
import { consumerProtocolAssignment, consumerProtocolSubscription, encode, errorName } from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import { FakeTimers, settle } from '../testing/fake-timers.ts';
import { MemoryDocuments } from '../testing/memory-documents.ts';
import { noShareGroups } from '../testing/no-share-groups.ts';
import type { ConsumerHeartbeat } from './consumer-group-requests.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import { formatGroupDocument, GROUP_DOCUMENT_BYTES_MAX, parseGroupDocument } from './group-document.ts';
import type { OffsetCommit } from './offset-store.ts';
import { SubscribableTopics } from './subscribable-topics.ts';
import { partitionLists } from './topic-partitions.ts';

const stream = { id: 'id-t', name: 't', partitions: [0, 1, 2, 3] } as unknown as Stream;
const HOUR_MS = 3_600_000;

/** A coordinator over documents that others may use as well; topic `t` has four partitions. */
function coordinatorOn(documents: MemoryDocuments, owns: (groupId: string) => boolean = () => true) {
  const timers = new FakeTimers();
  const topics = new SubscribableTopics({
    peek: (name) => (name === 't' ? stream : undefined),
    peekById: (id) => (id === 'id-t' ? stream : undefined),
    names: () => ['t'],
    onChange: () => () => undefined,
  });
  const coordinator = new GroupCoordinator({
    documents,
    topics,
    timers,
    clock: () => timers.now(),
    brokers: { holdsLease: true, ownsGroup: owns, onChange: () => undefined },
    paces: { of: () => ({ sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000 }) },
    shareGroups: noShareGroups,
    options: {
      initialRebalanceDelayMs: 0,
      sessionTimeoutMsMin: 6_000,
      sessionTimeoutMsMax: 60_000,
      groupMembersMax: 10,
      shareGroupMembersMax: 200,
    },
    logger: createLogger({ level: 'silent' }),
  });
  const beat = async (memberId: string, memberEpoch: number, more: Partial<ConsumerHeartbeat> = {}) => {
    const request = {
      memberId,
      memberEpoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: undefined,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      owned: undefined,
      clientId: 'c',
      clientHost: 'h',
    };
    const answer = await coordinator.consumerHeartbeat('g', { ...request, ...more });
    if (answer.errorCode !== 0) return errorName(answer.errorCode);
    return [
      answer.memberEpoch,
      answer.assignment && partitionLists(answer.assignment).flatMap((one) => one.partitions),
    ];
  };
  const join = (memberId: string, more: Partial<ConsumerHeartbeat> = {}) =>
    beat(memberId, 0, { rebalanceTimeoutMs: HOUR_MS, subscribedTopicNames: ['t'], owned: new Map(), ...more });
  const joinClassic = (memberId: string, protocolType = 'consumer') =>
    coordinator.join('g', {
      memberId,
      instanceId: null,
      clientId: 'c',
      clientHost: 'h',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType,
      protocols: [{ name: 'range', metadata: subscription }],
      requireKnownMemberId: false,
      supportsSkippingAssignment: true,
    });
  const syncClassic = (memberId: string, generation: number, assignment = Buffer.alloc(0)) =>
    coordinator.sync('g', {
      memberId,
      instanceId: null,
      generation,
      protocolType: null,
      protocolName: null,
      assignments: new Map([[memberId, assignment]]),
    });
  const heartbeat = async (memberId: string, generation: number) =>
    errorName(await coordinator.heartbeat('g', { memberId, instanceId: null }, generation));
  const commit = async (groupId: string, memberId = '', generation = -1, more: Partial<OffsetCommit> = {}) => {
    const offset = { topic: 't', topicId: 'id-t', partition: 0, offset: 7n, leaderEpoch: -1, metadata: '', committedAtMs: timers.now() }; // prettier-ignore
    const request = { memberId, instanceId: null, generation, partitions: undefined, understandsMemberEpochs: true };
    return errorName(await coordinator.commit(groupId, request, [{ ...offset, ...more }]));
  };
  const listed = async () =>
    (await coordinator.list()).map(({ groupId, protocolType, state, type }) => [groupId, protocolType, state, type].join(' ')); // prettier-ignore
  return { coordinator, timers, beat, join, joinClassic, syncClassic, heartbeat, commit, listed };
}

const subscription = Buffer.concat([
  Buffer.from([0, 0]),
  ...encode(consumerProtocolSubscription, 0, { topics: ['t'] }),
]);
const everything = Buffer.concat([
  Buffer.from([0, 0]),
  ...encode(consumerProtocolAssignment, 0, { assignedPartitions: [{ topic: 't', partitions: [0, 1, 2, 3] }] }),
]);
const owning = (...partitions: number[]) => ({ owned: new Map([['id-t', new Set(partitions)]]) });

describe('GroupCoordinator, of consumer groups', () => {
  it('writes when something changes, and nothing for a heartbeat', async () => {
    const documents = new MemoryDocuments();
    const { join, beat } = coordinatorOn(documents);
    expect(await join('m1')).toEqual([1, [0, 1, 2, 3]]);
    expect(documents.writes.length).toBe(1);
    for (let i = 0; i < 100; i++) expect(await beat('m1', 1)).toEqual([1, undefined]);
    expect(documents.writes.length).toBe(1);
  });

  it('lets changes that come while one is written travel together', async () => {
    const documents = new MemoryDocuments();
    const { join } = coordinatorOn(documents);
    await join('m0');
    await Promise.all(Array.from({ length: 8 }, (_, i) => join(`m${i + 1}`)));
    expect(documents.writes.length).toBeLessThanOrEqual(3);
  });

  it('answers nothing that is not durable, and goes on from what is when the store is back', async () => {
    const documents = new MemoryDocuments();
    const { join, beat, coordinator } = coordinatorOn(documents);
    await join('m1');
    documents.away = true;
    expect(await join('m2')).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(await beat('m1', 1)).toBe('COORDINATOR_NOT_AVAILABLE');
    documents.away = false;
    expect([await beat('m2', 2), await beat('m1', 1), coordinator.size]).toEqual([
      'UNKNOWN_MEMBER_ID',
      [1, undefined],
      1,
    ]);
  });

  it('goes on from a write that was made although its answer was lost', async () => {
    const documents = new MemoryDocuments();
    const { join, beat } = coordinatorOn(documents);
    await join('m1');
    documents.loseNextAnswer = true;
    expect(await join('m2')).toBe('COORDINATOR_NOT_AVAILABLE');
    expect([await join('m2'), await beat('m1', 1)]).toEqual([
      [2, []],
      [1, [0, 1]],
    ]);
  });

  it('lets another bridge take over in the middle of a rebalance, and gives way to it', async () => {
    const documents = new MemoryDocuments();
    const first = coordinatorOn(documents);
    await first.join('m1');
    await first.join('m2');
    await first.beat('m1', 1);
    const second = coordinatorOn(documents);
    expect(await second.beat('m2', 2)).toEqual([2, undefined]);
    expect(await second.beat('m1', 1, owning(0, 1))).toEqual([2, undefined]);
    expect(await second.beat('m2', 2)).toEqual([2, [2, 3]]);
    // The first one still believes in its group; nobody hears what it decides now.
    expect(await first.beat('m1', 1, owning(0, 1))).toBe('NOT_COORDINATOR');
    expect(first.coordinator.size).toBe(0);
  });

  it('knows no group of which nobody has asked to be a member', async () => {
    const { beat, coordinator } = coordinatorOn(new MemoryDocuments());
    expect([await beat('m1', 3), await beat('m1', -1), coordinator.size]).toEqual([
      'GROUP_ID_NOT_FOUND',
      'GROUP_ID_NOT_FOUND',
      0,
    ]);
  });

  it('refuses an expression that is none, before it looks for the group', async () => {
    const { join, coordinator } = coordinatorOn(new MemoryDocuments());
    expect(await join('m1', { subscribedTopicRegex: '[' })).toBe('INVALID_REGULAR_EXPRESSION');
    expect(await join('m1', { subscribedTopicNames: null, subscribedTopicRegex: 't+' })).toEqual([1, [0, 1, 2, 3]]);
    expect(coordinator.size).toBe(1);
  });
});

describe('a group that changes its protocol', () => {
  it('lets its classic members read on, and makes room for the new one', async () => {
    const documents = new MemoryDocuments();
    const { joinClassic, syncClassic, heartbeat, join, timers, listed, commit } = coordinatorOn(documents);
    const joining = joinClassic('');
    await settle();
    await timers.advance(0);
    const { memberId, generation } = await joining;
    await syncClassic(memberId, generation, everything);
    expect(await listed()).toEqual(['g consumer Stable classic']);
    expect(await join('new')).toEqual([2, []]);
    expect([await heartbeat(memberId, generation), await listed()]).toEqual(['REBALANCE_IN_PROGRESS', ['g consumer Reconciling consumer']]); // prettier-ignore
    expect(await commit('g', memberId, generation)).toBe('NONE');
    // Another bridge finds both of them.
    const next = coordinatorOn(documents);
    const again = await next.joinClassic(memberId);
    expect([again.generation, (await next.syncClassic(memberId, 2)).errorCode]).toEqual([2, 0]);
    expect(await next.beat('new', 2)).toEqual([2, [2, 3]]);
    // The last of the new protocol goes: the group is a classic one again, and the rest of it rebalances.
    expect(await next.beat('new', -1)).toEqual([-1, undefined]);
    expect([await next.heartbeat(memberId, 2), await next.listed()]).toEqual(['REBALANCE_IN_PROGRESS', ['g consumer PreparingRebalance classic']]); // prettier-ignore
    const third = await next.joinClassic(memberId);
    expect([third.generation, third.leaderId, third.members.length]).toEqual([3, memberId, 1]);
  });

  it('tells classic members that wait for a generation to join anew', async () => {
    const { joinClassic, join } = coordinatorOn(new MemoryDocuments());
    const waiting = joinClassic('');
    await settle();
    // Its place is kept for the one that waits.
    expect(await join('new')).toEqual([1, [2, 3]]);
    expect(errorName((await waiting).errorCode)).toBe('REBALANCE_IN_PROGRESS');
  });

  it('stays what it is where its members are no consumers', async () => {
    const { joinClassic, join, timers, listed } = coordinatorOn(new MemoryDocuments());
    const joining = joinClassic('', 'connect');
    await settle();
    await timers.advance(0);
    await joining;
    expect([await join('new'), await listed()]).toEqual([
      'GROUP_ID_NOT_FOUND',
      ['g connect CompletingRebalance classic'],
    ]);
  });

  it('is of whoever comes while it is empty, and counts on', async () => {
    const { joinClassic, join, beat, timers, listed, coordinator } = coordinatorOn(new MemoryDocuments());
    await join('new');
    await beat('new', -1);
    const joining = joinClassic('');
    await settle();
    await timers.advance(0);
    const { memberId, generation } = await joining;
    expect([generation, await listed()]).toEqual([3, ['g consumer CompletingRebalance classic']]);
    await coordinator.leave('g', [{ memberId, instanceId: null }]);
    await settle();
    expect(await join('newer')).toEqual([5, [0, 1, 2, 3]]);
  });
});

describe('groups, seen as a whole', () => {
  it('are listed with those that only have offsets, each by its own bridge', async () => {
    const documents = new MemoryDocuments();
    const here = coordinatorOn(documents, (groupId) => groupId !== 'there');
    await here.join('m');
    expect([await here.commit('simple/one'), await here.commit('there'), await here.commit('simple/one', 'm', 1)]).toEqual(['NONE', 'NOT_COORDINATOR', 'UNKNOWN_MEMBER_ID']); // prettier-ignore
    const there = coordinatorOn(documents, (groupId) => groupId === 'there');
    await there.commit('there');
    expect([await here.listed(), await there.listed()]).toEqual([
      ['g consumer Stable consumer', 'simple/one  Empty classic'],
      ['there  Empty classic'],
    ]);
  });

  it('are missed although nobody asks for them, where their members died with their bridge', async () => {
    const documents = new MemoryDocuments();
    await coordinatorOn(documents).join('m');
    const next = coordinatorOn(documents);
    expect(await next.listed()).toEqual(['g consumer Stable consumer']);
    await next.timers.advance(45_000);
    expect(await next.listed()).toEqual(['g consumer Empty consumer']);
  });

  it('are deleted with their offsets once they are empty', async () => {
    const { coordinator, join, beat, commit, listed } = coordinatorOn(new MemoryDocuments());
    await join('m');
    await commit('g', 'm', 1);
    const codes = [await coordinator.delete('g'), await coordinator.delete('none'), await coordinator.delete('')];
    await beat('m', -1);
    codes.push(await coordinator.delete('g'), await coordinator.delete('g'));
    expect(codes.map((code) => errorName(code))).toEqual(['NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND', 'GROUP_ID_NOT_FOUND', 'NONE', 'GROUP_ID_NOT_FOUND']); // prettier-ignore
    expect([await listed(), (await coordinator.offsets.ofGroup('g')).size]).toEqual([[], 0]);
  });

  it('are deleted with more offsets than one write takes', async () => {
    const { coordinator, commit } = coordinatorOn(new MemoryDocuments());
    for (let partition = 0; partition < 2_500; partition++) await commit('many', '', -1, { partition });
    expect(errorName(await coordinator.delete('many'))).toBe('NONE');
    expect((await coordinator.offsets.ofGroup('many')).size).toBe(0);
  });

  it('lose offsets that have had their time, and themselves with the last one', async () => {
    const { coordinator, join, beat, commit, timers, listed } = coordinatorOn(new MemoryDocuments());
    const sweep = () => coordinator.sweep(HOUR_MS, async (name) => (name === 't' ? 'id-t' : undefined));
    await join('m');
    await commit('g', 'm', 1);
    await commit('g', 'm', 1, { topic: 'gone', topicId: 'id-gone' });
    await commit('g', 'm', 1, { partition: 1, topicId: 'an older t' });
    await commit('simple');
    expect([await sweep(), [...(await coordinator.offsets.ofGroup('g'))].map(([topic, its]) => [topic, [...its.keys()]])]).toEqual([2, [['t', [0]]]]); // prettier-ignore
    for (let ms = 0; ms < HOUR_MS; ms += 30_000) {
      await timers.advance(30_000);
      await beat('m', 1);
    }
    // The group's members read the topic; nobody reads for the other one.
    expect([await sweep(), await listed()]).toEqual([1, ['g consumer Stable consumer']]);
    await beat('m', -1);
    expect([await sweep(), await listed()]).toEqual([0, ['g consumer Empty consumer']]);
    await timers.advance(HOUR_MS);
    expect([await sweep(), await listed(), await sweep()]).toEqual([1, [], 0]);
  });

  it('keep an offset that was committed while it was being looked at', async () => {
    const documents = new MemoryDocuments();
    const { coordinator, commit, timers } = coordinatorOn(documents);
    await commit('simple');
    await commit('simple', '', -1, { partition: 1 });
    await timers.advance(HOUR_MS);
    await coordinator.sweep(HOUR_MS, async () => {
      await commit('simple');
      return 'id-t';
    });
    expect([...((await coordinator.offsets.ofTopic('simple', 't')).keys() ?? [])]).toEqual([0]);
  });
});

describe('the document of a group', () => {
  const member = (i: number) => ({
    memberId: `consumer-orders-${i}-0b8de1f4-93d0-4e1c-a6a1-${String(i).padStart(12, '0')}`,
    instanceId: null,
    rackId: null,
    clientId: `consumer-orders-${i}`,
    clientHost: '10.0.0.1',
    rebalanceTimeoutMs: 300_000,
    topicNames: ['orders', 'payments'],
    topicRegex: '',
    serverAssignor: null,
    memberEpoch: 7,
    previousMemberEpoch: 6,
    state: 'stable' as const,
    assigned: { 'xh-NVAHrQJ-jOQk-V13PVw': `${i}@7` },
    revoking: {},
    target: { 'xh-NVAHrQJ-jOQk-V13PVw': String(i) },
    classic: null,
  });
  const group = (count: number) => ({
    kind: 'consumer' as const,
    groupEpoch: 7,
    assignmentEpoch: 7,
    assignor: 'uniform',
    topicsStamp: '',
    emptySinceMs: null,
    members: Array.from({ length: count }, (_, i) => member(i)),
  });

  it.each([1, 10_000])('holds %i members', (count) => {
    const text = formatGroupDocument(group(count), 'me');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(GROUP_DOCUMENT_BYTES_MAX);
    expect(parseGroupDocument(text)).toEqual({ ...group(count), savedBy: 'me' });
  });

  it('keeps the epoch alone of one that is too large', () => {
    const random = Array.from({ length: 30_000 }, () => ({ ...member(1), memberId: crypto.randomUUID() + crypto.randomUUID() })); // prettier-ignore
    const document = parseGroupDocument(formatGroupDocument({ ...group(0), members: random }, 'me'));
    expect(document).toMatchObject({ kind: 'consumer', groupEpoch: 7, members: [] });
  });
});
