import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { SEMCONV_SCHEMA_URL } from './attributes.ts';
import { logger } from './logger.ts';
import { TableIdGenerator } from './span-ids.ts';
import { extractFrom } from './trace-parent.ts';
import { tracesAreAskedFor } from './trace-settings.ts';
import type { Environment } from './trace-settings.ts';
import { useTracing } from './tracing.ts';
import type { TracingBackend } from './tracing.ts';

/** Shutdown waits so long for the last spans to leave. A collector that hangs must not keep the process. */
export const SHUTDOWN_TIMEOUT_MS = 5_000;
const TRACER_NAME = '@tailrace/telemetry';
/** A broken collector fails every export; say so this often at most. */
const SDK_WARNING_INTERVAL_MS = 60_000;
const SDK_WARNING_CHARS_MAX = 500;

export interface TelemetryOptions {
  /** `service.name`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` names another. */
  readonly serviceName: string;
  readonly serviceVersion: string;
}

export interface Telemetry {
  /** Whether spans are made. */
  readonly enabled: boolean;
  /**
   * Sends what is left and switches tracing off. Resolves after `timeoutMs` at the latest, never rejects. Against a
   * collector that hangs, the exporter's request stays open until `OTEL_EXPORTER_OTLP_TIMEOUT` (10 s): a process that
   * wants to be gone earlier ends itself after this.
   */
  shutdown(timeoutMs?: number): Promise<void>;
}

const off: Telemetry = { enabled: false, shutdown: () => Promise.resolve() };

/**
 * Starts the OpenTelemetry SDK if the process's `OTEL_*` variables ask for traces; else nothing is loaded and nothing happens.
 * Call it once, before doors open. Throws TelemetrySettingError for a wrong value.
 *
 * The variables are the process's own, and not an argument, because the SDK reads them there and nowhere else.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const env: Environment = process.env;
  if (!tracesAreAskedFor(env)) return off;

  const [api, { NodeSDK }, { defaultResource, resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/resources'),
  ]);
  // With this variable the SDK prints its messages itself, at that level.
  if (!env['OTEL_LOG_LEVEL']) {
    api.diag.setLogger(sdkWarnings(), { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });
  }
  const sdk = new NodeSDK({
    // What the variables say is merged over it.
    resource: defaultResource().merge(
      resourceFromAttributes({ 'service.name': options.serviceName, 'service.version': options.serviceVersion }),
    ),
    idGenerator: new TableIdGenerator(),
    ...withoutOtherSignals(env),
  });
  sdk.start();
  const tracer = api.trace
    .getTracerProvider()
    .getTracer(TRACER_NAME, options.serviceVersion, { schemaUrl: SEMCONV_SCHEMA_URL });
  const sampler = env['OTEL_TRACES_SAMPLER']?.trim() || 'parentbased_always_on';
  useTracing({
    api,
    tracer,
    extract: extractorOf(env, api),
    followsParents: sampler.startsWith('parentbased_'),
    dropsRoots: sampler.endsWith('always_off'),
  });

  let stopped: Promise<void> | undefined;
  return {
    enabled: true,
    shutdown(timeoutMs = SHUTDOWN_TIMEOUT_MS) {
      stopped ??= (async () => {
        useTracing(undefined);
        const problem = await settledWithin(sdk.shutdown(), timeoutMs);
        if (problem !== undefined) logger.warn({ err: problem }, 'the last spans may be lost');
        api.trace.disable();
        api.propagation.disable();
        api.metrics.disable();
        api.logs.disable();
        api.context.disable();
        api.diag.disable();
      })();
      return stopped;
    },
  };
}

/** Unless asked, the SDK would send metrics and logs to the collector as well; ours go to Prometheus and to stderr. */
function withoutOtherSignals(env: Environment): Partial<NodeSDKConfiguration> {
  return {
    ...(env['OTEL_METRICS_EXPORTER'] ? {} : { metricReaders: [] }),
    ...(env['OTEL_LOGS_EXPORTER'] ? {} : { logRecordProcessors: [] }),
  };
}

/** Our own reader of W3C Trace Context, several times faster, unless `OTEL_PROPAGATORS` asks for other formats or for none. */
function extractorOf(env: Environment, { propagation, trace, ROOT_CONTEXT }: TracingBackend['api']) {
  const names = env['OTEL_PROPAGATORS']?.split(',').map((name) => name.trim()) ?? [];
  const onlyW3c = names.every((name) => name === 'tracecontext' || name === 'baggage' || name === '');
  if (onlyW3c && (names.includes('tracecontext') || names.join('') === '')) return extractFrom;
  return (headers: Readonly<Record<string, string | string[] | undefined>>) =>
    trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
}

/** The error the promise was rejected with, or one that says that the time is over; `undefined` if all went well. */
async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`spans were not sent within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => undefined, asError), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function asError(error: unknown): unknown {
  return error ?? new Error('unknown error');
}

/** The SDK's own complaints (an unreachable collector, dropped spans) as log lines, not more than one a minute. */
function sdkWarnings() {
  let quietUntilMs = 0;
  let swallowed = 0;
  const warn = (message: string, ...details: unknown[]) => {
    const nowMs = Date.now();
    if (nowMs < quietUntilMs) {
      swallowed++;
      return;
    }
    quietUntilMs = nowMs + SDK_WARNING_INTERVAL_MS;
    const err = details.find((detail) => detail instanceof Error);
    logger.warn({ err, detail: message.slice(0, SDK_WARNING_CHARS_MAX), swallowed }, 'tracing: the SDK complains');
    swallowed = 0;
  };
  const ignore = () => {};
  return { error: warn, warn, info: ignore, debug: ignore, verbose: ignore };
}
