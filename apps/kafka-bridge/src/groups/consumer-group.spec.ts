import { describe, expect, it } from '@jest/globals';
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decode,
  encode,
  errorName,
} from '@tailrace/kafka-protocol';
import { FakeTimers } from '../testing/fake-timers.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerGroupDocument } from './consumer-group-document.ts';
import type { ConsumerHeartbeat, ConsumerHeartbeatAnswer } from './consumer-group-requests.ts';
import type { JoinAnswer, SyncAnswer } from './group-requests.ts';
import {
  countPartitions,
  hasPartition,
  partitionLists,
  partitionSets,
  type TopicPartitions,
} from './topic-partitions.ts';

const SESSION_MS = 45_000;
const REBALANCE_MS = 60_000;
const CLASSIC_SESSION_MS = 10_000;

/** Topics that a test can change, by name with their partition counts; the id is `id-<name>`. */
class Topics {
  version = 1;
  readonly counts: Map<string, number>;
  /** Expressions of which it is not known yet what they match. */
  readonly pending = new Set<string>();

  constructor(counts: Readonly<Record<string, number>>) {
    this.counts = new Map(Object.entries(counts));
  }

  set(name: string, count: number | undefined): void {
    if (count === undefined) this.counts.delete(name);
    else this.counts.set(name, count);
    this.version += 1;
  }

  find(name: string) {
    const partitionCount = this.counts.get(name);
    return partitionCount === undefined ? undefined : { name, topicId: `id-${name}`, partitionCount };
  }

  nameOf(topicId: string): string | undefined {
    const name = topicId.slice(3);
    return this.counts.has(name) ? name : undefined;
  }

  matching(pattern: string): readonly string[] | undefined {
    if (this.pending.has(pattern)) return undefined;
    return [...this.counts.keys()].filter((name) => new RegExp(`^(?:${pattern})$`).test(name));
  }
}

function groupUnderTest({
  topics = new Topics({ t: 6 }),
  timers = new FakeTimers(),
  restored,
  membersMax = 100,
}: { topics?: Topics; timers?: FakeTimers; restored?: ConsumerGroupDocument; membersMax?: number } = {}) {
  let ids = 0;
  const seen = { changes: 0, onlyClassicLeft: 0 };
  const group = new ConsumerGroup(
    {
      groupId: 'g',
      timers,
      clock: () => 1_000 + timers.now(),
      membersMax,
      pace: () => ({ sessionTimeoutMs: SESSION_MS, heartbeatIntervalMs: 5_000 }),
      topics,
      changed: () => (seen.changes += 1),
      onlyClassicLeft: () => (seen.onlyClassicLeft += 1),
      newId: () => `id${++ids}`,
    },
    restored,
  );
  const beat = (memberId: string, memberEpoch: number, more: Partial<ConsumerHeartbeat> = {}) =>
    group.heartbeat({
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
      ...more,
    });
  const join = (memberId: string, more: Partial<ConsumerHeartbeat> = {}) =>
    beat(memberId, 0, {
      rebalanceTimeoutMs: REBALANCE_MS,
      subscribedTopicNames: ['t'],
      owned: new Map(),
      ...more,
    });
  return { group, timers, topics, beat, join, seen };
}

/** `t:0,1 u:2`; `undefined` where nothing was told. */
function text(partitions: TopicPartitions | undefined): string | undefined {
  return (
    partitions &&
    partitionLists(partitions)
      .map(({ topicId, partitions: its }) => `${topicId.slice(3)}:${its.join()}`)
      .sort()
      .join(' ')
  );
}

function shown({ errorCode, memberEpoch, assignment }: ConsumerHeartbeatAnswer) {
  return errorCode === 0 ? [memberEpoch, text(assignment)] : String(errorName(errorCode));
}

const owning = (topic: string, ...partitions: number[]) => ({
  owned: partitionSets([{ topicId: `id-${topic}`, partitions }]),
});

