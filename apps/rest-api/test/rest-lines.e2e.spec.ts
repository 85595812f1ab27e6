import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, uniqueName } from '@tailrace/testkit';
import type { Ingest, PutOutcome } from '../src/ingest/index.ts';
import { LINE_BYTES_MAX, LINES_IN_FLIGHT_MAX } from '../src/rest/append-lines.ts';
import { MemoryStore } from './rest-memory-store.ts';
import { type Answered, type RestService, startRestService } from './rest-service.ts';

const store = new MemoryStore();
let service: RestService;
let inFlight = 0;
let inFlightMost = 0;
let putCount = 0;
/** What the ingest is made to answer, instead of writing. */
let refuseWith: ((index: number) => PutOutcome | undefined) | undefined;

beforeAll(async () => {
  const counting = (ingest: Ingest): Ingest =>
    Object.assign(Object.create(ingest) as Ingest, {
      async putMany(...[stream, records, span]: Parameters<Ingest['putMany']>) {
        inFlight += records.length;
        putCount += records.length;
        inFlightMost = Math.max(inFlightMost, inFlight);
        const outcomes = await ingest.putMany(stream, records, span);
        inFlight -= records.length;
        return outcomes.map((outcome, index) => refuseWith?.(index) ?? outcome);
      },
    });
  service = await startRestService(store, { wrapIngest: counting });
});
afterAll(() => service.close());
/** 200,000 lines take some seconds, and more where other tests run beside. */
const LONG_TEST_MS = 120_000;

afterEach(() => {
  [inFlight, inFlightMost, putCount] = [0, 0, 0];
  refuseWith = undefined;
});

async function newStream(shards = 1): Promise<string> {
  const name = uniqueName('lines');
  await service.call('POST', '/v1/streams', { name, shards });
  return name;
}

async function send(name: string, body: string | Buffer | Readable, query = '', headers: Record<string, string> = {}) {
  const response = await fetch(`${service.origin}/v1/streams/${name}/records${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body: body as RequestInit['body'],
    ...(body instanceof Readable ? { duplex: 'half' } : {}),
  } as RequestInit);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  return response;
}

async function results(response: Response): Promise<Answered[]> {
  const text = await response.text();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

async function stored(name: string): Promise<string[]> {
  const all: string[] = [];
  for (let next = '0'; ;) {
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?as=text&limit=10000&from=${next}`);
    if (body.records.length === 0) return all;
    all.push(...body.records.map(({ data }: { data: string }) => data));
    next = body.nextOffset;
  }
}

