import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { eventually, seededRandom } from '@tailrace/testkit';
import { BODY_BYTES_MAX, H2_STREAMS_MAX, HEADER_BYTES_MAX } from '../src/http/http-limits.ts';
import { memoryStore, type MemoryStore } from './memory-store.ts';
import { rawRequest, type RunningDoor, startDoor } from './door-harness.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const jsonHeaders = (operation: string) => ({
  'content-type': 'application/x-amz-json-1.1',
  'x-amz-target': `Kinesis_20131202.${operation}`,
});

interface H2Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

async function overHttp2(session: ClientHttp2Session, headers: object, body?: string | Buffer): Promise<H2Answer> {
  const stream = session.request({ ':method': 'POST', ':path': '/', ...headers });
  stream.end(body);
  const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { status: answered[':status'] as number, headers: answered, body: Buffer.concat(chunks).toString() };
}

describe('the HTTP door', () => {
  let store: MemoryStore;
  let running: RunningDoor;
  const sessions: ClientHttp2Session[] = [];

  beforeEach(async () => {
    store = memoryStore();
    running = await startDoor({ store });
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.destroy();
    await running.door.close(0);
  });

  const http2 = (): ClientHttp2Session => {
    const session = connectHttp2(running.url);
    sessions.push(session);
    return session;
  };
  const alive = async (): Promise<void> => {
    const answer = await fetch(running.url, { method: 'POST', headers: jsonHeaders('ListStreams'), body: '{}' });
    expect(answer.status).toBe(200);
  };

  it('answers HTTP/1.1 with ids, length and type', async () => {
    const raw = await running.socket();
    raw.socket.write(rawRequest('ListStreams', {}));
    const text = await raw.until(/\}$/);
    expect(text).toMatch(
      new RegExp(`^HTTP/1.1 200 OK\r\nx-amzn-RequestId: ${UUID}\r\nx-amz-id-2: [A-Za-z0-9+/]{96}\r\n`),
    );
    expect(text).toContain('\r\nContent-Type: application/x-amz-json-1.1\r\n');
    expect(text).toMatch(/\{"StreamNames":\[\],"HasMoreStreams":false,"StreamSummaries":\[\]\}$/);
  });

  it('answers HTTP/2 on the same port', async () => {
    const session = http2();
    const made = await overHttp2(session, jsonHeaders('CreateStream'), '{"StreamName":"s","ShardCount":1}');
    expect(made).toMatchObject({ status: 200, body: '', headers: { 'content-length': '0' } });
    const listed = await overHttp2(session, jsonHeaders('ListStreams'), '{}');
    expect(JSON.parse(listed.body)).toMatchObject({ StreamNames: ['s'] });
    expect(listed.headers['x-amzn-requestid']).toMatch(new RegExp(`^${UUID}$`));
    expect(listed.headers['content-type']).toBe('application/x-amz-json-1.1');
  });

  it('tells the protocols apart when the bytes come one by one', async () => {
    const one = await running.socket();
    for (const byte of rawRequest('ListStreams', {})) {
      one.socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await one.until(/\}$/)).toMatch(/^HTTP\/1.1 200 OK/);

    // Preface and an empty SETTINGS frame; the server's first frame is SETTINGS as well (type 4).
    const two = await running.socket();
    for (const byte of Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')) {
      two.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await two.until(/^...\x04/s)).charCodeAt(3)).toBe(4);
    two.socket.destroy();
  });

  it('lets go of an HTTP/2 connection whose client has ended its side in the middle of a frame', async () => {
    const raw = await running.socket();
    raw.socket.end(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('0000', 'hex')]));
    await raw.closed;
  });

  it('takes a request that begins like the preface for what it is', async () => {
    const raw = await running.socket();
    raw.socket.write('PRI * HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await raw.closed).toMatch(/^HTTP\/1.1 400 /);
    await alive();
  });

  it('serves many requests of one connection in order, also when they are pipelined', async () => {
    await running.catalog.create({ name: 'p', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' });
    const raw = await running.socket();
    raw.socket.write(
      rawRequest('DescribeStream', { StreamName: 'p' }) +
        rawRequest('ListStreams', {}) +
        rawRequest('Nothing', {}) +
        rawRequest('ListStreams', {}, ['Connection: close']),
    );
    const text = await raw.closed;
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200']);
    expect(text.match(/"StreamNames":\["p"\]/g)).toHaveLength(2);
  });

  it('answers alike wherever the bytes of requests are cut', async () => {
    const sent =
      rawRequest('ListStreams', {}) +
      rawRequest('ListStreams', { Limit: 0 }) +
      rawRequest('ListStreams', {}, ['Transfer-Encoding: chunked'])
        .replace(/Content-Length: .*\r\n/, '')
        .slice(0, -2) +
      '2\r\n{}\r\n0\r\n\r\n' +
      rawRequest('ListStreams', {}, ['Connection: close']);
    const cuts = Array.from({ length: sent.length - 1 }, (_, i) => i + 1);
    for (let from = 0; from < cuts.length; from += 50) {
      const texts = await Promise.all(
        cuts.slice(from, from + 50).map(async (cut) => {
          const raw = await running.socket();
          raw.socket.write(sent.slice(0, cut), 'latin1');
          await new Promise((resolve) => setImmediate(resolve));
          raw.socket.write(sent.slice(cut), 'latin1');
          return raw.closed;
        }),
      );
      for (const text of texts) {
        expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200', 'HTTP/1.1 200']);
      }
    }
  });

  it('goes on with any other HTTP/1 on a connection that began with plain requests', async () => {
    await running.catalog.create({ name: 's', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' });
    const raw = await running.socket();
    raw.socket.write(rawRequest('ListStreams', {}));
    await raw.until(/\}$/);
    raw.socket.write(rawRequest('ListStreams', {}, ['Expect: 100-continue']));
    await raw.until(/\}HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n[^]*\}$/);
    raw.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}');
    expect(await raw.closed).toMatch(/HTTP\/1.1 400 Bad Request\r\n[^]*$/);
    await alive();
  });

  it('ignores an offer to upgrade to h2c and answers as HTTP/1.1', async () => {
    const raw = await running.socket();
    raw.socket.write(
      rawRequest('ListStreams', {}, [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ]),
    );
    expect(await raw.until(/\}$/)).toMatch(/^HTTP\/1.1 200 OK/);
  });

  it('answers a preflight, and lets any origin read', async () => {
    const preflight = await fetch(running.url, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://app',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-amz-target, content-type',
      },
    });
    expect(preflight.status).toBe(200);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'x-amz-target, content-type',
      'access-control-max-age': '172800',
      'content-length': '0',
    });
    expect(preflight.headers.has('x-amz-id-2')).toBe(false);
    const answer = await fetch(running.url, {
      method: 'POST',
      headers: { ...jsonHeaders('ListStreams'), origin: 'http://app' },
      body: '{}',
    });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-amzn-RequestId');
  });

  describe('bad input', () => {
    it('refuses a body that says it is too large before it comes, and closes', async () => {
      const raw = await running.socket();
      raw.socket.write(
        rawRequest('PutRecords', '').replace('Content-Length: 0', `Content-Length: ${BODY_BYTES_MAX + 1}`),
      );
      const text = await raw.closed;
      expect(text).toMatch(/^HTTP\/1.1 413 /);
      expect(text).toContain('"__type":"RequestEntityTooLargeException"');
      await alive();
    });

    it('takes a body of exactly the bound, and refuses one byte more, sent in chunks', async () => {
      const send = (bytes: number): Promise<number> =>
        new Promise((resolve, reject) => {
          const request = httpRequest(
            running.url,
            { method: 'POST', headers: jsonHeaders('ListStreams') },
            (response) => {
              response.resume();
              resolve(response.statusCode as number);
            },
          );
          request.on('error', reject);
          request.write(Buffer.alloc(bytes - 1, 0x20));
          request.end('x');
        });
      // White space and an x are no JSON.
      expect(await send(BODY_BYTES_MAX)).toBe(400);
      const tooLarge = await send(BODY_BYTES_MAX + 1);
      expect(tooLarge).toBe(413);
      await alive();
    });

    it('refuses a body that is too large on one HTTP/2 stream, and the session goes on', async () => {
      const session = http2();
      const stream = session.request({ ':method': 'POST', ':path': '/', ...jsonHeaders('PutRecords') });
      stream.on('error', () => {});
      stream.write(Buffer.alloc(BODY_BYTES_MAX + 1, 0x20));
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(headers[':status']).toBe(413);
      stream.resume();
      await once(stream, 'close');
      expect((await overHttp2(session, jsonHeaders('ListStreams'), '{}')).status).toBe(200);
    });

    it('refuses headers that are too large', async () => {
      const raw = await running.socket();
      raw.socket.write(rawRequest('ListStreams', {}, [`X-Long: ${'x'.repeat(HEADER_BYTES_MAX)}`]));
      expect(await raw.closed).toMatch(/^HTTP\/1.1 431 /);
      await alive();
    });

    it('closes on garbage of any kind and serves on', async () => {
      const random = seededRandom(20_261_123);
      for (let i = 0; i < 60; i++) {
        const raw = await running.socket();
        const bytes = Buffer.from(
          Array.from({ length: 1 + Math.floor(random() * 400) }, () => Math.floor(random() * 256)),
        );
        const preface = i % 3 === 0 ? 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' : i % 3 === 1 ? 'POST / HTTP/1.1\r\n' : '';
        raw.socket.end(Buffer.concat([Buffer.from(preface, 'latin1'), bytes]));
        await raw.closed;
      }
      await alive();
    });

    it('survives clients that leave at any point of a request', async () => {
      const whole = rawRequest('PutRecords', { StreamName: 's', Records: [{ PartitionKey: 'k', Data: 'AA==' }] });
      for (let cut = 1; cut < whole.length; cut += 7) {
        const raw = await running.socket();
        raw.socket.write(whole.slice(0, cut));
        raw.socket.resetAndDestroy();
      }
      const session = http2();
      for (let i = 0; i < 50; i++) {
        const stream = session.request({ ':method': 'POST', ':path': '/', ...jsonHeaders('PutRecords') });
        stream.on('error', () => {});
        stream.write('{"Rec');
        stream.close(constants.NGHTTP2_CANCEL);
      }
      expect((await overHttp2(session, jsonHeaders('ListStreams'), '{}')).status).toBe(200);
      await alive();
    });

    it('limits the streams of one HTTP/2 session', async () => {
      const session = http2();
      const [settings] = (await once(session, 'remoteSettings')) as [{ maxConcurrentStreams: number }];
      expect(settings.maxConcurrentStreams).toBe(H2_STREAMS_MAX);
    });
  });

  describe('close', () => {
    it('lets requests under way finish, and takes no more', async () => {
      await running.catalog.create({ name: 's', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' });
      const held: (() => void)[] = [];
      const bothReached = new Promise<void>((arrived) => {
        store.beforeAppend = () =>
          new Promise((resolve) => {
            if (held.push(() => resolve(undefined)) === 2) arrived();
          });
      });
      const put = { StreamName: 's', PartitionKey: 'k', Data: 'AA==' };
      const one = await running.socket();
      one.socket.write(rawRequest('PutRecord', put));
      const idle = await running.socket();
      idle.socket.write(rawRequest('ListStreams', {}));
      await idle.until(/\}$/);
      const silent = await running.socket();
      const session = http2();
      const two = overHttp2(session, jsonHeaders('PutRecord'), JSON.stringify(put));
      await bothReached;
      const closed = running.door.close(10_000);
      await Promise.all([idle.closed, silent.closed]);
      await expect(running.socket()).rejects.toThrow(/ECONNREFUSED/);
      for (const release of held) release();
      expect(await one.closed).toMatch(/^HTTP\/1.1 200 OK[^]*\r\nConnection: close\r\n[^]*"SequenceNumber"/);
      expect((await two).status).toBe(200);
      await closed;
    });

    it('cuts what does not end in time', async () => {
      await running.catalog.create({ name: 's', shardCount: 1, mode: 'PROVISIONED', origin: 'kinesis' });
      const reached = new Promise<void>((arrived) => {
        store.beforeAppend = () => new Promise(() => arrived());
      });
      const raw = await running.socket();
      raw.socket.write(rawRequest('PutRecord', { StreamName: 's', PartitionKey: 'k', Data: 'AA==' }));
      await reached;
      await running.door.close(20);
      expect(await raw.closed).toBe('');
    });
  });
});

