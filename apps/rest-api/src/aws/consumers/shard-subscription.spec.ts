import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { startTestTracing, type TestTracing } from '@tailrace/telemetry/testing';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { eventually, temporaryDirectory, type TemporaryDirectory, uniqueName } from '@tailrace/testkit';
import { type RunningDoor, startDoor } from '../../../test/door-harness.ts';
import type { Store } from '@tailrace/shard-core';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString(),
  (text) => Buffer.from(text),
);

describe('traces of a subscription', () => {
  let tracing: TestTracing;
  let directory: TemporaryDirectory;
  let store: Store;
  let door: RunningDoor;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
    door = await startDoor({ store });
    tracing = await startTestTracing();
  });
  afterEach(async () => {
    await tracing.stop();
    await door.door.close(1000);
    await store.close();
    await directory.remove();
  });

  const send = (operation: string, input: object, traceparent?: string) =>
    fetch(door.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `Kinesis_20131202.${operation}`,
        ...(traceparent !== undefined && { traceparent }),
      },
      body: JSON.stringify(input),
    });

  it('link each event to the records in it, under the span of the request', async () => {
    const StreamName = uniqueName('traced');
    const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${StreamName}`;
    await send('CreateStream', { StreamName, ShardCount: 1 });
    const registered = await send('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
    const { Consumer } = (await registered.json()) as { Consumer: { ConsumerARN: string } };
    const caller = (span: string) => `00-${TRACE_ID}-${span}-01`;
    const subscribed = await send(
      'SubscribeToShard',
      { ConsumerARN: Consumer.ConsumerARN, ShardId: '0', StartingPosition: { Type: 'TRIM_HORIZON' } },
      caller('b7ad6b7169203331'),
    );
    const reader = (subscribed.body as ReadableStream<Uint8Array>).getReader();
    const { value: first } = await reader.read();
    expect(
      codec.decode((first as Uint8Array).subarray(0, Buffer.from(first as Uint8Array).readUInt32BE(0))),
    ).toMatchObject({
      headers: { ':event-type': { value: 'initial-response' } },
    });
    await send('PutRecord', { StreamName, PartitionKey: 'k', Data: 'AA==' }, caller('00f067aa0ba902b7'));
    const event = await eventually(() => tracing.spans().find(({ name }) => name === `receive ${StreamName}`) ?? false);
    const put = tracing.spans().find(({ name }) => name === 'Kinesis.PutRecord');
    const request = tracing.spans().find(({ name }) => name === 'Kinesis.SubscribeToShard');
    expect(event).toMatchObject({
      traceId: TRACE_ID,
      parentSpanId: request?.spanId,
      links: [`${TRACE_ID}-${put?.spanId}`],
      attributes: {
        'messaging.operation.name': 'SubscribeToShard',
        'messaging.operation.type': 'receive',
        'messaging.destination.name': StreamName,
        'messaging.destination.partition.id': 'shardId-000000000000',
        'messaging.batch.message_count': 1,
      },
    });
    await reader.cancel();
  });
});
