import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { isSpanContextValid } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { logger } from './logger.ts';
import { startTelemetry } from './start-telemetry.ts';
import { GrpcCollector, HttpCollector } from './testing/index.ts';
import { TelemetrySettingError } from './trace-settings.ts';
import { formatTraceparent, parseTraceparent } from './trace-parent.ts';
import { callerOf, offSpan, spanKinds, startSpan, tracing, withSpan } from './tracing.ts';

/** Sets the process's variables for one test: the SDK reads them there. */
const setBefore = new Set<string>();
function setVariables(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) continue;
    setBefore.add(name);
    process.env[name] = value;
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
  for (const name of setBefore) delete process.env[name];
  setBefore.clear();
});

describe('startTelemetry', () => {
  it('stays off when nothing asks for traces', async () => {
    const telemetry = await startTelemetry(service);
    expect([telemetry.enabled, tracing.enabled]).toEqual([false, false]);
    await telemetry.shutdown();
  });

  it('refuses a wrong value before anything is switched on', async () => {
    setVariables({ OTEL_TRACES_EXPORTER: 'typo' });
    await expect(startTelemetry(service)).rejects.toBeInstanceOf(TelemetrySettingError);
    expect(tracing.enabled).toBe(false);
  });

  it('sends http/json, gzipped and with headers as asked, to the path of traces, and flushes at shutdown', async () => {
    const http = (collector = new HttpCollector());
    setVariables({
      OTEL_EXPORTER_OTLP_ENDPOINT: await http.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a',
      OTEL_RESOURCE_ATTRIBUTES: 'team=streams',
    });
    const telemetry = await startTelemetry(service);
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
    setVariables({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${await http.listen()}/custom`, OTEL_SERVICE_NAME: 'renamed' });
    const telemetry = await startTelemetry(service);
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
    setVariables({
      OTEL_EXPORTER_OTLP_ENDPOINT: await grpc.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a',
    });
    const telemetry = await startTelemetry(service);
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
      const telemetry = await startTelemetry({ serviceName: 's', serviceVersion: '1' });
      withSpan({ name: 'work-on-console', kind: 0 }, undefined, () => {});
      await telemetry.shutdown();`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      env: { ...process.env, OTEL_TRACES_EXPORTER: 'console' },
    });
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
    setVariables({
      OTEL_EXPORTER_OTLP_ENDPOINT: await http.listen(),
      OTEL_TRACES_SAMPLER: sampler,
      OTEL_TRACES_SAMPLER_ARG: ratio,
    });
    const telemetry = await startTelemetry(service);
    const parents = [
      undefined,
      ...['01', '00'].map((flags) => parseTraceparent(`00-${traceId}-b7ad6b7169203331-${flags}`)),
    ];
    const spans = parents.map((parent) => startSpan({ name: 'root', kind: spanKinds.server }, parent ?? 'root'));
    expect(spans.map((span) => isSpanContextValid(span.spanContext()))).toEqual([true, true, true]);
    expect(spans.map((span) => span.spanContext().traceId === traceId)).toEqual([false, true, true]);
    expect(spans.map((span) => span.isRecording())).toEqual(expected);
    expect(spans.map((span) => formatTraceparent(span.spanContext()).endsWith('01'))).toEqual(expected);
    await telemetry.shutdown();
  });

  const spanId = 'b7ad6b7169203331';
  it.each([
    // [OTEL_PROPAGATORS, the caller's headers, the caller's span]
    [undefined, { traceparent: `00-${traceId}-${spanId}-01` }, spanId],
    ['baggage,tracecontext', { traceparent: `00-${traceId}-${spanId}-01` }, spanId],
    ['tracecontext', { b3: `${traceId}-${spanId}-1` }, undefined],
    ['b3', { b3: `${traceId}-${spanId}-1` }, spanId],
    ['b3', { traceparent: `00-${traceId}-${spanId}-01` }, undefined],
    ['b3multi,tracecontext', { 'x-b3-traceid': traceId, 'x-b3-spanid': spanId, 'x-b3-sampled': '1' }, spanId],
    ['none', { traceparent: `00-${traceId}-${spanId}-01` }, undefined],
    ['baggage', { traceparent: `00-${traceId}-${spanId}-01` }, undefined],
  ])('reads callers as OTEL_PROPAGATORS=%s says: %j', async (propagators, headers, expected) => {
    setVariables({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'always_off', OTEL_PROPAGATORS: propagators });
    const telemetry = await startTelemetry(service);
    expect(callerOf(headers)?.spanId).toBe(expected);
    await telemetry.shutdown();
    expect(callerOf(headers)).toBeUndefined();
  });

  it('keeps nobody waiting for a collector that does not answer', async () => {
    const http = (collector = new HttpCollector(true));
    setVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: await http.listen() });
    const telemetry = await startTelemetry(service);
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
    setVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: '300' });
    const telemetry = await startTelemetry(service);
    withSpan({ name: 'work', kind: spanKinds.internal }, undefined, () => {});
    await telemetry.shutdown(1_000);
    expect(tracing.enabled).toBe(false);
  });
});
