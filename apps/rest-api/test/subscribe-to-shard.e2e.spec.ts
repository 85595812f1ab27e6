import { once } from 'node:events';
import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  KinesisClient,
  type KinesisClientConfig,
  PutRecordCommand,
  PutRecordsCommand,
  ShardIteratorType,
} from '@aws-sdk/client-kinesis';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import {
  type Log,
  mergeShards,
  parseSequenceNumber,
  splitShard,
  type Store,
  StoreUnavailable,
} from '@tailrace/shard-core';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { meters } from '@tailrace/telemetry';
import { eventually, temporaryDirectory, type TemporaryDirectory, uniqueName } from '@tailrace/testkit';
import { cborCodec } from '../src/aws/wire/cbor-codec.ts';
import { type RunningDoor, startDoor } from './door-harness.ts';
import { followShard, registerConsumer, type ShardFollower } from './shard-follower.ts';

const ACCOUNT = '123456789012';
const HALF = 2n ** 127n;
const MIB = 1024 * 1024;

let directory: TemporaryDirectory;
let store: Store;
/** Moves by hand beside the real one, so that nobody waits for five seconds. */
let aheadMs = 0;
const clock = (): number => Date.now() + aheadMs;
const clients: KinesisClient[] = [];

/** What specs do to the log, beside what it does. */
const watched = { readBytes: 0, failReads: false };

beforeAll(async () => {
  directory = await temporaryDirectory();
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
  const log: { read: Log['read'] } = store.log;
  const read = log.read.bind(log);
  log.read = async (...args) => {
    if (watched.failReads) throw new StoreUnavailable('planted');
    const outcome = await read(...args);
    if (outcome.ok) watched.readBytes += outcome.value.byteCount;
    return outcome;
  };
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await store.close();
  await directory.remove();
});

function clientOf({ url }: RunningDoor, config: KinesisClientConfig = {}): KinesisClient {
  const client = new KinesisClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
    maxAttempts: 1,
    ...config,
  });
  clients.push(client);
  return client;
}

async function newStream(client: KinesisClient, ShardCount = 1): Promise<{ name: string; arn: string }> {
  const name = uniqueName('fanout');
  await client.send(new CreateStreamCommand({ StreamName: name, ShardCount }));
  return { name, arn: `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/${name}` };
}

async function withConsumer(client: KinesisClient): Promise<{ name: string; arn: string; consumer: string }> {
  const stream = await newStream(client);
  return { ...stream, consumer: await registerConsumer(client, stream.arn, 'c') };
}

async function put(client: KinesisClient, StreamName: string, ...texts: string[]): Promise<string[]> {
  const numbers: string[] = [];
  for (const text of texts) {
    const record = { StreamName, PartitionKey: 'k', Data: Buffer.from(text) };
    numbers.push((await client.send(new PutRecordCommand(record))).SequenceNumber ?? '');
  }
  return numbers;
}

const LATEST = { Type: ShardIteratorType.LATEST };
const TRIM_HORIZON = { Type: ShardIteratorType.TRIM_HORIZON };
const PATIENT = { heartbeatMs: 60_000 };

/** What lets the next subscription of the same consumer take over. */
function waitForTakeOver(): void {
  aheadMs += 5_000;
}

