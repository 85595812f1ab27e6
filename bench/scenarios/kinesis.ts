import { join } from 'node:path';
import type { HttpLoad, HttpLoadResult } from '../loads/http-load.ts';
import type { Server } from '../peers/server.ts';
import { LOAD_CORE, output, spawnOnCore, until } from '../processes.ts';
import type { Measured, Scenario } from './scenario.ts';

const LOAD = join(import.meta.dirname, '..', 'loads', 'http-load.ts');
const RECORD_BYTES = 1024;
const SECONDS = 6;
/** Before it is measured, on either side: a server of a few seconds' age still compiles what it runs. */
const WARM_UP_SECONDS = 6;
/** A load that fails says nothing about speed. */
const FAILURES_MAX = 0;

async function load(options: Omit<HttpLoad, 'recordBytes'>): Promise<HttpLoadResult> {
  const child = spawnOnCore(LOAD_CORE, process.execPath, [
    LOAD,
    JSON.stringify({ ...options, recordBytes: RECORD_BYTES }),
  ]);
  const { stdout } = await output(child);
  const result = JSON.parse(stdout) as HttpLoadResult;
  if (result.failures > FAILURES_MAX)
    throw new Error(`${options.operation}: ${result.failures} of ${result.calls} calls failed: ${result.firstFailure}`);
  return result;
}

async function createStream(port: number, stream: string, shards: number): Promise<void> {
  const call = (operation: string, input: unknown) =>
    fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `Kinesis_20131202.${operation}`,
        'x-amz-date': '20260101T000000Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify(input),
    });
  const made = await call('CreateStream', { StreamName: stream, ShardCount: shards });
  if (!made.ok) throw new Error(`CreateStream: ${made.status} ${await made.text()}`);
  await until(`stream ${stream}`, async () =>
    (await (await call('DescribeStream', { StreamName: stream })).text()).includes('"ACTIVE"'),
  );
}

let streams = 0;
async function freshStream(server: Server, shards: number): Promise<string> {
  const stream = `bench-${++streams}`;
  await createStream(server.httpPort as number, stream, shards);
  return stream;
}

function rate(result: HttpLoadResult): Measured {
  return {
    value: result.records / result.seconds,
    clientCpuSeconds: result.clientCpuSeconds,
    seconds: result.seconds,
    note: `p50 ${result.p50Ms.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms`,
  };
}

/** How full the stream is from which GetRecords reads. */
const PRELOAD_SECONDS = 3;

export const KINESIS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'PutRecord, 1 KiB, 32 connections',
    unit: 'records/s',
    peer: 'kinesalite',
    floor: 3,
    command: `loads/http-load.ts PutRecord, ${SECONDS} s after ${WARM_UP_SECONDS} s, 4 shards`,
    measure: async (server, scale) => {
      const stream = await freshStream(server, 4);
      const putRecord = (seconds: number) =>
        load({
          port: server.httpPort as number,
          operation: 'PutRecord',
          stream,
          connections: 32,
          seconds: seconds * scale,
          recordsPerCall: 1,
        });
      await putRecord(WARM_UP_SECONDS);
      return rate(await putRecord(SECONDS));
    },
  },
  {
    name: 'PutRecords, 500 × 1 KiB, 8 connections',
    unit: 'records/s',
    peer: 'kinesalite',
    floor: 5,
    command: `loads/http-load.ts PutRecords, ${SECONDS} s, 4 shards`,
    measure: async (server, scale) => {
      const stream = await freshStream(server, 4);
      return rate(
        await load({
          port: server.httpPort as number,
          operation: 'PutRecords',
          stream,
          connections: 8,
          seconds: SECONDS * scale,
          recordsPerCall: 500,
        }),
      );
    },
  },
  {
    name: 'GetRecords, pages of 1,000 × 1 KiB, 4 connections',
    unit: 'records/s',
    peer: 'kinesalite',
    floor: 5,
    command: `loads/http-load.ts GetRecords, ${SECONDS} s, 1 shard, after ${PRELOAD_SECONDS} s of PutRecords`,
    measure: async (server, scale) => {
      const stream = await freshStream(server, 1);
      const port = server.httpPort as number;
      await load({
        port,
        operation: 'PutRecords',
        stream,
        connections: 4,
        seconds: PRELOAD_SECONDS * scale,
        recordsPerCall: 500,
      });
      return rate(
        await load({
          port,
          operation: 'GetRecords',
          stream,
          connections: 4,
          seconds: SECONDS * scale,
          recordsPerCall: 1000,
        }),
      );
    },
  },
];