describe('ConsumerGroup', () => {
  it('gives a first member everything, and says so once', () => {
    const { group, join, beat } = groupUnderTest();
    expect(group.state).toBe('Empty');
    expect(shown(join('m1'))).toEqual([1, 't:0,1,2,3,4,5']);
    expect(shown(beat('m1', 1))).toEqual([1, undefined]);
    expect([group.state, group.groupEpoch, group.assignmentEpoch]).toEqual(['Stable', 1, 1]);
  });

  it('takes from one member before it gives to another', () => {
    const { group, join, beat } = groupUnderTest();
    join('m1');
    expect(shown(join('m2'))).toEqual([2, '']);
    expect(group.state).toBe('Reconciling');
    // m1 is told what it may keep, and stays in its epoch until it says that it has given back the rest.
    expect(shown(beat('m1', 1))).toEqual([1, 't:0,1,2']);
    expect(shown(beat('m1', 1, owning('t', 0, 1, 2, 3, 4, 5)))).toEqual([1, undefined]);
    expect(shown(beat('m2', 2))).toEqual([2, undefined]);
    expect(shown(beat('m1', 1, owning('t', 0, 1, 2)))).toEqual([2, undefined]);
    expect(shown(beat('m2', 2))).toEqual([2, 't:3,4,5']);
    expect(group.state).toBe('Stable');
  });

  it('answers everything to a heartbeat that says everything', () => {
    const { join, beat } = groupUnderTest();
    join('m1');
    const full = { rebalanceTimeoutMs: 1, subscribedTopicNames: ['t'], ...owning('t', 0) };
    expect(shown(beat('m1', 1, full))).toEqual([1, 't:0,1,2,3,4,5']);
  });

  it('changes nothing by a heartbeat that says nothing new', () => {
    const { join, beat, seen } = groupUnderTest();
    join('m1');
    const { changes } = seen;
    beat('m1', 1);
    beat('m1', 1, { rebalanceTimeoutMs: REBALANCE_MS, subscribedTopicNames: ['t'], ...owning('t', 0, 1, 2, 3, 4, 5) });
    expect(seen.changes).toBe(changes);
  });

  // In the order in which they are checked.
  it.each<[string, string, number, Partial<ConsumerHeartbeat>, unknown]>([
    ['a member id that is not there', 'who', 1, {}, 'UNKNOWN_MEMBER_ID'],
    ['an instance id that is not there', 'm1', 2, { instanceId: 'none' }, 'UNKNOWN_MEMBER_ID'],
    ['an instance id of another member', 'm1', 2, { instanceId: 'i' }, 'FENCED_INSTANCE_ID'],
    ['a new member with the instance id of one that is there', 'm9', 0, { instanceId: 'i' }, 'UNRELEASED_INSTANCE_ID'],
    ['an epoch that it has not reached', 's', 3, {}, 'FENCED_MEMBER_EPOCH'],
    ['an epoch long past', 's', -7, {}, 'FENCED_MEMBER_EPOCH'],
    ['the epoch before, without what it reads', 's', 1, {}, 'FENCED_MEMBER_EPOCH'],
    ['the epoch before, reading what it may not', 's', 1, owning('t', 5), 'FENCED_MEMBER_EPOCH'],
    ['a member that is not there and goes', 'who', -1, {}, 'UNKNOWN_MEMBER_ID'],
  ])('refuses %s', (_, memberId, memberEpoch, more, expected) => {
    const { join, beat } = groupUnderTest();
    join('s', { instanceId: 'i' });
    join('m1');
    beat('s', 1, owning('t', 0, 1, 2));
    expect(shown(beat(memberId, memberEpoch, more))).toEqual(expected);
  });

  it('lets a member repeat itself whose answer was lost', () => {
    const { join, beat, topics } = groupUnderTest();
    join('m1');
    join('m2');
    beat('m1', 1);
    expect(shown(beat('m1', 1, owning('t', 0, 1, 2)))).toEqual([2, undefined]);
    expect(shown(beat('m1', 1, owning('t', 0, 1, 2)))).toEqual([2, undefined]);
    expect(shown(beat('m1', 1, owning('t', 0, 1)))).toEqual([2, undefined]);
    // But not with what it said two answers ago.
    topics.set('t', 7);
    expect(shown(beat('m1', 2))[0]).toBe(3);
    expect(shown(beat('m1', 1, owning('t', 0)))).toBe('FENCED_MEMBER_EPOCH');
    expect(shown(beat('m1', 2, owning('t', 0)))[0]).toBe(3);
  });

  it('lets a member begin anew under its id, and gives it back what it had', () => {
    const { join } = groupUnderTest();
    join('m1');
    expect(shown(join('m1'))).toEqual([1, 't:0,1,2,3,4,5']);
  });

  it('holds so many members and no more', () => {
    const { join } = groupUnderTest({ membersMax: 2 });
    expect([shown(join('m1')), shown(join('m2')), shown(join('m3')), shown(join('m2'))]).toEqual([
      [1, 't:0,1,2,3,4,5'],
      [2, ''],
      'GROUP_MAX_SIZE_REACHED',
      [2, ''],
    ]);
  });

  it('makes an id for a member that has none', () => {
    expect(groupUnderTest().join('').memberId).toBe('id1');
  });

  it('gives to the others what a member leaves, goes silent with, or does not give back', async () => {
    const { group, join, beat, timers } = groupUnderTest();
    join('m1');
    join('m2');
    // m1 never gives back: it is lost when its time is over, though its heart beats.
    for (let ms = 0; ms < REBALANCE_MS; ms += 5_000) {
      beat('m1', 1);
      beat('m2', 2);
      await timers.advance(5_000);
    }
    expect(shown(beat('m1', 1))).toBe('UNKNOWN_MEMBER_ID');
    expect(shown(beat('m2', 2))).toEqual([3, 't:0,1,2,3,4,5']);
    join('m3');
    beat('m2', 3, owning('t', 0, 1, 2, 3, 4, 5));
    beat('m2', 3, owning('t', 0, 1, 2));
    beat('m3', 4);
    await timers.advance(SESSION_MS - 1);
    beat('m3', 4);
    await timers.advance(1);
    expect([group.memberCount, shown(beat('m3', 4))]).toEqual([1, [5, 't:0,1,2,3,4,5']]);
    expect(shown(beat('m3', -1))).toEqual([-1, undefined]);
    expect([group.state, group.emptySinceMs, timers.armedCount]).toEqual(['Empty', 1_000 + timers.now(), 0]);
  });

  it('keeps what a static member has while it is away, and lets its successor go on with it', async () => {
    const { group, join, beat, timers } = groupUnderTest();
    const instanceId = 'i';
    join('old', { instanceId });
    join('m2');
    beat('old', 1, { instanceId, ...owning('t', 0, 1, 2) });
    expect(shown(beat('m2', 2))).toEqual([2, 't:3,4,5']);
    expect(shown(beat('old', -2, { instanceId }))).toEqual([-2, undefined]);
    expect(shown(beat('m2', 2))).toEqual([2, undefined]);
    expect(shown(join('new', { instanceId }))).toEqual([2, 't:0,1,2']);
    expect([group.groupEpoch, shown(beat('old', 2, { instanceId })), shown(beat('old', 2))]).toEqual([2, 'FENCED_INSTANCE_ID', 'UNKNOWN_MEMBER_ID']); // prettier-ignore
    // One that does not come back is missed when its session ends.
    beat('new', -2, { instanceId });
    await timers.advance(SESSION_MS - 1);
    beat('m2', 2);
    await timers.advance(1);
    expect(shown(beat('m2', 2))).toEqual([3, 't:0,1,2,3,4,5']);
  });

  it('follows topics that come, grow and go', () => {
    const { group, join, beat, topics } = groupUnderTest({ topics: new Topics({}) });
    expect(shown(join('m1'))).toEqual([1, '']);
    topics.set('t', 2);
    expect(shown(beat('m1', 1))).toEqual([2, 't:0,1']);
    topics.set('u', 9);
    expect([shown(beat('m1', 2)), group.groupEpoch]).toEqual([[2, undefined], 2]);
    topics.set('t', 4);
    expect(shown(beat('m1', 2))).toEqual([3, 't:0,1,2,3']);
    topics.set('t', undefined);
    expect(shown(beat('m1', 3))).toEqual([3, '']);
    expect(shown(beat('m1', 3, { owned: new Map() }))).toEqual([4, undefined]);
  });

  it('follows subscriptions by name and by expression', () => {
    const { group, join, beat, topics } = groupUnderTest({ topics: new Topics({ t: 1, 'o-1': 1, 'o-2': 2, x: 1 }) });
    expect(shown(join('m1', { subscribedTopicNames: null, subscribedTopicRegex: 'o-.*' }))).toEqual([
      1,
      'o-1:0 o-2:0,1',
    ]);
    expect([group.subscribesTo('o-1'), group.subscribesTo('x')]).toEqual([true, false]);
    topics.set('o-3', 1);
    expect(shown(beat('m1', 1))).toEqual([2, 'o-1:0 o-2:0,1 o-3:0']);
    expect(shown(beat('m1', 2, { subscribedTopicNames: ['x'], subscribedTopicRegex: '' }))).toEqual([2, '']);
    expect(shown(beat('m1', 2, { owned: new Map() }))).toEqual([3, 'x:0']);
  });

  it('takes nothing away while it is not known what an expression matches', () => {
    const topics = new Topics({ 'o-1': 2, 'o-2': 2 });
    const first = groupUnderTest({ topics });
    first.join('m1', { subscribedTopicNames: null, subscribedTopicRegex: 'o-.*' });
    topics.pending.add('o-.*');
    const next = groupUnderTest({ topics, restored: first.group.document() });
    expect(shown(next.beat('m1', 1))).toEqual([1, undefined]);
    expect(shown(next.join('m2', { subscribedTopicNames: ['o-1'] }))).toEqual([2, '']);
    expect([...next.group.members].map(({ target }) => text(target))).toEqual(['o-2:0,1', 'o-1:0,1']);
    topics.pending.clear();
    topics.set('o-3', 1);
    next.beat('m1', 1, owning('o-1', 0, 1));
    expect([...next.group.members].map(({ target }) => text(target))).toEqual(['o-2:0,1 o-3:0', 'o-1:0,1']);
  });

  it('uses the assignor that most members ask for', () => {
    const { group, join } = groupUnderTest();
    join('m1');
    expect(group.assignor).toBe('uniform');
    join('m2', { serverAssignor: 'range' });
    expect(group.assignor).toBe('range');
    join('m3', { serverAssignor: 'uniform' });
    join('m4', { serverAssignor: 'uniform' });
    expect(group.assignor).toBe('uniform');
  });

  it('goes on from its document as if nothing had been', async () => {
    const first = groupUnderTest({ topics: new Topics({ t: 6, u: 3 }) });
    first.join('m1', { subscribedTopicNames: ['u', 't'], instanceId: 'i', rackId: 'r' });
    first.join('m2');
    first.beat('m1', 1);
    const document = JSON.parse(JSON.stringify(first.group.document())) as ConsumerGroupDocument;
    const { group, beat, timers } = groupUnderTest({ topics: first.topics, restored: document });
    expect(group.document()).toEqual(document);
    expect(shown(beat('m1', 1, owning('u', 0, 1, 2)))[0]).toBe(2);
    expect([...group.members].map(({ target }) => countPartitions(target))).toEqual([5, 4]);
    await timers.advance(SESSION_MS);
    expect(group.state).toBe('Empty');
  });

  it('answers nobody once it is closed', () => {
    const { group, join, beat, timers } = groupUnderTest();
    join('m1');
    group.close();
    expect([shown(beat('m1', 1)), shown(join('m2')), group.state, timers.armedCount]).toEqual([
      'COORDINATOR_NOT_AVAILABLE',
      'COORDINATOR_NOT_AVAILABLE',
      'Dead',
      0,
    ]);
  });
});