describe.each([
  ['HTTP/2, the default of the JavaScript client library', {}],
  ['HTTP/1.1', { requestHandler: new NodeHttpHandler() }],
] satisfies [string, KinesisClientConfig][])('SubscribeToShard over %s', (_name, config) => {
  let door: RunningDoor;
  let client: KinesisClient;

  beforeAll(async () => {
    door = await startDoor({ store, clock, subscriptionTimes: { heartbeatMs: 100 } });
    client = clientOf(door, config);
  });
  afterAll(() => door.door.close(1000));

  it('sends an event at once, and then each record as it is put, whole and in order', async () => {
    const { name, consumer } = await withConsumer(client);
    await put(client, name, 'before');
    const follower = await followShard(client, consumer, LATEST);
    await follower.untilEvents(1);
    expect(follower.events[0]).toEqual({
      Records: [],
      ContinuationSequenceNumber: expect.stringMatching(/^\d{56}$/) as unknown,
      MillisBehindLatest: 0,
    });
    const numbers = [];
    for (let i = 0; i < 20; i++) numbers.push(...(await put(client, name, `grüße ${i}`)));
    await follower.untilRecords(20);
    const records = follower.events.flatMap(({ Records = [] }) => Records);
    expect(records.map(({ SequenceNumber }) => SequenceNumber)).toEqual(numbers);
    expect(records.map(({ Data }) => Buffer.from(Data ?? []).toString())).toEqual(numbers.map((_, i) => `grüße ${i}`));
    expect(records[0]).toMatchObject({ PartitionKey: 'k', ApproximateArrivalTimestamp: expect.any(Date) as unknown });
  });

  it('goes on from the continuation of the last event without loss or repetition, AT it and AFTER it', async () => {
    const { name, consumer } = await withConsumer(client);
    const seen: string[] = [];
    // The first one gets nothing at all: its continuation must still be good.
    let follower = await followShard(client, consumer, TRIM_HORIZON);
    await follower.untilEvents(2);
    let sent = 0;
    for (const Type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER', 'AT_SEQUENCE_NUMBER'] as const) {
      // While none is there, and while one is.
      await put(client, name, `${sent++}`);
      waitForTakeOver();
      const before = follower;
      follower = await followShard(client, consumer, { Type, SequenceNumber: before.continuation });
      await before.ended;
      // What the old one got before it was taken over is behind the continuation that was read.
      await put(client, name, `${sent++}`, `${sent++}`);
      const got = await follower.untilRecords(sent - seen.length);
      seen.push(...got);
      await eventually(() => follower.events.at(-1)?.Records?.length === 0);
    }
    expect(seen).toEqual(Array.from({ length: sent }, (_, i) => `${i}`));
  });

  it('begins at each of the five positions', async () => {
    const { name, consumer } = await withConsumer(client);
    const numbers = await put(client, name, 'a', 'b');
    await eventually(() => Date.now() > Number(parseSequenceNumber(numbers[1] as string)?.appendTimeSeconds) * 1000);
    const from = async (position: Parameters<typeof followShard>[2], count: number): Promise<string[]> => {
      waitForTakeOver();
      return (await followShard(client, consumer, position)).untilRecords(count);
    };
    const [first, second] = numbers as [string, string];
    expect(await from(TRIM_HORIZON, 2)).toEqual(['a', 'b']);
    expect(await from({ Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: second }, 1)).toEqual(['b']);
    expect(await from({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: first }, 1)).toEqual(['b']);
    expect(await from({ Type: 'AT_TIMESTAMP', Timestamp: new Date(0) }, 2)).toEqual(['a', 'b']);
    waitForTakeOver();
    const latest = await followShard(client, consumer, LATEST);
    await latest.untilEvents(1);
    await put(client, name, 'c');
    expect(await latest.untilRecords(1)).toEqual(['c']);
  });

  it('sends events without records while nothing comes, with a continuation that does not move', async () => {
    const { consumer } = await withConsumer(client);
    const follower = await followShard(client, consumer, LATEST);
    await follower.untilEvents(4);
    expect(new Set(follower.events.map((event) => JSON.stringify(event))).size).toBe(1);
  });

  it('refuses a second subscription within five seconds, and then lets it take over', async () => {
    const { name, consumer } = await withConsumer(client);
    const first = await followShard(client, consumer, LATEST);
    const text = `Another active subscription exists for this consumer: ${ACCOUNT}:${name}:shardId-000000000000:c`;
    const inUse = { name: 'ResourceInUseException', message: text };
    aheadMs += 4_500;
    await expect(followShard(client, consumer, LATEST)).rejects.toMatchObject(inUse);
    aheadMs += 500;
    const second = await followShard(client, consumer, LATEST);
    expect(await first.ended).toMatchObject(inUse);
    await second.untilEvents(1);
    await put(client, name, 'for the second');
    expect(await second.untilRecords(1)).toEqual(['for the second']);
    expect(first.texts()).toEqual([]);
  });

  it('lets other consumers and other shards be', async () => {
    const { arn } = await newStream(client, 2);
    const [a, b] = [await registerConsumer(client, arn, 'a'), await registerConsumer(client, arn, 'b')];
    const followers = await Promise.all([
      followShard(client, a, LATEST),
      followShard(client, a, LATEST, { shardId: 'shardId-000000000001' }),
      followShard(client, b, LATEST),
    ]);
    for (const follower of followers) await follower.untilEvents(2);
  });

  it('ends with ResourceNotFoundException when the stream is deleted', async () => {
    const { name, consumer } = await withConsumer(client);
    const follower = await followShard(client, consumer, LATEST);
    await follower.untilEvents(1);
    await client.send(new DeleteStreamCommand({ StreamName: name, EnforceConsumerDeletion: true }));
    expect(await follower.ended).toMatchObject({
      name: 'ResourceNotFoundException',
      message: `Stream ${name} under account ${ACCOUNT} not found.`,
    });
  });

  it('ends with ResourceNotFoundException when the consumer is removed', async () => {
    const { name, consumer } = await withConsumer(client);
    const follower = await followShard(client, consumer, LATEST);
    await follower.untilEvents(1);
    await client.send(new DeregisterStreamConsumerCommand({ ConsumerARN: consumer }));
    expect(await follower.ended).toMatchObject({
      name: 'ResourceNotFoundException',
      message: `Consumer c under stream ${name} and account ${ACCOUNT} not found.`,
    });
  });

  it('tells the children in the last event of a shard that was split, and of both that were merged', async () => {
    const { name, consumer } = await withConsumer(client);
    const parent = await followShard(client, consumer, LATEST);
    await put(client, name, 'last');
    expect(await splitShard(door.catalog, name, 0, HALF)).toMatchObject({ ok: true });
    expect(await parent.ended).toBeUndefined();
    expect(parent.texts()).toEqual(['last']);
    const child = (
      ShardId: string,
      StartingHashKey: bigint,
      EndingHashKey: bigint,
      parents = ['shardId-000000000000'],
    ) => ({
      ShardId,
      ParentShards: parents,
      HashKeyRange: { StartingHashKey: String(StartingHashKey), EndingHashKey: String(EndingHashKey) },
    });
    const end = parent.events.at(-1);
    expect(end?.ChildShards).toEqual([
      child('shardId-000000000001', 0n, HALF - 1n),
      child('shardId-000000000002', HALF, 2n * HALF - 1n),
    ]);
    // The KCL goes on in the children when there is no continuation, and only then.
    expect(end?.ContinuationSequenceNumber).toBeUndefined();
    expect(parent.events.slice(0, -1).every(({ ChildShards }) => ChildShards === undefined)).toBe(true);

    const children = await Promise.all(
      ['shardId-000000000001', 'shardId-000000000002'].map((shardId) =>
        followShard(client, consumer, TRIM_HORIZON, { shardId }),
      ),
    );
    expect(await mergeShards(door.catalog, name, 1, 2)).toMatchObject({ ok: true });
    for (const { ended } of children) expect(await ended).toBeUndefined();
    const merged = child('shardId-000000000003', 0n, 2n * HALF - 1n, ['shardId-000000000001', 'shardId-000000000002']);
    for (const { events } of children) expect(events.at(-1)?.ChildShards).toEqual([merged]);
    // Also to one that comes when all is over.
    waitForTakeOver();
    const late = await followShard(client, consumer, TRIM_HORIZON);
    expect(await late.ended).toBeUndefined();
    expect(late.texts()).toEqual(['last']);
    expect(late.events.at(-1)?.ChildShards).toEqual(end?.ChildShards);
  });

  it('waits, with heartbeats, for the children of a shard that is sealed and not split yet', async () => {
    const { name, consumer } = await withConsumer(client);
    await put(client, name, 'last');
    const stream = door.catalog.peek(name);
    await store.log.seal(stream?.shards[0]?.key as never);
    const follower = await followShard(client, consumer, TRIM_HORIZON);
    await follower.untilEvents(3);
    expect(follower.texts()).toEqual([]);
    expect(await splitShard(door.catalog, name, 0, HALF)).toMatchObject({ ok: true });
    expect(await follower.ended).toBeUndefined();
    expect(follower.texts()).toEqual(['last']);
    expect(follower.events.at(-1)?.ChildShards).toHaveLength(2);
  });

  it('holds one event for a client that does not read, and loses nothing', async () => {
    const { name, consumer } = await withConsumer(client);
    const RECORDS = 96;
    for (let i = 0; i < RECORDS; i += 4) {
      const Records = [0, 1, 2, 3].map((j) => {
        return { PartitionKey: 'k', Data: Buffer.alloc(256 * 1024, i + j) };
      });
      await client.send(new PutRecordsCommand({ StreamName: name, Records }));
    }
    const read = Promise.withResolvers<void>();
    watched.readBytes = 0;
    const follower = await followShard(client, consumer, TRIM_HORIZON, { go: read.promise });
    // What it read stands still when buffers on the way are full.
    let before = -1;
    await eventually(
      () => {
        const still = watched.readBytes === before;
        before = watched.readBytes;
        return still && before > 0;
      },
      { intervalMs: 300 },
    );
    // Of 24 MiB; both kernels' buffers of one connection grow to 10 MB, which is less than that in base64.
    expect(watched.readBytes).toBeLessThan(16 * MIB);
    read.resolve();
    const texts = await follower.untilRecords(RECORDS);
    expect(texts.map((text) => [text.length, text.charCodeAt(0)])).toEqual(
      Array.from({ length: RECORDS }, (_, i) => [256 * 1024, i]),
    );
    expect(follower.events[0]?.MillisBehindLatest).toBeGreaterThan(0);
    expect(follower.events.filter(({ Records = [] }) => Records.length > 0).at(-1)?.MillisBehindLatest).toBe(0);
  });

  it('ends one that a slow client holds when another takes over', async () => {
    const { name, consumer } = await withConsumer(client);
    for (let i = 0; i < 12; i++) await put(client, name, 'x'.repeat(MIB));
    const open = meters.subscriptions.open;
    const read = Promise.withResolvers<void>();
    const slow = await followShard(client, consumer, TRIM_HORIZON, { go: read.promise });
    expect(meters.subscriptions.open).toBe(open + 1);
    waitForTakeOver();
    const second = await followShard(client, consumer, LATEST);
    await second.untilEvents(1);
    expect(meters.subscriptions.open).toBe(open + 1);
    read.resolve();
    expect(await slow.ended).toMatchObject({ name: 'ResourceInUseException' });
    // Every event that came is whole.
    expect(slow.texts().every((text) => text.length === MIB)).toBe(true);
  });

  it('ends with InternalFailureException when the store fails, and says no more', async () => {
    const { name, consumer } = await withConsumer(client);
    const follower = await followShard(client, consumer, LATEST);
    await follower.untilEvents(1);
    watched.failReads = true;
    await put(client, name, 'a');
    const error = await follower.ended;
    watched.failReads = false;
    expect(error).toMatchObject({ name: 'InternalFailureException', message: 'Internal service failure.' });
  });

  it('refuses (4) a consumer that is being removed', async () => {
    const { name, consumer } = await withConsumer(client);
    const key = `consumer/${door.catalog.peek(name)?.id}/c`;
    const { value } = (await store.documents.get(key)) as { value: string };
    await store.documents.write([{ key, value: value.replace('ACTIVE', 'DELETING'), expected: 'any' }]);
    await expect(followShard(client, consumer, LATEST)).rejects.toMatchObject({
      name: 'ResourceInUseException',
      message:
        `Consumer c with creation timestamp ${consumer.split(':').at(-1)} under stream: ${name} , ` +
        `account ${ACCOUNT} is not in ACTIVE status.`,
    });
  });
});

