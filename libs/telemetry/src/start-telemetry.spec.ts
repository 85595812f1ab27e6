import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { logger } from './logger.ts';
import { startTelemetry } from './start-telemetry.ts';
import { TelemetrySettingError } from './trace-settings.ts';
import { formatTraceparent, parseTraceparent } from './trace-parent.ts';
import { offSpan, spanKinds, startSpan, tracing, withSpan } from './tracing.ts';

interface Received {
  readonly path: string | undefined;
  readonly contentType: string | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

/** An OTLP collector for HTTP that keeps what it gets, or (`mute`) takes requests and never answers. */
class HttpCollector {
  readonly received: Received[] = [];
  readonly #unanswered: ServerResponse[] = [];
  readonly #server: Server;

  constructor(mute = false) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url: path, headers } = request;
        this.received.push({ path, contentType: headers['content-type'], headers, body: Buffer.concat(chunks) });
        if (mute) this.#unanswered.push(response);
        else response.end('{}');
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers what a mute collector has left open, so that the exporter lets go. */
  async relent(): Promise<void> {
    const answers = this.#unanswered.map(
      (response) => new Promise((resolve) => response.end('{}', () => resolve(true))),
    );
    await Promise.all(answers);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** An OTLP collector for gRPC: any call is answered with an empty message and status 0. */
class GrpcCollector {
  readonly received: Received[] = [];
  readonly #server: Http2Server = createHttp2Server();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor() {
    this.#server.on('session', (session) => this.#sessions.add(session));
    this.#server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { ':path': path, 'content-type': contentType } = headers;
        this.received.push({ path, contentType, headers, body: Buffer.concat(chunks) });
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.alloc(5));
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
  }
}

const service = { serviceName: 'tailrace', serviceVersion: '1.2.3' };
const levelBefore = logger.level;
let collector: HttpCollector | GrpcCollector | undefined;

beforeEach(() => {
  logger.level = 'silent';
});
afterEach(() => {
  logger.level = levelBefore;
  collector?.close();
  collector = undefined;
});

