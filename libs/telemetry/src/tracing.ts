import type {
  Attributes,
  Context,
  Link,
  Span,
  SpanContext,
  SpanKind,
  SpanStatusCode,
  Tracer,
} from '@opentelemetry/api';
import { ERROR_TYPE } from './attributes.ts';
import { offSpan } from './off-span.ts';
import { TableIdGenerator } from './span-ids.ts';

export { offSpan };

/**
 * The tracing facade. Off, it is one boolean to look at: nothing is allocated here and no module of OpenTelemetry is
 * loaded, not even its API. A hot path that would have to build a closure or attributes for a wrapper asks
 * `tracing.enabled` first and goes around it.
 *
 * Spans are handed on explicitly (`parent`): the async-local context is registered only while tracing is on and serves
 * the log lines and whoever has no parent at hand.
 */
export interface Tracing {
  readonly enabled: boolean;
}

/** What tracing works with while it is on. The API comes along because it is loaded only then. */
export interface TracingBackend {
  readonly api: typeof import('@opentelemetry/api');
  readonly tracer: Tracer;
  /** The caller's context in the headers of an HTTP request, in whichever format is configured. */
  readonly extract: (headers: Readonly<Record<string, string | string[] | undefined>>) => SpanContext | undefined;
  /** The sampler samples nothing under a caller that did not: the SDK need not be asked. */
  readonly followsParents: boolean;
  /** The sampler samples nothing that begins here, either. */
  readonly dropsRoots: boolean;
}

const state: { enabled: boolean; backend: TracingBackend | undefined } = { enabled: false, backend: undefined };

export const tracing: Tracing = state;

const ids = new TableIdGenerator();
/** The bit of the trace flags that says so. */
const SAMPLED = 1;

/** The API's `SpanKind` and `SpanStatusCode`, of which only the types are imported (a spec compares the numbers). */
export const spanKinds = {
  internal: 0 as SpanKind.INTERNAL,
  server: 1 as SpanKind.SERVER,
  client: 2 as SpanKind.CLIENT,
  producer: 3 as SpanKind.PRODUCER,
  consumer: 4 as SpanKind.CONSUMER,
} as const;
export const STATUS_ERROR = 2 as SpanStatusCode.ERROR;

export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes?: Attributes;
  readonly links?: Link[];
  /** Milliseconds since 1970, when the work began before the span could be opened. */
  readonly startTimeMs?: number;
}

/**
 * Where a new span hangs: under a span of this process, under a remote caller's context, under nothing (`'root'`: it begins a
 * trace), or (`undefined`) under whatever span is active here, else it begins a trace.
 */
export type SpanParent = Span | SpanContext | 'root' | undefined;

/** Called by start-up (or a test collector) once a tracer provider stands; `undefined` switches tracing off. */
export function useTracing(backend: TracingBackend | undefined): void {
  state.backend = backend;
  state.enabled = backend !== undefined;
}