describe('the HTTP door and slow clients', () => {
  const cases: [what: string, sent: string, answer: RegExp][] = [
    ['one that says nothing', '', /^$/],
    ['one that stops in the middle of the preface', 'PRI * HT', /^$/],
    ['one that stops in the middle of the headers', 'POST / HTTP/1.1\r\nHost: ', /^HTTP\/1.1 408 /],
    [
      'one that stops in the middle of the body',
      rawRequest('ListStreams', {}).slice(0, -1),
      /^HTTP\/1.1 408 [^]*RequestTimeoutException/,
    ],
  ];
  it.each(cases)('cuts %s', async (_what, sent, answer) => {
    const running = await startDoor({
      timeouts: { sniffMs: 50, headersMs: 50, bodyMs: 50, lingerMs: 50, idleMs: 5000 },
    });
    const raw = await running.socket();
    if (sent !== '') raw.socket.write(sent);
    expect(await raw.closed).toMatch(answer);
    await running.door.close(0);
  });

  it.each([
    ['nothing of the body comes', '', undefined],
    ['a part of the body comes', '{', undefined],
    ['the announced body comes, and not its end', '{}', 2],
  ])('refuses a request over HTTP/2 of which %s, though the connection is in use', async (_what, sent, announced) => {
    const running = await startDoor({ timeouts: { bodyMs: 50 } });
    const session = connectHttp2(running.url);
    const length = announced === undefined ? {} : { 'content-length': String(announced) };
    const stream = session.request({ ':method': 'POST', ':path': '/', ...jsonHeaders('ListStreams'), ...length });
    if (sent !== '') stream.write(sent);
    stream.on('error', () => undefined);
    const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(answered[':status']).toBe(408);
    expect((await overHttp2(session, jsonHeaders('ListStreams'), '{}')).status).toBe(200);
    session.destroy();
    await running.door.close(0);
  });

  it('refuses a request over HTTP/1.1 of which the headers come, and no byte of a body in chunks', async () => {
    const running = await startDoor({ timeouts: { bodyMs: 50, lingerMs: 50, idleMs: 5_000 } });
    const raw = await running.socket();
    const named = Object.entries(jsonHeaders('ListStreams')).map(([name, value]) => `${name}: ${value}\r\n`);
    raw.socket.write(`POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n${named.join('')}\r\n`);
    expect(await raw.closed).toMatch(/^HTTP\/1.1 408 [^]*RequestTimeoutException/);
    await running.door.close(0);
  });

  it('ends an HTTP/2 connection on which nothing moves, also in the middle of a request', async () => {
    const running = await startDoor({ timeouts: { idleMs: 100 }, restHandler: (request) => void request.resume() });
    const session = connectHttp2(running.url);
    session.on('error', () => undefined);
    const stream = session.request({ ':method': 'POST', ':path': '/v1/streams/s/records' });
    stream.on('error', () => undefined);
    await once(session, 'close');
    await running.door.close(0);
  });

  it('cuts a connection on which nothing moves', async () => {
    const running = await startDoor({ timeouts: { idleMs: 50 } });
    const raw = await running.socket();
    raw.socket.write(rawRequest('ListStreams', {}));
    expect(await raw.closed).toMatch(/^HTTP\/1.1 200 /);
    const session = connectHttp2(running.url);
    await once(session, 'close');
    await running.door.close(0);
  });
});

