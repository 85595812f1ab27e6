import type { Attributes, Link, Span } from '@opentelemetry/api';
import {
  CLIENT_ADDRESS,
  CLIENT_PORT,
  ERROR_TYPE,
  KAFKA_OFFSET,
  MESSAGING_BATCH_MESSAGE_COUNT,
  MESSAGING_CLIENT_ID,
  MESSAGING_CONSUMER_GROUP_NAME,
  MESSAGING_DESTINATION_NAME,
  MESSAGING_DESTINATION_PARTITION_ID,
  MESSAGING_OPERATION_NAME,
  MESSAGING_OPERATION_TYPE,
  MESSAGING_SYSTEM_KAFKA,
  MESSAGING_SYSTEM_NAME,
  RPC_METHOD,
  RPC_STATUS_CODE,
  RPC_SYSTEM_NAME,
  SERVER_ADDRESS,
  SERVER_PORT,
  TAILRACE_KAFKA_API_VERSION,
} from './attributes.ts';
import { offSpan, runInSpan, spanKinds, startSpan, STATUS_ERROR, tracing } from './tracing.ts';

/**
 * The border of the Kafka door: one SERVER span a request. The messaging conventions describe clients and leave the broker's
 * side open; the wire protocol is a remote procedure call, so the RPC conventions carry the span (`rpc.system.name=kafka`,
 * `rpc.method=Produce`), and where records move `messaging.*` is added and the span is named by them: `Produce orders`.
 *
 * Requests of this protocol bring no trace context, so each span begins a trace. What ties it to producers are links to
 * the `traceparent` of the records (`scanTraceparents`). An empty Fetch should be dropped with `discardSpan`.
 */
export interface KafkaRequestFacts {
  /** The name of the API (`Produce`), from the table of known APIs. */
  readonly api: string;
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly serverAddress?: string | undefined;
  readonly serverPort?: number | undefined;
  readonly clientAddress?: string | undefined;
  readonly clientPort?: number | undefined;
}

export interface KafkaTransfer {
  readonly type: 'send' | 'receive';
  /** Left out when a request touched several topics. */
  readonly topic?: string | undefined;
  /** Left out when it touched several partitions. */
  readonly partition?: number | undefined;
  /** The first record's offset; only with a partition. */
  readonly offset?: bigint | undefined;
  readonly recordCount?: number | undefined;
  readonly group?: string | undefined;
  readonly links?: readonly Link[] | undefined;
}

/** Requests that only keep a connection alive would drown the others: they get no span. */
const untracedApis = new Set(['ApiVersions', 'Heartbeat']);

/** Opens the span of a request; the caller ends it. While tracing is off, and for APIs without a span: `offSpan`. */
export function startKafkaSpan(request: KafkaRequestFacts): Span {
  if (!tracing.enabled || untracedApis.has(request.api)) return offSpan;
  const span = startSpan({ name: request.api, kind: spanKinds.server }, 'root');
  if (!span.isRecording()) return span;
  const attributes: Attributes = {
    [RPC_SYSTEM_NAME]: 'kafka',
    [RPC_METHOD]: request.api,
    [TAILRACE_KAFKA_API_VERSION]: request.apiVersion,
  };
  if (request.clientId !== null) attributes[MESSAGING_CLIENT_ID] = request.clientId;
  if (request.serverAddress !== undefined) attributes[SERVER_ADDRESS] = request.serverAddress;
  if (request.serverPort !== undefined) attributes[SERVER_PORT] = request.serverPort;
  if (request.clientAddress !== undefined) attributes[CLIENT_ADDRESS] = request.clientAddress;
  if (request.clientPort !== undefined) attributes[CLIENT_PORT] = request.clientPort;
  return span.setAttributes(attributes);
}

/** Notes the records that a Produce or Fetch moved, and names the span after the topic if there is but one. */
export function setKafkaTransfer(span: Span, api: string, transfer: KafkaTransfer): void {
  if (!span.isRecording()) return;
  const attributes: Attributes = {
    [MESSAGING_SYSTEM_NAME]: MESSAGING_SYSTEM_KAFKA,
    [MESSAGING_OPERATION_NAME]: api,
    [MESSAGING_OPERATION_TYPE]: transfer.type,
  };
  if (transfer.topic !== undefined) {
    attributes[MESSAGING_DESTINATION_NAME] = transfer.topic;
    span.updateName(`${api} ${transfer.topic}`);
  }
  if (transfer.partition !== undefined) {
    attributes[MESSAGING_DESTINATION_PARTITION_ID] = String(transfer.partition);
    // Exact to 2^53, which no partition reaches; attributes know no 64-bit integers.
    if (transfer.offset !== undefined) attributes[KAFKA_OFFSET] = Number(transfer.offset);
  }
  if (transfer.recordCount !== undefined) attributes[MESSAGING_BATCH_MESSAGE_COUNT] = transfer.recordCount;
  if (transfer.group !== undefined) attributes[MESSAGING_CONSUMER_GROUP_NAME] = transfer.group;
  span.setAttributes(attributes);
  if (transfer.links !== undefined && transfer.links.length > 0) span.addLinks([...transfer.links]);
}

/** Notes the error that the answer carries, by its Kafka name (`NOT_LEADER_OR_FOLLOWER`). `NONE` notes nothing. */
export function setKafkaError(span: Span, errorName: string): void {
  if (errorName === 'NONE' || !span.isRecording()) return;
  span.setAttribute(RPC_STATUS_CODE, errorName);
  span.setAttribute(ERROR_TYPE, errorName);
  span.setStatus({ code: STATUS_ERROR, message: errorName });
}

/** Runs the handling of a request inside its span; the span ends with it. */
export function withKafkaSpan<T>(request: KafkaRequestFacts, fn: (span: Span) => T): T {
  if (!tracing.enabled || untracedApis.has(request.api)) return fn(offSpan);
  return runInSpan(startKafkaSpan(request), fn);
}
