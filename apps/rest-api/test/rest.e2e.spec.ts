import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeBatch, readBatchHeader, type RecordDraft } from '@tailrace/kafka-protocol';
import { parseSequenceNumber } from '@tailrace/shard-core';
import { uniqueName } from '@tailrace/testkit';
import { MemoryStore } from './rest-memory-store.ts';
import { type RestService, startRestService } from './rest-service.ts';
import { splitFirstShard } from './rest-split.ts';

const store = new MemoryStore();
let service: RestService;

beforeAll(async () => {
  service = await startRestService(store);
});
afterAll(() => service.close());

async function newStream(shards = 1): Promise<string> {
  const name = uniqueName('rest');
  expect((await service.call('POST', '/v1/streams', { name, shards })).status).toBe(201);
  return name;
}

/** Appends as a Kafka producer would: keys, values and headers as they are. */
async function produce(name: string, records: readonly Partial<RecordDraft>[], compression: 'none' | 'gzip' = 'none') {
  const shard = service.catalog.peek(name)!.shards[0]!;
  const drafts = records.map((record) => ({ key: null, value: null, timestampMs: 1_700_000_000_000, ...record }));
  const batch = encodeBatch(drafts, { compression });
  const header = readBatchHeader(batch, 0);
  await store.log.append({ shard: shard.key, batch, header, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1000 });
}

describe('streams', () => {
  it('are made, shown, listed and deleted', async () => {
    const name = uniqueName('orders');
    const made = await service.call('POST', '/v1/streams', { name, shards: 2, retentionHours: 48 });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`/v1/streams/${name}`);
    expect(made.body).toEqual({
      name,
      id: expect.stringMatching(/^[\w-]{22}$/),
      status: 'ACTIVE',
      mode: 'PROVISIONED',
      createdAt: expect.any(String),
      retentionHours: 48,
      partitionCount: 2,
      openShardCount: 2,
      shardCount: 2,
    });
    const shown = await service.call('GET', `/v1/streams/${name}`);
    expect(shown.status).toBe(200);
    expect(shown.body).toEqual({
      ...made.body,
      shards: [
        {
          shardId: 'shardId-000000000000',
          partition: 0,
          open: true,
          hashKeyRange: { start: '0', end: '170141183460469231731687303715884105727' },
          parentShardIds: [],
          openedAt: made.body.createdAt,
          logStartOffset: '0',
          highWatermark: '0',
          logEndOffset: '0',
          sizeBytes: 0,
        },
        expect.objectContaining({ shardId: 'shardId-000000000001', partition: 1 }),
      ],
    });
    expect((await service.call('DELETE', `/v1/streams/${name}`)).status).toBe(204);
    expect((await service.call('GET', `/v1/streams/${name}`)).status).toBe(404);
    expect((await service.call('DELETE', `/v1/streams/${name}`)).body).toMatchObject({ code: 'streamNotFound' });
  });

  it('are listed in pages by name', async () => {
    const prefix = uniqueName('page');
    const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `${prefix}-${letter}`);
    for (const name of names) await service.call('POST', '/v1/streams', { name, shards: 1 });
    const seen: string[] = [];
    let after = `${prefix}-`;
    for (;;) {
      const { body } = await service.call('GET', `/v1/streams?limit=2&after=${after}`);
      seen.push(...body.streams.map((stream: { name: string }) => stream.name));
      if (body.nextAfter === undefined || seen.length >= names.length) break;
      after = body.nextAfter;
    }
    expect(seen.slice(0, 5)).toEqual(names);
  });
});

