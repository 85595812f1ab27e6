import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { SEMCONV_SCHEMA_URL } from '../attributes.ts';
import { TableIdGenerator } from '../span-ids.ts';
import { extractFrom } from '../trace-parent.ts';
import { STATUS_ERROR, useTracing } from '../tracing.ts';

export { GrpcCollector, HttpCollector } from './otlp-collectors.ts';
export type { ReceivedExport } from './otlp-collectors.ts';

/** A finished span, flat enough to compare with `toEqual`. */
export interface TestSpan {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: Attributes;
  /** `<trace id>-<span id>` of what the span links to. */
  readonly links: readonly string[];
  readonly error: string | undefined;
}

export interface TestTracing {
  /** Spans that have ended, in the order of their end. */
  spans(): TestSpan[];
  /** Forgets the spans seen so far. */
  clear(): void;
  /** Switches tracing off again. */
  stop(): Promise<void>;
}

const kinds = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Switches tracing on with a collector in memory. `sampled: false` samples nothing, to test that path. */
export async function startTestTracing(options: { readonly sampled?: boolean } = {}): Promise<TestTracing> {
  const [api, sdk, { AsyncLocalStorageContextManager }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/context-async-hooks'),
  ]);
  const exporter = new sdk.InMemorySpanExporter();
  const root = options.sampled === false ? new sdk.AlwaysOffSampler() : new sdk.AlwaysOnSampler();
  const provider = new sdk.TracerProvider({
    spanProcessors: [new sdk.SimpleSpanProcessor({ exporter })],
    sampler: new sdk.ParentBasedSampler({ root }),
    idGenerator: new TableIdGenerator(),
  });
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  const tracer = provider.getTracer('test', undefined, { schemaUrl: SEMCONV_SCHEMA_URL });
  useTracing({ api, tracer, extract: extractFrom, followsParents: true, dropsRoots: options.sampled === false });
  return {
    spans: () => exporter.getFinishedSpans().map(flatten),
    clear: () => exporter.reset(),
    async stop() {
      useTracing(undefined);
      api.context.disable();
      await provider.shutdown();
    },
  };
}

function flatten(span: ReadableSpan): TestSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    name: span.name,
    kind: kinds[span.kind] ?? 'internal',
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    attributes: { ...span.attributes },
    links: span.links.map(({ context }) => `${context.traceId}-${context.spanId}`),
    error: span.status.code === STATUS_ERROR ? (span.status.message ?? '') : undefined,
  };
}
