import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '@tailrace/shard-core';
import { eventually } from '@tailrace/testkit';
import type { ShareClient } from '../src/testing/share-client.ts';
import { openShareScene, type ShareScene } from '../src/testing/share-scene.ts';

const MEMBERS = 20;
const LONG_MS = 8_000;
const SHORT_MS = 300;

/** What the door asks of the log, counted, and what holds up its documents. */
const asked = { reads: 0, waits: 0 };
let held: Promise<void> | undefined;

function watched(store: Store): Store {
  const log = new Proxy(store.log, {
    get(target, name) {
      if (name === 'read') asked.reads += 1;
      if (name === 'awaitAppend') asked.waits += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const documents = new Proxy(store.documents, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === 'write')
        return async (...args: Parameters<Store['documents']['write']>) => {
          if (args[0].some(({ key }) => key.startsWith('share-group/'))) await held;
          return target.write(...args);
        };
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const parts: Record<PropertyKey, unknown> = { log, documents };
  return new Proxy(store, { get: (target, name) => parts[name] ?? (Reflect.get(target, name) as unknown) });
}

let scene: ShareScene;
beforeAll(async () => {
  scene = await openShareScene({ wrapStore: watched });
});
afterEach(() => {
  held = undefined;
});
afterAll(() => scene.close());

type Member = Awaited<ReturnType<ShareScene['join']>>;

/** Members that have looked at the partitions, and found nothing. */
async function membersOf(groupId: string, stream: Parameters<ShareScene['join']>[1], count: number, partitions = [0]) {
  const members: Member[] = [];
  for (let i = 0; i < count; i++) {
    const member = await scene.join(groupId, stream);
    expect(await member.fetch(partitions)).toMatchObject({ errorCode: 0, acquired: [] });
    members.push(member);
  }
  return members;
}

/** Begins to wait, one behind the other, each when the one before it waits. */
async function wait(members: readonly ShareClient[], options = {}) {
  const waiting = [];
  for (const member of members) {
    const before = asked.waits;
    waiting.push(member.fetch([], { maxWaitMs: LONG_MS, ...options }));
    await eventually(() => asked.waits > before);
  }
  return waiting;
}

const offsets = ({ records }: { readonly records: readonly { readonly offset: number }[] }) => records.map(({ offset }) => offset); // prettier-ignore

describe('members of a share group that wait at one partition', () => {
  it('are served in the order in which they came, and the log is read for one of them', async () => {
    const stream = await scene.newTopic();
    const members = await membersOf(await scene.newGroup(), stream, MEMBERS);
    const waiting = await wait(members);
    asked.reads = 0;
    asked.waits = 0;
    for (const [i, one] of waiting.entries()) {
      await scene.produce(stream, [String(i)]);
      expect(offsets(await one)).toEqual([i]);
    }
    // One read that finds the record, and one that finds that there is no other.
    expect(asked.reads).toBeLessThanOrEqual(2 * MEMBERS);
    expect(asked.waits).toBeLessThanOrEqual(2 * MEMBERS);
  });

  it('do not read the log when they come behind one that watches it', async () => {
    const stream = await scene.newTopic();
    const members = await membersOf(await scene.newGroup(), stream, 5);
    const [first] = await wait(members.slice(0, 1));
    asked.reads = 0;
    const others = await wait(members.slice(1));
    expect(asked.reads).toBe(0);
    await scene.produce(stream, ['0']);
    expect(offsets(await (first as (typeof others)[0]))).toEqual([0]);
    for (const [i, one] of others.entries()) {
      await scene.produce(stream, ['x']);
      expect(offsets(await one)).toEqual([i + 1]);
    }
  });

  it('all get something of what is appended at once, where the first one takes only a part', async () => {
    const stream = await scene.newTopic();
    const members = await membersOf(await scene.newGroup(), stream, 5);
    const waiting = await wait(members, { maxRecords: 1, strict: true });
    await scene.produce(stream, ['0', '1', '2', '3', '4']);
    expect((await Promise.all(waiting)).map(offsets)).toEqual([[0], [1], [2], [3], [4]]);
  });

  it('hear of records that come back, those of members that are gone too', async () => {
    const stream = await scene.newTopic();
    const [holder, lost, ...others] = (await membersOf(await scene.newGroup(), stream, 5)) as [Member, Member, ...Member[]]; // prettier-ignore
    await scene.produce(stream, ['0', '1', '2']);
    expect(await holder.fetch([], { maxRecords: 2, strict: true })).toMatchObject({ acquired: ['0-1 x1'] });
    expect(await lost.fetch()).toMatchObject({ acquired: ['2-2 x1'] });
    const waiting = await wait(others, { maxRecords: 1, strict: true });
    expect(await holder.acknowledge([{ first: 0, last: 1, types: [2] }])).toEqual([0]);
    expect((await Promise.all(waiting.slice(0, 2))).map(offsets)).toEqual([[0], [1]]);
    lost.connection.socket.destroy();
    expect(offsets(await (waiting[2] as (typeof waiting)[0]))).toEqual([2]);
  });

  it('hear of room again, where too many records were out', async () => {
    const stream = await scene.newTopic();
    const groupId = await scene.newGroup({ 'share.partition.max.record.locks': '2' });
    const [holder, ...others] = (await membersOf(groupId, stream, 3)) as [Member, ...Member[]];
    await scene.produce(stream, ['0', '1', '2', '3']);
    expect(await holder.fetch()).toMatchObject({ acquired: ['0-1 x1'] });
    const waiting = await wait(others, { maxRecords: 1, strict: true });
    expect(await holder.acknowledge([{ first: 0, last: 1, types: [1] }])).toEqual([0]);
    expect((await Promise.all(waiting)).map(offsets)).toEqual([[2], [3]]);
  });

  it('lose nothing when those before them die, before and after they are woken', async () => {
    const stream = await scene.newTopic();
    const members = await membersOf(await scene.newGroup(), stream, 6);
    const waiting = await wait(members);
    const dead = waiting.slice(0, 4).map((one) => one.catch(() => 'gone'));
    for (const one of members.slice(0, 3)) one.connection.socket.destroy();
    // The fourth one goes in the moment in which it is served.
    const produced = scene.produce(stream, ['0']);
    (members[3] as Member).connection.socket.destroy();
    await produced;
    const first = await Promise.race([Promise.all(dead).then(() => waiting[4]), waiting[4]]);
    expect(offsets(first as { readonly records: readonly { readonly offset: number }[] })).toEqual([0]);
    await scene.produce(stream, ['1']);
    expect(offsets(await (waiting[5] as (typeof waiting)[0]))).toEqual([1]);
  });

  it('take over the watch as soon as the one before them is gone', async () => {
    const stream = await scene.newTopic();
    const [first, second] = (await membersOf(await scene.newGroup(), stream, 2)) as [Member, Member];
    const [dead, alive] = await wait([first, second]);
    const before = asked.waits;
    first.connection.socket.destroy();
    await expect(dead).rejects.toThrow('closed');
    await eventually(() => asked.waits > before);
    await scene.produce(stream, ['0']);
    expect(offsets(await (alive as NonNullable<typeof alive>))).toEqual([0]);
  });

  it('wait no longer than they said, and those behind them go on waiting', async () => {
    const stream = await scene.newTopic();
    const members = await membersOf(await scene.newGroup(), stream, 6);
    const beginMs = performance.now();
    const short = await wait(members.slice(0, 5), { maxWaitMs: SHORT_MS });
    const [long] = await wait(members.slice(5));
    expect((await Promise.all(short)).map(offsets)).toEqual([[], [], [], [], []]);
    const tookMs = performance.now() - beginMs;
    expect([tookMs >= SHORT_MS, tookMs < LONG_MS / 2]).toEqual([true, true]);
    await scene.produce(stream, ['0']);
    expect(offsets(await (long as (typeof short)[0]))).toEqual([0]);
  });

  it('have what comes in each of their partitions', async () => {
    const stream = await scene.newTopic(2);
    const members = await membersOf(await scene.newGroup(), stream, 4, [0, 1]);
    const waiting = await wait(members);
    for (const [i, one] of waiting.entries()) {
      await scene.produce(stream, [String(i)], i % 2);
      expect((await one).records.map(({ value }) => value)).toEqual([String(i)]);
    }
  });

  it('get what they were put behind the end for as soon as it is there', async () => {
    const stream = await scene.newTopic();
    const groupId = await scene.newGroup();
    const value = JSON.stringify({ epoch: 1, start: '2', runs: '' });
    await scene.under.store.documents.write([{ key: `share-group/${groupId}/${stream.id}/0`, value, expected: 'absent' }]);
    const waiting = await wait(await membersOf(groupId, stream, 2));
    await scene.produce(stream, ['0', '1']);
    await scene.produce(stream, ['2']);
    expect(offsets(await (waiting[0] as (typeof waiting)[0]))).toEqual([2]);
    await scene.produce(stream, ['3']);
    expect(offsets(await (waiting[1] as (typeof waiting)[0]))).toEqual([3]);
  }); // prettier-ignore

  it('get what is there although others went while the partition was being taken over', async () => {
    const stream = await scene.newTopic();
    const groupId = await scene.newGroup();
    let goOn = () => undefined as void;
    held = new Promise((resolve) => (goOn = resolve));
    await scene.produce(stream, ['0']);
    const [goes, stays] = [await scene.join(groupId, stream), await scene.join(groupId, stream)];
    const gone = goes.fetch([0], { maxWaitMs: LONG_MS }).catch(() => 'gone');
    const got = stays.fetch([0], { maxWaitMs: LONG_MS });
    goes.connection.socket.destroy();
    expect(await gone).toBe('gone');
    // Meanwhile the door hears of it.
    for (const value of ['1', '2', '3']) await scene.produce(stream, [value]);
    const beginMs = performance.now();
    goOn();
    expect(offsets(await got)).toEqual([0, 1, 2, 3]);
    expect(performance.now() - beginMs).toBeLessThan(LONG_MS / 2);
  });

  it('leave nothing in memory when all of them went while the partition was being taken over', async () => {
    const stream = await scene.newTopic();
    const groupId = await scene.newGroup();
    let goOn = () => undefined as void;
    held = new Promise((resolve) => (goOn = resolve));
    const goes = await scene.join(groupId, stream);
    const gone = goes.fetch([0], { maxWaitMs: LONG_MS }).catch(() => 'gone');
    await scene.produce(stream, ['0']);
    goes.connection.socket.destroy();
    expect(await gone).toBe('gone');
    for (const value of ['1', '2', '3']) await scene.produce(stream, [value]);
    goOn();
    held = undefined;
    const epoch = async () => {
      const stored = await scene.under.store.documents.get(`share-group/${groupId}/${stream.id}/0`);
      return (JSON.parse(stored?.value ?? '{}') as { epoch?: number }).epoch;
    };
    await eventually(async () => (await epoch()) === 1);
    // Whoever comes next loads it anew.
    expect(offsets(await (await scene.join(groupId, stream)).fetch([0]))).toEqual([0, 1, 2, 3]);
    expect(await epoch()).toBe(2);
  });
});
