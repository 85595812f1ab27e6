import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { deleteTopicsApi, errorName, shareFetchApi } from '@tailrace/kafka-protocol';
import { type Log, type Store, StoreUnavailable } from '@tailrace/shard-core';
import { uniqueName } from '@tailrace/testkit';
import { ID_CHARACTERS_MAX } from '../src/handlers/68-consumer-group-heartbeat.ts';
import { openShareScene, type ShareScene } from '../src/testing/share-scene.ts';

const LONG_MS = 8_000;

let readFails: (offset: bigint) => boolean = () => false;
let readHeld: Promise<void> | undefined;

function failing(store: Store): Store {
  const read: Log['read'] = async (shard, from, limits) => {
    if (readFails(from)) throw new StoreUnavailable('planted');
    const outcome = await store.log.read(shard, from, limits);
    await readHeld;
    return outcome;
  };
  const bound = (target: object, name: PropertyKey) => {
    const value: unknown = Reflect.get(target, name);
    return typeof value === 'function' ? (value.bind(target) as unknown) : value;
  };
  const log = new Proxy(store.log, { get: (target, name) => (name === 'read' ? read : bound(target, name)) });
  return new Proxy(store, { get: (target, name) => (name === 'log' ? log : bound(target, name)) });
}

let scene: ShareScene;
beforeAll(async () => {
  scene = await openShareScene({ wrapStore: failing });
});
afterEach(() => {
  readFails = () => false;
  readHeld = undefined;
});
afterAll(() => scene.close());

const ACCEPT = [1];
const RENEW = [4];

