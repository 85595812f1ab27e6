import { describe, expect, it } from '@jest/globals';
import { readTraceSettings, TelemetrySettingError, TRACE_VARIABLES } from './trace-settings.ts';
import type { Environment } from './trace-settings.ts';

const on = { OTEL_TRACES_EXPORTER: 'otlp' };
const defaults = {
  exporters: ['otlp'],
  otlp: {
    protocol: 'http/protobuf',
    url: 'http://localhost:4318/v1/traces',
    headers: {},
    gzip: false,
    timeoutMs: 10_000,
  },
  sampler: 'parentbased_always_on',
  samplerRatio: 1,
  resource: {},
  batch: { queueSpansMax: 2048, delayMs: 5_000, exportTimeoutMs: 30_000, batchSpansMax: 512 },
  limits: { attributesMax: 128, attributeCharsMax: Number.POSITIVE_INFINITY, eventsMax: 128, linksMax: 128 },
};

describe('the OTEL_* variables', () => {
  it.each<[string, Environment]>([
    ['nothing is set', {}],
    ['the exporter is none', { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }],
    ['the SDK is disabled', { ...on, OTEL_SDK_DISABLED: 'TRUE' }],
    ['the SDK is disabled, whatever else is wrong', { OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'typo' }],
    ['values are empty', { OTEL_TRACES_EXPORTER: '', OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    [
      'a protocol and a sampler alone are set',
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'always_on' },
    ],
  ])('leave tracing off when %s', (_, env) => {
    expect(readTraceSettings(env)).toBeUndefined();
  });

  it('have the defaults of the specification', () => {
    expect(readTraceSettings(on)).toEqual(defaults);
    expect(readTraceSettings({ ...on, OTEL_SDK_DISABLED: 'false' })).toEqual(defaults);
  });

  it('are all read', () => {
    expect(
      readTraceSettings({
        OTEL_TRACES_EXPORTER: 'console, OTLP,console',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318/base/',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20t%3D1, x-tenant = a',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_TIMEOUT: '250',
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=loses',
        OTEL_SERVICE_NAME: 'wins',
        OTEL_BSP_MAX_QUEUE_SIZE: '100',
        OTEL_BSP_SCHEDULE_DELAY: '0',
        OTEL_BSP_EXPORT_TIMEOUT: '3',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '500',
        OTEL_ATTRIBUTE_COUNT_LIMIT: '9',
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '8',
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '77',
        OTEL_SPAN_EVENT_COUNT_LIMIT: '6',
        OTEL_SPAN_LINK_COUNT_LIMIT: '5',
      }),
    ).toEqual({
      exporters: ['console', 'otlp'],
      otlp: {
        protocol: 'http/json',
        url: 'https://collector:4318/base/v1/traces',
        headers: { authorization: 'Bearer t=1', 'x-tenant': 'a' },
        gzip: true,
        timeoutMs: 250,
      },
      sampler: 'parentbased_traceidratio',
      samplerRatio: 0.25,
      resource: { 'deployment.environment.name': 'test', 'service.name': 'wins' },
      batch: { queueSpansMax: 100, delayMs: 0, exportTimeoutMs: 3, batchSpansMax: 100 },
      limits: { attributesMax: 8, attributeCharsMax: 77, eventsMax: 6, linksMax: 5 },
    });
  });

  it.each<[Environment, string]>([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/here' }, 'http://c:4318/here'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b/t' }, 'http://b/t'],
    [{ ...on, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'http://localhost:4317'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317/x' }, 'http://c:4317'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' }, 'https://c:4317'],
    [
      { ...on, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      defaults.otlp.url,
    ],
  ])('%j send spans to %s', (env, url) => {
    expect(readTraceSettings(env)?.otlp.url).toBe(url);
  });

  it.each<[Environment, string]>([
    [{ OTEL_SDK_DISABLED: 'yes' }, 'OTEL_SDK_DISABLED is "yes": expected true or false'],
    [{ OTEL_TRACES_EXPORTER: 'jaeger' }, 'OTEL_TRACES_EXPORTER is "jaeger": expected none, or a list of otlp, console'],
    [{ OTEL_TRACES_EXPORTER: 'otlp,none' }, 'OTEL_TRACES_EXPORTER is "otlp,none": expected none to stand alone'],
    [
      { ...on, OTEL_EXPORTER_OTLP_PROTOCOL: 'http' },
      'OTEL_EXPORTER_OTLP_PROTOCOL is "http": expected one of grpc, http/protobuf, http/json',
    ],
    [
      { ...on, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http' },
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is "http": expected one of grpc, http/protobuf, http/json',
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
      'OTEL_EXPORTER_OTLP_ENDPOINT is "collector:4318": expected a URL like http://localhost:4318',
    ],
    [
      { ...on, OTEL_TRACES_SAMPLER: 'sometimes' },
      'OTEL_TRACES_SAMPLER is "sometimes": expected one of always_on, always_off, traceidratio, ' +
        'parentbased_always_on, parentbased_always_off, parentbased_traceidratio',
    ],
    [
      { ...on, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.01' },
      'OTEL_TRACES_SAMPLER_ARG is "1.01": expected a number from 0 to 1',
    ],
    [
      { ...on, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'half' },
      'OTEL_TRACES_SAMPLER_ARG is "half": expected a number from 0 to 1',
    ],
    [
      { ...on, OTEL_BSP_MAX_QUEUE_SIZE: '0' },
      'OTEL_BSP_MAX_QUEUE_SIZE is "0": expected a whole number from 1 to 2147483647',
    ],
    [
      { ...on, OTEL_EXPORTER_OTLP_TIMEOUT: '2147483648' },
      'OTEL_EXPORTER_OTLP_TIMEOUT is "2147483648": expected a whole number from 1 to 2147483647',
    ],
    [
      { ...on, OTEL_EXPORTER_OTLP_HEADERS: 'secret' },
      'OTEL_EXPORTER_OTLP_HEADERS is "…": expected a list like key=value,key2=value2 with percent-encoding',
    ],
    [
      { ...on, OTEL_RESOURCE_ATTRIBUTES: 'a=%zz' },
      'OTEL_RESOURCE_ATTRIBUTES is "…": expected a list like key=value,key2=value2 with percent-encoding',
    ],
  ])('%j are refused in a sentence', (env, message) => {
    let refused: unknown;
    try {
      readTraceSettings(env);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(TelemetrySettingError);
    expect((refused as Error).message).toBe(message);
  });
});

describe('the list of variables', () => {
  it('names every variable that is read', () => {
    const read = new Set<string>();
    const noting = new Proxy<Environment>(
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'traceidratio' },
      {
        get(target, name: string) {
          read.add(name);
          return target[name];
        },
      },
    );
    readTraceSettings(noting);
    const listed = TRACE_VARIABLES.map((entry) => entry.join(' ')).join('\n');
    const own = [...read].filter((name) => !name.startsWith('OTEL_EXPORTER_OTLP_TRACES_'));
    expect(own.length).toBeGreaterThan(15);
    expect(own.filter((name) => !listed.includes(name))).toEqual([]);
  });
});
