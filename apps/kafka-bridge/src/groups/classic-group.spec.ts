import { describe, expect, it } from '@jest/globals';
import { errorName } from '@tailrace/kafka-protocol';
import { ClassicGroup } from './classic-group.ts';
import { FakeTimers, settle } from '../testing/fake-timers.ts';
import type { GroupDocument } from './group-document.ts';
import type { JoinAnswer, JoinRequest, SyncAnswer } from './group-requests.ts';

const SESSION_MS = 10_000;
const REBALANCE_MS = 60_000;
const DELAY_MS = 100;

/** A group, its clock and its store, with requests as short as a test wants to read them. */
function groupUnderTest(options: { restored?: GroupDocument; membersMax?: number; delayMs?: number } = {}) {
  const timers = new FakeTimers();
  const saved: GroupDocument[] = [];
  let failSaves = false;
  let ids = 0;
  const group = new ClassicGroup(
    {
      timers,
      clock: () => 1_000,
      initialRebalanceDelayMs: options.delayMs ?? DELAY_MS,
      membersMax: options.membersMax ?? 100,
      newId: () => String(++ids),
      save: async (document) => {
        if (failSaves) throw new Error('no store');
        saved.push(document);
      },
    },
    options.restored,
  );
  const join = (request: Partial<JoinRequest> = {}) => {
    const joined: { answer: JoinAnswer | undefined } = { answer: undefined };
    const full: JoinRequest = {
      memberId: '',
      instanceId: null,
      clientId: 'c',
      clientHost: 'h',
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      requireKnownMemberId: false,
      supportsSkippingAssignment: true,
      ...request,
    };
    group.join(full, (answer) => (joined.answer = answer));
    return joined;
  };
  const sync = (
    memberId: string,
    generation: number,
    assignments: Record<string, string> = {},
    instanceId: string | null = null,
  ) => {
    const synced: { answer: SyncAnswer | undefined } = { answer: undefined };
    const map = new Map(Object.entries(assignments).map(([id, text]) => [id, Buffer.from(text)]));
    group.sync(
      { memberId, instanceId, generation, protocolType: null, protocolName: null, assignments: map },
      (answer) => (synced.answer = answer),
    );
    return synced;
  };
  const heartbeat = (memberId: string, generation: number, instanceId: string | null = null) =>
    errorName(group.heartbeat({ memberId, instanceId }, generation));
  /** As many members as asked for, in a stable group. */
  const stable = async (count: number, instances: readonly string[] = [], request: Partial<JoinRequest> = {}) => {
    const joins = Array.from({ length: count }, (_, i) => join({ ...request, instanceId: instances[i] ?? null }));
    await timers.advance(DELAY_MS);
    await timers.advance(DELAY_MS);
    const members = joins.map(({ answer }) => (answer as JoinAnswer).memberId);
    const leader = (joins[0]?.answer as JoinAnswer).leaderId;
    const generation = group.generation;
    const shares = Object.fromEntries(members.map((id, i) => [id, `share ${i}`]));
    for (const [i, id] of members.entries()) sync(id, generation, id === leader ? shares : {}, instances[i] ?? null);
    await settle();
    expect(group.state).toBe('Stable');
    return members;
  };
  return { group, timers, saved, join, sync, heartbeat, stable, failSaves: (fail: boolean) => (failSaves = fail) };
}

const nameOf = ({ answer }: { answer: JoinAnswer | SyncAnswer | undefined }) => answer && errorName(answer.errorCode);

