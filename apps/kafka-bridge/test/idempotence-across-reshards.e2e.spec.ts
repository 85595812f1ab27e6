import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeBatch, errorName, fetchApi, produceApi, readBatchHeader } from '@tailrace/kafka-protocol';
import { mergeShards, splitShard, type Stream } from '@tailrace/shard-core';
import { uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';
import { batchOf } from '../src/testing/records.ts';
import type { WireClient } from '../src/testing/wire-client.ts';
import { createTopic } from '../src/topics/topic-creation.ts';

const MIDDLE = 1n << 127n;

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest();
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function newTopic(partitionCount: number): Promise<Stream> {
  const created = await createTopic(under.catalog, { name: uniqueName('reshard'), partitionCount, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

/** Sends a batch of an idempotent producer; answers `error @ base offset`. */
async function send(name: string, index: number, baseSequence: number, values: string[]): Promise<string> {
  const records = batchOf(values, { producer: { id: 77n, epoch: 0, baseSequence } });
  const topicData = [{ name, partitionData: [{ index, records }] }];
  const { responses } = await client.request(produceApi, 9, { acks: -1, timeoutMs: 5_000, topicData });
  const [answer] = responses[0]?.partitionResponses ?? [];
  return `${errorName(answer?.errorCode ?? NaN)} @ ${answer?.baseOffset}`;
}

/** All that a consumer reads of a partition from an offset on. */
async function consume(topic: string, partition: number, fromOffset = 0n): Promise<string[]> {
  const values: string[] = [];
  for (let fetchOffset = fromOffset; ;) {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }];
    const { responses } = await client.request(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1 << 20,
      topics: [{ topic, partitions }],
    });
    const [answer] = responses[0]?.partitions ?? [];
    const records = answer?.records;
    if (!records || records.length === 0) return values;
    for (let at = 0; at < records.length;) {
      const header = readBatchHeader(records, at);
      for (const { value } of decodeBatch(records, at, header, { uncompressedBytesMax: 1 << 20 })) {
        values.push(String(value));
      }
      fetchOffset = header.baseOffset + BigInt(header.recordCount);
      at += header.sizeBytes;
    }
  }
}

describe('a batch whose answer was lost, sent again', () => {
  it('lands once across a split', async () => {
    const { name } = await newTopic(1);
    expect(await send(name, 0, 0, ['a'])).toBe('NONE @ 0');
    expect(await send(name, 0, 1, ['b', 'c'])).toBe('NONE @ 1');
    await splitShard(under.catalog, name, 0, MIDDLE);
    expect(await send(name, 0, 1, ['b', 'c'])).toBe('NONE @ 1');
    expect(await send(name, 0, 3, ['d'])).toBe('NONE @ 3');
    // The new partition counts from 0.
    expect(await send(name, 1, 0, ['x'])).toBe('NONE @ 3');
    expect(await consume(name, 0)).toEqual(['a', 'b', 'c', 'd']);
    expect(await consume(name, 1, 3n)).toEqual(['x']);
  });

  it('lands once across a merge, in either partition, although both have the same sequences', async () => {
    const { name } = await newTopic(2);
    expect(await send(name, 0, 0, ['a0'])).toBe('NONE @ 0');
    expect(await send(name, 1, 0, ['b0'])).toBe('NONE @ 0');
    await mergeShards(under.catalog, name, 0, 1);
    expect(await send(name, 0, 0, ['a0'])).toBe('NONE @ 0');
    expect(await send(name, 1, 0, ['b0'])).toBe('NONE @ 0');
    // What is sent to the partition that sleeps now lands in the other; the same sequence is no repetition there.
    expect(await send(name, 0, 1, ['a1'])).toBe('NONE @ 1');
    expect(await send(name, 1, 1, ['b1'])).toBe('NONE @ 2');
    expect(await send(name, 1, 1, ['b1'])).toBe('NONE @ 2');
    expect(await consume(name, 0)).toEqual(['a0', 'a1', 'b1']);
    expect(await consume(name, 1)).toEqual(['b0']);
    await splitShard(under.catalog, name, 2, MIDDLE);
    expect(await send(name, 1, 1, ['b1'])).toBe('NONE @ 2');
    expect(await send(name, 1, 2, ['b2'])).toBe('NONE @ 3');
    expect(await consume(name, 1)).toEqual(['b0', 'b2']);
  });

  it('lands once while the split is under way', async () => {
    const { name } = await newTopic(1);
    let sequence = 0;
    const values: string[] = [];
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) {
        const value = `${sequence}`;
        // Each twice, as if every answer had been lost.
        const answers = await Promise.all([send(name, 0, sequence, [value]), send(name, 0, sequence, [value])]);
        expect(answers[0]).toMatch(/^NONE/);
        expect(answers[1]).toBe(answers[0]);
        values.push(value);
        sequence++;
      }
    })();
    for (let i = 0; i < 3; i++) {
      const stream = await under.catalog.refresh(name);
      const { number, hashRange } = stream?.partitions[0]?.appendTo as Stream['shards'][number];
      const outcome = await splitShard(under.catalog, name, number, (hashRange.start + hashRange.end) / 2n);
      expect(outcome.ok).toBe(true);
    }
    stop.abort();
    await writing;
    expect(await consume(name, 0)).toEqual(values);
  });
});
