import { describe, expect, it } from '@jest/globals';
import { TelemetrySettingError, TRACE_VARIABLES, tracesAreAskedFor } from './trace-settings.ts';
import type { Environment } from './trace-settings.ts';

const on = { OTEL_TRACES_EXPORTER: 'otlp' };

describe('the OTEL_* variables', () => {
  it.each<[string, Environment]>([
    ['nothing is set', {}],
    ['the exporter is none', { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }],
    ['the SDK is disabled', { ...on, OTEL_SDK_DISABLED: 'TRUE' }],
    ['the SDK is disabled, whatever else is wrong', { OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'typo' }],
    ['values are empty', { OTEL_TRACES_EXPORTER: '', OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    ['a protocol and a sampler alone are set', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'x' }],
  ])('leave tracing off when %s', (_, env) => {
    expect(tracesAreAskedFor(env)).toBe(false);
  });

  it.each<[string, Environment]>([
    ['an exporter', on],
    ['the console', { OTEL_TRACES_EXPORTER: 'console , otlp', OTEL_SDK_DISABLED: 'false' }],
    ['an endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }],
    ['an endpoint of traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/here' }],
    ['a gRPC endpoint without scheme', { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  ])('ask for traces by %s', (_, env) => {
    expect(tracesAreAskedFor(env)).toBe(true);
  });

  it.each<Environment>([
    {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20t%3D1, x-tenant = a,x=a=b',
      OTEL_RESOURCE_ATTRIBUTES: ' deployment.environment.name = a b , team=x%2Cy,',
    },
    { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { OTEL_PROPAGATORS: 'b3, tracecontext', OTEL_NODE_RESOURCE_DETECTORS: 'none', OTEL_LOG_LEVEL: 'DEBUG' },
    { OTEL_PROPAGATORS: 'none', OTEL_NODE_RESOURCE_DETECTORS: 'env,host' },
    { OTEL_BSP_MAX_QUEUE_SIZE: '1', OTEL_SPAN_LINK_COUNT_LIMIT: '0', OTEL_BSP_SCHEDULE_DELAY: '2147483647' },
  ])('may hold %j', (env) => {
    expect(tracesAreAskedFor({ ...on, ...env })).toBe(true);
  });

  const pairs = 'a list like key=value,key2=value2 with percent-encoding';
  it.each<[Environment, string]>([
    [{ OTEL_SDK_DISABLED: 'yes' }, 'OTEL_SDK_DISABLED is "yes": expected true or false'],
    [{ OTEL_TRACES_EXPORTER: 'jaeger' }, 'OTEL_TRACES_EXPORTER is "jaeger": expected none, or a list of otlp, console'],
    [{ OTEL_TRACES_EXPORTER: 'otlp,none' }, 'OTEL_TRACES_EXPORTER is "otlp,none": expected none to stand alone'],
    [
      { ...on, OTEL_EXPORTER_OTLP_PROTOCOL: 'http' },
      'OTEL_EXPORTER_OTLP_PROTOCOL is "http": expected one of grpc, http/protobuf, http/json',
    ],
    [
      { ...on, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'GRPC' },
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is "GRPC": expected one of grpc, http/protobuf, http/json',
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
      'OTEL_EXPORTER_OTLP_ENDPOINT is "collector:4318": expected a URL like http://localhost:4318',
    ],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://' },
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is "http://": expected a URL like http://localhost:4318',
    ],
    [
      { ...on, OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' },
      'OTEL_EXPORTER_OTLP_COMPRESSION is "zstd": expected one of none, gzip',
    ],
    [
      { ...on, OTEL_TRACES_SAMPLER: 'sometimes' },
      'OTEL_TRACES_SAMPLER is "sometimes": expected one of always_on, always_off, traceidratio, ' +
        'parentbased_always_on, parentbased_always_off, parentbased_traceidratio',
    ],
    [{ ...on, OTEL_TRACES_SAMPLER_ARG: '1.01' }, 'OTEL_TRACES_SAMPLER_ARG is "1.01": expected a number from 0 to 1'],
    [{ ...on, OTEL_TRACES_SAMPLER_ARG: 'half' }, 'OTEL_TRACES_SAMPLER_ARG is "half": expected a number from 0 to 1'],
    [
      { ...on, OTEL_PROPAGATORS: 'w3c' },
      'OTEL_PROPAGATORS is "w3c": expected none, or a list of tracecontext, baggage, b3, b3multi',
    ],
    [
      { ...on, OTEL_NODE_RESOURCE_DETECTORS: 'cloud' },
      'OTEL_NODE_RESOURCE_DETECTORS is "cloud": expected none, or a list of env, host, os, process, serviceinstance, all',
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
      { ...on, OTEL_LOG_LEVEL: 'loud' },
      'OTEL_LOG_LEVEL is "loud": expected one of none, error, warn, info, debug, verbose, all',
    ],
    [{ ...on, OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, `OTEL_EXPORTER_OTLP_HEADERS is "…": expected ${pairs}`],
    [{ ...on, OTEL_EXPORTER_OTLP_HEADERS: 'key=a;b' }, `OTEL_EXPORTER_OTLP_HEADERS is "…": expected ${pairs}`],
    [
      { ...on, OTEL_RESOURCE_ATTRIBUTES: 'a=%zz' },
      `OTEL_RESOURCE_ATTRIBUTES is "a=%zz": expected ${pairs}, none longer than 255 characters`,
    ],
    [
      { ...on, OTEL_RESOURCE_ATTRIBUTES: 'a=b=c' },
      `OTEL_RESOURCE_ATTRIBUTES is "a=b=c": expected ${pairs}, none longer than 255 characters`,
    ],
  ])('%j are refused in a sentence', (env, message) => {
    let refused: unknown;
    try {
      tracesAreAskedFor(env);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(TelemetrySettingError);
    expect((refused as Error).message).toBe(message);
  });
});

describe('the list of variables', () => {
  it('names every variable that is looked at', () => {
    const read = new Set<string>();
    const noting = new Proxy<Environment>(on, {
      get(target, name: string) {
        read.add(name);
        return target[name];
      },
    });
    tracesAreAskedFor(noting);
    const own = [...read].filter((name) => !name.startsWith('OTEL_EXPORTER_OTLP_TRACES_'));
    expect(own.sort()).toEqual(TRACE_VARIABLES.map(([name]) => name).sort());
  });
});