describe('one record', () => {
  it('comes back as it went in: key, value, headers, place and time', async () => {
    const name = await newStream();
    const put = await service.call('POST', `/v1/streams/${name}/records`, {
      partitionKey: 'Köln',
      data: 'hällo',
      headers: [
        { name: 'a', value: '1' },
        { name: 'a', value: null },
        { name: 'b', valueBase64: '/w==' },
      ],
    });
    expect(put.status).toBe(201);
    expect(put.body).toEqual({
      shardId: 'shardId-000000000000',
      sequenceNumber: expect.stringMatching(/^\d{56}$/),
      partition: 0,
      offset: '0',
    });
    expect(parseSequenceNumber(put.body.sequenceNumber)).toMatchObject({ offset: 0n, shardNumber: 0 });
    const read = await service.call('GET', `/v1/streams/${name}/shards/0/records`);
    expect(read.body).toEqual({
      records: [
        {
          ...put.body,
          partitionKey: 'Köln',
          dataBase64: Buffer.from('hällo').toString('base64'),
          headers: [
            { name: 'a', value: '1' },
            { name: 'a', value: null },
            { name: 'b', valueBase64: '/w==' },
          ],
          arrivalTime: expect.stringMatching(/Z$/),
          timestamp: expect.stringMatching(/Z$/),
        },
      ],
      nextOffset: '1',
      millisBehindLatest: 0,
      endOfShard: false,
    });
  });

  it('is taken as text, as bytes, as any JSON and as a tombstone, and shown in the form that is asked for', async () => {
    const name = await newStream();
    const path = `/v1/streams/${name}/records`;
    for (const record of [
      { data: 'text' },
      { dataBase64: '/wA=' },
      { json: { a: [1, null] } },
      { json: null },
      { data: null },
      { data: '' },
    ]) {
      expect(await service.call('POST', path, { partitionKey: 'k', ...record })).toMatchObject({ status: 201 });
    }
    const values = async (as: string) => {
      const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?as=${as}`);
      return body.records.map(({ data, dataBase64, json }: Record<string, unknown>) => ({ data, dataBase64, json }));
    };
    expect(await values('base64')).toEqual(
      ['dGV4dA==', '/wA=', 'eyJhIjpbMSxudWxsXX0=', 'bnVsbA==', null, ''].map((dataBase64) => ({ dataBase64 })),
    );
    expect(await values('text')).toEqual([
      { data: 'text' },
      { dataBase64: '/wA=' },
      { data: '{"a":[1,null]}' },
      { data: 'null' },
      { data: null },
      { data: '' },
    ]);
    expect(await values('json')).toEqual([
      { data: 'text' },
      { dataBase64: '/wA=' },
      { json: { a: [1, null] } },
      { json: null },
      { data: null },
      { data: '' },
    ]);
  });

  it('is taken as the body itself', async () => {
    const name = await newStream();
    const bytes = Buffer.from([0, 1, 2, 255]);
    const response = await fetch(`${service.origin}/v1/streams/${name}/records?partitionKey=k%26`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
    });
    expect(response.status).toBe(201);
    const read = await service.call('GET', `/v1/streams/${name}/shards/0/records`);
    expect(read.body.records[0]).toMatchObject({ partitionKey: 'k&', dataBase64: bytes.toString('base64') });
  });

  it('is shown as text where it is JSON that is nested too deeply, and holds up no other', async () => {
    const name = await newStream();
    const deep = `${'['.repeat(5_000)}12345678901234567890${']'.repeat(5_000)}`;
    for (const body of [deep, '1']) {
      const headers = { 'content-type': 'application/octet-stream' };
      await fetch(`${service.origin}/v1/streams/${name}/records`, { method: 'POST', headers, body });
    }
    const read = await service.call('GET', `/v1/streams/${name}/shards/0/records?as=json`);
    expect(read.body.records).toMatchObject([{ data: deep }, { json: 1 }]);
  });

  it('goes where its hash key says, and without a key to any shard', async () => {
    const name = await newStream(4);
    const last = (2n ** 128n - 1n).toString();
    const put = await service.call('POST', `/v1/streams/${name}/records`, {
      partitionKey: 'k',
      explicitHashKey: last,
      data: '',
    });
    expect(put.body).toMatchObject({ shardId: 'shardId-000000000003' });
    const shards = new Set<string>();
    const records = Array.from({ length: 200 }, () => ({ data: 'x' }));
    const many = await service.call('POST', `/v1/streams/${name}/records`, { records });
    for (const { shardId } of many.body.results) shards.add(shardId);
    expect(shards.size).toBe(4);
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records`);
    expect(body.records[0]).toMatchObject({ partitionKey: null });
  });

  it('may have a key of any bytes', async () => {
    const name = await newStream();
    await service.call('POST', `/v1/streams/${name}/records`, { keyBase64: '/wA=', data: 'x' });
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records`);
    expect(body.records[0]).toMatchObject({ partitionKey: 'base64:/wA=', keyBase64: '/wA=' });
  });

  it.each([
    [1024 * 1024, 201],
    [1024 * 1024 + 1, 413],
  ])('of %d bytes gets %d', async (byteCount, status) => {
    const name = await newStream();
    const response = await fetch(`${service.origin}/v1/streams/${name}/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(byteCount),
    });
    expect(response.status).toBe(status);
    await response.text();
  });
});

