import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  apiVersionsApi,
  apiVersionsResponse,
  decodeResponse,
  describeConfigsApi,
  encodeRequest,
  errorCodes,
  fetchApi,
  listGroupsApi,
  metadataApi,
  produceApi,
} from '@tailrace/kafka-protocol';
import { createLogger } from '@tailrace/telemetry';
import { eventually, seededRandom, uniqueName } from '@tailrace/testkit';
import { handlers } from '../handlers/index.ts';
import { unsupportedAnswer } from '../handlers/unsupported-answer.ts';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { Connection, REQUESTS_IN_FLIGHT_MAX } from './connection.ts';
import { FrameBufferPool } from './frame-buffer-pool.ts';
import { FRAME_PACE_MIN, FRAME_STALL_MS } from './frame-reader.ts';
import { MemoryBudget } from './memory-budget.ts';

const FRAME_BYTES_MAX = 200_000;

let under: DoorUnderTest;
let bystander: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest({ frameBytesMax: FRAME_BYTES_MAX });
  bystander = await under.connect('bystander');
});
afterAll(async () => {
  bystander.close();
  await under.close();
});

const metadataFrame = (correlationId: number) =>
  Buffer.concat(encodeRequest(metadataApi.request, 9, { correlationId, clientId: 'spec' }, { topics: [] }));

async function bystanderIsWell(): Promise<void> {
  expect((await bystander.request(metadataApi, 9, { topics: [] })).errorCode).toBe(0);
}

/** Sends bytes on a connection of their own, waits for its end, and answers the reason that was logged. */
async function reasonFor(bytes: Buffer): Promise<string> {
  const client = await under.connect();
  const port = client.socket.localPort;
  client.socket.write(bytes);
  await client.closed;
  const line = await eventually(
    () => under.logged.findLast(({ client: peer }) => peer === `127.0.0.1:${port}`) ?? false,
  );
  await bystanderIsWell();
  return String((line as Record<string, unknown>)['reason']);
}

