import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, uniqueName } from '@tailrace/testkit';
import { eventFeed } from '../src/rest/event-feed.ts';
import { MemoryStore } from './rest-memory-store.ts';
import { type Answered, type RestService, startRestService } from './rest-service.ts';
import { splitFirstShard } from './rest-split.ts';

interface SeenEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: Answered;
}

const store = new MemoryStore();
let service: RestService;

beforeAll(async () => {
  service = await startRestService(store);
});
afterAll(() => service.close());

async function newStream(shards = 1): Promise<string> {
  const name = uniqueName('events');
  await service.call('POST', '/v1/streams', { name, shards });
  return name;
}

async function put(name: string, ...values: string[]): Promise<void> {
  const records = values.map((data) => ({ data }));
  expect((await service.call('POST', `/v1/streams/${name}/records`, { records })).status).toBe(200);
}

/** Reads as a browser's EventSource does. */
async function follow(path: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await fetch(service.origin + path, { headers, signal: abort.signal });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const events: SeenEvent[] = [];
  let ended = false;
  const reading = (async () => {
    let rest = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      rest += chunk;
      for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
        const fields = new Map<string, string>();
        for (const line of rest.slice(0, end).split('\n')) {
          const colon = line.indexOf(': ');
          if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
        }
        rest = rest.slice(end + 2);
        const data = fields.get('data');
        if (data === undefined) continue;
        const [id, event] = [fields.get('id'), fields.get('event')];
        events.push({ ...(id && { id }), ...(event && { event }), data: JSON.parse(data) });
      }
    }
  })().then(
    () => (ended = true),
    () => (ended = true),
  );
  return {
    events,
    ended: () => ended,
    values: () => events.filter(({ event }) => event === undefined).map(({ data }) => data.data as string),
    async stop() {
      abort.abort();
      await reading;
    },
  };
}

