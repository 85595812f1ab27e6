import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { eventually, temporaryDirectory, type TemporaryDirectory, uniqueName } from '@tailrace/testkit';
import { type RestService, startRestService } from './rest-service.ts';

let directory: TemporaryDirectory;
let service: RestService;

async function start(): Promise<RestService> {
  return startRestService(await openEmbeddedStore({ dataDir: directory.path, durability: 'sync' }));
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await start();
});
afterAll(async () => {
  await service.close();
  await directory.remove();
});

describe('the REST API on the embedded engine', () => {
  it('gives back what it took, also after a restart, and sequence numbers stay what they were', async () => {
    const name = uniqueName('kept');
    await service.call('POST', '/v1/streams', { name, shards: 1 });
    const records = [
      { partitionKey: 'Köln', data: 'hällo', headers: { a: 'b' } },
      { keyBase64: '/w==', dataBase64: 'AP8=' },
      { partitionKey: 'k', data: null },
    ];
    const put = await service.call('POST', `/v1/streams/${name}/records`, { records });
    expect(put.status).toBe(200);
    const path = `/v1/streams/${name}/shards/0/records`;
    const before = (await service.call('GET', path)).body;
    expect(before.records).toMatchObject([
      { offset: '0', partitionKey: 'Köln', headers: [{ name: 'a', value: 'b' }] },
      { offset: '1', keyBase64: '/w==', dataBase64: 'AP8=' },
      { offset: '2', dataBase64: null },
    ]);
    await service.close();
    service = await start();
    expect((await service.call('GET', path)).body).toEqual(before);
    const { sequenceNumber } = put.body.results[1];
    const from = await service.call('GET', `${path}?from=seq:${sequenceNumber}&limit=1`);
    expect(from.body.records).toEqual([before.records[1]]);
    const { arrivalTime } = before.records[0];
    expect((await service.call('GET', `${path}?from=time:${arrivalTime}`)).body.records).toEqual(before.records);
    expect((await service.call('GET', `${path}?from=4`)).body).toMatchObject({ code: 'offsetOutOfRange' });
  });

  it('writes 50,000 lines over four shards, each once and in the order of its key', async () => {
    const name = uniqueName('lines');
    await service.call('POST', '/v1/streams', { name, shards: 4 });
    const count = 50_000;
    function* body() {
      for (let i = 0; i < count;) {
        let piece = '';
        for (const end = i + 1000; i < end; i++) piece += `{"partitionKey":"key ${i % 50}","data":"${i}"}\n`;
        yield Buffer.from(piece);
      }
    }
    const response = await fetch(`${service.origin}/v1/streams/${name}/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: Readable.from(body()),
      duplex: 'half',
    } as unknown as RequestInit);
    let lines = 0;
    for await (const text of createInterface({ input: Readable.fromWeb(response.body as never) })) {
      lines++;
      if (!text.startsWith(`{"line":${lines},"shardId"`)) expect(text).toBe(`line ${lines}, written`);
    }
    expect(lines).toBe(count);
    const last = new Map<string, number>();
    let read = 0;
    for (let shard = 0; shard < 4; shard++) {
      for (let next = '0'; ;) {
        const path = `/v1/streams/${name}/shards/${shard}/records?as=text&limit=10000&maxBytes=8000000&from=${next}`;
        const { body: page } = await service.call('GET', path);
        if (page.records.length === 0) break;
        for (const { partitionKey, data } of page.records as { partitionKey: string; data: string }[]) {
          if (!((last.get(partitionKey) ?? -1) < Number(data))) expect([partitionKey, data]).toBe('in order');
          last.set(partitionKey, Number(data));
          read++;
        }
        next = page.nextOffset;
      }
    }
    expect([read, last.size]).toEqual([count, 50]);
  });

  it('wakes who waits: a long poll and a feed, which resumes and ends with its stream', async () => {
    const name = uniqueName('tail');
    await service.call('POST', '/v1/streams', { name, shards: 2 });
    const poll = service.call('GET', `/v1/streams/${name}/shards/0/records?waitMs=20000&as=text`);
    const feed = await fetch(`${service.origin}/v1/streams/${name}/events?as=text`);
    let text = '';
    const ended = (async () => {
      for await (const chunk of feed.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    })();
    await eventually(() => expect(text).toContain(': following 2 shards'));
    // One to each shard.
    for (const explicitHashKey of ['0', String(2n ** 128n - 1n)]) {
      await service.call('POST', `/v1/streams/${name}/records`, { explicitHashKey, data: `at ${explicitHashKey}` });
    }
    expect((await poll).body.records).toMatchObject([{ data: 'at 0' }]);
    await eventually(() => expect(text.match(/^data: /gm)).toHaveLength(2));
    const [first] = [...text.matchAll(/^id: (.+)\ndata: /gm)].map(([, id]) => id as string);
    const resumed = await fetch(`${service.origin}/v1/streams/${name}/events?as=text`, {
      headers: { 'last-event-id': first as string },
    });
    let rest = '';
    const restEnded = (async () => {
      for await (const chunk of resumed.body!.pipeThrough(new TextDecoderStream())) rest += chunk;
    })();
    await eventually(() => expect(rest.match(/^data: /gm)).toHaveLength(1));
    await service.call('DELETE', `/v1/streams/${name}`);
    await Promise.all([ended, restEnded]);
    expect(text.endsWith('event: end\ndata: {"reason":"streamDeleted"}\n\n')).toBe(true);
    expect(rest.endsWith('event: end\ndata: {"reason":"streamDeleted"}\n\n')).toBe(true);
  });

  it('is ready', async () => {
    expect(await service.call('GET', '/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'ready', store: { engine: 'embedded' } },
    });
  });
});
