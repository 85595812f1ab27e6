/**
 * The standard `OTEL_*` variables, read into values. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 * Unlike the SDK's own reader, which warns and goes on with a default, a wrong value is refused with a sentence: whoever set
 * it meant something by it, and traces that quietly go elsewhere are found out about too late.
 *
 * Certificates (`OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_KEY`, `…_CLIENT_CERTIFICATE`) and `…_INSECURE` are left to the exporters,
 * which read them from the process. `OTEL_PROPAGATORS` is not read: contexts travel as W3C Trace Context.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

export const OTLP_PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'] as const;
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

export const TRACE_EXPORTERS = ['otlp', 'console'] as const;
export type TraceExporterName = (typeof TRACE_EXPORTERS)[number];

export const TRACE_SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type TraceSamplerName = (typeof TRACE_SAMPLERS)[number];

export interface OtlpSettings {
  readonly protocol: OtlpProtocol;
  /** Where spans go, complete: with `/v1/traces` for HTTP, without a path for gRPC. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  readonly timeoutMs: number;
}

export interface TraceSettings {
  readonly exporters: readonly TraceExporterName[];
  readonly otlp: OtlpSettings;
  readonly sampler: TraceSamplerName;
  /** Share of traces to sample, for the two ratio samplers. */
  readonly samplerRatio: number;
  /** Attributes of the resource, `service.name` among them if it was set. */
  readonly resource: Readonly<Record<string, string>>;
  readonly batch: {
    readonly queueSpansMax: number;
    readonly delayMs: number;
    readonly exportTimeoutMs: number;
    readonly batchSpansMax: number;
  };
  readonly limits: {
    readonly attributesMax: number;
    readonly attributeCharsMax: number;
    readonly eventsMax: number;
    readonly linksMax: number;
  };
}

/** Every variable that is read here, for `--help`: name and meaning, the default in brackets. */
export const TRACE_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['OTEL_SDK_DISABLED', 'true switches tracing off, whatever else is set [false]'],
  ['OTEL_TRACES_EXPORTER', 'otlp, console or none [none; otlp where an endpoint is set]'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'base URL of the collector [http://localhost:4318, grpc http://localhost:4317]'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', `${OTLP_PROTOCOLS.join(', ')} [http/protobuf]`],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'key=value,… sent with every export, percent-encoded []'],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'none or gzip [none]'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', 'milliseconds that an export may take [10000]'],
  ['OTEL_EXPORTER_OTLP_TRACES_…', 'each of the five above for traces alone; the endpoint is then taken as it is'],
  ['OTEL_TRACES_SAMPLER', `${TRACE_SAMPLERS.join(', ')} [parentbased_always_on]`],
  ['OTEL_TRACES_SAMPLER_ARG', 'share of traces for the ratio samplers, 0 to 1 [1]'],
  ['OTEL_SERVICE_NAME', 'service.name of the resource [tailrace]'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'key=value,… added to the resource, percent-encoded []'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'spans that wait for export at most, further ones are dropped [2048]'],
  ['OTEL_BSP_SCHEDULE_DELAY', 'milliseconds between exports [5000]'],
  ['OTEL_BSP_EXPORT_TIMEOUT', 'milliseconds that the queue waits for an export [30000]'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'spans in one export at most [512]'],
  ['OTEL_ATTRIBUTE_COUNT_LIMIT', 'attributes of a span at most; OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT wins [128]'],
  [
    'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    'characters of a value; OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT wins [no limit]',
  ],
  ['OTEL_SPAN_EVENT_COUNT_LIMIT', 'events of a span at most [128]'],
  ['OTEL_SPAN_LINK_COUNT_LIMIT', 'links of a span at most [128]'],
];

/** A variable holds what cannot be meant. The message names variable, value and what would be right. */
export class TelemetrySettingError extends Error {
  override readonly name = 'TelemetrySettingError';
  readonly variable: string;

  constructor(variable: string, value: string, expected: string) {
    super(`${variable} is "${value}": expected ${expected}`);
    this.variable = variable;
  }
}

/**
 * What the variables ask for; `undefined` when they ask for no traces. Off by default: on by `OTEL_TRACES_EXPORTER` (other
 * than `none`) or by an OTLP endpoint; `OTEL_SDK_DISABLED=true` wins over both. Throws TelemetrySettingError.
 */