describe('the HTTP door with a REST handler', () => {
  it('hands over what is not of the AWS protocol, over both versions, whole', async () => {
    const running = await startDoor({
      restHandler: (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          response.writeHead(request.url === '/health' ? 200 : 201, {
            'x-method': request.method,
            'x-host': request.headers.host,
          });
          response.write(`${request.url} `);
          response.end(Buffer.concat(chunks));
        });
      },
    });
    const session = connectHttp2(running.url);
    try {
      const body = Buffer.alloc(9 * 1024 * 1024, 'x');
      for (const [method, path] of [
        ['POST', '/v1/streams/a?b=c'],
        ['GET', '/health'],
        ['GET', '/'],
        ['GET', '/openapi.json'],
        ['DELETE', '/v1/streams/a'],
      ] as const) {
        const withBody = method === 'POST';
        const one = await fetch(running.url + path, { method, ...(withBody && { body }) });
        const two = await overHttp2(session, { ':method': method, ':path': path }, withBody ? body : undefined);
        const status = path === '/health' ? 200 : 201;
        expect([one.status, two.status]).toEqual([status, status]);
        expect([one.headers.get('x-method'), two.headers['x-method']]).toEqual([method, method]);
        expect(two.headers['x-host']).toBe(`127.0.0.1:${running.port}`);
        const whole = `${path} ${withBody ? body.toString() : ''}`;
        expect((await one.text()) === whole).toBe(true);
        expect(two.body === whole).toBe(true);
        expect(two.headers).not.toHaveProperty('transfer-encoding');
      }
      const aws = await overHttp2(session, jsonHeaders('ListStreams'), '{}');
      expect(aws.body).toContain('StreamNames');
    } finally {
      session.destroy();
      await running.door.close(0);
    }
  });

  it('begins few of the requests that are sent ahead, and answers all of them in order', async () => {
    const waiting: (() => void)[] = [];
    let begun = 0;
    const running = await startDoor({
      restHandler: (request, response) => {
        begun++;
        waiting.push(() => response.end(`<${request.url}>`));
      },
    });
    const raw = await running.socket();
    try {
      const count = 12_000;
      // In one piece, so that all of it may have arrived before any of it is read.
      raw.socket.write(Array.from({ length: count }, (_, i) => `GET /v1/${i} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
      await eventually(() => expect(begun).toBeGreaterThan(0));
      let before = -1;
      await eventually(
        () => {
          const still = begun === before;
          before = begun;
          expect(still).toBe(true);
        },
        { intervalMs: 100 },
      );
      // 64, and what was read of the connection with the last of them: 64 KiB, twice.
      expect(begun).toBeLessThan(5_000);
      const answering = setInterval(() => {
        for (const answer of waiting.splice(0)) answer();
      }, 1);
      const text = await raw.until(new RegExp(`</v1/${count - 1}>$`));
      clearInterval(answering);
      const answered = Array.from(text.matchAll(/<\/v1\/(\d+)>/g), ([, number]) => Number(number));
      expect(answered).toEqual(Array.from({ length: count }, (_, i) => i));
    } finally {
      raw.socket.destroy();
      await running.door.close(0);
    }
  });

  it('streams both ways over HTTP/2, and tells the handler when the client leaves', async () => {
    let gone: () => void = () => {};
    const left = new Promise<void>((resolve) => (gone = resolve));
    const running = await startDoor({
      restHandler: (request, response) => {
        response.on('close', () => gone());
        response.writeHead(200);
        request.on('data', (chunk: Buffer) => response.write(`seen ${chunk.toString()}`));
      },
    });
    const session = connectHttp2(running.url);
    try {
      const stream = session.request({ ':method': 'POST', ':path': '/v1/tail' });
      stream.on('error', () => {});
      for (const word of ['one', 'two']) {
        stream.write(word);
        const [chunk] = (await once(stream, 'data')) as [Buffer];
        expect(chunk.toString()).toBe(`seen ${word}`);
      }
      stream.close(constants.NGHTTP2_CANCEL);
      await left;
    } finally {
      session.destroy();
      await running.door.close(0);
    }
  });
});
