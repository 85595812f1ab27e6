import { describe, expect, it } from '@jest/globals';
import { errorName } from '@tailrace/kafka-protocol';
import { partitionLists } from '../groups/topic-partitions.ts';
import { FakeTimers } from '../testing/fake-timers.ts';
import { ShareGroup, type ShareHeartbeat } from './share-group.ts';
import type { ShareGroupDocument } from './share-group-document.ts';

const SESSION_MS = 45_000;

function groupOf(topics: Readonly<Record<string, number>>, restored?: ShareGroupDocument) {
  const timers = new FakeTimers();
  const known = { version: 1, partitions: { ...topics } as Record<string, number> };
  let changes = 0;
  const group = new ShareGroup(
    {
      groupId: 'g',
      timers,
      clock: () => timers.now(),
      membersMax: 3,
      settings: () => ({ heartbeatIntervalMs: 5_000, sessionTimeoutMs: SESSION_MS }),
      topics: {
        find: (name) => {
          const partitionCount = known.partitions[name];
          return partitionCount === undefined ? undefined : { name, topicId: `id-${name}`, partitionCount };
        },
        get version() {
          return known.version;
        },
      },
      changed: () => (changes += 1),
    },
    restored,
  );
  /** The error; or the epoch and, if the member is told, its partitions. */
  const beat = (memberId: string, memberEpoch: number, topicNames: readonly string[] | null = null) => {
    const request: ShareHeartbeat = { memberId, memberEpoch, rackId: null, subscribedTopicNames: topicNames, clientId: 'c', clientHost: 'h' }; // prettier-ignore
    const answer = group.heartbeat(request);
    if (answer.errorCode !== 0) return errorName(answer.errorCode);
    const { assignment } = answer;
    const told = assignment && partitionLists(assignment).map(({ topicId, partitions }) => `${topicId} ${partitions.join()}`); // prettier-ignore
    return [answer.memberEpoch, told?.join(' ')];
  };
  const becomes = (name: string, partitionCount: number) => {
    known.partitions[name] = partitionCount;
    known.version += 1;
  };
  return { group, timers, beat, becomes, changes: () => changes };
}

describe('a share group', () => {
  it('tells members what to read when they come, and when that changes', () => {
    const { beat, group, changes } = groupOf({ t: 2 });
    expect([group.state, beat('a', 0, ['t'])]).toEqual(['Empty', [1, 'id-t 0,1']]);
    expect(beat('a', 1)).toEqual([1, undefined]);
    const before = changes();
    expect([beat('a', 1), changes()]).toEqual([[1, undefined], before]);
    expect(beat('b', 0, ['t'])).toEqual([2, 'id-t 1']);
    expect(beat('a', 1)).toEqual([2, 'id-t 0']);
    expect(beat('a', 2)).toEqual([2, undefined]);
    expect([group.state, group.memberCount, group.groupEpoch]).toEqual(['Stable', 2, 2]);
  });

  it('tells a member again whose last answer was lost', () => {
    const { beat } = groupOf({ t: 2 });
    beat('a', 0, ['t']);
    beat('b', 0, ['t']);
    expect([beat('a', 1), beat('a', 1), beat('a', 2)]).toEqual([[2, 'id-t 0'], [2, 'id-t 0'], [2, undefined]]);
  }); // prettier-ignore

  it('refuses those it does not know, epochs of another time, and too many', () => {
    const { beat } = groupOf({ t: 1 });
    expect([beat('a', 1), beat('a', -1)]).toEqual(['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID']);
    for (const id of ['a', 'b', 'c']) beat(id, 0, ['t']);
    expect(beat('d', 0, ['t'])).toBe('GROUP_MAX_SIZE_REACHED');
    expect([beat('a', 7), beat('b', 1)]).toEqual(['FENCED_MEMBER_EPOCH', 'FENCED_MEMBER_EPOCH']);
    expect(beat('a', 0, ['t'])).toEqual([3, 'id-t 0']);
  });

  it('follows its topics: partitions that come, topics that come and go', () => {
    const { beat, becomes } = groupOf({ t: 1 });
    expect(beat('a', 0, ['t', 'u'])).toEqual([1, 'id-t 0']);
    becomes('t', 2);
    expect(beat('a', 1)).toEqual([2, 'id-t 0,1']);
    becomes('u', 1);
    expect(beat('a', 2)).toEqual([3, 'id-t 0,1 id-u 0']);
    becomes('other', 1);
    expect(beat('a', 3)).toEqual([3, undefined]);
    expect(beat('a', 3, ['u'])).toEqual([4, 'id-u 0']);
  });

  it('misses members that do not show themselves', async () => {
    const { beat, group, timers } = groupOf({ t: 2 });
    beat('a', 0, ['t']);
    await timers.advance(SESSION_MS - 1);
    beat('b', 0, ['t']);
    await timers.advance(1);
    expect([group.members.map(({ memberId }) => memberId), beat('b', 2)]).toEqual([['b'], [3, 'id-t 0,1']]);
    expect([beat('b', -1), group.state, group.isIdle, timers.armedCount]).toEqual([[-1, undefined], 'Empty', true, 0]);
  });

  it('keeps a member for as long as it shows itself in time', async () => {
    const { beat, group, timers } = groupOf({ t: 1 });
    beat('a', 0, ['t']);
    for (let i = 0; i < 3; i++) {
      await timers.advance(SESSION_MS - 1);
      expect(beat('a', 1)).toEqual([1, undefined]);
    }
    await timers.advance(SESSION_MS);
    expect([beat('a', 1), group.memberCount]).toEqual(['UNKNOWN_MEMBER_ID', 0]);
  });

  it('knows since when it is empty, and is not while somebody is there', async () => {
    const { beat, group, timers } = groupOf({ t: 1 });
    group.establish();
    await timers.advance(10);
    expect(group.emptySinceMs).toBe(0);
    beat('a', 0, ['t']);
    expect(group.emptySinceMs).toBe(undefined);
    beat('a', -1);
    expect(group.emptySinceMs).toBe(10);
  });

  it('goes on from its document as it was', async () => {
    const { beat, group } = groupOf({ t: 2 });
    beat('a', 0, ['t']);
    beat('b', 0, ['t']);
    const again = groupOf({ t: 2 }, JSON.parse(JSON.stringify(group.document())) as ShareGroupDocument);
    expect(again.group.document()).toEqual(group.document());
    expect([again.beat('a', 1), again.beat('b', 2)]).toEqual([[2, 'id-t 0'], [2, undefined]]);
    await again.timers.advance(SESSION_MS);
    expect(again.group.state).toBe('Empty');
  }); // prettier-ignore

  it('is made without members, and answers nobody when another bridge has it', () => {
    const { group, beat, timers, changes } = groupOf({ t: 1 });
    group.establish();
    expect([group.state, group.groupEpoch, group.isIdle, group.emptySinceMs, changes()]).toEqual(['Empty', 1, true, timers.now(), 1]);
    expect(beat('a', 0, ['t'])).toEqual([2, 'id-t 0']);
    group.close();
    expect([group.state, beat('a', 2), timers.armedCount]).toEqual(['Dead', 'COORDINATOR_NOT_AVAILABLE', 0]);
  }); // prettier-ignore
});