describe('a batch', () => {
  it('gets one result per record, in order', async () => {
    const name = await newStream();
    const records = Array.from({ length: 500 }, (_, i) => ({ partitionKey: 'k', data: String(i) }));
    const { status, body } = await service.call('POST', `/v1/streams/${name}/records`, { records });
    expect(status).toBe(200);
    expect(body.failedCount).toBe(0);
    expect(body.results.map(({ offset }: { offset: string }) => offset)).toEqual(records.map((_, i) => String(i)));
  });

  it('of more than 500 is refused as a whole', async () => {
    const name = await newStream();
    const records = Array.from({ length: 501 }, () => ({ data: '' }));
    const { status, body } = await service.call('POST', `/v1/streams/${name}/records`, { records });
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('/records');
  });

  it('says what is wrong and where', async () => {
    const name = await newStream();
    const { status, body } = await service.call('POST', `/v1/streams/${name}/records`, {
      records: [{ data: 'x' }, { data: 'x', partitonKey: 'typo' }, {}, { dataBase64: 'a' }],
    });
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { pointer: '/records/1/partitonKey', message: 'This member is not known.' },
      { pointer: '/records/2', message: 'must have exactly one of data, dataBase64 and json' },
      { pointer: '/records/3/dataBase64', message: expect.stringContaining('must be base64') },
    ]);
  });
});

