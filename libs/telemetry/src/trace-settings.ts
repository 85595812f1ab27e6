/**
 * The standard `OTEL_*` variables, as far as start-up has to look at them. The SDK reads them all itself
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/); here is only what it leaves open: whether
 * tracing is asked for at all, and values that it would pass over with a warning, or none, and go on with a default. Those are
 * refused with a sentence: whoever set them meant something, and traces that quietly go elsewhere are found out about too late.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a variable may hold. `undefined`: right; else what would be right, to follow "expected". */
type Check = (value: string, env: Environment) => string | undefined;

interface TraceVariable {
  readonly name: string;
  /** For `--help`: the meaning, the default in brackets. */
  readonly meaning: string;
  /** Left out where any text is right. */
  readonly check?: Check;
  /** Holds credentials: the message about a wrong value does not repeat it. */
  readonly secret?: true;
  /** Those of the OTLP exporter exist once more for traces alone, as `OTEL_EXPORTER_OTLP_TRACES_…`, which wins. */
  readonly perSignal?: true;
}

const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'];
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
];
const PROPAGATORS = ['tracecontext', 'baggage', 'b3', 'b3multi'];
const RESOURCE_DETECTORS = ['env', 'host', 'os', 'process', 'serviceinstance'];
const LOG_LEVELS = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'];

/** Above it, a timer fires at once. */
const INTEGER_MAX = 2_147_483_647;
/** Longer keys and values make the SDK drop all attributes of the resource without a word. */
const RESOURCE_TEXT_CHARS_MAX = 255;