function framed(body: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

describe('a connection', () => {
  it.each<[string, Buffer, RegExp]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /HTTP request/],
    ['TLS', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), /TLS handshake/],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff]), /negative length/],
    ['a frame past the bound', Buffer.from([0, 3, 0x0d, 0x41]), /announces 200001 bytes/],
    ['an empty frame', framed(Buffer.alloc(0)), /RequestHeader/],
    ['a frame that ends in its header', framed(Buffer.from([0, 3, 0])), /RequestHeader/],
    [
      'an operation that nobody knows',
      framed(Buffer.from([0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff])),
      /key 32512 is not supported/,
    ],
    [
      'a version that nobody knows',
      framed(Buffer.from([0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff])),
      /version 99 of the API with key 3/,
    ],
  ])('is closed with a reason on %s, and no other one is disturbed', async (_, bytes, reason) => {
    expect(await reasonFor(bytes)).toMatch(reason);
  });

  it('answers a request with bytes behind it, as Kafka does', async () => {
    const client = await under.connect();
    client.socket.write(framed(Buffer.concat([metadataFrame(5).subarray(4), Buffer.from([0, 1, 0])])));
    expect((await client.nextFrame()).readInt32BE(0)).toBe(5);
    client.close();
  });

  it('is closed on a request that is cut anywhere', async () => {
    const frame = metadataFrame(1).subarray(4);
    for (let length = 0; length < frame.length; length++) {
      const client = await under.connect();
      client.socket.write(framed(frame.subarray(0, length)));
      await client.closed;
    }
    await bystanderIsWell();
  });

  it('gives back the memory of a frame whose header cannot be read', async () => {
    const narrow = await openDoorUnderTest({ frameBytesMax: FRAME_BYTES_MAX, requestBytesMax: FRAME_BYTES_MAX });
    // Metadata 9, with a client id that is longer than the frame.
    const malformed = Buffer.alloc(FRAME_BYTES_MAX - 1_000);
    malformed.set([0, 3, 0, 9, 0, 0, 0, 1, 0x80, 0x00]);
    for (let i = 0; i < 2; i++) {
      const hostile = await narrow.connect();
      hostile.socket.write(framed(malformed));
      await hostile.closed;
    }
    const client = await narrow.connect();
    client.socket.write(framed(Buffer.concat([metadataFrame(5).subarray(4), Buffer.alloc(100_000)])));
    expect((await client.nextFrame()).readInt32BE(0)).toBe(5);
    client.close();
    await narrow.close();
  });

  it.each([
    ['cannot read', Buffer.from([0, 3, 0])],
    ['does not offer', Buffer.from([0, 12, 0, 99, 0, 0, 0, 1, 0xff, 0xff])],
  ])('answers what came before a request that it %s, and ends behind the answers', async (_, last) => {
    const client = await under.connect();
    const quick = (correlationId: number) =>
      Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, correlationId, 0xff, 0xff]);
    client.socket.write(Buffer.concat([quick(7), quick(8), framed(last)]));
    const answers = await Promise.all([client.nextFrame(), client.nextFrame()]);
    expect(answers.map((frame) => frame.readInt32BE(0))).toEqual([7, 8]);
    await client.closed;
    await bystanderIsWell();
  });

  it('answers a Produce that waits for its append before it ends for the one behind it, which it cannot read', async () => {
    const { name } = await topicWithRecord();
    const client = await under.connect();
    const topicData = [{ name, partitionData: [{ index: 0, records: batchOf(['a']) }] }];
    const produce = Buffer.concat(
      encodeRequest(produceApi.request, 9, { correlationId: 5, clientId: null }, { acks: -1, timeoutMs: 1, topicData }),
    );
    client.socket.write(Buffer.concat([produce, framed(produce.subarray(4, 40)), produce]));
    const { body } = decodeResponse(produceApi.response, 9, await client.nextFrame());
    expect(body.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    await expect(client.nextFrame()).rejects.toThrow('closed');
    await bystanderIsWell();
  });

  it('does no harm with random bytes', async () => {
    const random = seededRandom(7);
    for (let i = 0; i < 200; i++) {
      const { api, versions } = handlers[Math.floor(random() * handlers.length)]!;
      const version = versions[0] + Math.floor(random() * (versions[1] - versions[0] + 1));
      const body = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
      const header = Buffer.from([0, api.key, 0, version, 0, 0, 0, 1, 0xff, 0xff, 0]);
      const client = await under.connect();
      client.socket.write(framed(Buffer.concat([header, body])));
      // Whatever it was taken for, half of another frame ends it.
      client.socket.end(Buffer.from([0, 0, 0, 50, 1]));
      client.socket.resume();
      await client.closed;
    }
    await bystanderIsWell();
    expect(under.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('answers ApiVersions of a version to come in version 0, with error 35 and the table', async () => {
    const client = await under.connect();
    const frame = await client.exchange(framed(Buffer.from([0, 18, 0, 99, 0, 0, 0, 42, 0xff, 0xff])));
    const { correlationId, body } = decodeResponse(apiVersionsResponse, 0, frame);
    expect([correlationId, body.errorCode, body.apiKeys.length]).toEqual([
      42,
      errorCodes.UNSUPPORTED_VERSION,
      handlers.length,
    ]);
    expect((await client.request(apiVersionsApi, 0, {})).errorCode).toBe(0);
    client.close();
  });

  it('has an answer with error 35 for an operation that it does not offer, where the answer has room for it', () => {
    expect(unsupportedAnswer(listGroupsApi)).toEqual({ errorCode: errorCodes.UNSUPPORTED_VERSION, groups: [] });
    // An answer of nothing but empty lists would be taken for success: the connection is closed instead.
    expect(unsupportedAnswer(describeConfigsApi)).toBeUndefined();
  });

  it('answers in the order of the requests, though a later one is quicker', async () => {
    const client = await under.connect();
    const slow = encodeRequest(fetchApi.request, 4, { correlationId: 1, clientId: null }, {
      maxWaitMs: 200, minBytes: 1, maxBytes: 1000,
      topics: [{ topic: 'no-such-topic', partitions: [] }, { topic: (await topicWithRecord()).name, partitions: [{ partition: 0, fetchOffset: 1n, partitionMaxBytes: 100 }] }],
    }); // prettier-ignore
    client.socket.write(Buffer.concat([...slow, metadataFrame(2), metadataFrame(3)]));
    const order = [await client.nextFrame(), await client.nextFrame(), await client.nextFrame()].map((frame) =>
      frame.readInt32BE(0),
    );
    expect(order).toEqual([1, 2, 3]);
    client.close();
  });

  it('begins no request before the one in front of it is answered', async () => {
    const { name } = await topicWithRecord();
    const client = await under.connect();
    const partitions = [{ partition: 0, fetchOffset: 1n, partitionMaxBytes: 100 }];
    const waiting = client.request(fetchApi, 4, {
      maxWaitMs: 300,
      minBytes: 1,
      maxBytes: 1000,
      topics: [{ topic: name, partitions }],
    });
    const made = uniqueName('behind');
    const making = client.request(metadataApi, 9, { topics: [{ name: made }] });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(under.catalog.peek(made)).toBeUndefined();
    await Promise.all([waiting, making]);
    expect(under.catalog.peek(made)?.name).toBe(made);
    client.close();
  });

  it('takes more requests at once than it works on, and frames in any pieces', async () => {
    const client = await under.connect();
    const stream = Buffer.concat(Array.from({ length: 500 }, (_, i) => metadataFrame(i)));
    const answers: Promise<Buffer>[] = Array.from({ length: 500 }, () => client.nextFrame());
    for (let at = 0; at < stream.length; at += 777) client.socket.write(stream.subarray(at, at + 777));
    expect((await Promise.all(answers)).map((frame) => frame.readInt32BE(0))).toEqual(
      Array.from({ length: 500 }, (_, i) => i),
    );
    client.close();
  });

  it('holds a client back that does not read, and goes on when it does', async () => {
    const { name } = await topicWithRecord('x'.repeat(100_000));
    const client = await under.connect();
    client.socket.pause();
    const request = encodeRequest(fetchApi.request, 4, { correlationId: 1, clientId: null }, {
      maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000, topics: [{ topic: name, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
    }); // prettier-ignore
    const count = 300;
    for (let i = 0; i < count; i++) client.socket.write(Buffer.concat(request));
    const before = process.memoryUsage();
    await bystanderIsWell();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const after = process.memoryUsage();
    // 300 answers would be 30 MB; the socket holds a few.
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(15_000_000);
    client.socket.resume();
    for (let i = 0; i < count; i++) expect((await client.nextFrame()).length).toBeGreaterThan(100_000);
    client.close();
  });

  it('begins no more of the Produces that are sent ahead than its bound', async () => {
    let begun = 0;
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const slow = await openDoorUnderTest({
      wrapStore: (store) => ({
        ...store,
        engine: store.engine,
        documents: store.documents,
        leases: store.leases,
        tokenBuckets: store.tokenBuckets,
        log: new Proxy(store.log, {
          get(log, name) {
            const member: unknown = log[name as keyof typeof log];
            if (name !== 'append') return typeof member === 'function' ? (member.bind(log) as unknown) : member;
            return async (append: Parameters<typeof log.append>[0]) => {
              begun += 1;
              await held;
              return log.append(append);
            };
          },
        }),
      }),
    });
    const made = await slow.connect();
    await made.request(metadataApi, 9, { topics: [{ name: 't' }] });
    const client = await slow.connect();
    const partitionData = [{ index: 0, records: batchOf(['a']) }];
    const produce = { acks: -1, timeoutMs: 1_000, topicData: [{ name: 't', partitionData }] };
    const count = 2 * REQUESTS_IN_FLIGHT_MAX;
    const answers = Array.from({ length: count }, () => client.request(produceApi, 9, produce));
    await eventually(() => expect(begun).toBe(REQUESTS_IN_FLIGHT_MAX));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(begun).toBe(REQUESTS_IN_FLIGHT_MAX);
    release();
    const offsets = (await Promise.all(answers)).map(
      ({ responses }) => responses[0]?.partitionResponses[0]?.baseOffset,
    );
    expect(offsets).toEqual(Array.from({ length: count }, (_, i) => BigInt(i)));
    made.close();
    client.close();
    await slow.close();
  });

  it('lets go of what waits for an answer to be sent whose client has left before it was ready', async () => {
    const { promise: ready, resolve: answer } = Promise.withResolvers<void>();
    let [begun, ended, released] = [0, 0, 0];
    const server = createServer((socket) => {
      new Connection(socket, {
        term: 1,
        frameBytesMax: FRAME_BYTES_MAX,
        pool: new FrameBufferPool(),
        budget: new MemoryBudget(FRAME_BYTES_MAX),
        idleMs: 60_000,
        logger: createLogger({ level: 'fatal', readable: false, destination: { write: () => undefined } }),
        serve: async (exchange) => {
          exchange.afterSent(() => (released += 1));
          begun += 1;
          await ready;
          exchange.answer([Buffer.alloc(10)]);
        },
        closed: () => (ended += 1),
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(metadataFrame(1));
    await eventually(() => expect(begun).toBe(1));
    socket.destroy();
    await eventually(() => expect(ended).toBe(1));
    expect(released).toBe(0);
    answer();
    await eventually(() => expect(released).toBe(1));
    server.close();
  });

  it('ends when a frame comes byte by byte, and lets one come that keeps the pace', async () => {
    const length = 100_000;
    const [trickling, steady] = [await under.connect(), await under.connect()];
    const port = trickling.socket.localPort;
    const request = metadataFrame(7);
    const long = Buffer.alloc(4 + length);
    request.copy(long);
    long.writeInt32BE(length, 0);
    // What a request has too much at its end is let be.
    const bytesOfAFrame = (client: WireClient, from: number, to: number) =>
      new Promise<void>((resolve) => client.socket.write(long.subarray(from, to), () => setTimeout(resolve, 50)));
    const now = performance.now.bind(performance);
    let laterMs = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + laterMs);
    try {
      const half = 4 + length / 2;
      await Promise.all([bytesOfAFrame(trickling, 0, 10), bytesOfAFrame(steady, 0, half)]);
      laterMs = FRAME_STALL_MS + length / FRAME_PACE_MIN - 1_000;
      await Promise.all([bytesOfAFrame(trickling, 10, 11), bytesOfAFrame(steady, half, half + 1)]);
      expect(trickling.socket.closed).toBe(false);
      steady.socket.write(long.subarray(half + 1));
      expect((await steady.nextFrame()).readInt32BE(0)).toBe(7);
      laterMs += 2_000;
      await bytesOfAFrame(trickling, 11, 12);
      await trickling.closed;
    } finally {
      clock.mockRestore();
      steady.close();
    }
    const line = under.logged.findLast(({ client: peer }) => peer === `127.0.0.1:${port}`);
    expect(line).toMatchObject({ reason: 'a frame came too slowly' });
    await bystanderIsWell();
  });

  it('ends when nothing comes for its idle time', async () => {
    const idle = await openDoorUnderTest({ idleMs: 100 });
    const client = await idle.connect();
    await client.closed;
    await idle.close();
  });
});

describe('closing the door', () => {
  it('answers what is under way, takes no more, and waits no longer than it must', async () => {
    const closing = await openDoorUnderTest();
    const client = await closing.connect();
    const { responses } = await client.request(produceApi, 9, {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name: 't', partitionData: [{ index: 0, records: batchOf(['a']) }] }],
    });
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    const waiting = client.request(fetchApi, 4, {
      maxWaitMs: 9_000, minBytes: 1, maxBytes: 1000, topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 1n, partitionMaxBytes: 100 }] }],
    }); // prettier-ignore
    await bystanderIsWell();
    const started = performance.now();
    await closing.close();
    expect((await waiting).responses[0]?.partitions[0]?.errorCode).toBe(0);
    await client.closed;
    expect(performance.now() - started).toBeLessThan(2_500);
    await expect(closing.connect()).rejects.toThrow('ECONNREFUSED');
  });
});

describe('closing the door on a client that reads slowly', () => {
  /** Far more than the system takes for a client that does not read. */
  const VALUE_BYTES = 20_000_000;

  async function slowReader() {
    const closing = await openDoorUnderTest({ messageBytesMax: 2 * VALUE_BYTES });
    const client = await closing.connect();
    const partitionData = [{ index: 0, records: batchOf(['x'.repeat(VALUE_BYTES)]) }];
    await client.request(produceApi, 9, { acks: -1, timeoutMs: 1, topicData: [{ name: 't', partitionData }] });
    client.socket.pause();
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 2 * VALUE_BYTES }];
    const fetch = { maxWaitMs: 0, minBytes: 1, maxBytes: 2 * VALUE_BYTES, topics: [{ topic: 't', partitions }] };
    const answer = client.request(fetchApi, 4, fetch);
    answer.catch(() => undefined);
    return { closing, client, answer };
  }
  const later = (ms: number) => new Promise<'later'>((resolve) => setTimeout(resolve, ms, 'later'));

  it('waits until it has its last answer', async () => {
    const { closing, client, answer } = await slowReader();
    // Never begun, and in the way: bytes that nobody has read turn the end of a connection into a reset.
    await later(100);
    client.socket.write(Buffer.alloc(100_000));
    await later(100);
    const closed = closing.door.close(60_000);
    expect(await Promise.race([closed, later(300)])).toBe('later');
    client.socket.resume();
    expect((await answer).responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(VALUE_BYTES);
    await closed;
    await client.closed;
    await closing.close();
  });

  it('waits no longer than the time that it was given', async () => {
    const { closing, client } = await slowReader();
    await later(100);
    const started = performance.now();
    await closing.door.close(300);
    expect(performance.now() - started).toBeLessThan(2_000);
    client.close();
    await closing.close();
  });
});

async function topicWithRecord(value = 'a') {
  const name = uniqueName('connection');
  const partitionData = [{ index: 0, records: batchOf([value]) }];
  await bystander.request(produceApi, 9, { acks: -1, timeoutMs: 1, topicData: [{ name, partitionData }] });
  return { name };
}