describe('offsets of a consumer group', () => {
  it.each<[string, { memberId?: string; generation?: number; partition?: number; old?: boolean }, string | undefined]>([
    ['a member in its epoch', {}, undefined],
    ['a member in its epoch, of what it has not', { partition: 5 }, undefined],
    ['a member in an epoch before, of what it has had since', { generation: 1 }, undefined],
    ['a member in an epoch before, of what it has not', { generation: 1, partition: 5 }, 'STALE_MEMBER_EPOCH'],
    ['a member in an epoch from before it had it', { generation: 0 }, 'STALE_MEMBER_EPOCH'],
    ['a member in an epoch to come', { generation: 3 }, 'STALE_MEMBER_EPOCH'],
    ['a member without epoch', { generation: -1 }, 'STALE_MEMBER_EPOCH'],
    ['nobody', { memberId: '', generation: -1 }, 'UNKNOWN_MEMBER_ID'],
    ['somebody else', { memberId: 'who' }, 'UNKNOWN_MEMBER_ID'],
    ['a member that does not know the errors of epochs', { old: true }, 'UNSUPPORTED_VERSION'],
  ])('are committed or not by %s', (_, { memberId = 'm1', generation = 2, partition = 0, old = false }, expected) => {
    const { group, join, beat } = groupUnderTest();
    join('m1');
    join('m2');
    beat('m1', 1, owning('t', 0, 1, 2));
    const partitions = [{ topicId: 'id-t', partition }];
    const request = { memberId, instanceId: null, generation, partitions, understandsMemberEpochs: !old };
    const refused = group.refuseCommit(request);
    expect(refused && errorName(refused)).toBe(expected);
    if (expected === undefined && generation < 2)
      expect(errorName(group.refuseCommit({ ...request, partitions: undefined }) ?? 0)).toBe('STALE_MEMBER_EPOCH');
  });

  it('are committed by anybody while it is empty', () => {
    const { group, join, beat } = groupUnderTest();
    join('m1');
    beat('m1', -1);
    const request = { memberId: '', instanceId: null, generation: -1, partitions: [], understandsMemberEpochs: false };
    expect(group.refuseCommit(request)).toBeUndefined();
  });

  it('are told to whoever names no member, or its own epoch', () => {
    const { group, join } = groupUnderTest();
    join('m1');
    const codes = [
      group.refuseFetch(null, -1),
      group.refuseFetch('m1', 1),
      group.refuseFetch('m1', 2),
      group.refuseFetch('who', 1),
    ];
    expect(codes.map((code) => code && errorName(code))).toEqual([undefined, undefined, 'STALE_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID']); // prettier-ignore
  });
});

