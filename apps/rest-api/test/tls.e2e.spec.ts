import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServerTls } from '@tailrace/service';
import { createLogger } from '@tailrace/telemetry';
import { opensslIsHere, temporaryDirectory, type TemporaryDirectory, TestAuthority } from '@tailrace/testkit';
import { createRestApi } from '../src/rest-api.ts';
import type { HttpDoor } from '../src/http/http-door.ts';
import { ShardLimits } from '@tailrace/quota';
import { type Store, StreamCatalog } from '@tailrace/shard-core';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { join } from 'node:path';

const title = opensslIsHere ? 'the HTTP door with TLS' : 'the HTTP door with TLS: SKIPPED, there is no openssl';

(opensslIsHere ? describe : describe.skip)(title, () => {
  let directory: TemporaryDirectory;
  let tls: ServerTls;
  let store: Store;
  let catalog: StreamCatalog;
  let limits: ShardLimits;
  let door: HttpDoor;
  let port: number;
  let ca: Buffer;
  const logger = createLogger({ level: 'silent' as 'error' });
  const body = '{"Limit":3}';
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.ListStreams' };
  const authorization =
    'AWS4-HMAC-SHA256 Credential=a/20261123/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=0';

  beforeAll(async () => {
    directory = await temporaryDirectory();
    const authority = new TestAuthority(directory.path);
    ca = readFileSync(authority.certificate);
    tls = await ServerTls.open({ ...authority.server(), minVersion: 'TLSv1.2' }, logger);
    store = await openEmbeddedStore({ dataDir: join(directory.path, 'data'), durability: 'relaxed' });
    catalog = await StreamCatalog.open(store);
    limits = new ShardLimits(store.tokenBuckets, { enabled: false });
    door = createRestApi({ store, catalog, limits, logger, tls }, { version: '1' });
    ({ port } = await door.listen({ host: '127.0.0.1', port: 0 }));
  });
  afterAll(async () => {
    await door.close(100);
    await limits.close();
    await catalog.close();
    await store.close();
    await tls.close();
    await directory.remove();
  });

  const overHttp1 = async (
    path: string,
    method: 'GET' | 'POST',
  ): Promise<{ status: number | undefined; text: string }> => {
    const sent = request({
      host: '127.0.0.1',
      port,
      ca,
      path,
      method,
      headers: { ...headers, authorization, 'x-amz-date': '20261123T000000Z' },
    });
    sent.end(method === 'POST' ? body : undefined);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, text };
  };

  it('speaks HTTP/1.1, the AWS protocol and plain REST', async () => {
    expect(await overHttp1('/', 'POST')).toEqual({
      status: 200,
      text: '{"StreamNames":[],"HasMoreStreams":false,"StreamSummaries":[]}',
    });
    expect(await overHttp1('/health/live', 'GET')).toMatchObject({ status: 200 });
  });

  it('speaks HTTP/2 with who agrees on it, and asks nobody for a certificate', async () => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca });
    const stream = session.request({
      ...headers,
      authorization,
      'x-amz-date': '20261123T000000Z',
      ':method': 'POST',
      ':path': '/',
    });
    stream.end(body);
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const [response] = (await once(stream, 'response')) as [{ ':status': number }];
    await once(stream, 'end');
    expect([response[':status'], JSON.parse(text)]).toEqual([
      200,
      { HasMoreStreams: false, StreamNames: [], StreamSummaries: [] },
    ]);
    expect(session.alpnProtocol).toBe('h2');
    session.close();
  });

  it('hangs up at once on TLS where it speaks plain text', async () => {
    const plain = createRestApi({ store, catalog, limits, logger }, { version: '1' });
    const address = await plain.listen({ host: '127.0.0.1', port: 0 });
    const begun = performance.now();
    const socket = connectTls({ ...address, ca });
    const [failure] = (await once(socket, 'error')) as [Error & { code: string }];
    expect(failure.code).toBe('ECONNRESET');
    expect(performance.now() - begun).toBeLessThan(5_000);
    await plain.close(0);
  });

  it('agrees on HTTP/1.1 with who offers nothing else', async () => {
    const socket = connectTls({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'] });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });
});