const variables: readonly TraceVariable[] = [
  {
    name: 'OTEL_SDK_DISABLED',
    meaning: 'true switches tracing off, whatever else is set [false]',
    check: (value) => (/^(true|false)$/i.test(value.trim()) ? undefined : 'true or false'),
  },
  {
    name: 'OTEL_TRACES_EXPORTER',
    meaning: 'otlp, console or none [none; otlp where an endpoint is set]',
    check: listOf(['otlp', 'console'], 'none'),
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    meaning: 'base URL of the collector [http://localhost:4318, grpc http://localhost:4317]',
    check: checkEndpoint,
    perSignal: true,
  },
  {
    name: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    meaning: `${PROTOCOLS.join(', ')} [http/protobuf]`,
    check: oneOf(PROTOCOLS),
    perSignal: true,
  },
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    meaning: 'key=value,… sent with every export, percent-encoded []',
    check: checkHeaders,
    secret: true,
    perSignal: true,
  },
  {
    name: 'OTEL_EXPORTER_OTLP_COMPRESSION',
    meaning: 'none or gzip [none]',
    check: oneOf(['none', 'gzip']),
    perSignal: true,
  },
  {
    name: 'OTEL_EXPORTER_OTLP_TIMEOUT',
    meaning: 'milliseconds that an export may take [10000]',
    check: integerFrom(1),
    perSignal: true,
  },
  {
    name: 'OTEL_TRACES_SAMPLER',
    meaning: `${SAMPLERS.join(', ')} [parentbased_always_on]`,
    check: oneOf(SAMPLERS),
  },
  {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    meaning: 'share of traces for the ratio samplers, 0 to 1 [1]',
    check: (value) => (Number(value) >= 0 && Number(value) <= 1 ? undefined : 'a number from 0 to 1'),
  },
  {
    name: 'OTEL_PROPAGATORS',
    meaning: `how callers of the HTTP API send their trace: ${PROPAGATORS.join(', ')} or none [tracecontext,baggage]`,
    check: listOf(PROPAGATORS, 'none'),
  },
  { name: 'OTEL_SERVICE_NAME', meaning: "service.name of the resource [the program's name]" },
  {
    name: 'OTEL_RESOURCE_ATTRIBUTES',
    meaning: 'key=value,… added to the resource, percent-encoded []',
    check: checkResource,
  },
  {
    name: 'OTEL_NODE_RESOURCE_DETECTORS',
    meaning: `what the resource says of the process: ${RESOURCE_DETECTORS.join(', ')}, all or none [all]`,
    check: listOf([...RESOURCE_DETECTORS, 'all'], 'none'),
  },
  {
    name: 'OTEL_BSP_MAX_QUEUE_SIZE',
    meaning: 'spans that wait for export at most, further ones are dropped [2048]',
    check: integerFrom(1),
  },
  { name: 'OTEL_BSP_SCHEDULE_DELAY', meaning: 'milliseconds between exports [5000]', check: integerFrom(1) },
  {
    name: 'OTEL_BSP_EXPORT_TIMEOUT',
    meaning: 'milliseconds that the queue waits for an export [30000]',
    check: integerFrom(1),
  },
  { name: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', meaning: 'spans in one export at most [512]', check: integerFrom(1) },
  {
    name: 'OTEL_ATTRIBUTE_COUNT_LIMIT',
    meaning: 'attributes of a span at most; OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT wins [128]',
    check: integerFrom(0),
  },
  { name: 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', meaning: 'the same for spans alone', check: integerFrom(0) },
  {
    name: 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    meaning: 'characters of a value; OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT wins [no limit]',
    check: integerFrom(0),
  },
  { name: 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', meaning: 'the same for spans alone', check: integerFrom(0) },
  { name: 'OTEL_SPAN_EVENT_COUNT_LIMIT', meaning: 'events of a span at most [128]', check: integerFrom(0) },
  { name: 'OTEL_SPAN_LINK_COUNT_LIMIT', meaning: 'links of a span at most [128]', check: integerFrom(0) },
  {
    name: 'OTEL_LOG_LEVEL',
    meaning: "the SDK's own messages on the console, for finding faults [off: warnings go to the log, one a minute]",
    check: (value) => oneOf(LOG_LEVELS)(value.toLowerCase(), {}),
  },
];

/** Every variable that start-up knows, for `--help`: name and meaning, the default in brackets. */
export const TRACE_VARIABLES: readonly (readonly [name: string, meaning: string])[] = variables.map(
  ({ name, meaning, perSignal }) => [name, perSignal === true ? `${meaning}; …_OTLP_TRACES_… wins` : meaning] as const,
);

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
 * Whether the variables ask for traces. Off by default: on by `OTEL_TRACES_EXPORTER` (other than `none`) or by an OTLP endpoint;
 * `OTEL_SDK_DISABLED=true` wins over both. Where they do, all of them are checked: throws TelemetrySettingError for the first
 * wrong one. Where they do not, only those that decide it are.
 */
export function tracesAreAskedFor(env: Environment): boolean {
  const [disabled, exporter] = variables as [TraceVariable, TraceVariable];
  check(disabled, disabled.name, env);
  if (read(env, disabled.name)?.trim().toLowerCase() === 'true') return false;
  check(exporter, exporter.name, env);
  const names = read(env, exporter.name);
  const endpoint = read(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? read(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (names === undefined ? endpoint === undefined : names.trim() === 'none') return false;
  for (const variable of variables) {
    check(variable, variable.name, env);
    if (variable.perSignal === true) check(variable, variable.name.replace('_OTLP_', '_OTLP_TRACES_'), env);
  }
  return true;
}

/** By the specification, an empty value is none; the SDK takes blanks for empty. */
function read(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value.trim() === '' ? undefined : value;
}

function check(variable: TraceVariable, name: string, env: Environment): void {
  const value = read(env, name);
  if (value === undefined) return;
  const expected = variable.check?.(value, env);
  if (expected !== undefined) throw new TelemetrySettingError(name, variable.secret === true ? '…' : value, expected);
}

/** Exactly so: the SDK forgives neither capitals nor blanks here. */
function oneOf(choices: readonly string[]): Check {
  return (value) => (choices.includes(value) ? undefined : `one of ${choices.join(', ')}`);
}

/** A list of choices, or one word that stands alone. */
function listOf(choices: readonly string[], alone: string): Check {
  return (value) => {
    const names = value.split(',').map((name) => name.trim());
    if (names.length === 1 && names[0] === alone) return undefined;
    if (names.includes(alone)) return `${alone} to stand alone`;
    return names.every((name) => choices.includes(name)) ? undefined : `${alone}, or a list of ${choices.join(', ')}`;
  };
}

function integerFrom(min: number): Check {
  return (value) => {
    const right = /^\d{1,10}$/.test(value.trim()) && Number(value) >= min && Number(value) <= INTEGER_MAX;
    return right ? undefined : `a whole number from ${min} to ${INTEGER_MAX}`;
  };
}

function checkEndpoint(value: string, env: Environment): string | undefined {
  const protocol = read(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? read(env, 'OTEL_EXPORTER_OTLP_PROTOCOL');
  // gRPC endpoints are often written without a scheme (`collector:4317`), which the specification reads as https.
  const text = protocol === 'grpc' && !value.includes('://') ? `https://${value.trim()}` : value;
  return /^https?:\/\/\S+$/i.test(text) && URL.canParse(text) ? undefined : 'a URL like http://localhost:4318';
}

/** `key=value,key=value`; empty values and what follows a semicolon would be dropped without a word. */
function checkHeaders(value: string): string | undefined {
  const right = pieces(value).every(
    (piece) => /^[^=;]+=[^;]*[^;\s][^;]*$/.test(piece) && piece.split('=').every(isPercentEncoded),
  );
  return right ? undefined : 'a list like key=value,key2=value2 with percent-encoding';
}

function checkResource(value: string): string | undefined {
  const right = pieces(value).every((piece) => {
    const [key = '', text, ...more] = piece.split('=').map((part) => part.trim());
    return key !== '' && text !== undefined && more.length === 0 && isResourceText(key) && isResourceText(text);
  });
  if (right) return undefined;
  return `a list like key=value,key2=value2 with percent-encoding, none longer than ${RESOURCE_TEXT_CHARS_MAX} characters`;
}

function isResourceText(text: string): boolean {
  return isPercentEncoded(text) && decodeURIComponent(text).length <= RESOURCE_TEXT_CHARS_MAX;
}

function pieces(list: string): string[] {
  return list.split(',').filter((piece) => piece.trim() !== '');
}

/** Every `%` begins a byte of well-formed UTF-8. */
function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