describe('members of the classic protocol in a consumer group', () => {
  function subscription(owned: readonly number[], topics: readonly string[] = ['t']): Buffer {
    const ownedPartitions = owned.length === 0 ? [] : [{ topic: 't', partitions: owned }];
    return Buffer.concat([
      Buffer.from([0, 1]),
      ...encode(consumerProtocolSubscription, 1, { topics, ownedPartitions }),
    ]);
  }

  function withClassic(options: Parameters<typeof groupUnderTest>[0] = {}) {
    const under = groupUnderTest(options);
    const joinClassic = (memberId: string, owned: readonly number[] = [], more: Record<string, unknown> = {}) => {
      let answered: JoinAnswer | undefined;
      under.group.join(
        {
          memberId,
          instanceId: null,
          clientId: 'c',
          clientHost: 'h',
          sessionTimeoutMs: CLASSIC_SESSION_MS,
          rebalanceTimeoutMs: REBALANCE_MS,
          protocolType: 'consumer',
          protocols: [{ name: 'cooperative-sticky', metadata: subscription(owned) }],
          requireKnownMemberId: false,
          supportsSkippingAssignment: true,
          ...more,
        },
        (answer) => (answered = answer),
      );
      return answered as unknown as JoinAnswer;
    };
    const sync = (memberId: string, generation: number, more: Record<string, unknown> = {}) => {
      let answered: SyncAnswer | undefined;
      const names = { protocolType: 'consumer', protocolName: 'cooperative-sticky' };
      const request = { memberId, instanceId: null, generation, ...names, assignments: new Map(), ...more };
      under.group.sync(request, (answer) => (answered = answer));
      const { errorCode, assignment } = answered as unknown as SyncAnswer;
      if (errorCode !== 0) return errorName(errorCode);
      const { assignedPartitions } = decode(consumerProtocolAssignment, 1, assignment.subarray(2));
      return assignedPartitions.map(({ topic, partitions }) => `${topic}:${partitions.join()}`).join(' ');
    };
    const heartbeat = (memberId: string, generation: number) =>
      errorName(under.group.classicHeartbeat({ memberId, instanceId: null }, generation));
    return { ...under, joinClassic, sync, heartbeat };
  }

  it('give back and take in their own way', () => {
    const { group, join, beat, joinClassic, sync, heartbeat } = withClassic();
    join('new');
    const joined = joinClassic('old');
    expect(joined).toEqual({
      errorCode: 0,
      generation: 2,
      protocolType: 'consumer',
      protocolName: 'cooperative-sticky',
      leaderId: '',
      memberId: 'old',
      skipAssignment: false,
      members: [],
    });
    expect([sync('old', 2), heartbeat('old', 2)]).toEqual(['', 'NONE']);
    beat('new', 1);
    beat('new', 1, owning('t', 0, 1, 2));
    // What it waits for is free: it has to join again to get it.
    expect(heartbeat('old', 2)).toBe('REBALANCE_IN_PROGRESS');
    expect([joinClassic('old').generation, sync('old', 2), heartbeat('old', 2)]).toEqual([2, 't:3,4,5', 'NONE']);
    join('third');
    expect([heartbeat('old', 2), sync('old', 2)]).toEqual(['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS']);
    expect([joinClassic('old', [3, 4, 5]).generation, sync('old', 2)]).toEqual([2, 't:3,4']);
    expect([joinClassic('old', [3, 4]).generation, sync('old', 3), group.state]).toEqual([3, 't:3,4', 'Reconciling']);
  });

  it('that are eager have given everything back when they join', () => {
    const { join, beat, joinClassic, sync } = withClassic();
    expect([joinClassic('old').generation, sync('old', 1)]).toEqual([1, 't:0,1,2,3,4,5']);
    join('new');
    expect([joinClassic('old').generation, sync('old', 2)]).toEqual([2, 't:0,1,2']);
    expect(shown(beat('new', 2))).toEqual([2, 't:3,4,5']);
  });

  it('are sent away once with an id, where they know that', () => {
    const { group, joinClassic } = withClassic();
    const sentAway = joinClassic('', [], { requireKnownMemberId: true });
    expect([errorName(sentAway.errorCode), sentAway.memberId, group.memberCount]).toEqual([
      'MEMBER_ID_REQUIRED',
      'c-id1',
      0,
    ]);
    expect(joinClassic(sentAway.memberId, [], { requireKnownMemberId: true }).errorCode).toBe(0);
  });

  it.each<[string, string, Record<string, unknown>, string]>([
    ['another kind of protocol', '', { protocolType: 'connect' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['no protocol', '', { protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
    [
      'no protocol that the others know',
      '',
      { protocols: [{ name: 'x', metadata: subscription([]) }] },
      'INCONSISTENT_GROUP_PROTOCOL',
    ],
    [
      'what is no subscription',
      '',
      { protocols: [{ name: 'cooperative-sticky', metadata: Buffer.from('x') }] },
      'INCONSISTENT_GROUP_PROTOCOL',
    ],
    ['an instance id that is not there', 'm', { instanceId: 'none' }, 'UNKNOWN_MEMBER_ID'],
    ['an instance id of another', 'm', { instanceId: 'i' }, 'FENCED_INSTANCE_ID'],
  ])('are refused with %s', (_, memberId, more, expected) => {
    const { joinClassic } = withClassic();
    joinClassic('', [], { instanceId: 'i' });
    expect(errorName(joinClassic(memberId, [], more).errorCode)).toBe(expected);
  });

  it('take the place of their static former selves', () => {
    const { joinClassic, sync, group } = withClassic();
    const first = joinClassic('', [], { instanceId: 'i' });
    const second = joinClassic('', [], { instanceId: 'i' });
    expect([group.memberCount, second.generation, sync(second.memberId, 1, { instanceId: 'i' }), sync(first.memberId, 1, { instanceId: 'i' })]).toEqual([1, 1, 't:0,1,2,3,4,5', 'FENCED_INSTANCE_ID']); // prettier-ignore
  });

  it('are asked for the right generation and protocol', () => {
    const { join, joinClassic, sync, heartbeat } = withClassic();
    joinClassic('old');
    join('new');
    expect([sync('old', 7), sync('who', 1), sync('new', 2), sync('old', 1, { protocolName: 'range' }), heartbeat('old', 7), heartbeat('new', 2)]).toEqual(
      ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'INCONSISTENT_GROUP_PROTOCOL', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'],
    ); // prettier-ignore
  });

  it('are lost when they do not sync, do not join again, or go silent', async () => {
    for (const [what, afterMs] of [
      ['sync', REBALANCE_MS],
      ['rejoin', REBALANCE_MS],
      ['heart', CLASSIC_SESSION_MS],
    ] as const) {
      // prettier-ignore
      const { group, join, beat, joinClassic, sync, heartbeat, timers } = withClassic();
      joinClassic('old');
      if (what !== 'sync') sync('old', 1);
      join('new');
      for (let ms = 1_000; ms < afterMs; ms += 1_000) {
        if (what !== 'heart') heartbeat('old', 1);
        beat('new', 2);
        await timers.advance(1_000);
      }
      expect([what, group.memberCount]).toEqual([what, 2]);
      await timers.advance(1_000);
      expect([what, group.memberCount]).toEqual([what, 1]);
      expect(shown(beat('new', 2))).toEqual([3, 't:0,1,2,3,4,5']);
    }
  });

  it('are told of when they are all that is left', () => {
    const { group, join, beat, joinClassic, seen } = withClassic();
    join('new');
    joinClassic('old');
    joinClassic('older');
    expect(errorName(group.leave({ memberId: 'older', instanceId: null }))).toBe('NONE');
    expect(seen.onlyClassicLeft).toBe(0);
    beat('new', -1);
    expect(seen.onlyClassicLeft).toBe(1);
  });

  it('speak the consumer protocol once they send its heartbeats', () => {
    const { group, beat, joinClassic } = withClassic();
    joinClassic('m');
    expect(shown(beat('m', 1, { subscribedTopicNames: ['t'], ...owning('t', 0, 1, 2, 3, 4, 5) }))).toEqual([
      1,
      undefined,
    ]);
    expect([...group.members].map(({ facts }) => facts.classic)).toEqual([undefined]);
  });

  it('commit in their generation, or one before of what they have had since', () => {
    const { group, join, joinClassic } = withClassic();
    joinClassic('old');
    join('new');
    joinClassic('old', [0, 1, 2]);
    const commit = (generation: number, partition: number) => {
      const partitions = [{ topicId: 'id-t', partition }];
      const request = { memberId: 'old', instanceId: null, generation, partitions, understandsMemberEpochs: false };
      return errorName(group.refuseCommit(request) ?? 0);
    };
    expect([commit(2, 0), commit(1, 0), commit(1, 5), commit(3, 0)]).toEqual(['NONE', 'NONE', 'ILLEGAL_GENERATION', 'ILLEGAL_GENERATION']); // prettier-ignore
  });
});

/** A member as a client has it: it does what it is told, when it likes. */
class SimulatedMember {
  readonly memberId: string;
  epoch = 0;
  owned = new Map<string, ReadonlySet<number>>();
  /** What it has been told and has not done yet. */
  told: TopicPartitions | undefined;
  topics: string[];

  constructor(memberId: string, topics: string[]) {
    this.memberId = memberId;
    this.topics = topics;
  }
}

describe('a group of members that come, go and dawdle at random', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i + 1))(
    'never has two readers of a partition, and settles (seed %i)',
    async (seed) => {
      let state = seed * 7_919;
      const random = (below: number) => {
        state = (state * 1_103_515_245 + 12_345) % 0x8000_0000;
        return Math.floor((state / 0x8000_0000) * below);
      };
      const topics = new Topics({ t: 5, u: 3, v: 8 });
      const timers = new FakeTimers();
      let under = groupUnderTest({ topics, timers });
      const members = new Map<string, SimulatedMember>();
      let next = 0;

      const hear = (member: SimulatedMember, answer: ConsumerHeartbeatAnswer) => {
        if (answer.errorCode !== 0) {
          // Fenced, or forgotten: it drops everything and begins anew.
          member.epoch = 0;
          member.owned = new Map();
          member.told = undefined;
          return;
        }
        member.epoch = answer.memberEpoch;
        if (answer.assignment !== undefined) member.told = answer.assignment;
      };
      const act = (member: SimulatedMember) => {
        if (member.told === undefined) return;
        const sets = new Map([...member.told].map(([topicId, its]) => [topicId, new Set(its.keys())]));
        for (const other of members.values()) {
          if (other === member) continue;
          for (const [topicId, its] of sets) {
            for (const partition of its)
              if (hasPartition(other.owned, topicId, partition))
                throw new Error(
                  `seed ${seed}: ${member.memberId} and ${other.memberId} both read ${topicId}/${partition}`,
                );
          }
        }
        member.owned = sets;
        member.told = undefined;
      };
      const beat = (member: SimulatedMember, isLost = false) => {
        const answer =
        member.epoch === 0
          ? under.join(member.memberId, { subscribedTopicNames: member.topics })
          : under.beat(member.memberId, member.epoch, { subscribedTopicNames: member.topics, owned: member.owned, rebalanceTimeoutMs: REBALANCE_MS }); // prettier-ignore
        if (!isLost) hear(member, answer);
      };

      for (let step = 0; step < 400; step++) {
        const all = [...members.values()];
        const one = all[random(all.length)];
        switch (random(12)) {
          case 0:
            if (members.size < 8) {
              const names = ['t', 'u', 'v'].filter(() => random(3) > 0);
              const member = new SimulatedMember(`m${++next}`, names);
              members.set(member.memberId, member);
              beat(member);
            }
            break;
          case 1:
            if (one !== undefined && random(4) === 0) {
              members.delete(one.memberId);
              under.beat(one.memberId, -1);
            }
            break;
          case 2:
            topics.set('u', 1 + random(6));
            break;
          case 3:
            if (one !== undefined) one.topics = ['t', 'u', 'v'].filter(() => random(3) > 0);
            break;
          case 4: {
            // Another bridge takes over.
            const document = JSON.parse(JSON.stringify(under.group.document())) as ConsumerGroupDocument;
            under.group.close();
            under = groupUnderTest({ topics, timers, restored: document });
            break;
          }
          case 5:
            // While it has done what it was told: that it does what it was told before, when it should have been told otherwise, no
            // protocol that asks the member alone can prevent.
            if (one !== undefined && one.told === undefined) beat(one, true);
            break;
          default:
            if (one !== undefined) (random(2) === 0 ? act : beat)(one);
        }
      }
      for (let round = 0; round < 60; round++) {
        for (const member of members.values()) {
          beat(member);
          act(member);
        }
      }
      expect([seed, under.group.state]).toEqual([seed, members.size === 0 ? 'Empty' : 'Stable']);
      let read = 0;
      for (const { owned } of members.values()) read += countPartitions(owned);
      let wanted = 0;
      for (const [name, count] of topics.counts)
        if ([...members.values()].some((member) => member.topics.includes(name))) wanted += count;
      expect([seed, read]).toEqual([seed, wanted]);
    },
  );
});
