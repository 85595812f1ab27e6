import { connect, createServer, type ClientHttp2Session, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import { startTestTracing, type TestTracing } from '@tailrace/telemetry/testing';
import { BodyBudget } from '../src/http/body-budget.ts';
import { BODIES_HELD_BYTES_MAX } from '../src/http/http-limits.ts';
import { MemoryStore } from './rest-memory-store.ts';
import { type RestService, startRestService } from './rest-service.ts';

describe('traces', () => {
  let service: RestService;
  let tracing: TestTracing;

  beforeAll(async () => {
    tracing = await startTestTracing();
    service = await startRestService(new MemoryStore());
    await service.call('POST', '/v1/streams', { name: 'orders', shards: 1 });
    tracing.clear();
  });
  afterAll(async () => {
    await service.close();
    await tracing.stop();
  });

  it('run from the caller through the request into the record, and a read links to them', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const response = await fetch(`${service.origin}/v1/streams/orders/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
      body: '{"partitionKey":"k","data":"x"}',
    });
    expect(response.status).toBe(201);
    const read = await service.call('GET', '/v1/streams/orders/shards/0/records');
    await eventually(() => expect(tracing.spans().map(({ kind }) => kind)).toContain('server'));
    await eventually(() => expect(tracing.spans().filter(({ kind }) => kind === 'server')).toHaveLength(2));
    const [write, reading] = tracing.spans().filter(({ kind }) => kind === 'server');
    expect(write).toMatchObject({
      name: 'POST /v1/streams/{stream}/records',
      traceId,
      parentSpanId: 'b7ad6b7169203331',
      attributes: {
        'http.route': '/v1/streams/{stream}/records',
        'http.response.status_code': 201,
        'messaging.operation.name': 'appendRecords',
        'messaging.destination.name': 'orders',
      },
    });
    expect(read.body.records[0].headers).toEqual([{ name: 'traceparent', value: `00-${traceId}-${write!.spanId}-01` }]);
    expect(reading!.links).toEqual([`${traceId}-${write!.spanId}`]);
  });

  it('leave probes out', async () => {
    tracing.clear();
    await service.call('GET', '/health/ready');
    await service.call('GET', '/v1/streams');
    await eventually(() => expect(tracing.spans().map(({ name }) => name)).toEqual(['GET /v1/streams']));
  });
});

describe('bodies that are gathered', () => {
  it('hold no more together than their bound, and are given back', async () => {
    const bodies = new BodyBudget();
    const service = await startRestService(new MemoryStore(), { bodies });
    await service.call('POST', '/v1/streams', { name: 'orders', shards: 1 });
    expect(bodies.heldBytes).toBe(0);
    const record = { partitionKey: 'k', data: 'x'.repeat(1_000) };
    const put = (body: unknown) => service.call('POST', '/v1/streams/orders/records', body);
    const others = BODIES_HELD_BYTES_MAX - 1_000;
    expect(bodies.take(others)).toBe(true);
    const refused = await put(record);
    expect(refused).toMatchObject({ status: 503, body: { code: 'tooManyBodies', retryable: true } });
    expect(refused.headers.get('retry-after')).toBe('1');
    await eventually(() => expect(bodies.heldBytes).toBe(others));
    bodies.giveBack(others);
    expect((await put(record)).status).toBe(201);
    expect((await put({ nonsense: 'x'.repeat(1_000) })).status).toBe(400);
    await eventually(() => expect(bodies.heldBytes).toBe(0));
    await service.close();
  });
});

describe('read limits', () => {
  it('refuse with 429 and Retry-After', async () => {
    const store = new MemoryStore();
    const service = await startRestService(store, { limited: true });
    await service.call('POST', '/v1/streams', { name: 's', shards: 1 });
    expect((await service.call('GET', '/v1/streams/s/shards/0/records')).status).toBe(200);
    store.emptyBuckets = { ending: 'read-calls', waitMs: 1500 };
    let last = await service.call('GET', '/v1/streams/s/shards/0/records');
    for (let i = 0; i < 20; i++) last = await service.call('GET', '/v1/streams/s/shards/0/records');
    expect(last).toMatchObject({ status: 429, body: { code: 'throttled', retryable: true } });
    expect(last.headers.get('retry-after')).toBe('2');
    await service.close();
  });

  it('of writes refuse one record with 429', async () => {
    const store = new MemoryStore();
    const service = await startRestService(store, { limited: true });
    await service.call('POST', '/v1/streams', { name: 's', shards: 1 });
    store.emptyBuckets = { ending: 'write-records', waitMs: 200 };
    let last = await service.call('POST', '/v1/streams/s/records', { data: '' });
    for (let i = 0; last.status === 201 && i < 1100; i++) {
      last = await service.call('POST', '/v1/streams/s/records', { data: '' });
    }
    expect(last).toMatchObject({ status: 429, body: { code: 'throttled', retryable: true } });
    expect(last.headers.get('retry-after')).toBe('1');
    await service.close();
  });
});

describe('HTTP/2', () => {
  let service: RestService;
  let server: Http2Server;
  let client: ClientHttp2Session;

  beforeAll(async () => {
    service = await startRestService(new MemoryStore());
    server = createServer(service.handler as unknown as Parameters<typeof createServer>[1] & RequestListener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await service.call('POST', '/v1/streams', { name: 's', shards: 1 });
  });
  afterAll(async () => {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
    await service.close();
  });

  function call(headers: Record<string, string>, body?: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const stream = client.request(headers, { endStream: body === undefined });
      let status = 0;
      let text = '';
      stream.on('response', (answer) => (status = Number(answer[':status'])));
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => resolve({ status, text })).on('error', reject);
      if (body !== undefined) stream.end(body);
    });
  }

  it('serves the same: JSON, lines, problems', async () => {
    const path = { ':method': 'POST', ':path': '/v1/streams/s/records' };
    expect((await call({ ...path, 'content-type': 'application/json' }, '{"data":"a"}')).status).toBe(201);
    const lines = await call({ ...path, 'content-type': 'application/x-ndjson' }, '{"data":"b"}\n'.repeat(2000));
    expect([lines.status, lines.text.trim().split('\n').length]).toEqual([200, 2000]);
    expect((await call({ ':path': '/v1/streams/none' })).status).toBe(404);
    const page = await call({ ':path': '/v1/streams/s/shards/0/records?limit=5&as=text' });
    expect(JSON.parse(page.text).records.map(({ data }: { data: string }) => data)).toEqual(['a', 'b', 'b', 'b', 'b']);
  });

  it('serves feeds, and lets go of them when the client does', async () => {
    const stream = client.request({ ':path': '/v1/streams/s/events?from=earliest&as=text' });
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await eventually(() => expect(text).toContain('"offset":"2000"'));
    stream.close();
    await eventually(() => expect((service.store as MemoryStore).waitingCount).toBe(0));
  });
});