describe('reading', () => {
  it('begins where it is told', async () => {
    const name = await newStream();
    const placed: { sequenceNumber: string }[] = [];
    for (const [i, timeMs] of [1000, 2000, 3000].entries()) {
      store.clock = () => timeMs;
      placed.push((await service.call('POST', `/v1/streams/${name}/records`, { data: String(i) })).body);
    }
    store.clock = Date.now;
    const from = async (position: string) => {
      const { status, body } = await service.call(
        'GET',
        `/v1/streams/${name}/shards/0/records?from=${position}&as=text`,
      );
      return status === 200 ? body.records.map(({ data }: { data: string }) => data).join('') : status;
    };
    expect(await from('earliest')).toBe('012');
    expect(await from('latest')).toBe('');
    expect(await from('1')).toBe('12');
    expect(await from('3')).toBe('');
    expect(await from('4')).toBe(400);
    expect(await from(`seq:${placed[1]!.sequenceNumber}`)).toBe('12');
    expect(await from('time:1500')).toBe('12');
    expect(await from('time:1970-01-01T00:00:03Z')).toBe('2');
    expect(await from('time:9999')).toBe('');
    for (const wrong of ['', 'x', '-1', 'time:', 'time:tomorrow', 'seq:1', '99999999999999999999']) {
      expect([wrong, await from(wrong)]).toEqual([wrong, 400]);
    }
  });

  it('goes in pages and does not lose a record at their borders', async () => {
    const name = await newStream();
    const records = Array.from({ length: 95 }, (_, i) => ({ partitionKey: 'k', data: String(i) }));
    await service.call('POST', `/v1/streams/${name}/records`, { records });
    const seen: string[] = [];
    for (let next = 'earliest'; ;) {
      const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?from=${next}&limit=10&as=text`);
      if (body.records.length === 0) break;
      seen.push(...body.records.map(({ data }: { data: string }) => data));
      next = body.nextOffset;
    }
    expect(seen).toEqual(records.map(({ data }) => data));
  });

  it('shows the records in an aggregated one when it is asked to, each with its place in it', async () => {
    const name = await newStream();
    // Of three records, by aws_kinesis_agg.
    const dataBase64 = Buffer.from(
      'f3899ac20a0566697273740a077a77656920c3a412273137303134313138333436303436393233313733313638373330333731353838343130' +
        '353732381a0708001a036f6e651a0808011a047a7765691a08080010001a0200ff6ffa960d03d050ed8ed34af650e0942d',
      'hex',
    ).toString('base64');
    await service.call('POST', `/v1/streams/${name}/records`, {
      records: [
        { partitionKey: 'a', dataBase64 },
        { partitionKey: 'b', data: 'plain' },
      ],
    });
    const path = `/v1/streams/${name}/shards/0/records?as=text`;
    const { body: whole } = await service.call('GET', path);
    expect(whole.records).toHaveLength(2);
    const { body } = await service.call('GET', `${path}&deaggregate=true`);
    const shown = (body.records as Record<string, unknown>[]).map(
      ({ offset, subSequenceNumber, partitionKey, data, dataBase64: bytes, headers }) => [
        offset,
        subSequenceNumber,
        partitionKey,
        data ?? bytes,
        headers,
      ],
    );
    expect(shown).toEqual([
      ['0', 0, 'first', 'one', []],
      ['0', 1, 'zwei ä', 'zwei', []],
      ['0', 2, 'first', 'AP8=', [{ name: 'tailrace.explicit-hash-key', value: String(1n << 127n) }]],
      ['1', undefined, 'b', 'plain', []],
    ]);
    expect(body.nextOffset).toBe('2');
    // Limits are those of what is stored.
    const { body: first } = await service.call('GET', `${path}&deaggregate=true&limit=1`);
    expect([first.records.length, first.nextOffset]).toEqual([3, '1']);
  });

  it('waits for a record without asking again and again', async () => {
    const name = await newStream();
    const before = store.readCount;
    const started = performance.now();
    const waiting = service.call('GET', `/v1/streams/${name}/shards/0/records?from=latest&waitMs=20000&as=text`);
    while (store.waitingCount === 0) await new Promise((resolve) => setImmediate(resolve));
    await service.call('POST', `/v1/streams/${name}/records`, { data: 'late' });
    expect((await waiting).body.records).toMatchObject([{ data: 'late' }]);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(store.readCount - before).toBe(2);
  });

  it('answers an empty page when the wait is over', async () => {
    const name = await newStream();
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?from=latest&waitMs=20`);
    expect(body).toEqual({ records: [], nextOffset: '0', millisBehindLatest: 0, endOfShard: false });
  });

  it('shows what came by Kafka: null keys, tombstones, any bytes, compressed, with its own timestamp', async () => {
    const name = await newStream();
    const headers = [{ key: 'h', value: Buffer.from([0xff]) }];
    await produce(
      name,
      [
        { key: null, value: Buffer.from('a') },
        { key: Buffer.from([0xfe]), value: null, headers },
      ],
      'gzip',
    );
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?from=1`);
    expect(body.records).toEqual([
      {
        shardId: 'shardId-000000000000',
        partition: 0,
        offset: '1',
        sequenceNumber: expect.any(String),
        partitionKey: 'base64:/g==',
        keyBase64: '/g==',
        dataBase64: null,
        headers: [{ name: 'h', valueBase64: '/w==' }],
        arrivalTime: expect.any(String),
        timestamp: '2023-11-14T22:13:20.000Z',
      },
    ]);
  });

  it('tells of a batch that nobody can decode, and goes on behind it', async () => {
    const name = await newStream();
    await produce(name, [{ value: Buffer.from('a') }, { value: Buffer.from('b') }]);
    await produce(name, [{ value: Buffer.from('c') }]);
    store.garble(service.catalog.peek(name)!.shards[0]!.key, 0);
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?as=text`);
    expect(body.records).toMatchObject([{ offset: '2', data: 'c' }]);
    expect(body.unreadable).toEqual([{ fromOffset: '0', toOffset: '1', reason: expect.any(String) }]);
  });

  it('tells of a record whose headers nobody can decode, and shows its neighbours', async () => {
    const name = await newStream();
    await produce(name, [{ value: Buffer.from('a') }, { value: Buffer.from('b') }]);
    await produce(name, [{ value: Buffer.from('c') }]);
    // The last byte of a batch is the header count of its last record.
    store.garble(service.catalog.peek(name)!.shards[0]!.key, 0, -1);
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?as=text`);
    expect(body.records).toMatchObject([
      { offset: '0', data: 'a' },
      { offset: '2', data: 'c' },
    ]);
    expect(body.unreadable).toEqual([{ fromOffset: '1', toOffset: '1', reason: expect.any(String) }]);
  });

  it('tells how far behind it is', async () => {
    const name = await newStream();
    store.clock = () => Date.now() - 5000;
    await service.call('POST', `/v1/streams/${name}/records`, { records: [{ data: '1' }, { data: '2' }] });
    store.clock = Date.now;
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records?limit=1`);
    expect(body.millisBehindLatest).toBeGreaterThanOrEqual(4900);
    expect(body.millisBehindLatest).toBeLessThan(20_000);
  });

  it('tells the end of a shard and where it goes on', async () => {
    const name = await newStream();
    await service.call('POST', `/v1/streams/${name}/records`, { data: 'x' });
    await splitFirstShard(service, store, name);
    const { body } = await service.call('GET', `/v1/streams/${name}/shards/0/records`);
    expect(body).toMatchObject({
      records: [{ offset: '0' }],
      endOfShard: true,
      childShards: ['shardId-000000000001', 'shardId-000000000002'],
    });
  });
});

