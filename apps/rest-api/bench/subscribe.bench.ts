/**
 * How long after a PutRecord is sent its event arrives: `node apps/rest-api/bench/subscribe.bench.ts [sync] [relaxed]
 * [redis]`, ten seconds each; all three unless named.
 *
 * The whole way: PutRecord by Node's own HTTP client, this door in a process of its own, embedded engine (durable, and relaxed) or Redis
 * (with its log, synced every second), event stream to the JavaScript client library over HTTP/2. 200 puts a second, one
 * record each, at even distances, whether the last has been answered or not. Puts do not pass through the client library,
 * which would take most of a core to make them. The time of the put's own answer stands beside it: what is above it is the
 * way of the event.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStreamCommand,
  KinesisClient,
  RegisterStreamConsumerCommand,
  SubscribeToShardCommand,
} from '@aws-sdk/client-kinesis';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { startRedis } from '@tailrace/testkit';
import { startDoor } from '../test/door-harness.ts';

const PUTS_A_SECOND = 200;
const WARM_UP_PUTS = 400;
const PUTS = 1_400;
const RECORD_BYTES = 256;
const DRAIN_PATIENCE_MS = 5_000;

/** Anything that looks like a signature: nobody is asked for credentials here. */
const SIGNED = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date, Signature=00',
  'x-amz-date': '20260101T000000Z',
};

const STORES = ['sync', 'relaxed', 'redis'] as const;
type StoreName = (typeof STORES)[number];

async function serve(name: StoreName): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'subscribe-bench-'));
  const redis = name === 'redis' ? await startRedis({ appendonly: true }) : undefined;
  const store =
    redis === undefined
      ? await openEmbeddedStore({ dataDir, durability: name as 'sync' | 'relaxed' })
      : await openRedisStore({ url: redis.url });
  const { port, door } = await startDoor({ store });
  process.send?.(port);
  process.once('disconnect', () => {
    void door
      .close(0)
      .then(() => store.close())
      .then(() => redis?.stop())
      .then(() => {
        rmSync(dataDir, { recursive: true });
        process.exit(0);
      });
  });
}

async function measure(name: StoreName): Promise<void> {
  const server = spawn(process.execPath, [import.meta.filename, 'serve', name], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(message as number)));
  const client = new KinesisClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'any' },
  });
  const StreamName = 'latency';
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
  const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${StreamName}`;
  const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'bench' }));
  const { EventStream } = await client.send(
    new SubscribeToShardCommand({
      ConsumerARN: Consumer?.ConsumerARN,
      ShardId: 'shardId-000000000000',
      StartingPosition: { Type: 'LATEST' },
    }),
  );
  const total = WARM_UP_PUTS + PUTS;
  const sentAtMs = new Float64Array(total);
  const toAnswerMs = new Float64Array(total).fill(NaN);
  const toEventMs = new Float64Array(total).fill(NaN);
  let arrived = 0;
  let failed = 0;
  let events = 0;
  const reading = (async () => {
    for await (const { SubscribeToShardEvent: event } of EventStream ?? []) {
      const nowMs = performance.now();
      for (const { Data } of event?.Records ?? []) {
        const index = Buffer.from(Data as Uint8Array).readUInt32BE(0);
        toEventMs[index] = nowMs - (sentAtMs[index] as number);
        arrived++;
      }
      events++;
      if (arrived === total) return;
    }
  })();
  const agent = new Agent({ keepAlive: true });
  const put = (data: Buffer) =>
    new Promise<void>((resolve, reject) => {
      const headers = {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Kinesis_20131202.PutRecord',
        ...SIGNED,
      };
      const putting = request({ agent, port, method: 'POST', headers }, (answer) => {
        answer
          .resume()
          .once('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(String(answer.statusCode)))));
      });
      putting.once('error', reject);
      putting.end(JSON.stringify({ StreamName, PartitionKey: 'k', Data: data.toString('base64') }));
    });
  const begin = performance.now() + 50;
  for (let i = 0; i < total; i++) {
    const waitMs = begin + (i * 1000) / PUTS_A_SECOND - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const Data = Buffer.alloc(RECORD_BYTES);
    Data.writeUInt32BE(i);
    sentAtMs[i] = performance.now();
    put(Data).then(
      () => {
        toAnswerMs[i] = performance.now() - (sentAtMs[i] as number);
      },
      () => failed++,
    );
  }
  await Promise.race([reading, sleep(DRAIN_PATIENCE_MS)]);
  const line = (what: string, values: Float64Array): string => {
    const sorted = values
      .slice(WARM_UP_PUTS)
      .filter((value) => !Number.isNaN(value))
      .sort();
    const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] as number).toFixed(2);
    return `  ${what.padEnd(16)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   max ${at(1)} ms`;
  };
  console.log(
    `${name}: ${arrived} of ${total} records in ${events} events at ${PUTS_A_SECOND} puts a second, ${failed} puts failed`,
  );
  console.log(line('put → event', toEventMs));
  console.log(line('put → answer', toAnswerMs));
  agent.destroy();
  client.destroy();
  server.disconnect();
}

if (process.argv[2] === 'serve') {
  await serve(process.argv[3] as StoreName);
} else {
  const asked = process.argv.slice(2) as StoreName[];
  for (const name of asked.length > 0 ? asked : STORES) await measure(name);
}
