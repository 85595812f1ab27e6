import type { Sampler, SpanProcessor } from '@opentelemetry/sdk-trace';
import { SEMCONV_SCHEMA_URL } from './attributes.ts';
import { logger } from './logger.ts';
import { TableIdGenerator } from './span-ids.ts';
import { readTraceSettings } from './trace-settings.ts';
import type { Environment, TraceSettings } from './trace-settings.ts';
import { useTracing } from './tracing.ts';

/** Shutdown waits so long for the last spans to leave. A collector that hangs must not keep the process. */
export const SHUTDOWN_TIMEOUT_MS = 5_000;
const TRACER_NAME = '@tailrace/telemetry';
/** A broken collector fails every export; say so this often at most. */
const EXPORT_WARNING_INTERVAL_MS = 60_000;

export interface TelemetryOptions {
  /** `service.name`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` names another. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly env: Environment;
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
 * Starts tracing if the `OTEL_*` variables ask for it; else nothing is loaded and nothing happens. Call it once, before
 * doors open. Throws TelemetrySettingError for a wrong value.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const settings = readTraceSettings(options.env);
  if (settings === undefined) return off;

  const [api, sdk, { AsyncLocalStorageContextManager }, { defaultResource, resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/resources'),
    ]);
  api.diag.setLogger(exportWarnings(), { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });

  const processors: SpanProcessor[] = [];
  for (const name of settings.exporters) {
    if (name === 'console') {
      processors.push(new sdk.SimpleSpanProcessor({ exporter: new sdk.ConsoleSpanExporter() }));
      continue;
    }
    const { otlpExporter } = await import('./span-exporters.ts');
    processors.push(
      new sdk.BatchSpanProcessor({
        exporter: await otlpExporter(settings.otlp),
        maxQueueSize: settings.batch.queueSpansMax,
        scheduledDelayMillis: settings.batch.delayMs,
        exportTimeoutMillis: settings.batch.exportTimeoutMs,
        maxExportBatchSize: settings.batch.batchSpansMax,
      }),
    );
  }

  const provider = new sdk.TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': options.serviceName,
        'service.version': options.serviceVersion,
        'service.instance.id': crypto.randomUUID(),
        'process.pid': process.pid,
        ...settings.resource,
      }),
    ),
    sampler: samplerOf(settings, sdk),
    idGenerator: new TableIdGenerator(),
    spanProcessors: processors,
    spanLimits: {
      attributeCountLimit: settings.limits.attributesMax,
      attributeValueLengthLimit: settings.limits.attributeCharsMax,
      eventCountLimit: settings.limits.eventsMax,
      linkCountLimit: settings.limits.linksMax,
    },
  });
  const contextManager = new AsyncLocalStorageContextManager();
  api.context.setGlobalContextManager(contextManager);
  const tracer = provider.getTracer(TRACER_NAME, options.serviceVersion, { schemaUrl: SEMCONV_SCHEMA_URL });
  useTracing({ api, tracer });

  let stopped: Promise<void> | undefined;
  return {
    enabled: true,
    shutdown(timeoutMs = SHUTDOWN_TIMEOUT_MS) {
      stopped ??= (async () => {
        useTracing(undefined);
        const problem = await settledWithin(provider.shutdown(), timeoutMs);
        if (problem !== undefined) logger.warn({ err: problem }, 'the last spans may be lost');
        api.context.disable();
        api.diag.disable();
      })();
      return stopped;
    },
  };
}

function samplerOf(settings: TraceSettings, sdk: typeof import('@opentelemetry/sdk-trace')): Sampler {
  const ratio = () => new sdk.TraceIdRatioBasedSampler(settings.samplerRatio);
  const samplers = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: ratio,
    parentbased_always_on: () => new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
    parentbased_always_off: () => new sdk.ParentBasedSampler({ root: new sdk.AlwaysOffSampler() }),
    parentbased_traceidratio: () => new sdk.ParentBasedSampler({ root: ratio() }),
  } satisfies Record<TraceSettings['sampler'], () => Sampler>;
  return samplers[settings.sampler]();
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
function exportWarnings() {
  let quietUntilMs = 0;
  let swallowed = 0;
  const warn = (message: string, ...details: unknown[]) => {
    const nowMs = Date.now();
    if (nowMs < quietUntilMs) {
      swallowed++;
      return;
    }
    quietUntilMs = nowMs + EXPORT_WARNING_INTERVAL_MS;
    const err = details.find((detail) => detail instanceof Error);
    logger.warn({ err, detail: message.slice(0, 500), swallowed }, 'tracing: spans cannot be sent');
    swallowed = 0;
  };
  const ignore = () => {};
  return { error: warn, warn, info: ignore, debug: ignore, verbose: ignore };
}