describe('A subscription', () => {
  const doors: RunningDoor[] = [];
  const start = async (options: Parameters<typeof startDoor>[0]) => {
    const door = await startDoor({ store, clock, ...options });
    doors.push(door);
    return { door, client: clientOf(door) };
  };
  afterAll(async () => {
    for (const { door } of doors) await door.close(1000);
  });

  it('ends when its time is over, without an error', async () => {
    const { client } = await start({ subscriptionTimes: { lifetimeMs: 300 } });
    const { consumer } = await withConsumer(client);
    const follower: ShardFollower = await followShard(client, consumer, LATEST);
    expect(await follower.ended).toBeUndefined();
    expect(follower.events).toHaveLength(1);
  });

  it('ends when the door closes', async () => {
    const { door, client } = await start({ subscriptionTimes: PATIENT });
    const { consumer } = await withConsumer(client);
    const follower = await followShard(client, consumer, LATEST);
    await follower.untilEvents(1);
    await door.door.close(5_000);
    expect(await follower.ended).toBeUndefined();
  });

  it('is taken over by a call to another process', async () => {
    const one = await start({ subscriptionTimes: PATIENT });
    const other = await start({ subscriptionTimes: PATIENT });
    const { name, consumer } = await withConsumer(one.client);
    const first = await followShard(one.client, consumer, LATEST);
    await expect(followShard(other.client, consumer, LATEST)).rejects.toMatchObject({ name: 'ResourceInUseException' });
    waitForTakeOver();
    const second = await followShard(other.client, consumer, LATEST);
    expect(await first.ended).toMatchObject({ name: 'ResourceInUseException' });
    await put(one.client, name, 'by one');
    expect(await second.untilRecords(1)).toEqual(['by one']);
  });

  it('gets two mebibytes a second and no more where limits are on', async () => {
    const writer = await start({});
    const reader = await start({ limits: true, subscriptionTimes: { heartbeatMs: 100 } });
    const { name, consumer } = await withConsumer(writer.client);
    for (let i = 0; i < 6; i++) await put(writer.client, name, 'x'.repeat(MIB));
    const began = performance.now();
    const follower = await followShard(reader.client, consumer, TRIM_HORIZON);
    await follower.untilRecords(6);
    // Two are at hand, and the last is sent when the three others before it are paid for.
    expect(performance.now() - began).toBeGreaterThan(1_400);
    // Heartbeats in the pauses say that more is to come.
    const pauses = follower.events.slice(1).filter(({ Records = [] }) => Records.length === 0);
    expect(pauses.length).toBeGreaterThan(0);
    expect(pauses.some(({ MillisBehindLatest = 0 }) => MillisBehindLatest > 0)).toBe(true);
  });

  it.each(['HTTP/2', 'HTTP/1.1'])('is over when its client has gone, over %s', async (protocol) => {
    const { door, client } = await start({ subscriptionTimes: PATIENT });
    const { consumer } = await withConsumer(client);
    const { open } = meters.subscriptions;
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Kinesis_20131202.SubscribeToShard',
    };
    const input = { ConsumerARN: consumer, ShardId: 'shardId-000000000000', StartingPosition: { Type: 'LATEST' } };
    let leave: () => void;
    if (protocol === 'HTTP/2') {
      const session = connect(door.url);
      const stream = session.request({ ':method': 'POST', ':path': '/', ...headers });
      stream.end(JSON.stringify(input));
      await once(stream, 'data');
      // The connection stays, for other requests.
      leave = () => stream.close();
      stream.once('close', () => session.close());
    } else {
      const abort = new AbortController();
      const body = JSON.stringify(input);
      const answer = await fetch(door.url, { method: 'POST', headers, body, signal: abort.signal });
      await answer.body?.getReader().read();
      leave = () => abort.abort();
    }
    expect(meters.subscriptions.open).toBe(open + 1);
    leave();
    await eventually(() => meters.subscriptions.open === open);
  });

  it('speaks CBOR when the request did', async () => {
    const { door, client } = await start({ subscriptionTimes: PATIENT });
    const { name, consumer } = await withConsumer(client);
    await put(client, name, 'ÿþ');
    const session = connect(door.url);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/',
      'content-type': 'application/x-amz-cbor-1.1',
      'x-amz-target': 'Kinesis_20131202.SubscribeToShard',
    });
    stream.end(
      cborCodec.encode({
        ConsumerARN: consumer,
        ShardId: 'shardId-000000000000',
        StartingPosition: { Type: 'TRIM_HORIZON' },
      }),
    );
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/vnd.amazon.eventstream' });
    let bytes = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
    const frames = await eventually(() => {
      const whole = [];
      for (
        let at = 0;
        at + 4 <= bytes.length && at + bytes.readUInt32BE(at) <= bytes.length;
        at += bytes.readUInt32BE(at)
      ) {
        whole.push(bytes.subarray(at, at + bytes.readUInt32BE(at)));
      }
      return whole.length >= 2 && whole;
    });
    session.destroy();
    const codec = new EventStreamCodec(
      (input) => Buffer.from(input as Uint8Array).toString(),
      (text) => Buffer.from(text),
    );
    const [initial, event] = (frames as Buffer[]).map((frame) => codec.decode(frame));
    expect(initial?.headers[':event-type']?.value).toBe('initial-response');
    expect(event?.headers[':content-type']?.value).toBe('application/x-amz-cbor-1.1');
    expect(cborCodec.decode(Buffer.from(event?.body as Uint8Array))).toMatchObject({
      Records: [{ Data: Buffer.from('ÿþ'), PartitionKey: 'k' }],
      MillisBehindLatest: 0,
    });
  });
});
