import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
  ListChannelsCommand,
  ListShardsCommand,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import type { Store } from '@tailrace/shard-core';
import { seededRandom, temporaryDirectory, type TemporaryDirectory, uniqueName } from '@tailrace/testkit';
import { type RunningDoor, startDoor } from './door-harness.ts';

/** The JavaScript client library against the whole door on the embedded engine. */
describe.each([
  // What the library takes when nothing is said: HTTP/2, with prior knowledge over plain http://.
  ['its default handler, HTTP/2', {}],
  ['HTTP/1.1', { requestHandler: new NodeHttpHandler() }],
] satisfies [string, KinesisClientConfig][])('@aws-sdk/client-kinesis over %s', (_name, config) => {
  let directory: TemporaryDirectory;
  let store: Store;
  let running: RunningDoor;
  let client: KinesisClient;
  const StreamName = uniqueName('sdk');

  beforeAll(async () => {
    directory = await temporaryDirectory();
    store = await openEmbeddedStore({ dataDir: directory.path, durability: 'sync' });
    running = await startDoor({ store });
    client = new KinesisClient({
      endpoint: running.url,
      region: 'eu-central-1',
      credentials: { accessKeyId: '123456789012', secretAccessKey: 'any' },
      ...config,
    });
    await client.send(new CreateStreamCommand({ StreamName, ShardCount: 3 }));
  });
  afterAll(async () => {
    client.destroy();
    await running.door.close(1000);
    await store.close();
    await directory.remove();
  });

  const readShard = async (ShardId: string): Promise<{ key: string; data: Buffer; number: string }[]> => {
    const records = [];
    let { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    for (;;) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 173 }));
      for (const { PartitionKey, Data, SequenceNumber } of page.Records ?? []) {
        records.push({ key: PartitionKey as string, data: Buffer.from(Data ?? []), number: SequenceNumber as string });
      }
      if ((page.Records ?? []).length === 0 && page.MillisBehindLatest === 0) return records;
      ShardIterator = page.NextShardIterator;
    }
  };

  it('gets back what it put: every byte, every key, order kept in each shard', async () => {
    const random = seededRandom(7);
    const sent = Array.from({ length: 1_000 }, (_, i) => ({
      PartitionKey: ['ascii', 'ключ', '"quoted\\"', '𝒦', 'tab\t'][i % 5] + String(i % 40),
      Data: Buffer.from(Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256))),
    }));
    const placed = new Map<string, { key: string; data: Buffer; number: string }[]>();
    const note = (record: (typeof sent)[0], ShardId: string, number: string): void => {
      const shard = placed.get(ShardId) ?? [];
      shard.push({ key: record.PartitionKey, data: record.Data, number });
      placed.set(ShardId, shard);
    };
    for (let i = 0; i < 500; i += 250) {
      const Records = sent.slice(i, i + 250);
      const answer = await client.send(new PutRecordsCommand({ StreamName, Records }));
      expect(answer.FailedRecordCount).toBe(0);
      answer.Records?.forEach(({ ShardId, SequenceNumber }, j) => {
        note(Records[j] as (typeof sent)[0], ShardId as string, SequenceNumber as string);
      });
    }
    // Many at once: they share appends.
    const answers = await Promise.all(
      sent.slice(500).map((record) => client.send(new PutRecordCommand({ StreamName, ...record }))),
    );
    answers.forEach(({ ShardId, SequenceNumber }, j) => {
      note(sent[500 + j] as (typeof sent)[0], ShardId as string, SequenceNumber as string);
    });
    expect(placed.size).toBe(3);
    for (const [shardId, records] of placed) {
      const inOrder = [...records].sort((a, b) => (a.number < b.number ? -1 : 1));
      expect(await readShard(shardId)).toEqual(inOrder);
    }
  }, 60_000);

  it('reads descriptions as the types of the library', async () => {
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamName }));
    expect(StreamDescription).toMatchObject({
      StreamName,
      StreamStatus: 'ACTIVE',
      StreamARN: `arn:aws:kinesis:eu-central-1:123456789012:stream/${StreamName}`,
      StreamCreationTimestamp: expect.any(Date) as unknown,
      HasMoreShards: false,
    });
    const first = await client.send(new ListShardsCommand({ StreamName, MaxResults: 2 }));
    const second = await client.send(new ListShardsCommand({ NextToken: first.NextToken }));
    expect([...(first.Shards ?? []), ...(second.Shards ?? [])]).toEqual(StreamDescription?.Shards);
    expect((await client.send(new ListStreamsCommand({}))).StreamNames).toEqual([StreamName]);
  });

  it('knows errors by their classes', async () => {
    const missing = client.send(new DeleteStreamCommand({ StreamName: 'none' }));
    await expect(missing).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Stream none under account 123456789012 not found.',
      $metadata: { httpStatusCode: 400, attempts: 1, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown },
    });
    await expect(client.send(new ListChannelsCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: 'The operation ListChannels is not implemented by this service.',
    });
  });
});