describe('a share fetch', () => {
  it('tells of no error beside records: clients pass over what stands beside one', async () => {
    const stream = await scene.newTopic();
    const member = await scene.join(await scene.newGroup(), stream);
    await scene.produce(stream, ['0', '1']);
    readFails = (offset) => offset === 2n;
    expect(await member.fetch([0])).toMatchObject({ acquired: ['0-1 x1'], partitionErrors: [0] });
    expect((await member.fetch()).partitionErrors.map(errorName)).toEqual(['KAFKA_STORAGE_ERROR']);
    readFails = () => false;
    expect(await member.acknowledge([{ first: 0, last: 1, types: ACCEPT }])).toEqual([0]);
  });

  it('brings what it has at once where what comes next belongs to another answer', async () => {
    const stream = await scene.newTopic(2);
    const member = await scene.join(await scene.newGroup(), stream);
    const other = await scene.join(member.groupId, stream);
    await scene.produce(stream, ['0', '1', '2']);
    expect(await other.fetch([0], { maxRecords: 1, strict: true })).toMatchObject({ acquired: ['0-0 x1'] });
    const waiting = member.fetch([0], { maxWaitMs: LONG_MS, minBytes: 1_000_000 });
    const beginMs = performance.now();
    // The batch is in the answer already, which cannot hold it twice.
    expect(await other.acknowledge([{ first: 0, last: 0, types: [2] }])).toEqual([0]);
    expect(await waiting).toMatchObject({ acquired: ['1-2 x1'] });
    expect(performance.now() - beginMs).toBeLessThan(LONG_MS / 2);
    expect(await member.fetch()).toMatchObject({ acquired: ['0-0 x2'] });
  });

  it('brings what it has at once where the next batch is larger than what is wanted', async () => {
    const stream = await scene.newTopic(2);
    const member = await scene.join(await scene.newGroup(), stream);
    await scene.produce(stream, ['0']);
    await scene.produce(stream, ['x'.repeat(10_000)], 1);
    // Both are taken over.
    expect(await member.fetch([0, 1], { maxRecords: 1, maxBytes: 1 })).toMatchObject({ acquired: ['0-0 x1'] });
    expect(await member.fetch([], { maxRecords: 1, maxBytes: 1 })).toMatchObject({ acquired: ['0-0 x1'] });
    await member.acknowledge([0, 1].map((partition) => ({ partition, first: 0, last: 0, types: [2] })));
    const beginMs = performance.now();
    const some = await member.fetch([], { maxBytes: 5_000, minBytes: 5_000, maxWaitMs: LONG_MS });
    expect([some.records.length, performance.now() - beginMs < LONG_MS / 2]).toEqual([1, true]);
  });

  it('takes over one partition after the other, and serves them in turn', async () => {
    const stream = await scene.newTopic(2);
    const member = await scene.join(await scene.newGroup(), stream);
    for (const partition of [0, 1, 0, 1, 0, 1]) await scene.produce(stream, [`of ${partition}`], partition);
    const states = async () => (await scene.under.store.documents.list(`share-group/${member.groupId}/`)).length;
    // With records in hand it does not wait for the other one.
    expect((await member.fetch([0, 1])).records.map(({ value }) => value)).toEqual(['of 0', 'of 0', 'of 0']);
    expect(await states()).toBe(1);
    expect((await member.fetch()).records.map(({ value }) => value)).toEqual(['of 1', 'of 1', 'of 1']);
    expect(await states()).toBe(2);
    await member.acknowledge([0, 1].map((partition) => ({ partition, first: 0, last: 2, types: [2] })));
    const order = [];
    for (let i = 0; i < 4; i++) order.push(...(await member.fetch([], { maxRecords: 1, strict: true })).records);
    expect(order.map(({ value }) => value)).toEqual(['of 0', 'of 1', 'of 0', 'of 1']);
  });

  it('gives back what its member has when it is the last one of its session, and lets go of what nobody has', async () => {
    const stream = await scene.newTopic();
    const groupId = await scene.newGroup();
    const epoch = async () => {
      const stored = await scene.under.store.documents.get(`share-group/${groupId}/${stream.id}/0`);
      return (JSON.parse(stored?.value ?? '{}') as { epoch?: number }).epoch;
    };
    const [a, b] = [await scene.join(groupId, stream), await scene.join(groupId, stream)];
    await scene.produce(stream, ['0']);
    expect(await a.fetch([0])).toMatchObject({ acquired: ['0-0 x1'] });
    expect(await a.fetch([], { epoch: -1 })).toMatchObject({ errorCode: 0, acquired: [] });
    expect(await a.fetch([], { epoch: 2 })).toMatchObject({ errorCode: 122 });
    expect([await b.fetch([0]), await epoch()]).toMatchObject([{ acquired: ['0-0 x2'] }, 2]);
    // A partition that is forgotten, with nothing out, is loaded anew by the next one.
    expect(await b.fetch([], { forget: [0], acknowledge: [{ first: 0, last: 0, types: ACCEPT }] })).toMatchObject({ acknowledgeErrors: [0] }); // prettier-ignore
    expect([await a.fetch([0], { epoch: 0 }), await epoch()]).toMatchObject([{ acquired: [] }, 3]);
  });

  it('locks nothing for a member whose connection ended while the log was read', async () => {
    const stream = await scene.newTopic();
    const groupId = await scene.newGroup();
    const [goes, stays] = [await scene.join(groupId, stream), await scene.join(groupId, stream)];
    await stays.fetch([0]);
    await scene.produce(stream, ['0']);
    let goOn = () => undefined as void;
    readHeld = new Promise((resolve) => (goOn = resolve));
    const gone = goes.fetch([0], { maxWaitMs: LONG_MS }).catch(() => 'gone');
    for (const value of ['1', '2', '3']) await scene.produce(stream, [value]);
    goes.connection.socket.destroy();
    expect(await gone).toBe('gone');
    for (const value of ['4', '5', '6']) await scene.produce(stream, [value]);
    goOn();
    const { records } = await stays.fetch([], { maxWaitMs: LONG_MS });
    expect(records.map(({ value, deliveryCount }) => `${value} x${deliveryCount}`)).toContain('0 x1');
  });

  it('fails where the store is away, and goes on when it is back', async () => {
    const stream = await scene.newTopic();
    const member = await scene.join(await scene.newGroup(), stream);
    readFails = () => true;
    await scene.produce(stream, ['0']);
    expect((await member.fetch([0], { maxWaitMs: LONG_MS })).partitionErrors.map(errorName)).toEqual(['KAFKA_STORAGE_ERROR']);
    readFails = () => false;
    expect(await member.fetch()).toMatchObject({ acquired: ['0-0 x1'] });
  }); // prettier-ignore

  it('takes a renewal alone, as Apache Kafka does', async () => {
    const stream = await scene.newTopic();
    const member = await scene.join(await scene.newGroup(), stream);
    await scene.produce(stream, ['0']);
    await member.fetch([0]);
    const renew = { partitionIndex: 0, acknowledgementBatches: [{ firstOffset: 0n, lastOffset: 0n, acknowledgeTypes: RENEW }] }; // prettier-ignore
    const ask = async (limits: object) => {
      const answer = await member.connection.request(shareFetchApi, 2, {
        groupId: member.groupId,
        memberId: member.memberId,
        shareSessionEpoch: 1,
        isRenewAck: true,
        ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 0, maxRecords: 0, batchSize: 0 },
        ...limits,
        topics: [{ topicId: stream.id, partitions: [renew] }],
        forgottenTopicsData: [],
      });
      return errorName(answer.errorCode);
    };
    for (const one of [{ maxWaitMs: 1 }, { minBytes: 1 }, { maxBytes: 1 }, { maxRecords: 1 }])
      expect([one, await ask(one)]).toEqual([one, 'INVALID_REQUEST']);
    expect(await ask({})).toBe('NONE');
  });

  it('names its group and its member in bounds', async () => {
    const stream = await scene.newTopic();
    const ask = async (groupId: string, memberId: string) => {
      const topics = [{ topicId: stream.id, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }];
      const limits = { maxWaitMs: 0, minBytes: 0, maxRecords: 1, batchSize: 1 };
      const answer = await scene.client.request(shareFetchApi, 2, { groupId, memberId, shareSessionEpoch: 0, ...limits, topics, forgottenTopicsData: [] }); // prettier-ignore
      return errorName(answer.errorCode);
    };
    expect(await ask('g'.repeat(641), 'm')).toBe('INVALID_GROUP_ID');
    expect(await ask('g'.repeat(640), 'm'.repeat(ID_CHARACTERS_MAX))).toBe('NONE');
    expect(await ask('g', 'm'.repeat(ID_CHARACTERS_MAX + 1))).toBe('INVALID_REQUEST');
    expect(await ask('', 'm')).toBe('INVALID_REQUEST');
  });

  it('says that its topic is gone to whoever waits for it, and nothing of the topic stays out', async () => {
    const stream = await scene.newTopic();
    const member = await scene.join(await scene.newGroup(), stream);
    await scene.produce(stream, ['0']);
    expect(await member.fetch([0])).toMatchObject({ acquired: ['0-0 x1'] });
    const waiting = member.fetch([], { maxWaitMs: LONG_MS });
    await scene.client.request(deleteTopicsApi, 5, { topicNames: [stream.name], timeoutMs: 1_000 });
    expect((await waiting).partitionErrors.map(errorName)).toEqual(['UNKNOWN_TOPIC_ID']);
    const refused = await member.acknowledge([{ first: 0, last: 0, types: ACCEPT }]);
    expect((refused as number[]).map(errorName)).toEqual(['UNKNOWN_TOPIC_ID']);
  });
});

