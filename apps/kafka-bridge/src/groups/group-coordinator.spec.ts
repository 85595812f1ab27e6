import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, errorName } from '@tailrace/kafka-protocol';
import { StoreUnavailable } from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import { MemoryDocuments } from '../testing/memory-documents.ts';
import { noShareGroups } from '../testing/no-share-groups.ts';
import { FakeTimers, settle } from '../testing/fake-timers.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import type { CommitRequest, JoinAnswer, MemberIdentity } from './group-requests.ts';
import { COMMITS_PER_WRITE_MAX, type OffsetCommit, OffsetStore } from './offset-store.ts';
import { SubscribableTopics } from './subscribable-topics.ts';

const SESSION_MS = 10_000;
const noTopics = { peek: () => undefined, peekById: () => undefined, names: () => [], onChange: () => () => undefined };

function coordinatorOn(documents: MemoryDocuments) {
  const logged: string[] = [];
  const timers = new FakeTimers();
  const listeners: (() => void)[] = [];
  const owned = { value: true };
  const coordinator = new GroupCoordinator({
    documents,
    timers,
    clock: () => timers.now(),
    topics: new SubscribableTopics(noTopics),
    brokers: { holdsLease: true, ownsGroup: () => owned.value, onChange: (listener) => listeners.push(listener) },
    paces: { of: () => ({ sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000 }) },
    shareGroups: noShareGroups,
    options: {
      initialRebalanceDelayMs: 0,
      sessionTimeoutMsMin: 6_000,
      sessionTimeoutMsMax: 60_000,
      groupMembersMax: 10,
      shareGroupMembersMax: 200,
    },
    logger: createLogger({ level: 'warn', destination: { write: (line) => void logged.push(line) } }),
  });
  const join = (memberId = '') =>
    coordinator.join('g', {
      memberId,
      instanceId: null,
      clientId: 'c',
      clientHost: 'h',
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: SESSION_MS,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      requireKnownMemberId: false,
      supportsSkippingAssignment: true,
    });
  /** A stable group of one: a new member, or this one again. */
  const member = async (id = '') => {
    const joining = join(id);
    await settle();
    await timers.advance(0);
    const { memberId, generation } = await joining;
    const synced = await coordinator.sync('g', {
      memberId,
      instanceId: null,
      generation,
      protocolType: null,
      protocolName: null,
      assignments: new Map([[memberId, Buffer.from('all')]]),
    });
    return { memberId, generation, synced };
  };
  const heartbeat = async (memberId: string, generation: number) =>
    errorName(await coordinator.heartbeat('g', { memberId, instanceId: null }, generation));
  return {
    coordinator,
    timers,
    logged,
    join,
    member,
    heartbeat,
    /** Nobody is told yet. */
    lapse: () => (owned.value = false),
    regain: () => (listeners.forEach((changed) => changed()), (owned.value = true)),
    loseOwnership: () => ((owned.value = false), listeners.forEach((changed) => changed())),
  };
}

const simple = { memberId: '', instanceId: null };

function committing(identity: MemberIdentity, generation: number): CommitRequest {
  return { ...identity, generation, partitions: undefined, understandsMemberEpochs: true };
}

function commitOf(partition: number, offset = 1n): OffsetCommit {
  return { topic: 't', topicId: 'id', partition, offset, leaderEpoch: -1, metadata: '', committedAtMs: 0 };
}

