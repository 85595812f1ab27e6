import pino from 'pino';
import type { DestinationStream } from 'pino';
import { activeSpan } from './tracing.ts';

/**
 * Structured logs: one JSON line an event on stderr (stdout belongs to the command's own output), readable lines when
 * stderr is a terminal. Lines written inside a span carry its `trace_id` and `span_id`.
 */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The fields that every part names alike. Others may be added; no record data, no credentials. */
export interface LogFields {
  readonly stream?: string | undefined;
  readonly shard?: string | undefined;
  readonly requestId?: string | undefined;
  readonly door?: 'http' | 'kafka' | undefined;
  /** An error with its cause; written with type, message and stack. */
  readonly err?: unknown;
  readonly [field: string]: unknown;
}

type LogMethod = (fields: LogFields | string, message?: string) => void;

/** `log.info({ stream, shard }, 'shard sealed')` or `log.info('ready')`. `child` fixes fields for all further lines. */
export interface Logger {
  level: string;
  isLevelEnabled(level: LogLevel): boolean;
  child(fields: LogFields): Logger;
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  /** Readable lines instead of JSON. Default: whether stderr is a terminal. */
  readonly readable?: boolean;
  /** Where lines go. Default: stderr, written synchronously, so that the last line before a crash is there. */
  readonly destination?: DestinationStream;
}

/** The level that `TAILRACE_LOG_LEVEL` asks for; `undefined` if it names none (the settings answer that with an error). */
export function parseLogLevel(value: string | undefined): LogLevel | undefined {
  if (value === undefined || value === '') return 'info';
  return LOG_LEVELS.find((level) => level === value.toLowerCase());
}

export function createLogger(options: LoggerOptions = {}): Logger {
  const readable = options.readable ?? process.stderr.isTTY === true;
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level: options.level ?? 'info',
      // pid and hostname say nothing that a container runtime does not say better.
      base: null,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: spanFields,
    },
    readable ? readableLines(destination) : destination,
  );
}

function isoTime(): string {
  return `,"time":"${new Date().toISOString()}"`;
}

/** A new object each time: pino writes the line's own fields into it. */
function spanFields(): object {
  const span = activeSpan();
  if (span === undefined) return {};
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}

const colours: Readonly<Record<string, string>> = {
  trace: '\x1b[90m',
  debug: '\x1b[36m',
  info: '\x1b[32m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
  fatal: '\x1b[35m',
};
const PLAIN = '\x1b[0m';
const DIM = '\x1b[2m';

/** `12:30:01.123 INFO  shard sealed stream=orders shard=shardId-000000000001`; a stack follows on its own lines. */
function readableLines(destination: DestinationStream): DestinationStream {
  return {
    write(line: string): void {
      const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const name = String(level);
      const words = [
        `${DIM}${String(time).slice(11, 23)}${PLAIN}`,
        `${colours[name] ?? ''}${name.toUpperCase().padEnd(5)}${PLAIN}`,
      ];
      if (typeof msg === 'string') words.push(msg);
      for (const [field, value] of Object.entries(fields)) {
        words.push(`${DIM}${field}=${PLAIN}${typeof value === 'string' ? value : JSON.stringify(value)}`);
      }
      const stack = (err as { stack?: string } | undefined)?.stack;
      destination.write(`${words.join(' ')}${stack === undefined ? '' : `\n${stack}`}\n`);
    },
  };
}

/** The process's logger. Its level is `TAILRACE_LOG_LEVEL` (info where that is unset or no level). */
export const logger: Logger = createLogger({ level: parseLogLevel(process.env['TAILRACE_LOG_LEVEL']) ?? 'info' });
