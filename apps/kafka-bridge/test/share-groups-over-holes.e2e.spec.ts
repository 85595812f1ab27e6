import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeBatch, produceApi } from '@tailrace/kafka-protocol';
import { Compaction, mergeShards, splitShard, type Stream } from '@tailrace/shard-core';
import { eventually } from '@tailrace/testkit';
import type { ShareClient } from '../src/testing/share-client.ts';
import { openShareScene, type ShareScene } from '../src/testing/share-scene.ts';

const LONG_MS = 8_000;
const MIDDLE = 1n << 127n;

let scene: ShareScene;
beforeAll(async () => {
  scene = await openShareScene();
});
afterAll(() => scene.close());

/** Accepts all that a fetch acquired, also offsets behind which there is no record; answers the values that came. */
async function acceptAll(member: ShareClient, partition: number, fetched: Awaited<ReturnType<ShareClient['fetch']>>) {
  expect([fetched.errorCode, fetched.partitionErrors.filter((code) => code !== 0)]).toEqual([0, []]);
  const ranges = fetched.acquired.map((text) => {
    const [first, last] = (text.split(' ')[0] as string).split('-').map(Number) as [number, number];
    return { partition, first, last, types: [1] };
  });
  if (ranges.length > 0) expect(await member.acknowledge(ranges)).toEqual([0]);
  return fetched.records.map(({ value }) => value);
}

/** All that comes to a member of one partition until nothing comes, accepted. */
async function drain(member: ShareClient, partition = 0, maxRecords = 7): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const fetched = await member.fetch([partition], { maxRecords });
    if (fetched.acquired.length === 0) return values;
    values.push(...(await acceptAll(member, partition, fetched)));
  }
}