function contextOf({ context, ROOT_CONTEXT, trace }: TracingBackend['api'], parent: SpanParent): Context {
  if (parent === undefined) return context.active();
  if (parent === 'root') return ROOT_CONTEXT;
  return 'spanContext' in parent ? trace.setSpan(ROOT_CONTEXT, parent) : trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** The caller's context in the headers of an HTTP request (names in lower case), if it sent a legal one. */
export function callerOf(headers: Readonly<Record<string, string | string[] | undefined>>): SpanContext | undefined {
  return state.backend?.extract(headers);
}

/** The span that is active in this asynchronous flow; `undefined` when there is none or tracing is off. */
export function activeSpan(): Span | undefined {
  return state.backend?.api.trace.getActiveSpan();
}

/** Opens a span; the caller ends it. While tracing is off: `offSpan`. */
export function startSpan(start: SpanStart, parent?: SpanParent): Span {
  const { backend } = state;
  if (backend === undefined) return offSpan;
  if (backend.followsParents && isUnsampledContext(parent)) return unsampledUnder(parent, backend);
  if (backend.dropsRoots && parent === 'root') {
    return unsampledUnder({ traceId: ids.generateTraceId(), spanId: '', traceFlags: 0 }, backend);
  }
  // A SpanStart is what the API takes as options, but for the time: no copy for the usual case.
  const options = start.startTimeMs === undefined ? start : { ...start, startTime: start.startTimeMs };
  return backend.tracer.startSpan(start.name, options, contextOf(backend.api, parent));
}

function isUnsampledContext(parent: SpanParent): parent is SpanContext {
  return typeof parent === 'object' && 'traceFlags' in parent && (parent.traceFlags & SAMPLED) === 0;
}

/** What the SDK would answer after a way that takes several times as long; on a busy service, most requests are not sampled. */
function unsampledUnder({ traceId, traceFlags, traceState }: SpanContext, { api }: TracingBackend): Span {
  const spanContext: SpanContext = { traceId, spanId: ids.generateSpanId(), traceFlags };
  if (traceState !== undefined) spanContext.traceState = traceState;
  return api.trace.wrapSpanContext(spanContext);
}

/**
 * Runs `fn` inside a span and ends it when `fn` returns or its promise settles. What `fn` throws is noted on the span
 * and thrown on. While tracing is off, `fn` gets `offSpan` and nothing else happens.
 */
export function withSpan<T>(start: SpanStart, parent: SpanParent, fn: (span: Span) => T): T {
  if (!state.enabled) return fn(offSpan);
  const span = startSpan(start, parent);
  return runInSpan(span, fn);
}

/**
 * Runs `fn` with a span that is open already as the active one, and ends the span as `withSpan` does. A span that is not
 * sampled is not made active and needs no end: that would double what an unsampled request pays.
 */
export function runInSpan<T>(span: Span, fn: (span: Span) => T): T {
  const { backend } = state;
  if (backend === undefined || !span.isRecording()) return fn(span);
  const { context, trace } = backend.api;
  let result: T;
  try {
    result = context.with(trace.setSpan(context.active(), span), fn, undefined, span);
  } catch (error) {
    failSpan(span, error);
    endSpan(span);
    throw error;
  }
  if (!isPromise(result)) {
    endSpan(span);
    return result;
  }
  return result.then(
    (value) => {
      endSpan(span);
      return value;
    },
    (error: unknown) => {
      failSpan(span, error);
      endSpan(span);
      throw error;
    },
  ) as T;
}

/** Runs `fn` with a span as the active one that its owner ends. Not for spans that are not sampled, as in `runInSpan`. */
export function withActiveSpan<T>(span: Span, fn: () => T): T {
  const { backend } = state;
  if (backend === undefined || !span.isRecording()) return fn();
  const { context, trace } = backend.api;
  return context.with(trace.setSpan(context.active(), span), fn);
}

/** Spans whose work turned out to be nothing worth showing (an empty long poll). They are never ended, so never sent. */
const discarded = new WeakSet<Span>();

/** Drops a span of `withSpan`: it is never exported. Its children should be dropped as well. */
export function discardSpan(span: Span): void {
  if (span.isRecording()) discarded.add(span);
}

function endSpan(span: Span): void {
  if (!discarded.has(span)) span.end();
}

/**
 * Marks a span as failed. `errorType` is a low-cardinality class (an exception's name, a Kafka error code, an AWS
 * exception); without it, the name of the error.
 */
export function failSpan(span: Span, error: unknown, errorType?: string): void {
  if (!span.isRecording()) return;
  const message = error instanceof Error ? error.message : String(error);
  span.setAttribute(ERROR_TYPE, errorType ?? (error instanceof Error ? error.name : '_OTHER'));
  span.setStatus({ code: STATUS_ERROR, message });
  if (error instanceof Error) span.recordException(error);
}

/**
 * For the inner borders, which never begin a trace: runs `fn` in a span under the given parent or the active span. When there
 * is neither (the store's own housekeeping), or the parent is not sampled, `fn` is called with what there is and no span
 * is made. `start` is only asked for when it is needed.
 */
export function withInnerSpan<T>(parent: Span | undefined, start: () => SpanStart, fn: (span: Span) => T): T {
  const outer = parent ?? activeSpan() ?? offSpan;
  if (outer.isRecording()) return withSpan(start(), outer, fn);
  // The active span may be that of another request, which set this work off when it ended: it is none of its.
  const { backend } = state;
  if (backend === undefined || parent === undefined || activeSpan()?.isRecording() !== true) return fn(outer);
  const { context, trace } = backend.api;
  return context.with(trace.deleteSpan(context.active()), fn, undefined, outer);
}

/** By its shape: promises of another realm (test runners have them) are promises as well. */
function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