export function readTraceSettings(env: Environment): TraceSettings | undefined {
  if (readBoolean(env, 'OTEL_SDK_DISABLED')) return undefined;
  const exporters = readExporters(env);
  if (exporters.length === 0) return undefined;
  const sampler = readChoice(env, 'OTEL_TRACES_SAMPLER', TRACE_SAMPLERS) ?? 'parentbased_always_on';
  const queueSpansMax = readInteger(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 1) ?? 2048;
  return {
    exporters,
    otlp: readOtlp(env),
    sampler,
    samplerRatio: sampler.endsWith('traceidratio') ? readRatio(env) : 1,
    resource: readResource(env),
    batch: {
      queueSpansMax,
      delayMs: readInteger(env, 'OTEL_BSP_SCHEDULE_DELAY', 0) ?? 5_000,
      exportTimeoutMs: readInteger(env, 'OTEL_BSP_EXPORT_TIMEOUT', 1) ?? 30_000,
      batchSpansMax: Math.min(readInteger(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1) ?? 512, queueSpansMax),
    },
    limits: {
      attributesMax:
        readInteger(env, 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 0) ??
        readInteger(env, 'OTEL_ATTRIBUTE_COUNT_LIMIT', 0) ??
        128,
      attributeCharsMax:
        readInteger(env, 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 0) ??
        readInteger(env, 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', 0) ??
        Number.POSITIVE_INFINITY,
      eventsMax: readInteger(env, 'OTEL_SPAN_EVENT_COUNT_LIMIT', 0) ?? 128,
      linksMax: readInteger(env, 'OTEL_SPAN_LINK_COUNT_LIMIT', 0) ?? 128,
    },
  };
}

/** Empty means unset, by the specification. */
function read(env: Environment, variable: string): string | undefined {
  const value = env[variable]?.trim();
  return value === '' ? undefined : value;
}

function readBoolean(env: Environment, variable: string): boolean {
  const value = read(env, variable)?.toLowerCase();
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new TelemetrySettingError(variable, value, 'true or false');
}

function readChoice<T extends string>(env: Environment, variable: string, choices: readonly T[]): T | undefined {
  const value = read(env, variable);
  if (value === undefined) return undefined;
  const choice = choices.find((known) => known === value.toLowerCase());
  if (choice === undefined) throw new TelemetrySettingError(variable, value, `one of ${choices.join(', ')}`);
  return choice;
}

function readInteger(env: Environment, variable: string, min: number): number | undefined {
  const value = read(env, variable);
  if (value === undefined) return undefined;
  // Above 2^31 - 1 a timer fires at once.
  if (!/^\d{1,10}$/.test(value) || Number(value) < min || Number(value) > 2_147_483_647) {
    throw new TelemetrySettingError(variable, value, `a whole number from ${min} to 2147483647`);
  }
  return Number(value);
}

function readRatio(env: Environment): number {
  const value = read(env, 'OTEL_TRACES_SAMPLER_ARG');
  if (value === undefined) return 1;
  const ratio = Number(value);
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new TelemetrySettingError('OTEL_TRACES_SAMPLER_ARG', value, 'a number from 0 to 1');
  }
  return ratio;
}

function readExporters(env: Environment): readonly TraceExporterName[] {
  const variable = 'OTEL_TRACES_EXPORTER';
  const value = read(env, variable);
  if (value === undefined) {
    const endpoint = read(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? read(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
    return endpoint === undefined ? [] : ['otlp'];
  }
  const names = new Set(value.split(',').map((name) => name.trim().toLowerCase()));
  if (names.has('none')) {
    if (names.size > 1) throw new TelemetrySettingError(variable, value, 'none to stand alone');
    return [];
  }
  return [...names].map((name) => {
    const known = TRACE_EXPORTERS.find((exporter) => exporter === name);
    if (known === undefined) {
      throw new TelemetrySettingError(variable, value, `none, or a list of ${TRACE_EXPORTERS.join(', ')}`);
    }
    return known;
  });
}

/** A variable for traces alone wins over the general one. */
function signal(env: Environment, suffix: string): string {
  const own = `OTEL_EXPORTER_OTLP_TRACES_${suffix}`;
  return read(env, own) === undefined ? `OTEL_EXPORTER_OTLP_${suffix}` : own;
}

function readOtlp(env: Environment): OtlpSettings {
  const protocol = readChoice(env, signal(env, 'PROTOCOL'), OTLP_PROTOCOLS) ?? 'http/protobuf';
  return {
    protocol,
    url: readEndpoint(env, protocol),
    headers: readPairs(env, signal(env, 'HEADERS')),
    gzip: readChoice(env, signal(env, 'COMPRESSION'), ['none', 'gzip']) === 'gzip',
    timeoutMs: readInteger(env, signal(env, 'TIMEOUT'), 1) ?? 10_000,
  };
}

function readEndpoint(env: Environment, protocol: OtlpProtocol): string {
  const variable = signal(env, 'ENDPOINT');
  const value = read(env, variable);
  if (value === undefined) return protocol === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318/v1/traces';
  // gRPC endpoints are often written without a scheme (`collector:4317`), which the specification reads as https.
  const text = protocol === 'grpc' && !value.includes('://') ? `https://${value}` : value;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TelemetrySettingError(variable, value, 'a URL like http://localhost:4318');
  }
  if (protocol === 'grpc') return `${url.protocol}//${url.host}`;
  // The general endpoint is a base to which the path of the signal is added; the one for traces is taken as it is.
  if (variable === 'OTEL_EXPORTER_OTLP_ENDPOINT') url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

/** `key=value,key=value`, both percent-encoded where needed. */
function readPairs(env: Environment, variable: string): Record<string, string> {
  const value = read(env, variable);
  const pairs: Record<string, string> = {};
  for (const piece of value?.split(',') ?? []) {
    const pair = piece.trim();
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decode(pair.slice(0, equals).trim());
    const text = decode(pair.slice(equals + 1).trim());
    if (equals < 1 || key === undefined || text === undefined) {
      // Headers hold credentials: the message names the variable and the place, never the value.
      throw new TelemetrySettingError(variable, '…', 'a list like key=value,key2=value2 with percent-encoding');
    }
    pairs[key] = text;
  }
  return pairs;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoding: the caller names the variable in its error.
    return undefined;
  }
}

function readResource(env: Environment): Record<string, string> {
  const resource = readPairs(env, 'OTEL_RESOURCE_ATTRIBUTES');
  const serviceName = read(env, 'OTEL_SERVICE_NAME');
  if (serviceName !== undefined) resource['service.name'] = serviceName;
  return resource;
}
