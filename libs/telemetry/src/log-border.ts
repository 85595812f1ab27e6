import type { Attributes, Span } from '@opentelemetry/api';
import {
  MESSAGING_BATCH_MESSAGE_COUNT,
  MESSAGING_DESTINATION_NAME,
  MESSAGING_DESTINATION_PARTITION_ID,
  TAILRACE_ENGINE,
  TAILRACE_LOG_BYTES,
  TAILRACE_LOG_GROUP_SIZE,
  TAILRACE_LOG_OPERATION,
} from './attributes.ts';
import { offSpan, spanKinds, tracing, withInnerSpan } from './tracing.ts';

/**
 * The border of the log: an INTERNAL span for what a door asks of the log contract, named `{operation} {stream}`. It
 * covers waiting for the group, the store's answer and the replicas; the time in the store alone is the script span's.
 */
export type LogOperation = 'append' | 'read';

/** What the log did, known when it is done. */
export interface LogTransfer {
  readonly recordCount?: number | undefined;
  readonly byteCount?: number | undefined;
  /** Appends that went to the store together with this one, itself included. */
  readonly groupSize?: number | undefined;
}

/**
 * Runs `fn` inside a log span under `parent` (or the active span). Off, under a span that is not sampled, or under none,
 * it is a plain call.
 */
export function withLogSpan<T>(
  operation: LogOperation,
  engine: string,
  stream: string,
  shardId: string,
  parent: Span | undefined,
  fn: (span: Span) => T,
): T {
  if (!tracing.enabled) return fn(offSpan);
  const start = () => ({
    name: `${operation} ${stream}`,
    kind: spanKinds.internal,
    attributes: {
      [TAILRACE_LOG_OPERATION]: operation,
      [TAILRACE_ENGINE]: engine,
      [MESSAGING_DESTINATION_NAME]: stream,
      [MESSAGING_DESTINATION_PARTITION_ID]: shardId,
    },
  });
  return withInnerSpan(parent, start, fn);
}

export function setLogTransfer(span: Span, transfer: LogTransfer): void {
  if (!span.isRecording()) return;
  const attributes: Attributes = {};
  if (transfer.recordCount !== undefined) attributes[MESSAGING_BATCH_MESSAGE_COUNT] = transfer.recordCount;
  if (transfer.byteCount !== undefined) attributes[TAILRACE_LOG_BYTES] = transfer.byteCount;
  if (transfer.groupSize !== undefined) attributes[TAILRACE_LOG_GROUP_SIZE] = transfer.groupSize;
  span.setAttributes(attributes);
}