describe('a share group over a compacted topic', () => {
  async function compactedTopic(): Promise<Stream> {
    return scene.newTopic(1, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0', 'segment.ms': '1' });
  }

  async function put(stream: Stream, ...records: readonly string[]): Promise<void> {
    const batch = encodeBatch(
      records.map((text) => {
        const [key, value] = text.split('=') as [string, string];
        return { key, value: Buffer.from(value), timestampMs: Date.now() };
      }),
    );
    const topicData = [{ name: stream.name, partitionData: [{ index: 0, records: batch }] }];
    const { responses } = await scene.client.request(produceApi, 9, { acks: -1, timeoutMs: 1_000, topicData });
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  }

  async function compact(): Promise<void> {
    const { store, catalog } = scene.under;
    const errors: unknown[] = [];
    const options = { holder: 'spec', clock: Date.now, onError: (error: unknown) => void errors.push(error) };
    const compaction = new Compaction(store, catalog, options);
    await compaction.look();
    await compaction.close();
    expect(errors).toEqual([]);
  }

  it('gets each record that is left once, and goes on at every hole', async () => {
    const stream = await compactedTopic();
    // Of the batches 0-2, 3-5 and so on some go wholly, some partly.
    for (let i = 0; i < 20; i++) await put(stream, `a=${i}`, `b${i % 5}=b${i}`, i % 4 === 0 ? `c${i}=c${i}` : `a=${i}'`);
    const before = await scene.join(await scene.newGroup(), stream);
    const held = await before.fetch([0], { maxRecords: 10, strict: true });
    expect(held).toMatchObject({ acquired: ['0-9 x1'] });
    await compact();
    const { logEndOffset } = await boundsOf(stream);
    expect(logEndOffset).toBe(60n);
    const fresh = await drain(await scene.join(await scene.newGroup(), stream));
    expect(fresh).toEqual(['c0', 'c4', 'c8', 'c12', 'b15', 'b16', 'c16', 'b17', 'b18', '19', 'b19', "19'"]);
    // What came back is not there any more, in parts: it is passed over.
    expect(await before.acknowledge([{ first: 0, last: 9, types: [1, 2, 2, 2, 2, 2, 2, 2, 2, 3] }])).toEqual([0]);
    const done = [0, 9].map((i) => held.records[i]?.value);
    expect(await drain(before)).toEqual(fresh.filter((value) => !done.includes(value)));
    const waiting = before.fetch([], { maxWaitMs: LONG_MS });
    await put(stream, 'z=last');
    expect((await acceptAll(before, 0, await waiting)).join()).toBe('last');
    await eventually(async () => expect(await stateOf(before.groupId, stream)).toEqual({ start: '61', runs: '' }));
  }); // prettier-ignore

  it('is not held up by a hole that is larger than what may be out', async () => {
    const stream = await compactedTopic();
    const groupId = await scene.newGroup({ 'share.partition.max.record.locks': '4' });
    const [a, b] = [await scene.join(groupId, stream), await scene.join(groupId, stream)];
    await put(stream, 'first=0');
    for (let i = 1; i <= 30; i++) await put(stream, `k=${i}`);
    await put(stream, 'last=31');
    await compact();
    expect(await a.fetch([0])).toMatchObject({ acquired: ['0-0 x1'] });
    const waiting = b.fetch([0], { maxWaitMs: LONG_MS });
    expect(await a.acknowledge([{ first: 0, last: 0, types: [1] }])).toEqual([0]);
    expect((await waiting).records.map(({ value }) => value)).toEqual(['30', '31']);
  });

  async function boundsOf(stream: Stream) {
    const [partition] = stream.partitions;
    const outcome = await scene.under.store.log.bounds((partition as (typeof stream.partitions)[0]).appendTo.key);
    if (!outcome.ok) throw new Error(outcome.refusal.code);
    return outcome.value;
  }

  async function stateOf(groupId: string, { id }: Stream) {
    const stored = await scene.under.store.documents.get(`share-group/${groupId}/${id}/0`);
    const { start, runs } = JSON.parse(stored?.value ?? '{}') as { start: string; runs: string };
    return { start, runs };
  }
});

describe('a share group over reshards', () => {
  it('gets each record once through a merge and a split, with records out, and with members that wait', async () => {
    const stream = await scene.newTopic(2);
    const groupId = await scene.newGroup({ 'share.partition.max.record.locks': '8' });
    const { catalog } = scene.under;
    const number = (partition: number) => catalog.peek(stream.name)?.partitions[partition]?.appendTo.number as number;
    const [a, b, c] = [await scene.join(groupId, stream), await scene.join(groupId, stream), await scene.join(groupId, stream)]; // prettier-ignore
    const came: string[] = [];
    await scene.produce(stream, ['0/0', '0/1', '0/2', '0/3']);
    for (let i = 0; i < 40; i++) await scene.produce(stream, [`1/${i}`], 1);
    const out = await a.fetch([0], { maxRecords: 2, strict: true });
    expect(out).toMatchObject({ acquired: ['0-1 x1'] });
    const first = await c.fetch([1], { maxRecords: 5, strict: true });

    // Partition 0 goes on at 40, behind a hole of 36; partition 1 sleeps.
    expect((await mergeShards(catalog, stream.name, number(0), number(1))).ok).toBe(true);
    await scene.produce(stream, ['0/merged']);
    came.push(...(await acceptAll(a, 0, out)));
    came.push(...(await drain(b)));
    expect(came.splice(0).sort()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/merged']);
    came.push(...(await acceptAll(c, 1, first)), ...(await drain(c, 1)));
    expect(came.splice(0)).toEqual(Array.from({ length: 40 }, (_, i) => `1/${i}`));

    // Somebody waits in the shard that is split, and in the partition that sleeps.
    await a.fetch([1]);
    await b.fetch([1]);
    const waiting = [a, b].map((member) => member.fetch([], { maxWaitMs: LONG_MS }));
    expect((await splitShard(catalog, stream.name, number(0), MIDDLE)).ok).toBe(true);
    await scene.produce(stream, ['0/split']);
    const fetched = await Promise.race(waiting);
    expect(fetched.records.map(({ value }) => value)).toEqual(['0/split']);
    await scene.produce(stream, ['1/split'], 1);
    // Whoever looks at it first: it was nothing to wait for when the others came.
    expect(await drain(await scene.join(groupId, stream), 1)).toEqual(['1/split']);
    await scene.produce(stream, ['0/end']);
    const all = await Promise.all(waiting);
    expect(all.flatMap(({ records }) => records.map(({ value }) => value)).sort()).toEqual(['0/end', '0/split']);
  }, 30_000);

  it('counts deliveries and keeps what is accepted where records of three links are out at once', async () => {
    const stream = await scene.newTopic();
    const { catalog } = scene.under;
    const groupId = await scene.newGroup();
    const member = await scene.join(groupId, stream);
    const split = async () => {
      const shard = catalog.peek(stream.name)?.partitions[0]?.appendTo;
      const { start, end } = shard?.hashRange as { start: bigint; end: bigint };
      expect((await splitShard(catalog, stream.name, shard?.number as number, (start + end) / 2n)).ok).toBe(true);
    };
    await scene.produce(stream, ['0', '1', '2']);
    await split();
    await scene.produce(stream, ['3', '4', '5']);
    await split();
    await scene.produce(stream, ['6', '7', '8']);
    expect((await member.fetch([0])).acquired).toEqual(['0-2 x1', '3-5 x1', '6-8 x1']);
    expect(await member.acknowledge([{ first: 0, last: 8, types: [1, 2, 1, 2, 1, 2, 1, 2, 1] }])).toEqual([0]);
    const other = await scene.join(groupId, stream);
    const again = await other.fetch([0]);
    expect(again.records.map(({ value, deliveryCount }) => `${value} x${deliveryCount}`)).toEqual(['1 x2', '3 x2', '5 x2', '7 x2']); // prettier-ignore
    other.connection.socket.destroy();
    const last = await member.fetch([], { maxWaitMs: LONG_MS });
    expect(last.records.map(({ value, deliveryCount }) => `${value} x${deliveryCount}`)).toContain('1 x3');
  });
});
