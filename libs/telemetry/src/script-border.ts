import type { Attributes, Span } from '@opentelemetry/api';
import {
  DB_NAMESPACE,
  DB_OPERATION_BATCH_SIZE,
  DB_OPERATION_NAME,
  DB_RESPONSE_STATUS_CODE,
  DB_STORED_PROCEDURE_NAME,
  DB_SYSTEM_NAME,
  SERVER_ADDRESS,
  SERVER_PORT,
} from './attributes.ts';
import { failSpan, offSpan, spanKinds, tracing, withInnerSpan } from './tracing.ts';

/**
 * The border of the store: a CLIENT span for a script or command sent to Redis, by the database conventions for Redis:
 * `{command} {script}` (the database index stays out of the name), `db.stored_procedure.name` for the script.
 */
export interface ScriptEndpoint {
  readonly address: string;
  readonly port: number;
  /** The index of the database that SELECT chose. */
  readonly database: number;
}

/**
 * Runs `fn` inside a script span under `parent` (or the active span). Off, under a span that is not sampled, or under none,
 * it is a plain call: the store's housekeeping begins no traces.
 */
export function withScriptSpan<T>(
  /** The script's name (`append`), or `undefined` for a plain command. */
  script: string | undefined,
  /** `EVALSHA`, `XRANGE`, …; `PIPELINE` for several that travel together. */
  command: string,
  endpoint: ScriptEndpoint,
  parent: Span | undefined,
  fn: (span: Span) => T,
  /** Commands in a pipeline; 1 and `undefined` are not noted, as the conventions ask. */
  batchSize?: number,
): T {
  if (!tracing.enabled) return fn(offSpan);
  const start = () => {
    const attributes: Attributes = {
      [DB_SYSTEM_NAME]: 'redis',
      [DB_OPERATION_NAME]: command,
      [DB_NAMESPACE]: String(endpoint.database),
      [SERVER_ADDRESS]: endpoint.address,
      [SERVER_PORT]: endpoint.port,
    };
    if (script !== undefined) attributes[DB_STORED_PROCEDURE_NAME] = script;
    if (batchSize !== undefined && batchSize > 1) attributes[DB_OPERATION_BATCH_SIZE] = batchSize;
    return { name: script === undefined ? command : `${command} ${script}`, kind: spanKinds.client, attributes };
  };
  return withInnerSpan(parent, start, fn);
}

/** Notes an error that Redis answered; its first word (`ERR`, `MOVED`, `NOREPLICAS`) is the status code. */
export function setScriptError(span: Span, error: Error): void {
  if (!span.isRecording()) return;
  const prefix = /^[A-Z][A-Z0-9_]*(?= |$)/.exec(error.message)?.[0];
  if (prefix !== undefined) span.setAttribute(DB_RESPONSE_STATUS_CODE, prefix);
  failSpan(span, error, prefix);
}
