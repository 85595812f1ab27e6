/**
 * Load on the AWS protocol, as a process of its own: `node http-load.ts '<json>'`, result as JSON on stdout.
 *
 * An HTTP client on an event loop would share its core with building, signing and parsing; here the requests are built
 * ahead and written on raw sockets, and of the answers only status, length and (for GetRecords) the next iterator are
 * looked at, so that the load stays far below one core.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface HttpLoad {
  readonly port: number;
  readonly operation: 'PutRecord' | 'PutRecords' | 'GetRecords';
  readonly stream: string;
  readonly connections: number;
  readonly seconds: number;
  readonly recordBytes: number;
  /** Records a call: of PutRecords, or the Limit of GetRecords. */
  readonly recordsPerCall: number;
}

export interface HttpLoadResult {
  readonly calls: number;
  readonly records: number;
  readonly failures: number;
  readonly firstFailure?: string;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly clientCpuSeconds: number;
}

/** Different requests, so that keys spread over shards. */
const VARIANTS = 64;
const TARGET = 'Kinesis_20131202.';
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000';

function request(operation: string, port: number, body: string): Buffer {
  return Buffer.from(
    `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: ${TARGET}${operation}\r\n` +
      `X-Amz-Date: 20260101T000000Z\r\nAuthorization: ${AUTHORIZATION}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function putBodies({ operation, stream, recordBytes, recordsPerCall }: HttpLoad): string[] {
  return Array.from({ length: operation === 'PutRecords' ? 8 : VARIANTS }, (_, variant) => {
    const record = (i: number) => ({
      Data: randomBytes(recordBytes).toString('base64'),
      PartitionKey: `key-${variant}-${i}`,
    });
    return JSON.stringify(
      operation === 'PutRecord'
        ? { StreamName: stream, ...record(0) }
        : { StreamName: stream, Records: Array.from({ length: recordsPerCall }, (_, i) => record(i)) },
    );
  });
}

async function call(port: number, operation: string, input: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': TARGET + operation,
      'x-amz-date': '20260101T000000Z',
      authorization: AUTHORIZATION,
    },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${operation}: ${response.status} ${text}`);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** Reads answers from a socket: whole bodies, by Content-Length or chunked. */
class AnswerReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #need = 0;

  /** The whole answer when it is there. */
  push(chunk: Buffer): { status: number; body: Buffer } | undefined {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#need) return undefined;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    const headEnd = all.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const head = all.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    let end: number;
    if (length) {
      end = headEnd + 4 + Number(length[1]);
    } else {
      const last = all.indexOf('\r\n0\r\n\r\n', headEnd);
      if (last < 0) return undefined;
      end = last + 7;
    }
    if (this.#bytes < end) {
      this.#need = end;
      return undefined;
    }
    this.#chunks = [];
    this.#bytes = 0;
    this.#need = 0;
    return { status: Number(head.slice(9, 12)), body: all.subarray(headEnd + 4, end) };
  }
}

async function run(load: HttpLoad): Promise<HttpLoadResult> {
  const latencies: number[] = [];
  let calls = 0;
  let records = 0;
  let failures = 0;
  let firstFailure: string | undefined;
  const reading = load.operation === 'GetRecords';
  const puts = reading ? [] : putBodies(load).map((body) => request(load.operation, load.port, body));
  const shards = reading
    ? (
        (await call(load.port, 'DescribeStream', { StreamName: load.stream })) as {
          StreamDescription: { Shards: { ShardId: string }[] };
        }
      ).StreamDescription.Shards
    : [];
  const startIterator = async (connection: number) => {
    const ShardId = shards[connection % shards.length]?.ShardId;
    const { ShardIterator } = await call(load.port, 'GetShardIterator', {
      StreamName: load.stream,
      ShardId,
      ShardIteratorType: 'TRIM_HORIZON',
    });
    return ShardIterator as string;
  };
  const starts = reading ? await Promise.all(Array.from({ length: load.connections }, (_, i) => startIterator(i))) : [];
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const end = begin + load.seconds * 1000;
  await Promise.all(
    Array.from({ length: load.connections }, (_, connection) => {
      return new Promise<void>((resolve, reject) => {
        const socket: Socket = connect(load.port, '127.0.0.1');
        socket.setNoDelay(true);
        const reader = new AnswerReader();
        let turn = connection;
        let sentAt = 0;
        let iterator = starts[connection];
        const next = () => {
          sentAt = performance.now();
          if (sentAt >= end) {
            socket.end();
            resolve();
            return;
          }
          socket.write(
            reading
              ? request(
                  'GetRecords',
                  load.port,
                  JSON.stringify({ ShardIterator: iterator, Limit: load.recordsPerCall }),
                )
              : (puts[turn++ % puts.length] as Buffer),
          );
        };
        socket.once('connect', next);
        socket.once('error', reject);
        socket.on('data', (chunk: Buffer) => {
          const answer = reader.push(chunk);
          if (!answer) return;
          calls += 1;
          latencies.push(performance.now() - sentAt);
          if (answer.status !== 200) {
            failures += 1;
            firstFailure ??= answer.body.toString('utf8').slice(0, 300);
          } else if (reading) {
            const got = countOccurrences(answer.body, '"SequenceNumber"');
            records += got;
            const found =
              /"NextShardIterator" ?: ?"([^"]+)"/.exec(answer.body.toString('latin1', 0, 2000)) ??
              /"NextShardIterator" ?: ?"([^"]+)"/.exec(answer.body.subarray(-2000).toString('latin1'));
            // At the end of what was written: from the start again.
            iterator = got < load.recordsPerCall ? starts[connection] : found?.[1];
          } else {
            records += load.operation === 'PutRecord' ? 1 : load.recordsPerCall;
            if (
              load.operation === 'PutRecords' &&
              !/"FailedRecordCount" ?: ?0[,}]/.test(answer.body.toString('latin1'))
            )
              failures += 1;
          }
          next();
        });
      });
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0;
  return {
    calls,
    records,
    failures,
    ...(firstFailure === undefined ? {} : { firstFailure }),
    seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    clientCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

function countOccurrences(haystack: Buffer, needle: string): number {
  let count = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) count += 1;
  return count;
}

if (import.meta.main) {
  const result = await run(JSON.parse(process.argv[2] as string) as HttpLoad);
  process.stdout.write(JSON.stringify(result));
}