/** The beginning of a request whose body comes in HTTP chunks as the test goes on. */
function open(name: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(service.port, '127.0.0.1', () => {
      socket.write(
        `POST /v1/streams/${name}/records HTTP/1.1\r\nhost: x\r\n` +
          'content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

function httpChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

describe('a body of lines', () => {
  it(
    'of 200,000 is written in order, one result each, with few of them in memory',
    async () => {
      const count = 200_000;
      const name = await newStream();
      function* body() {
        for (let i = 0; i < count;) {
          let piece = '';
          for (const end = Math.min(count, i + 1000); i < end; i++) piece += `{"partitionKey":"k","data":"${i}"}\n`;
          yield Buffer.from(piece);
        }
      }
      const response = await send(name, Readable.from(body()));
      expect(response.status).toBe(200);
      let line = 0;
      for await (const text of createInterface({ input: Readable.fromWeb(response.body as never) })) {
        const result = JSON.parse(text) as { line: number; offset: string };
        if (result.line !== line + 1 || result.offset !== String(line)) expect([line, result]).toBe('the next line');
        line++;
      }
      expect(line).toBe(count);
      expect(inFlightMost).toBeLessThanOrEqual(LINES_IN_FLIGHT_MAX);
      expect(inFlightMost).toBeGreaterThan(100);
      const { body: last } = await service.call(
        'GET',
        `/v1/streams/${name}/shards/0/records?as=text&from=${count - 1}`,
      );
      expect(last).toMatchObject({ records: [{ data: String(count - 1) }], nextOffset: String(count) });
    },
    LONG_TEST_MS,
  );

  it('goes on behind bad lines, and each gets its error in its place', async () => {
    const name = await newStream();
    const response = await send(
      name,
      Buffer.concat([
        Buffer.from('{"data":"1"}\n{"data":\n\n  \n{"data":"5","x":1}\n'),
        Buffer.from([0x22, 0xff, 0x22, 0x0a]),
        Buffer.from(`{"data":"${'x'.repeat(LINE_BYTES_MAX)}"}\n[]\n{"data":"9"}`),
      ]),
    );
    const lines = await results(response);
    expect(lines).toMatchObject([
      { line: 1, shardId: 'shardId-000000000000', partition: 0, offset: '0' },
      { line: 2, error: { code: 'invalidJson', retryable: false } },
      { line: 5, error: { code: 'invalidRequest', errors: [{ pointer: '/x' }] } },
      { line: 6, error: { code: 'invalidJson', message: expect.stringContaining('UTF-8') } },
      { line: 7, error: { code: 'lineTooLong' } },
      { line: 8, error: { code: 'invalidRequest' } },
      { line: 9, offset: '1' },
    ]);
    expect(await stored(name)).toEqual(['1', '9']);
  });

  it('tells errors and a summary only, if asked', async () => {
    const name = await newStream();
    const response = await send(name, '{"data":"1"}\nx\n{"data":"3"}\n', '?results=errors');
    expect(await results(response)).toMatchObject([
      { line: 2, error: { code: 'invalidJson' } },
      { summary: { lines: 3, written: 2, failed: 1 } },
    ]);
  });

  it('of nothing gets nothing', async () => {
    expect(await results(await send(await newStream(), ''))).toEqual([]);
  });

  it('may be compressed; when the compression is damaged, the last line says so', async () => {
    const name = await newStream();
    const packed = gzipSync('{"data":"1"}\n'.repeat(1000));
    const headers = { 'content-encoding': 'gzip' };
    expect(await results(await send(name, packed, '', headers))).toHaveLength(1000);
    const broken = await results(await send(name, packed.subarray(0, -8), '?results=errors', headers));
    expect(broken.at(-1)).toMatchObject({ error: { code: 'bodyBroken' } });
  });

  it('gets results while it is still being sent', async () => {
    const name = await newStream();
    const socket = await open(name);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    for (let line = 1; line <= 3; line++) {
      socket.write(httpChunk('{"data":"x"}\n'));
      await eventually(() => expect(answer).toContain(`{"line":${line},`));
    }
    socket.end('0\r\n\r\n');
    await eventually(() => expect(answer).toMatch(/\r\n0\r\n\r\n$/));
  });

  it(
    'is not read on while its results are not taken, and whole once they are',
    async () => {
      const name = await newStream();
      const socket = await open(name);
      socket.pause();
      const lineCount = 100_000;
      const piece = httpChunk('{"partitionKey":"k","data":"0123456789"}\n'.repeat(1000));
      let sent = 0;
      const sendMore = (): void => {
        while (sent < lineCount) {
          sent += 1000;
          if (!socket.write(piece)) {
            socket.once('drain', sendMore);
            return;
          }
        }
        socket.write('0\r\n\r\n');
      };
      sendMore();
      // It stands still, far from the end: 100,000 results are more than all buffers between us hold.
      let seen = -1;
      await eventually(
        async () => {
          const before = putCount;
          await new Promise((resolve) => setTimeout(resolve, 300));
          seen = putCount;
          expect(seen).toBe(before);
          expect(seen).toBeGreaterThan(0);
        },
        { timeoutMs: 60_000 },
      );
      expect(seen).toBeLessThan(lineCount);
      expect(inFlightMost).toBeLessThanOrEqual(LINES_IN_FLIGHT_MAX);
      let lines = 0;
      let tail = '';
      socket.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1');
        lines += text.split('"sequenceNumber"').length - 1;
        tail = (tail + text).slice(-16);
      });
      socket.resume();
      await eventually(() => expect(tail).toMatch(/\r\n0\r\n\r\n$/), { timeoutMs: 60_000 });
      expect(putCount).toBe(lineCount);
      expect(lines).toBeGreaterThan(lineCount - 1000);
      socket.destroy();
    },
    LONG_TEST_MS,
  );

  it('that breaks off leaves what was acknowledged, not the half line, and nothing hangs', async () => {
    const name = await newStream();
    const socket = await open(name);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.write(httpChunk('{"data":"whole"}\n'.repeat(100) + '{"data":"ha'));
    await eventually(() => expect(answer).toContain('{"line":100,'));
    socket.destroy();
    await eventually(
      async () => {
        expect(await new Promise((resolve) => service.server.getConnections((_, count) => resolve(count)))).toBe(0);
      },
      { timeoutMs: 15_000 },
    );
    expect(await stored(name)).toEqual(Array.from({ length: 100 }, () => 'whole'));
    expect(service.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('waits for the quota of its shard instead of failing', async () => {
    const name = await newStream();
    const shard = service.catalog.peek(name)!.shards[0]!;
    let refusals = 3;
    refuseWith = () =>
      refusals-- > 0 ? { ok: false, refusal: { code: 'throttled', shard, retryAfterMs: 20 } } : undefined;
    const started = performance.now();
    expect(await results(await send(name, '{"data":"1"}\n'))).toMatchObject([{ line: 1, shardId: shard.shardId }]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
  });

  it('whose shard stays over its limit gets retryable errors', async () => {
    const name = await newStream();
    const shard = service.catalog.peek(name)!.shards[0]!;
    refuseWith = () => ({ ok: false, refusal: { code: 'throttled', shard, retryAfterMs: 60_000 } });
    expect(await results(await send(name, '{"data":"1"}\n'))).toMatchObject([
      { line: 1, error: { code: 'throttled', retryable: true, retryAfterMs: 60_000 } },
    ]);
  });

  it('gets a retryable error per line while the store is away, and goes on when it is back', async () => {
    const name = await newStream();
    const socket = await open(name);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    store.failure = 'away';
    socket.write(httpChunk('{"data":"1"}\n'));
    await eventually(() => expect(answer).toContain('"code":"storeUnavailable"'));
    store.failure = undefined;
    socket.write(httpChunk('{"data":"2"}\n'));
    await eventually(() => expect(answer).toContain('{"line":2,"shardId"'));
    socket.destroy();
  });
});

describe('a body of lines when the service stops', () => {
  it('is answered as far as it was written, and told that it was not all', async () => {
    const other = await startRestService(new MemoryStore());
    await other.call('POST', '/v1/streams', { name: 's', shards: 1 });
    const socket = connect(other.port, '127.0.0.1');
    socket.write(
      'POST /v1/streams/s/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\n' +
        `transfer-encoding: chunked\r\n\r\n${httpChunk('{"data":"1"}\n{"data":')}`,
    );
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    await eventually(() => expect(answer).toContain('{"line":1,'));
    other.handler.stop();
    await eventually(() => expect(answer).toMatch(/\{"error":\{"code":"serviceStopping".+\r\n0\r\n\r\n$/s));
    expect((await other.call('GET', '/v1/streams/s/shards/0/records')).body.records).toHaveLength(1);
    socket.destroy();
    await other.close();
  });
});

describe('one record and a batch', () => {
  it('beyond the quota are 429 with Retry-After, and a batch says which', async () => {
    const name = await newStream();
    const shard = service.catalog.peek(name)!.shards[0]!;
    const throttled: PutOutcome = { ok: false, refusal: { code: 'throttled', shard, retryAfterMs: 1200 } };
    refuseWith = (index) => (index === 1 ? throttled : undefined);
    const some = await service.call('POST', `/v1/streams/${name}/records`, { records: [{ data: '' }, { data: '' }] });
    expect(some).toMatchObject({
      status: 207,
      body: { failedCount: 1, results: [{ offset: '0' }, { error: { code: 'throttled', retryable: true } }] },
    });
    expect(some.headers.get('retry-after')).toBe('2');
    refuseWith = () => throttled;
    const none = await service.call('POST', `/v1/streams/${name}/records`, { records: [{ data: '' }] });
    expect(none).toMatchObject({ status: 429, body: { failedCount: 1 } });
    expect(none.headers.get('retry-after')).toBe('2');
  });
});