describe('a classic group that begins', () => {
  it('waits a little for more members, and makes the first one leader', async () => {
    const { group, timers, join } = groupUnderTest();
    const first = join();
    await timers.advance(DELAY_MS - 1);
    const second = join();
    expect([first.answer, second.answer, group.state]).toEqual([undefined, undefined, 'PreparingRebalance']);
    await timers.advance(DELAY_MS + 1);
    expect(first.answer).toEqual({
      errorCode: 0,
      generation: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leaderId: 'c-1',
      memberId: 'c-1',
      skipAssignment: false,
      members: [
        { memberId: 'c-1', groupInstanceId: null, metadata: Buffer.from('m') },
        { memberId: 'c-2', groupInstanceId: null, metadata: Buffer.from('m') },
      ],
    });
    expect(second.answer).toEqual({ ...(first.answer as JoinAnswer), memberId: 'c-2', members: [] });
    expect(group.state).toBe('CompletingRebalance');
  });

  it('does not wait longer than the rebalance time-out, however many keep coming', async () => {
    const { group, timers, join } = groupUnderTest();
    join({ rebalanceTimeoutMs: 250 });
    for (let ms = 0; ms < 250; ms += 50) {
      await timers.advance(50);
      join({ rebalanceTimeoutMs: 250 });
    }
    expect(group.generation).toBe(1);
  });

  it('sends a new member away once with an id, and forgets the id when it is not used', async () => {
    const { group, timers, join } = groupUnderTest();
    const sentAway = join({ requireKnownMemberId: true });
    expect([nameOf(sentAway), sentAway.answer?.memberId]).toEqual(['MEMBER_ID_REQUIRED', 'c-1']);
    expect(group.isIdle).toBe(false);
    const back = join({ memberId: 'c-1', requireKnownMemberId: true });
    await timers.advance(DELAY_MS);
    expect([nameOf(back), back.answer?.memberId]).toEqual(['NONE', 'c-1']);
    const forgotten = join({ requireKnownMemberId: true });
    await timers.advance(SESSION_MS);
    expect(nameOf(join({ memberId: (forgotten.answer as JoinAnswer).memberId }))).toBe('UNKNOWN_MEMBER_ID');
  });

  it.each([
    ['a member id that was never given', { memberId: 'who' }, 'UNKNOWN_MEMBER_ID'],
    ['an instance id with a member id that is not its own', { memberId: 'who', instanceId: 'i' }, 'UNKNOWN_MEMBER_ID'],
    ['no protocols', { protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['no protocol type', { protocolType: '' }, 'INCONSISTENT_GROUP_PROTOCOL'],
  ])('refuses %s', (_, request, expected) => {
    expect(nameOf(groupUnderTest().join(request))).toBe(expected);
  });

  it('refuses members past its bound, and those that share no protocol with the others', async () => {
    const { join, stable } = groupUnderTest({ membersMax: 2 });
    await stable(1);
    expect(nameOf(join({ protocolType: 'connect' }))).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(nameOf(join({ protocols: [{ name: 'other', metadata: Buffer.from('') }] }))).toBe(
      'INCONSISTENT_GROUP_PROTOCOL',
    );
    join();
    expect(nameOf(join())).toBe('GROUP_MAX_SIZE_REACHED');
  });

  it('takes the protocol that all know and most prefer', async () => {
    const { timers, join } = groupUnderTest();
    const prefers = (...names: string[]) => ({
      protocols: names.map((name) => ({ name, metadata: Buffer.from(name) })),
    });
    const first = join(prefers('range', 'sticky', 'only-mine'));
    join(prefers('sticky', 'range'));
    join(prefers('sticky', 'range'));
    await timers.advance(2 * DELAY_MS);
    expect(first.answer?.protocolName).toBe('sticky');
    expect(first.answer?.members.map(({ metadata }) => metadata.toString())).toEqual(['sticky', 'sticky', 'sticky']);
  });
});

describe('the assignment of a classic group', () => {
  it('goes to everybody once the leader has brought it and it is saved', async () => {
    const { group, timers, saved, join, sync } = groupUnderTest();
    join();
    join();
    await timers.advance(2 * DELAY_MS);
    const follower = sync('c-2', 1);
    expect(follower.answer).toBeUndefined();
    const leader = sync('c-1', 1, { 'c-1': 'one', 'c-2': 'two' });
    expect([leader.answer, group.state]).toEqual([undefined, 'CompletingRebalance']);
    await settle();
    const names = { errorCode: 0, protocolType: 'consumer', protocolName: 'range' };
    expect(leader.answer).toEqual({ ...names, assignment: Buffer.from('one') });
    expect(follower.answer).toEqual({ ...names, assignment: Buffer.from('two') });
    expect(group.state).toBe('Stable');
    expect(saved.at(-1)?.members.map(({ assignment }) => Buffer.from(assignment, 'base64').toString())).toEqual([
      'one',
      'two',
    ]);
    expect(sync('c-2', 1).answer?.assignment).toEqual(Buffer.from('two'));
  });

  it('is refused to all when it cannot be saved, and the group begins anew', async () => {
    const { group, timers, join, sync, failSaves } = groupUnderTest();
    join();
    await timers.advance(DELAY_MS);
    failSaves(true);
    const leader = sync('c-1', 1, { 'c-1': 'one' });
    await settle();
    expect([nameOf(leader), group.state]).toEqual(['COORDINATOR_NOT_AVAILABLE', 'PreparingRebalance']);
  });

  it.each([
    ['an unknown member', 'who', 1, 'UNKNOWN_MEMBER_ID'],
    ['an old generation', 'c-1', 0, 'ILLEGAL_GENERATION'],
    ['a generation to come', 'c-1', 2, 'ILLEGAL_GENERATION'],
  ])('is refused to %s', async (_, memberId, generation, expected) => {
    const { sync, stable, heartbeat } = groupUnderTest();
    await stable(1);
    expect(nameOf(sync(memberId, generation))).toBe(expected);
    expect(heartbeat(memberId, generation)).toBe(expected);
  });

  it('is refused under another protocol than the chosen one', async () => {
    const { group, stable } = groupUnderTest();
    const [memberId] = await stable(1);
    const synced: { answer: SyncAnswer | undefined } = { answer: undefined };
    const request = {
      memberId: memberId as string,
      instanceId: null,
      generation: 1,
      protocolType: 'consumer',
      protocolName: 'sticky',
      assignments: new Map(),
    };
    group.sync(request, (answer) => (synced.answer = answer));
    expect(nameOf(synced)).toBe('INCONSISTENT_GROUP_PROTOCOL');
  });

  it('is not waited for from members that never ask: they lose their place', async () => {
    const { group, timers, join, sync, heartbeat } = groupUnderTest();
    join();
    join();
    await timers.advance(2 * DELAY_MS);
    sync('c-1', 1, { 'c-1': 'one', 'c-2': 'two' });
    for (let ms = 0; ms < REBALANCE_MS; ms += SESSION_MS / 2) {
      heartbeat('c-1', 1);
      heartbeat('c-2', 1);
      await timers.advance(SESSION_MS / 2);
    }
    expect([group.state, group.memberCount, heartbeat('c-2', 1)]).toEqual([
      'PreparingRebalance',
      1,
      'UNKNOWN_MEMBER_ID',
    ]);
  });
});

describe('a rebalance of a classic group', () => {
  it('is told to the others by their heartbeats, and ends when all have joined again', async () => {
    const { group, join, stable, heartbeat } = groupUnderTest();
    const [a, b] = (await stable(2)) as [string, string];
    const third = join();
    expect([heartbeat(a, 1), heartbeat(b, 1)]).toEqual(['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS']);
    join({ memberId: a });
    expect(third.answer).toBeUndefined();
    const last = join({ memberId: b });
    expect([third.answer?.generation, last.answer?.generation, group.state]).toEqual([2, 2, 'CompletingRebalance']);
  });

  it('goes on without members that do not come back in time', async () => {
    const { group, timers, join, stable, heartbeat } = groupUnderTest();
    const [a, b] = (await stable(2)) as [string, string];
    join();
    join({ memberId: a });
    for (let ms = 0; ms < REBALANCE_MS; ms += SESSION_MS / 2) {
      heartbeat(b, 1);
      await timers.advance(SESSION_MS / 2);
    }
    expect([group.generation, group.memberCount, heartbeat(b, 1)]).toEqual([2, 2, 'UNKNOWN_MEMBER_ID']);
  });

  it('begins when a member leaves', async () => {
    const { group, stable, heartbeat } = groupUnderTest();
    const [a, b] = (await stable(2)) as [string, string];
    expect(errorName(group.leave({ memberId: a, instanceId: null }))).toBe('NONE');
    expect(heartbeat(b, 1)).toBe('REBALANCE_IN_PROGRESS');
    expect(errorName(group.leave({ memberId: a, instanceId: null }))).toBe('UNKNOWN_MEMBER_ID');
  });

  it('begins when a member is silent for its session time-out, which heartbeats put off', async () => {
    const { group, timers, stable, heartbeat } = groupUnderTest();
    const [a, b] = (await stable(2)) as [string, string];
    for (let i = 0; i < 5; i++) {
      await timers.advance(SESSION_MS - 1);
      expect([heartbeat(a, 1), heartbeat(b, 1)]).toEqual(['NONE', 'NONE']);
    }
    await timers.advance(SESSION_MS - 1);
    heartbeat(a, 1);
    await timers.advance(1);
    expect([heartbeat(a, 1), heartbeat(b, 1), group.memberCount]).toEqual([
      'REBALANCE_IN_PROGRESS',
      'UNKNOWN_MEMBER_ID',
      1,
    ]);
  });

  it('begins when the leader joins again, or a follower with other metadata; not when a follower only repeats', async () => {
    const { group, join, stable } = groupUnderTest();
    const [leader, follower] = (await stable(2)) as [string, string];
    const repeated = join({ memberId: follower });
    expect([repeated.answer?.generation, repeated.answer?.members, group.state]).toEqual([1, [], 'Stable']);
    join({ memberId: leader });
    expect(group.state).toBe('PreparingRebalance');
  });

  it('turns members away that ask for an assignment meanwhile', async () => {
    const { join, sync, stable } = groupUnderTest();
    const [a] = (await stable(1)) as [string];
    join();
    expect(nameOf(sync(a, 1))).toBe('REBALANCE_IN_PROGRESS');
  });

  it('answers those that wait for an assignment when it is called off', async () => {
    const { timers, join, sync } = groupUnderTest();
    join();
    join();
    await timers.advance(2 * DELAY_MS);
    const waiting = sync('c-2', 1);
    join();
    expect(nameOf(waiting)).toBe('REBALANCE_IN_PROGRESS');
  });

  it('leaves an empty group behind the last member, whose next generation is higher', async () => {
    const { group, saved, timers, join, stable } = groupUnderTest();
    const [a] = (await stable(1)) as [string];
    group.leave({ memberId: a, instanceId: null });
    await settle();
    expect([group.state, group.isIdle, saved.at(-1)?.members, timers.armedCount]).toEqual(['Empty', true, [], 0]);
    const next = join();
    await timers.advance(DELAY_MS);
    expect(next.answer?.generation).toBe(3);
  });

  it('gives up a new member that never speaks again while it waits', async () => {
    const { group, timers, join, stable, heartbeat } = groupUnderTest();
    const [a] = (await stable(1)) as [string];
    join({ rebalanceTimeoutMs: 10 * REBALANCE_MS });
    for (let ms = 0; ms < 5 * REBALANCE_MS; ms += SESSION_MS / 2) {
      heartbeat(a, 1);
      await timers.advance(SESSION_MS / 2);
    }
    expect(group.memberCount).toBe(1);
  });
});

describe('static members of a classic group', () => {
  it('keep their place and the generation when they come back under a new member id', async () => {
    const { group, join, sync, stable, heartbeat } = groupUnderTest();
    const [leader, follower] = (await stable(2, ['a', 'b'])) as [string, string];
    const back = join({ instanceId: 'b' });
    await settle();
    expect([back.answer?.errorCode, back.answer?.generation, back.answer?.memberId, group.state]).toEqual([
      0,
      1,
      'b-3',
      'Stable',
    ]);
    expect(sync('b-3', 1, {}, 'b').answer?.assignment).toEqual(Buffer.from('share 1'));
    expect(heartbeat(follower, 1, 'b')).toBe('FENCED_INSTANCE_ID');
    expect(heartbeat(leader, 1, 'a')).toBe('NONE');
  });

  it.each([
    ['one that can skip the assignment is told that it leads', true, { leaderId: 'a-3', skipAssignment: true }],
    ['an older one is not told', false, { leaderId: 'a-1', skipAssignment: false }],
  ])('do so as leaders too: %s', async (_, supportsSkippingAssignment, expected) => {
    const { join, stable } = groupUnderTest();
    await stable(2, ['a', 'b']);
    const back = join({ instanceId: 'a', supportsSkippingAssignment });
    await settle();
    expect({ leaderId: back.answer?.leaderId, skipAssignment: back.answer?.skipAssignment }).toEqual(expected);
  });

  it('begin a rebalance when they come back with other metadata', async () => {
    const { group, join, stable } = groupUnderTest();
    await stable(2, ['a', 'b']);
    join({ instanceId: 'b', protocols: [{ name: 'range', metadata: Buffer.from('other topics') }] });
    expect(group.state).toBe('PreparingRebalance');
  });

  it('fence the one that is still waiting', async () => {
    const { timers, join } = groupUnderTest();
    const first = join({ instanceId: 'a' });
    const second = join({ instanceId: 'a' });
    expect(nameOf(first)).toBe('FENCED_INSTANCE_ID');
    await timers.advance(2 * DELAY_MS);
    expect(second.answer?.generation).toBe(1);
  });

  it('are kept through a rebalance that they miss, but not when they never ask for their share of it', async () => {
    const sessionTimeoutMs = 10 * REBALANCE_MS;
    const { group, timers, join, sync, stable, heartbeat } = groupUnderTest();
    const [a, b] = (await stable(2, ['a', 'b'], { sessionTimeoutMs })) as [string, string];
    const rejoined = join({ memberId: a, instanceId: 'a', sessionTimeoutMs });
    await timers.advance(REBALANCE_MS);
    expect([rejoined.answer?.generation, rejoined.answer?.members.map(({ memberId }) => memberId)]).toEqual([
      2,
      [a, b],
    ]);
    sync(a, 2, { [a]: 'one', [b]: 'two' }, 'a');
    await timers.advance(REBALANCE_MS - 1);
    expect([group.state, heartbeat(b, 2, 'b')]).toEqual(['Stable', 'NONE']);
    await timers.advance(1);
    expect([group.state, group.memberCount, heartbeat(b, 2, 'b')]).toEqual([
      'PreparingRebalance',
      1,
      'UNKNOWN_MEMBER_ID',
    ]);
  });

  it('leave by their instance id alone', async () => {
    const { group, stable } = groupUnderTest();
    await stable(2, ['a', 'b']);
    expect(errorName(group.leave({ memberId: '', instanceId: 'nobody' }))).toBe('UNKNOWN_MEMBER_ID');
    expect(errorName(group.leave({ memberId: 'b-1', instanceId: 'a' }))).toBe('FENCED_INSTANCE_ID');
    expect(errorName(group.leave({ memberId: '', instanceId: 'a' }))).toBe('NONE');
    expect(group.memberCount).toBe(1);
  });
});

describe('commits to a classic group', () => {
  const simple = { memberId: '', instanceId: null };
  it('are taken from outside while it is empty, and from members of this generation otherwise', async () => {
    const { group, stable } = groupUnderTest();
    const refusal = (identity: typeof simple, generation: number) =>
      errorName(group.refuseCommit({ ...identity, generation }) ?? 0);
    expect(refusal(simple, -1)).toBe('NONE');
    expect(refusal({ memberId: 'who', instanceId: null }, 1)).toBe('UNKNOWN_MEMBER_ID');
    const [a] = (await stable(1)) as [string];
    expect(refusal(simple, -1)).toBe('UNKNOWN_MEMBER_ID');
    expect(refusal({ memberId: a, instanceId: null }, 1)).toBe('NONE');
    expect(refusal({ memberId: a, instanceId: null }, 0)).toBe('ILLEGAL_GENERATION');
    expect(refusal({ memberId: a, instanceId: null }, 2)).toBe('ILLEGAL_GENERATION');
  });

  it('wait for the assignment, and are taken while others are still joining', async () => {
    const { group, timers, join, stable } = groupUnderTest();
    const [a] = (await stable(1)) as [string];
    const identity = { memberId: a, instanceId: null };
    join();
    expect(group.refuseCommit({ ...identity, generation: 1 })).toBeUndefined();
    join({ memberId: a });
    await timers.advance(0);
    expect(errorName(group.refuseCommit({ ...identity, generation: 2 }) ?? 0)).toBe('REBALANCE_IN_PROGRESS');
  });
});

describe('a classic group that moves', () => {
  it('goes on from its document: same members, same generation, no rebalance', async () => {
    const before = groupUnderTest();
    const [a, b] = (await before.stable(2)) as [string, string];
    const after = groupUnderTest({ restored: before.saved.at(-1) as GroupDocument });
    expect([after.group.state, after.group.generation, after.heartbeat(a, 1), after.heartbeat(b, 1)]).toEqual([
      'Stable',
      1,
      'NONE',
      'NONE',
    ]);
    expect(after.sync(b, 1).answer?.assignment).toEqual(Buffer.from('share 1'));
    await after.timers.advance(SESSION_MS);
    expect(after.group.state).toBe('Empty');
  });

  it('sends everybody who waits to the next coordinator', () => {
    const { group, join, heartbeat, timers } = groupUnderTest();
    const waiting = join();
    group.close(16);
    expect([nameOf(waiting), nameOf(join()), heartbeat('c-1', 1), timers.armedCount]).toEqual([
      'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE', 0,
    ]); // prettier-ignore
  });
});