describe('an acknowledgement', () => {
  it('of records that nobody has makes nothing', async () => {
    const [stream, other] = [await scene.newTopic(), await scene.newTopic()];
    const groupId = await scene.newGroup();
    const member = await scene.join(groupId, stream);
    await member.fetch([0]);
    const elsewhere = Object.assign(await scene.join(groupId, other), { sessionEpoch: 1 });
    Object.defineProperty(elsewhere, 'memberId', { value: member.memberId });
    const answers = (await elsewhere.acknowledge([{ first: 0, last: 0, types: ACCEPT }])) as number[];
    expect(answers.map(errorName)).toEqual(['INVALID_RECORD_STATE']);
    const states = await scene.under.store.documents.list(`share-group/${groupId}/`);
    expect(states.map(({ key }) => key)).toEqual([`share-group/${groupId}/${stream.id}/0`]);
  });

  it('stands for each of its partitions alone', async () => {
    const stream = await scene.newTopic(2);
    const member = await scene.join(uniqueName('g'), stream);
    await member.fetch([0, 1]);
    await scene.produce(stream, ['0'], 1);
    expect(await member.fetch()).toMatchObject({ acquired: ['0-0 x1'] });
    const codes = await member.acknowledge([
      { partition: 0, first: 0, last: 0, types: ACCEPT },
      { partition: 1, first: 0, last: 0, types: ACCEPT },
      { partition: 7, first: 0, last: 0, types: ACCEPT },
    ]);
    expect((codes as number[]).map(errorName)).toEqual(['INVALID_RECORD_STATE', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION']);
  });
});