describe('startTelemetry', () => {
  it('stays off when nothing asks for traces', async () => {
    const telemetry = await startTelemetry({ ...service, env: {} });
    expect([telemetry.enabled, tracing.enabled]).toEqual([false, false]);
    await telemetry.shutdown();
  });

  it('refuses a wrong value before anything is switched on', async () => {
    const started = startTelemetry({ ...service, env: { OTEL_TRACES_EXPORTER: 'typo' } });
    await expect(started).rejects.toBeInstanceOf(TelemetrySettingError);
    expect(tracing.enabled).toBe(false);
  });

  it('sends http/json, gzipped and with headers as asked, to the path of traces, and flushes at shutdown', async () => {
    const http = (collector = new HttpCollector());
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: await http.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a',
      OTEL_RESOURCE_ATTRIBUTES: 'team=streams',
    };
    const telemetry = await startTelemetry({ ...service, env });
    expect([telemetry.enabled, tracing.enabled]).toEqual([true, true]);
    withSpan({ name: 'work', kind: spanKinds.internal, attributes: { n: 1 } }, undefined, () => {});
    expect(http.received).toEqual([]);
    await telemetry.shutdown();

    expect(http.received.map(({ path, contentType, headers }) => [path, contentType, headers['x-tenant']])).toEqual([
      ['/v1/traces', 'application/json', 'a'],
    ]);
    const body = JSON.parse(gunzipSync(http.received[0]!.body).toString()) as {
      resourceSpans: [
        {
          resource: { attributes: { key: string; value: { stringValue?: string } }[] };
          scopeSpans: [{ schemaUrl: string; spans: { name: string; attributes: unknown }[] }];
        },
      ];
    };
    const [{ resource, scopeSpans }] = body.resourceSpans;
    expect(scopeSpans[0].schemaUrl).toBe('https://opentelemetry.io/schemas/1.45.0');
    expect(scopeSpans[0].spans.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      { name: 'work', attributes: [{ key: 'n', value: { intValue: 1 } }] },
    ]);
    expect(Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value.stringValue]))).toMatchObject({
      'service.name': 'tailrace',
      'service.version': '1.2.3',
      team: 'streams',
    });
    expect([tracing.enabled, startSpan({ name: 'late', kind: spanKinds.internal })]).toEqual([false, offSpan]);
  });

  it('sends http/protobuf by default, to a traces endpoint as it is', async () => {
    const http = (collector = new HttpCollector());
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${await http.listen()}/custom`, OTEL_SERVICE_NAME: 'renamed' };
    const telemetry = await startTelemetry({ ...service, env });
    withSpan({ name: 'work-by-protobuf', kind: spanKinds.internal }, undefined, () => {});
    await telemetry.shutdown();
    expect(http.received.map(({ path, contentType }) => [path, contentType])).toEqual([
      ['/custom', 'application/x-protobuf'],
    ]);
    const body = http.received[0]!.body;
    expect([body.includes('work-by-protobuf'), body.includes('renamed')]).toEqual([true, true]);
  });

  it('sends grpc', async () => {
    const grpc = (collector = new GrpcCollector());
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: await grpc.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a',
    };
    const telemetry = await startTelemetry({ ...service, env });
    withSpan({ name: 'work-by-grpc', kind: spanKinds.internal }, undefined, () => {});
    await telemetry.shutdown();
    expect(grpc.received.map(({ path, contentType, headers }) => [path, contentType, headers['x-tenant']])).toEqual([
      ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'application/grpc', 'a'],
    ]);
    expect(grpc.received[0]!.body.includes('work-by-grpc')).toBe(true);
  });

  it('prints spans on the console', async () => {
    const program = `
      const { startTelemetry, withSpan } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
      const telemetry = await startTelemetry({ serviceName: 's', serviceVersion: '1', env: { OTEL_TRACES_EXPORTER: 'console' } });
      withSpan({ name: 'work-on-console', kind: 0 }, undefined, () => {});
      await telemetry.shutdown();`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
    expect(stdout).toContain("name: 'work-on-console'");
  });

  const traceId = '0af7651916cd43dd8448eb211c80319c';
  it.each([
    // [sampler, argument, no parent, sampled parent, unsampled parent]
    ['always_on', undefined, [true, true, true]],
    ['always_off', undefined, [false, false, false]],
    ['traceidratio', '0', [false, false, false]],
    ['traceidratio', '1', [true, true, true]],
    [undefined, undefined, [true, true, false]],
    ['parentbased_always_on', undefined, [true, true, false]],
    ['parentbased_always_off', undefined, [false, true, false]],
    ['parentbased_traceidratio', '0', [false, true, false]],
    ['parentbased_traceidratio', undefined, [true, true, false]],
  ])('samples by %s %s', async (sampler, ratio, expected) => {
    const http = (collector = new HttpCollector());
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: await http.listen(),
      OTEL_TRACES_SAMPLER: sampler,
      OTEL_TRACES_SAMPLER_ARG: ratio,
    };
    const telemetry = await startTelemetry({ ...service, env });
    const parents = [
      undefined,
      ...['01', '00'].map((flags) => parseTraceparent(`00-${traceId}-b7ad6b7169203331-${flags}`)),
    ];
    const spans = parents.map((parent) => startSpan({ name: 'root', kind: spanKinds.server }, parent));
    expect(spans.map((span) => span.isRecording())).toEqual(expected);
    expect(spans.map((span) => formatTraceparent(span.spanContext()).endsWith('01'))).toEqual(expected);
    await telemetry.shutdown();
  });

  it('keeps nobody waiting for a collector that does not answer', async () => {
    const http = (collector = new HttpCollector(true));
    const telemetry = await startTelemetry({ ...service, env: { OTEL_EXPORTER_OTLP_ENDPOINT: await http.listen() } });
    withSpan({ name: 'work', kind: spanKinds.internal }, undefined, () => {});
    const beganMs = Date.now();
    await telemetry.shutdown(200);
    const tookMs = Date.now() - beganMs;
    expect(tookMs).toBeGreaterThanOrEqual(190);
    // The exporter alone would wait ten seconds.
    expect(tookMs).toBeLessThan(3_000);
    await telemetry.shutdown();
    await http.relent();
  });

  it('does without a collector that is not there', async () => {
    const gone = new HttpCollector();
    const url = await gone.listen();
    gone.close();
    const telemetry = await startTelemetry({
      ...service,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: '300' },
    });
    withSpan({ name: 'work', kind: spanKinds.internal }, undefined, () => {});
    await telemetry.shutdown(1_000);
    expect(tracing.enabled).toBe(false);
  });
});