describe('what is wrong', () => {
  it.each<[string, string, unknown, number, string]>([
    ['POST', '/v1/streams', { name: 'bad name', shards: 1 }, 400, 'invalidRequest'],
    ['POST', '/v1/streams', { name: '..', shards: 1 }, 400, 'invalidRequest'],
    ['POST', '/v1/streams', { name: 'x'.repeat(250), shards: 1 }, 400, 'invalidRequest'],
    ['POST', '/v1/streams', { name: 'ok', shards: 0 }, 400, 'invalidRequest'],
    ['POST', '/v1/streams', { name: 'ok', shards: 1001 }, 400, 'invalidRequest'],
    ['POST', '/v1/streams', { name: 'ok', shards: 1.5 }, 400, 'invalidRequest'],
    ['POST', '/v1/streams', { name: 'ok', shards: '1' }, 400, 'invalidRequest'],
    ['POST', '/v1/streams', [], 400, 'invalidRequest'],
    ['POST', '/v1/streams?x=1', { name: 'ok', shards: 1 }, 400, 'invalidRequest'],
    ['GET', '/v1/streams?limit=0', undefined, 400, 'invalidRequest'],
    ['GET', '/v1/streams?limit=1001', undefined, 400, 'invalidRequest'],
    ['GET', '/v1/streams?limit=1&limit=2', undefined, 400, 'invalidRequest'],
    ['GET', '/v1/streams?limit=', undefined, 400, 'invalidRequest'],
    ['GET', '/v1/streams/%ff', undefined, 400, 'invalidRequest'],
    ['GET', '/v1/streams/none', undefined, 404, 'streamNotFound'],
    ['DELETE', '/v1/streams/none', undefined, 404, 'streamNotFound'],
    ['POST', '/v1/streams/none/records', { data: '' }, 404, 'streamNotFound'],
    ['GET', '/v1/streams/none/events', undefined, 404, 'streamNotFound'],
    ['GET', '/v1/streams/none/shards/0/records', undefined, 404, 'streamNotFound'],
    ['GET', '/nothing', undefined, 404, 'routeNotFound'],
    ['GET', '/v1', undefined, 404, 'routeNotFound'],
    ['PUT', '/v1/streams', {}, 405, 'methodNotAllowed'],
    ['POST', '/health/live', {}, 405, 'methodNotAllowed'],
  ])('%s %s %j gets %d %s', async (method, path, body, status, code) => {
    const answer = await service.call(method, path, body);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer).toMatchObject({
      status,
      body: { status, code, title: expect.any(String), detail: expect.any(String) },
    });
    expect(answer.body.type).toBe(`urn:tailrace:problem:${code.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`);
    expect(answer.body.instance).toBe(path.split('?')[0]);
  });

  it('an unknown shard is 404, a stream that is there already 409', async () => {
    const name = await newStream();
    expect(await service.call('GET', `/v1/streams/${name}/shards/7/records`)).toMatchObject({ status: 404 });
    expect(await service.call('POST', '/v1/streams', { name, shards: 1 })).toMatchObject({
      status: 409,
      body: { code: 'streamExists' },
    });
  });

  it('a wrong method is told the right ones', async () => {
    const { headers } = await service.call('PUT', '/v1/streams');
    expect(headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST');
    const options = await fetch(`${service.origin}/v1/streams`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, POST']);
  });

  it('broken JSON is told where it breaks', async () => {
    const response = await post('/v1/streams', '{"name": "x",\n "shards": 1,}', 'application/json');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalidJson', position: 27, line: 2, column: 14 });
  });

  it('other media types and encodings are 415, and the right ones are named', async () => {
    const response = await post('/v1/streams', 'name=x', 'application/x-www-form-urlencoded');
    expect([response.status, response.headers.get('accept-post')]).toEqual([415, 'application/json']);
    await response.text();
    const none = await raw(`POST /v1/streams HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`);
    expect(none).toMatch(/^HTTP\/1.1 415 /);
    const encoded = await fetch(`${service.origin}/v1/streams`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'compress' },
      body: '{}',
    });
    expect([encoded.status, await encoded.json()]).toMatchObject([415, { code: 'unsupportedContentEncoding' }]);
  });

  it('a body that is too large is 413, whether its length is announced or not', async () => {
    const name = await newStream();
    const big = JSON.stringify({ data: 'x'.repeat(9 * 1024 * 1024) });
    const announced = await post(`/v1/streams/${name}/records`, big, 'application/json');
    expect([announced.status, await announced.json()]).toMatchObject([413, { code: 'bodyTooLarge' }]);
    const bomb = await fetch(`${service.origin}/v1/streams/${name}/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(big),
    });
    expect([bomb.status, await bomb.json()]).toMatchObject([413, { code: 'bodyTooLarge' }]);
  });

  it('a value above the bound is named', async () => {
    const name = await newStream();
    const { status, body } = await service.call('POST', `/v1/streams/${name}/records`, {
      data: 'x'.repeat(1024 * 1024 + 1),
    });
    expect([status, body.errors]).toEqual([400, [{ pointer: '/data', message: 'must be at most 1048576 bytes' }]]);
  });

  it('a damaged compressed body is 400', async () => {
    const packed = gzipSync('{"name":"x","shards":1}').subarray(0, -6);
    const response = await fetch(`${service.origin}/v1/streams`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: packed,
    });
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'bodyBroken' }]);
  });

  it('a lost store is 503 with Retry-After, and the service resumes by itself', async () => {
    const name = await newStream();
    store.failure = 'lost';
    try {
      for (const [method, path, body] of [
        ['POST', `/v1/streams/${name}/records`, { data: '' }],
        ['GET', `/v1/streams/${name}/shards/0/records`],
        ['GET', `/v1/streams/${name}`],
        ['POST', '/v1/streams', { name: 'new', shards: 1 }],
      ] as const) {
        const answer = await service.call(method, path, body);
        expect(answer).toMatchObject({ status: 503, body: { code: 'storeUnavailable', retryable: true } });
        expect(answer.headers.get('retry-after')).toBe('1');
      }
    } finally {
      store.failure = undefined;
    }
    expect((await service.call('POST', `/v1/streams/${name}/records`, { data: '' })).status).toBe(201);
  });

  it('garbage of every kind gets an answer below 500 and leaves the service well', async () => {
    const name = await newStream();
    const random = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 7919 + length) % 256));
    for (const type of ['application/json', 'application/x-ndjson', 'application/json; charset=utf-16']) {
      for (const length of [0, 1, 100, 70_000]) {
        const response = await post(`/v1/streams/${name}/records`, random(length), type);
        expect(response.status).toBeLessThan(500);
        await response.text();
      }
    }
    const deep = await post(`/v1/streams/${name}/records`, `{"json":${'['.repeat(100_000)}`, 'application/json');
    expect(deep.status).toBe(400);
    await deep.text();
    expect((await service.call('GET', '/health/ready')).status).toBe(200);
    expect(service.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('the service', () => {
  it('says that it lives, whether it is ready, and why not', async () => {
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200, body: { status: 'live' } });
    expect(await service.call('GET', '/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'ready', store: { engine: 'embedded', detail: 'in memory' } },
    });
    const { healthy } = store;
    try {
      store.healthy = () => Promise.resolve({ ready: false, detail: 'the disk is full' });
      expect(await service.call('GET', '/health/ready')).toMatchObject({
        status: 503,
        body: { status: 'notReady', store: { engine: 'embedded', detail: 'the disk is full' } },
      });
      store.healthy = () => Promise.reject(new Error('boom'));
      expect((await service.call('GET', '/health/ready')).status).toBe(503);
      store.healthy = () => new Promise(() => {});
      expect((await service.call('GET', '/health/ready')).body.store.detail).toMatch(/2000 ms/);
    } finally {
      store.healthy = healthy;
    }
  });

  it('welcomes people: text for curl, a page for browsers, and never what the caller wrote as markup', async () => {
    const text = await fetch(service.origin);
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await text.text()).toContain(`curl -sS ${service.origin}/v1/streams`);
    const page = await fetch(service.origin, { headers: { accept: 'text/html,*/*' } });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain(`<a href="${service.origin}/openapi.json">`);
    const forged = await raw('GET / HTTP/1.1\r\nhost: x"><script>\r\naccept: text/html\r\nconnection: close\r\n\r\n');
    expect(forged).not.toContain('<script>');
  });

  it('answers HEAD without a body', async () => {
    const response = await fetch(`${service.origin}/v1/streams`, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
    const name = await newStream();
    const events = await fetch(`${service.origin}/v1/streams/${name}/events`, { method: 'HEAD' });
    expect([events.status, await events.text()]).toEqual([200, '']);
  });
});

function post(path: string, body: string | Buffer, contentType: string): Promise<Response> {
  return fetch(service.origin + path, { method: 'POST', headers: { 'content-type': contentType }, body });
}

/** Sends bytes and answers all that comes until the connection is closed. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(service.port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}
