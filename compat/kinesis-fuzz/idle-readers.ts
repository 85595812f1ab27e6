import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeStreamSummaryCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
} from '@aws-sdk/client-kinesis';
import {
  JSON_MEDIA_TYPE,
  PREFACE,
  requestFrames,
  SETTING,
  settings,
  TARGET_PREFIX,
  windowUpdate,
} from '@tailrace/rest-api/testing';
import type { Service } from '../service.ts';

const STREAM = 's';
const RECORD_BYTES = 900 * 1024;
const RECORDS = 12;
/** Requests of each client over HTTP/2; each answer would have some 14 MiB. */
const REQUESTS_A_CLIENT = 8;
/** Half a minute until an answer is ended, as much until its connection is, 75 seconds over HTTP/1.1; and some slack. */
const UNREAD_MS_MAX = 90_000;
/** What all answers together may hold, those that are being made, and buffers of the system. */
const MEMORY_MIB_MAX = 2_048;
const LOOK_MS = 500;

/**
 * Clients that ask for large answers and read nothing: over HTTP/2 with no window, over HTTP/2 with all the window there
 * is, over HTTP/1.1, and subscribers. Their connections must have been cut within UNREAD_MS_MAX, or their answers ended, and
 * memory must stay within a bound meanwhile. Answers what is wrong.
 */
export async function leaveUnread(
  client: KinesisClient,
  { httpPort }: Service,
  clients: number,
  memoryMiB: () => number,
): Promise<string[]> {
  const problems: string[] = [];
  for (let i = 0; i < RECORDS; i++) {
    const Records = [{ PartitionKey: 'k', ExplicitHashKey: '0', Data: Buffer.alloc(RECORD_BYTES, i) }];
    await client.send(new PutRecordsCommand({ StreamName: STREAM, Records }));
  }
  const ShardId = 'shardId-000000000000';
  const at = { StreamName: STREAM, ShardId, ShardIteratorType: 'TRIM_HORIZON' as const };
  const { ShardIterator } = await client.send(new GetShardIteratorCommand(at));
  const get = body('GetRecords', { ShardIterator });
  const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName: STREAM }));
  const StreamARN = summary.StreamDescriptionSummary?.StreamARN as string;
  const registered = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'idle' }));
  const { ConsumerARN } = registered.Consumer as { ConsumerARN: string };
  const subscribe = body('SubscribeToShard', { ConsumerARN, ShardId, StartingPosition: { Type: 'TRIM_HORIZON' } });

  const [zero, all] = [settings([[SETTING.initialWindowSize, 0]]), settings([[SETTING.initialWindowSize, 0x7fffffff]])];
  const gets = Array.from({ length: REQUESTS_A_CLIENT }, (_, i) => requestFrames(1 + 2 * i, get.headers, get.bytes));
  const says = [
    Buffer.concat([PREFACE, zero, ...gets]),
    Buffer.concat([PREFACE, all, windowUpdate(0, 0x3fffffff), ...gets]),
    Buffer.concat([http1(get), http1(get)]),
    Buffer.concat([PREFACE, zero, requestFrames(1, subscribe.headers, subscribe.bytes)]),
  ];
  const before = memoryMiB();
  const sockets = Array.from({ length: clients }, (_, i) => {
    const socket = connect({ port: httpPort, host: '127.0.0.1' }).pause();
    socket.on('error', () => {});
    socket.write(says[i % says.length] as Buffer);
    return socket;
  });
  let most = before;
  for (const end = performance.now() + UNREAD_MS_MAX; performance.now() < end; await sleep(LOOK_MS)) {
    most = Math.max(most, memoryMiB());
  }
  console.log(
    `${clients} clients that read nothing: memory ${before.toFixed(0)} MiB, ${most.toFixed(0)} at most, ${memoryMiB().toFixed(0)} after ${UNREAD_MS_MAX / 1000} s`,
  );
  if (most > MEMORY_MIB_MAX) problems.push(`clients that read nothing cost ${most.toFixed(0)} MiB`);
  const received = await Promise.all(sockets.map(rest));
  // Frames that say that the answers have ended are left, and what the system's buffers had.
  const whole = received.filter((bytes) => bytes > REQUESTS_A_CLIENT * RECORDS * RECORD_BYTES);
  if (whole.length > 0) problems.push(`${whole.length} clients that read nothing had their answers kept for them`);
  return problems;
}

/** Reads what is left, for a moment, and counts it. */
async function rest(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await sleep(3_000);
  socket.destroy();
  return bytes;
}

interface Request {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bytes: Buffer;
}

function body(operation: string, input: object): Request {
  const bytes = Buffer.from(JSON.stringify(input));
  const headers = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'a'],
    ['x-amz-target', `${TARGET_PREFIX}.${operation}`],
    ['content-type', JSON_MEDIA_TYPE],
    ['content-length', String(bytes.length)],
  ] as const;
  return { headers, bytes };
}

function http1({ headers, bytes }: Request): Buffer {
  const lines = headers.filter(([name]) => !name.startsWith(':')).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\n${lines.join('')}\r\n`), bytes]);
}
