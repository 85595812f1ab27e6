import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as api from '@opentelemetry/api';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startTestTracing } from './testing/index.ts';
import type { TestTracing } from './testing/index.ts';
import {
  activeSpan,
  discardSpan,
  failSpan,
  offSpan,
  spanKinds,
  startSpan,
  STATUS_ERROR,
  tracing,
  withActiveSpan,
  withSpan,
} from './tracing.ts';

const internal = (name: string) => ({ name, kind: spanKinds.internal });
let collector: TestTracing | undefined;

afterEach(async () => {
  await collector?.stop();
  collector = undefined;
});

describe('tracing that is off', () => {
  it('hands out one span that does nothing', async () => {
    expect(tracing.enabled).toBe(false);
    expect(startSpan(internal('work'))).toBe(offSpan);
    expect(withSpan(internal('work'), undefined, (span) => span)).toBe(offSpan);
    expect(activeSpan()).toBeUndefined();
    offSpan
      .setAttribute('a', 1)
      .setAttributes({})
      .addEvent('e')
      .addLinks([])
      .updateName('n')
      .setStatus({ code: 2 })
      .end();
    expect([offSpan.isRecording(), api.isSpanContextValid(offSpan.spanContext())]).toEqual([false, false]);
  });

  it('loads no module of OpenTelemetry and no prom-client, and loads them when asked to trace', async () => {
    const loadedBy = async (env: Record<string, string>): Promise<string[]> => {
      const program = `
        import { registerHooks } from 'node:module';
        const urls = [];
        registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
        const { startTelemetry, tracing } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
        const telemetry = await startTelemetry({ serviceName: 's', serviceVersion: '1' });
        await telemetry.shutdown();
        console.log(JSON.stringify(urls));`;
      const args = ['--input-type=module', '--eval', program];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
      return JSON.parse(stdout) as string[];
    };
    const watched = /node_modules\/(@opentelemetry\/[^/]+|@grpc|prom-client)\//;
    const packages = (urls: string[]) => [...new Set(urls.flatMap((url) => watched.exec(url)?.[1] ?? []))].sort();

    expect(packages(await loadedBy({}))).toEqual([]);
    expect(packages(await loadedBy({ OTEL_TRACES_EXPORTER: 'console' }))).toContain('@opentelemetry/sdk-node');
  });
});

describe('withSpan', () => {
  it('ends the span when the function returns and when its promise settles, and gives the value back', async () => {
    collector = await startTestTracing();
    expect(withSpan(internal('now'), undefined, () => 1)).toBe(1);
    const later = withSpan(internal('later'), undefined, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return 2;
    });
    expect(collector.spans().map(({ name }) => name)).toEqual(['now']);
    expect(await later).toBe(2);
    expect(collector.spans().map(({ name }) => name)).toEqual(['now', 'later']);
  });

  it('notes what was thrown or rejected, and throws it on', async () => {
    collector = await startTestTracing();
    const fault = new RangeError('too far');
    expect(() =>
      withSpan(internal('throws'), undefined, () => {
        throw fault;
      }),
    ).toThrow(fault);
    await expect(withSpan(internal('rejects'), undefined, () => Promise.reject(fault))).rejects.toBe(fault);
    expect(collector.spans().map(({ name, error, attributes }) => [name, error, attributes])).toEqual([
      ['throws', 'too far', { 'error.type': 'RangeError' }],
      ['rejects', 'too far', { 'error.type': 'RangeError' }],
    ]);
  });

  it('hangs spans under the given parent, else under the active one, across awaits', async () => {
    collector = await startTestTracing();
    const given = startSpan(internal('given'));
    await withSpan(internal('outer'), undefined, async (outer) => {
      await new Promise((resolve) => setImmediate(resolve));
      expect(activeSpan()).toBe(outer);
      withSpan(internal('by context'), undefined, () => {});
      withSpan(internal('by hand'), given, () => {});
    });
    const spans = Object.fromEntries(collector.spans().map((span) => [span.name, span]));
    expect(spans['by context']?.parentSpanId).toBe(spans['outer']?.spanId);
    expect(spans['by hand']?.parentSpanId).toBe(given.spanContext().spanId);
    expect(spans['outer']?.parentSpanId).toBeUndefined();
  });

  it("begins a trace where it is told to, also in another request's flow", async () => {
    collector = await startTestTracing();
    withSpan(internal('outer'), undefined, () => withSpan(internal('next request'), 'root', () => {}));
    const [inner, outer] = collector.spans();
    expect([inner?.parentSpanId, inner?.traceId === outer?.traceId]).toEqual([undefined, false]);
  });

  it('never exports a discarded span', async () => {
    collector = await startTestTracing();
    withSpan(internal('empty poll'), undefined, (span) => discardSpan(span));
    withSpan(internal('full poll'), undefined, () => {});
    expect(collector.spans().map(({ name }) => name)).toEqual(['full poll']);
  });

  it('is a plain call again after the collector has stopped', async () => {
    const stopped = await startTestTracing();
    await stopped.stop();
    expect(withSpan(internal('late'), undefined, (span) => span)).toBe(offSpan);
  });
});

describe('withActiveSpan', () => {
  it('makes a span the active one across awaits, and leaves its end to the owner', async () => {
    collector = await startTestTracing();
    const span = startSpan(internal('request'));
    const active = await withActiveSpan(span, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return activeSpan();
    });
    expect([active, activeSpan(), collector.spans()]).toEqual([span, undefined, []]);
    span.end();
    expect(collector.spans().map(({ name }) => name)).toEqual(['request']);
  });

  it('is a plain call with a span that is not sampled, and while tracing is off', async () => {
    expect(withActiveSpan(offSpan, () => activeSpan())).toBeUndefined();
    collector = await startTestTracing({ sampled: false });
    expect(withActiveSpan(startSpan(internal('request')), () => activeSpan())).toBeUndefined();
  });
});

describe('failSpan', () => {
  it.each([
    [new TypeError('no'), undefined, 'TypeError', 'no'],
    [new Error('no'), 'UNKNOWN_TOPIC', 'UNKNOWN_TOPIC', 'no'],
    ['words', undefined, '_OTHER', 'words'],
  ])('classifies %p as %p', async (error, errorType, expected, message) => {
    collector = await startTestTracing();
    withSpan(internal('work'), undefined, (span) => failSpan(span, error, errorType));
    expect(collector.spans().map((span) => [span.attributes, span.error])).toEqual([
      [{ 'error.type': expected }, message],
    ]);
  });
});

it('numbers kinds and states as the API does, of which only types are imported', () => {
  expect(spanKinds).toEqual({
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  });
  expect(STATUS_ERROR).toBe(api.SpanStatusCode.ERROR);
});
