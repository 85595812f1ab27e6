import { describe, expect, it } from '@jest/globals';
import { encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { awsHarness, type AwsHarness, START_MS } from '../../test/aws-harness.ts';
import { CBOR_MEDIA_TYPE } from './wire/cbor-codec.ts';
import { JSON_MEDIA_TYPE } from './wire/json-codec.ts';

interface PageRecord {
  readonly SequenceNumber: string;
  readonly ApproximateArrivalTimestamp: unknown;
  readonly Data: unknown;
  readonly PartitionKey?: string;
}

async function get(harness: AwsHarness, mediaType: string, ShardIterator: string, Limit: number) {
  const { statusCode, body } = await harness.callAs(mediaType, 'GetRecords', { ShardIterator, Limit });
  expect(statusCode).toBe(200);
  return body as { Records: PageRecord[]; MillisBehindLatest: number; NextShardIterator: string };
}

describe('a page of records in CBOR', () => {
  it('says what the page in JSON says, whatever data and keys are', async () => {
    const harness = await awsHarness();
    await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    const keys = ['k', 'é', '"\\', '𝒦'.repeat(100), 'x'.repeat(256), '\u0000'];
    const put = keys.map((PartitionKey, i) => ({
      PartitionKey,
      Data: Buffer.from(Array.from({ length: i * 53 }, (_, j) => (i + j) & 0xff)),
    }));
    const answer = await harness.callAs(CBOR_MEDIA_TYPE, 'PutRecords', { StreamName: 's', Records: put });
    expect(answer).toMatchObject({ statusCode: 200, body: { FailedRecordCount: 0 } });
    // What a Kafka producer may write besides: no key, none of text, no value.
    const kafka = [
      [null, Buffer.from('no key')],
      [Buffer.from([0xff, 0x00, 0xfe]), Buffer.from([0xff])],
      [Buffer.alloc(0), null],
    ] as const;
    const batch = encodeBatch(kafka.map(([key, value]) => ({ key, value, timestampMs: START_MS })));
    const shard = harness.catalog.peek('s')?.shards[0]?.key as never;
    const header = readBatchHeader(batch, 0);
    const appended = await harness.store.log.append({
      shard,
      batch,
      header,
      acks: 'all',
      minInsyncReplicas: 1,
      timeoutMs: 1000,
    });
    expect(appended.ok).toBe(true);

    const position = { StreamName: 's', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' };
    const { ShardIterator } = await harness.ok<{ ShardIterator: string }>('GetShardIterator', position);
    for (const limit of [1, 4, 100]) {
      const inJson = await get(harness, JSON_MEDIA_TYPE, ShardIterator, limit);
      const inCbor = await get(harness, CBOR_MEDIA_TYPE, ShardIterator, limit);
      expect(inCbor.MillisBehindLatest).toBe(inJson.MillisBehindLatest);
      expect(inCbor.NextShardIterator).toHaveLength(inJson.NextShardIterator.length);
      expect(inCbor.Records).toEqual(
        inJson.Records.map((record) => ({
          ...record,
          Data: Buffer.from(record.Data as string, 'base64'),
          ApproximateArrivalTimestamp: new Date(Math.round((record.ApproximateArrivalTimestamp as number) * 1000)),
        })),
      );
      expect(inCbor.Records).toHaveLength(Math.min(limit, 9));
    }
    const page = await get(harness, CBOR_MEDIA_TYPE, ShardIterator, 100);
    expect(page.Records.map(({ Data }) => Data)).toEqual([
      ...put.map(({ Data }) => Data),
      Buffer.from('no key'),
      Buffer.from([0xff]),
      Buffer.alloc(0),
    ]);
    expect(page.Records.map(({ PartitionKey }) => PartitionKey)).toEqual([...keys, undefined, 'base64:/wD+', '']);
  });

  it('says that there is nothing', async () => {
    const harness = await awsHarness();
    await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    const position = { StreamName: 's', ShardId: '0', ShardIteratorType: 'LATEST' };
    const { ShardIterator } = await harness.ok<{ ShardIterator: string }>('GetShardIterator', position);
    expect(await get(harness, CBOR_MEDIA_TYPE, ShardIterator, 10)).toEqual({
      Records: [],
      MillisBehindLatest: 0,
      NextShardIterator: expect.any(String) as unknown,
    });
  });
});