describe('following a stream', () => {
  it('tells records of all shards as they come, in the order of each shard', async () => {
    const name = await newStream(3);
    await put(name, 'before');
    const feed = await follow(`/v1/streams/${name}/events?as=text`);
    const values = Array.from({ length: 300 }, (_, i) => String(i));
    await put(name, ...values);
    await eventually(() => expect(feed.values()).toHaveLength(300));
    expect(feed.values().toSorted((a, b) => Number(a) - Number(b))).toEqual(values);
    for (const shardId of ['shardId-000000000000', 'shardId-000000000001', 'shardId-000000000002']) {
      const offsets = feed.events.filter(({ data }) => data.shardId === shardId).map(({ data }) => Number(data.offset));
      expect(offsets.length).toBeGreaterThan(50);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
    expect(feed.events[0]?.data).toMatchObject({
      sequenceNumber: expect.stringMatching(/^\d{56}$/),
      partitionKey: null,
    });
    await feed.stop();
  });

  it('goes on behind any event, without a loss and without a repetition', async () => {
    const name = await newStream(2);
    const values = Array.from({ length: 50 }, (_, i) => String(i));
    await put(name, ...values);
    const first = await follow(`/v1/streams/${name}/events?from=earliest&as=text`);
    await eventually(() => expect(first.values()).toHaveLength(50));
    await first.stop();
    for (const at of [0, 17, 24, 25, 49]) {
      const resumed = await follow(`/v1/streams/${name}/events?as=text`, { 'last-event-id': first.events[at]!.id! });
      await eventually(() => expect(resumed.values()).toHaveLength(49 - at));
      const all = [...first.values().slice(0, at + 1), ...resumed.values()];
      expect(all.toSorted((a, b) => Number(a) - Number(b))).toEqual(values);
      await resumed.stop();
    }
  });

  it('begins where it is told', async () => {
    const name = await newStream();
    await put(name, 'a', 'b', 'c');
    for (const [query, expected] of [
      ['from=earliest', ['a', 'b', 'c']],
      ['from=1&shards=0', ['b', 'c']],
      ['from=time:0', ['a', 'b', 'c']],
    ] as const) {
      const feed = await follow(`/v1/streams/${name}/events?as=text&${query}`);
      await eventually(() => expect(feed.values()).toEqual(expected));
      await feed.stop();
    }
  });

  it('follows only the shards that were named', async () => {
    const name = await newStream(2);
    const feed = await follow(`/v1/streams/${name}/events?from=earliest&shards=shardId-000000000001&as=text`);
    await put(name, ...Array.from({ length: 40 }, () => 'x'));
    await eventually(() => expect(feed.values().length).toBeGreaterThan(5));
    expect(new Set(feed.events.map(({ data }) => data.shardId))).toEqual(new Set(['shardId-000000000001']));
    await feed.stop();
  });

  it('goes on in the children after a split, and resumes on either side of it', async () => {
    const name = await newStream();
    const feed = await follow(`/v1/streams/${name}/events?as=text`);
    await put(name, 'parent');
    await splitFirstShard(service, store, name);
    await put(name, ...Array.from({ length: 20 }, (_, i) => `child ${i}`));
    await eventually(() => expect(feed.values()).toHaveLength(21));
    expect(feed.events.slice(0, 2)).toMatchObject([
      { data: { data: 'parent', shardId: 'shardId-000000000000' } },
      {
        event: 'shardEnd',
        data: { shardId: 'shardId-000000000000', childShards: ['shardId-000000000001', 'shardId-000000000002'] },
      },
    ]);
    for (const [at, left] of [
      [0, 20],
      [1, 20],
      [5, 16],
    ] as const) {
      const resumed = await follow(`/v1/streams/${name}/events?as=text`, { 'last-event-id': feed.events[at]!.id! });
      await eventually(() => expect(resumed.values()).toHaveLength(left));
      await resumed.stop();
    }
    const whole = await follow(`/v1/streams/${name}/events?as=text&from=earliest`);
    await eventually(() => expect(whole.values()).toHaveLength(21));
    await whole.stop();
    await feed.stop();
  });

  it('tells what it cannot show: trimmed away, or not decodable', async () => {
    const name = await newStream();
    const { key } = service.catalog.peek(name)!.shards[0]!;
    await put(name, 'a');
    await put(name, 'b');
    await put(name, 'c');
    const feed = await follow(`/v1/streams/${name}/events?from=earliest&as=text`);
    await eventually(() => expect(feed.values()).toHaveLength(3));
    await feed.stop();
    store.garble(key, 1);
    await store.log.trim(key, 1n);
    const late = await follow(`/v1/streams/${name}/events?as=text`, { 'last-event-id': `${feed.events[0]!.id!}` });
    await eventually(() => expect(late.events).toHaveLength(2));
    expect(late.events).toMatchObject([
      { event: 'gap', data: { shardId: 'shardId-000000000000', fromOffset: '1', toOffset: '1' } },
      { data: { data: 'c' } },
    ]);
    await late.stop();
    await store.log.trim(key, 3n);
    const later = await follow(`/v1/streams/${name}/events?as=text`, { 'last-event-id': `${feed.events[0]!.id!}` });
    await put(name, 'd');
    await eventually(() => expect(later.events).toHaveLength(2));
    expect(later.events).toMatchObject([
      { event: 'gap', data: { fromOffset: '1', toOffset: '2', reason: 'trimmed' } },
      { data: { data: 'd', offset: '3' } },
    ]);
    await later.stop();
  });

  it('ends when the stream is deleted, and says so', async () => {
    const name = await newStream(2);
    const feed = await follow(`/v1/streams/${name}/events`);
    await service.call('DELETE', `/v1/streams/${name}`);
    await eventually(() => expect(feed.ended()).toBe(true));
    expect(feed.events).toEqual([{ event: 'end', data: { reason: 'streamDeleted' } }]);
  });

  it('outlives a store that goes away', async () => {
    const name = await newStream();
    const feed = await follow(`/v1/streams/${name}/events?as=text`);
    await put(name, 'before');
    await eventually(() => expect(feed.values()).toEqual(['before']));
    // The append wakes the feed, which then cannot read.
    store.beforeRead = () => {
      store.failure = 'away';
    };
    await put(name, 'meanwhile');
    await new Promise((resolve) => setTimeout(resolve, 50));
    store.beforeRead = undefined;
    store.failure = undefined;
    await put(name, 'after');
    await eventually(() => expect(feed.values()).toEqual(['before', 'meanwhile', 'after']));
    expect(feed.ended()).toBe(false);
    await feed.stop();
  });

  it('costs nothing while nothing comes', async () => {
    const name = await newStream(2);
    const feed = await follow(`/v1/streams/${name}/events`);
    await eventually(() => expect(store.waitingCount).toBe(1));
    const before = store.readCount;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(store.readCount).toBe(before);
    await feed.stop();
    await eventually(() => expect(store.waitingCount).toBe(0));
  });

  it('sends a comment when nothing comes', async () => {
    const stream = service.catalog.peek(await newStream())!;
    const abort = new AbortController();
    const feed = eventFeed(
      { store, catalog: service.catalog },
      {
        stream,
        offsets: new Map([[0, 0n]]),
        childrenFrom: { at: 'earliest' },
        as: 'text',
        deaggregate: false,
        heartbeatMs: 10,
        signal: abort.signal,
      },
    );
    expect((await feed.next()).value).toMatch(/^: following 1 shards\nid: /);
    expect((await feed.next()).value).toBe(': heartbeat\n\n');
    expect((await feed.next()).value).toBe(': heartbeat\n\n');
    abort.abort();
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });

  it('stops reading the log when the client does not read', async () => {
    const name = await newStream();
    const socket = connect(service.port, '127.0.0.1');
    socket.pause();
    socket.write(`GET /v1/streams/${name}/events?from=earliest&as=text HTTP/1.1\r\nhost: x\r\n\r\n`);
    const value = 'x'.repeat(500_000);
    const count = 60;
    for (let i = 0; i < count; i++) await put(name, value);
    let before = -1;
    await eventually(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const now = store.readCount;
      const stands = now === before;
      before = now;
      expect(stands).toBe(true);
    });
    const read = store.readCount;
    let byteCount = 0;
    socket.on('data', (chunk: Buffer) => (byteCount += chunk.length));
    socket.resume();
    await eventually(() => expect(byteCount).toBeGreaterThan(count * value.length), { timeoutMs: 25_000 });
    // One value a page: whoever read on without being read from would have been here already.
    expect(store.readCount - read).toBeGreaterThan(count / 3);
    socket.destroy();
  });

  it.each<[string, string, number, string]>([
    ['from=5', '', 400, 'offsetOutOfRange'],
    ['from=x', '', 400, 'invalidRequest'],
    ['shards=9', '', 404, 'shardNotFound'],
    ['shards=a,b', '', 400, 'invalidRequest'],
    ['as=xml', '', 400, 'invalidRequest'],
    ['', 'nonsense', 400, 'invalidRequest'],
    ['', 'AAAAAAAA.AQAB', 410, 'positionExpired'],
  ])('?%s, Last-Event-ID %j gets %d %s', async (query, lastEventId, status, code) => {
    const name = await newStream();
    const response = await fetch(`${service.origin}/v1/streams/${name}/events?${query}`, {
      headers: { 'last-event-id': lastEventId },
    });
    expect([response.status, await response.json()]).toMatchObject([status, { code }]);
  });

  it('an offset needs its one shard', async () => {
    const name = await newStream(2);
    const { status, body } = await service.call('GET', `/v1/streams/${name}/events?from=0`);
    expect([status, body.errors[0].pointer]).toEqual([400, '?from']);
  });
});

describe('stopping the door', () => {
  it('ends feeds and long polls in good order', async () => {
    const other = await startRestService(new MemoryStore());
    await other.call('POST', '/v1/streams', { name: 's', shards: 1 });
    const feed = await fetch(`${other.origin}/v1/streams/s/events`);
    const poll = fetch(`${other.origin}/v1/streams/s/shards/0/records?waitMs=60000`);
    const feedText = feed.text();
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.handler.stop();
    expect(await feedText).toMatch(/^: following/);
    expect((await poll).status).toBe(200);
    await other.close();
  });
});
