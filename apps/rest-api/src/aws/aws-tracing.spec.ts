import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { StoreUnavailable } from '@tailrace/shard-core';
import { startTestTracing, type TestTracing } from '@tailrace/telemetry/testing';
import { type AwsHarness, awsHarness } from '../../test/aws-harness.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = `00-${TRACE_ID}-b7ad6b7169203331-01`;

describe('traces of the AWS protocol', () => {
  let tracing: TestTracing;
  let harness: AwsHarness;

  beforeEach(async () => {
    harness = await awsHarness();
    await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    tracing = await startTestTracing();
  });
  afterEach(() => tracing.stop());

  const send = (operation: string, input: object, traceparent?: string) =>
    harness.send({
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `Kinesis_20131202.${operation}`,
        ...(traceparent !== undefined && { traceparent, tracestate: 'vendor=1' }),
      },
      body: JSON.stringify(input),
    });
  const headersOfRecord = async (): Promise<Record<string, string>> => {
    const read = await harness.store.log.read(harness.catalog.peek('s')?.shards[0]?.key as never, 0n, {
      maxBytes: 1e6,
    });
    const chunk = (read.ok && read.value.chunks[0]) as Buffer;
    const [record] = decodeBatch(chunk, 0, readBatchHeader(chunk, 0), { uncompressedBytesMax: 1e6 });
    return Object.fromEntries(record?.headers.map(({ key, value }) => [key, String(value)]) ?? []);
  };

  it("puts the caller's trace into the record, with our span as its parent", async () => {
    await send('PutRecord', { StreamName: 's', PartitionKey: 'k', Data: 'AA==' }, CALLER);
    const spans = tracing.spans();
    const server = spans.find(({ kind }) => kind === 'server');
    expect(server).toMatchObject({
      name: 'Kinesis.PutRecord',
      traceId: TRACE_ID,
      parentSpanId: 'b7ad6b7169203331',
      attributes: { 'rpc.method': 'Kinesis/PutRecord', 'messaging.destination.name': 's' },
    });
    expect(await headersOfRecord()).toEqual({
      traceparent: `00-${TRACE_ID}-${server?.spanId}-01`,
      tracestate: 'vendor=1',
    });
    expect(spans.find(({ name }) => name === 'append s')).toMatchObject({ parentSpanId: server?.spanId });
  });

  it('links a read to the records that it returns', async () => {
    await send('PutRecords', { StreamName: 's', Records: [{ PartitionKey: 'k', Data: 'AA==' }] }, CALLER);
    const put = tracing.spans().find(({ name }) => name === 'Kinesis.PutRecords');
    const { body } = await send('GetShardIterator', {
      StreamName: 's',
      ShardId: '0',
      ShardIteratorType: 'TRIM_HORIZON',
    });
    tracing.clear();
    await send('GetRecords', body as object);
    expect(tracing.spans().find(({ name }) => name === 'Kinesis.GetRecords')).toMatchObject({
      links: [`${TRACE_ID}-${put?.spanId}`],
      attributes: { 'messaging.batch.message_count': 1 },
    });
  });

  it('marks as failed what fails by our fault, and not what the caller got wrong', async () => {
    await send('DescribeStream', { StreamName: 'none' });
    harness.store.beforeAppend = () => Promise.reject(new StoreUnavailable('disk full'));
    await send('PutRecord', { StreamName: 's', PartitionKey: 'k', Data: 'AA==' });
    const servers = tracing.spans().filter(({ kind }) => kind === 'server');
    expect(
      servers.map(({ attributes, error }) => [attributes['http.response.status_code'], error !== undefined]),
    ).toEqual([
      [400, false],
      [500, true],
    ]);
  });

  it('adds nothing while tracing is off', async () => {
    await tracing.stop();
    await send('PutRecord', { StreamName: 's', PartitionKey: 'k', Data: 'AA==' }, CALLER);
    expect(await headersOfRecord()).toEqual({});
  });
});