describe('GroupCoordinator', () => {
  it('sends everybody away when the group is not its own, also those who wait', async () => {
    const { coordinator, join, loseOwnership, timers } = coordinatorOn(new MemoryDocuments());
    const waiting = join();
    await settle();
    loseOwnership();
    const codes: ErrorCode[] = [
      (await waiting).errorCode,
      (await join()).errorCode,
      await coordinator.heartbeat('g', simple, 1),
      await coordinator.commit('g', committing(simple, -1), [commitOf(0)]),
    ];
    expect([...codes.map((code) => errorName(code)), errorName(coordinator.refuseRead('g') ?? 0), timers.armedCount]).toEqual([
      'NOT_COORDINATOR', 'NOT_COORDINATOR', 'NOT_COORDINATOR', 'NOT_COORDINATOR', 'NOT_COORDINATOR', 0,
    ]); // prettier-ignore
  });

  it('gives way to another one that has written the group since', async () => {
    const documents = new MemoryDocuments();
    const first = coordinatorOn(documents);
    const { memberId, generation, synced } = await first.member();
    expect(errorName(synced.errorCode)).toBe('NONE');
    const second = coordinatorOn(documents);
    expect(await second.heartbeat(memberId, generation)).toBe('NONE');
    const rejoining = second.join(memberId);
    await settle();
    const next = await rejoining;
    const sync = {
      memberId,
      instanceId: null,
      generation: next.generation,
      protocolType: null,
      protocolName: null,
      assignments: new Map(),
    };
    expect(errorName((await second.coordinator.sync('g', sync)).errorCode)).toBe('NONE');
    // The first one still believes in its group; what it decides now nobody hears.
    const stale = await first.join(memberId);
    expect(stale.generation).toBe(next.generation);
    expect(errorName((await first.coordinator.sync('g', sync)).errorCode)).toBe('NOT_COORDINATOR');
    expect(await second.heartbeat(memberId, next.generation)).toBe('NONE');
  });

  it('misses no member for the time for which it was away itself', async () => {
    const documents = new MemoryDocuments();
    const { member, heartbeat, lapse, regain, timers } = coordinatorOn(documents);
    const { memberId, generation } = await member();
    const before = await documents.list('');
    lapse();
    await timers.advance(SESSION_MS + 1);
    regain();
    expect(await documents.list('')).toEqual(before);
    expect(await heartbeat(memberId, generation)).toBe('NONE');
    // From here on it is missed again.
    await timers.advance(SESSION_MS + 1);
    expect(await heartbeat(memberId, generation)).toBe('UNKNOWN_MEMBER_ID');
  });

  it('answers the error on which clients retry while the store is away, and goes on when it is back', async () => {
    const documents = new MemoryDocuments();
    const { coordinator, join, member } = coordinatorOn(documents);
    documents.away = true;
    expect(errorName((await join()).errorCode)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(errorName(await coordinator.commit('g', committing(simple, -1), [commitOf(0)]))).toBe(
      'COORDINATOR_NOT_AVAILABLE',
    );
    documents.away = false;
    expect(errorName((await member()).synced.errorCode)).toBe('NONE');
  });

  it('warns of states that the store did not take, once in ten seconds', async () => {
    const documents = new MemoryDocuments();
    const { timers, logged, member } = coordinatorOn(documents);
    const said = () => logged.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>);
    const { memberId } = await member();
    const unsaved = async () => {
      documents.away = true;
      const { synced } = await member(memberId);
      documents.away = false;
      return errorName(synced.errorCode);
    };
    expect([await unsaved(), await unsaved(), await unsaved()]).toEqual(Array(3).fill('COORDINATOR_NOT_AVAILABLE'));
    const warning = { level: 'warn', group: 'g', err: expect.objectContaining({ type: 'StoreUnavailable' }) };
    expect(said()).toEqual([expect.objectContaining({ ...warning, saves: 1 })]);
    await timers.advance(9_999);
    expect([await unsaved(), said()]).toEqual(['COORDINATOR_NOT_AVAILABLE', []]);
    await timers.advance(1);
    expect(await unsaved()).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(said()).toEqual([expect.objectContaining({ ...warning, saves: 4 })]);
  });

  it('takes no commit for durable that was not written', async () => {
    const documents = new MemoryDocuments();
    const { coordinator, member } = coordinatorOn(documents);
    const { memberId, generation } = await member();
    documents.away = true;
    expect(
      errorName(
        await coordinator.commit('g', committing({ memberId, instanceId: null }, generation), [commitOf(0, 9n)]),
      ),
    ).toBe('COORDINATOR_NOT_AVAILABLE');
    documents.away = false;
    expect((await coordinator.offsets.ofTopic('g', 't')).get(0)).toBeUndefined();
  });

  it('holds no group in memory that has no members', async () => {
    const { coordinator, timers } = coordinatorOn(new MemoryDocuments());
    const request = {
      instanceId: null,
      clientId: 'c',
      clientHost: 'h',
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: SESSION_MS,
      supportsSkippingAssignment: true,
    };
    const protocols = [{ name: 'range', metadata: Buffer.from('m') }];
    const known = { ...request, protocolType: 'consumer', protocols, requireKnownMemberId: true };
    await coordinator.join('refused', { ...known, memberId: 'who' });
    await coordinator.join('wrong', { ...known, memberId: '', protocolType: '' });
    await coordinator.heartbeat('nobody', { memberId: 'who', instanceId: null }, 1);
    await coordinator.leave('nobody', [{ memberId: 'who', instanceId: null }]);
    await coordinator.commit('simple', committing(simple, -1), [commitOf(0)]);
    expect(coordinator.size).toBe(0);
    await coordinator.join('never-came-back', { ...known, memberId: '' });
    const { memberId } = await coordinator.join('left', { ...known, memberId: '' });
    expect(coordinator.size).toBe(2);
    await coordinator.leave('left', [{ memberId, instanceId: null }]);
    await timers.advance(SESSION_MS);
    expect(coordinator.size).toBe(0);
  });

  it('has one group for all who ask at the same moment', async () => {
    const documents = new MemoryDocuments();
    const { coordinator, join, timers } = coordinatorOn(documents);
    const who = { memberId: 'who', instanceId: null };
    const asked = [
      Promise.resolve(coordinator.heartbeat('g', who, 1)),
      join(),
      coordinator.leave('g', [who]),
      join(),
      Promise.resolve(coordinator.heartbeat('g', who, 1)),
    ];
    await settle();
    await timers.advance(0);
    const [, first, , second] = (await Promise.all(asked)) as JoinAnswer[];
    expect([first?.generation, second?.generation, first?.members.length, coordinator.size]).toEqual([1, 1, 2, 1]);
  });

  it('keeps a group whose save went through although the answer was lost', async () => {
    const documents = new MemoryDocuments();
    const { join, member, coordinator } = coordinatorOn(documents);
    const { memberId } = await member();
    documents.loseNextAnswer = true;
    const sync = async (generation: number) => {
      const request = {
        memberId,
        instanceId: null,
        generation,
        protocolType: null,
        protocolName: null,
        assignments: new Map(),
      };
      return errorName((await coordinator.sync('g', request)).errorCode);
    };
    expect(await sync((await join(memberId)).generation)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(await sync((await join(memberId)).generation)).toBe('NONE');
  });

  it('remembers the generation of a group that all have left', async () => {
    const documents = new MemoryDocuments();
    const { coordinator, member } = coordinatorOn(documents);
    const { memberId } = await member();
    await coordinator.leave('g', [{ memberId, instanceId: null }]);
    await settle();
    const { generation } = await coordinatorOn(documents).member();
    expect(generation).toBe(3);
  });
});

describe('OffsetStore', () => {
  it('lets commits that come while one is written travel together, the later one last', async () => {
    const documents = new MemoryDocuments();
    const store = new OffsetStore(documents);
    await Promise.all([
      store.commit('g', [commitOf(0, 1n)]),
      ...Array.from({ length: 50 }, (_, i) => store.commit('g', [commitOf(0, BigInt(i + 2)), commitOf(i)])),
    ]);
    expect(documents.writes.map((writes) => writes.length)).toEqual([1, 50]);
    expect((await store.ofTopic('g', 't')).get(0)?.offset).toBe(51n);
  });

  it.each([
    [COMMITS_PER_WRITE_MAX, [COMMITS_PER_WRITE_MAX]],
    [COMMITS_PER_WRITE_MAX + 1, [COMMITS_PER_WRITE_MAX, 1]],
  ])('writes %i partitions of one request in as few steps as the store allows', async (count, sizes) => {
    const documents = new MemoryDocuments();
    const store = new OffsetStore(documents);
    await store.commit(
      'g',
      Array.from({ length: count }, (_, i) => commitOf(i)),
    );
    expect(documents.writes.map((writes) => writes.length)).toEqual(sizes);
    expect((await store.ofGroup('g')).get('t')?.size).toBe(count);
  });

  it('tells every one of a failed write', async () => {
    const documents = new MemoryDocuments();
    const store = new OffsetStore(documents);
    documents.away = true;
    const settled = await Promise.allSettled([
      store.commit('g', [commitOf(0)]),
      store.commit('g', [commitOf(1)]),
      store.commit('g', [commitOf(2)]),
    ]);
    expect(settled.map((one) => one.status === 'rejected' && one.reason instanceof StoreUnavailable)).toEqual([
      true,
      true,
      true,
    ]);
  });
});
