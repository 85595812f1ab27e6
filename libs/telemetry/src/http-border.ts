import type { Attributes, Link, Span } from '@opentelemetry/api';
import {
  AWS_KINESIS_STREAM_NAME,
  AWS_REQUEST_ID,
  CLIENT_ADDRESS,
  CLIENT_PORT,
  ERROR_TYPE,
  HTTP_REQUEST_METHOD,
  HTTP_REQUEST_METHOD_ORIGINAL,
  HTTP_RESPONSE_STATUS_CODE,
  HTTP_ROUTE,
  MESSAGING_BATCH_MESSAGE_COUNT,
  MESSAGING_DESTINATION_NAME,
  MESSAGING_DESTINATION_PARTITION_ID,
  MESSAGING_OPERATION_NAME,
  MESSAGING_OPERATION_TYPE,
  MESSAGING_SYSTEM_KINESIS,
  MESSAGING_SYSTEM_NAME,
  NETWORK_PROTOCOL_NAME,
  NETWORK_PROTOCOL_VERSION,
  RPC_METHOD,
  RPC_STATUS_CODE,
  RPC_SYSTEM_NAME,
  SERVER_ADDRESS,
  SERVER_PORT,
  URL_PATH,
  URL_SCHEME,
  USER_AGENT_ORIGINAL,
} from './attributes.ts';
import { callerOf, offSpan, runInSpan, spanKinds, startSpan, STATUS_ERROR, tracing } from './tracing.ts';

/**
 * The border of the HTTP door: one SERVER span a request, under the caller's span if it sent a `traceparent`.
 *
 * REST: `{method} {route}`, or `{method}` where no route matched. The AWS protocol has one route for everything, so there the
 * RPC conventions name the span: `Kinesis.PutRecord`, as AWS client libraries name theirs, `rpc.system.name=aws-api`,
 * `rpc.method=Kinesis/PutRecord`. Where records move, the same span carries `messaging.*`.
 */
export interface HttpRequestFacts {
  readonly method: string;
  /** Path without the query: queries can hold credentials. */
  readonly path: string;
  /** Names in lower case. Read for the trace context and `user-agent` alone. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** `1.1`, `2`. */
  readonly protocolVersion: string;
  readonly scheme: 'http' | 'https';
  /** The template of the route (`/v1/streams/:stream`), never the path itself. */
  readonly route?: string | undefined;
  /** An operation of the AWS protocol (`PutRecord`): a name out of our table, never as the caller wrote it. */
  readonly awsOperation?: string | undefined;
  readonly requestId?: string | undefined;
  readonly serverAddress?: string | undefined;
  readonly serverPort?: number | undefined;
  readonly clientAddress?: string | undefined;
  readonly clientPort?: number | undefined;
}

/** What an operation did with records. */
export interface HttpTransfer {
  readonly type: 'send' | 'receive';
  readonly stream: string;
  readonly shardId?: string | undefined;
  /** Given for operations that can move several (PutRecords, GetRecords), left out for PutRecord. */
  readonly recordCount?: number | undefined;
  /** What a read returned comes from: `linksFrom(…)`. */
  readonly links?: readonly Link[] | undefined;
}

/** The methods that the HTTP conventions know; any other is `_OTHER`, so that a scanner cannot invent span names. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);
const FIRST_SERVER_ERROR = 500;

/** Opens the span of a request; end it with `endHttpSpan`. While tracing is off: `offSpan`. */
export function startHttpSpan(request: HttpRequestFacts): Span {
  if (!tracing.enabled) return offSpan;
  const span = startSpan({ name: nameOf(request), kind: spanKinds.server }, callerOf(request.headers) ?? 'root');
  // Not given at the start: no standard sampler looks at attributes, and a request that is not sampled need not pay for them.
  if (span.isRecording()) span.setAttributes(attributesOf(request));
  return span;
}

function nameOf({ awsOperation, method, route }: HttpRequestFacts): string {
  if (awsOperation !== undefined) return `Kinesis.${awsOperation}`;
  const known = knownMethods.has(method) ? method : 'HTTP';
  return route === undefined ? known : `${known} ${route}`;
}

function attributesOf(request: HttpRequestFacts): Attributes {
  const known = knownMethods.has(request.method);
  const attributes: Attributes = {
    [HTTP_REQUEST_METHOD]: known ? request.method : '_OTHER',
    [URL_PATH]: request.path,
    [URL_SCHEME]: request.scheme,
    [NETWORK_PROTOCOL_NAME]: 'http',
    [NETWORK_PROTOCOL_VERSION]: request.protocolVersion,
  };
  if (!known) attributes[HTTP_REQUEST_METHOD_ORIGINAL] = request.method;
  if (request.route !== undefined) attributes[HTTP_ROUTE] = request.route;
  if (request.awsOperation !== undefined) {
    attributes[RPC_SYSTEM_NAME] = 'aws-api';
    attributes[RPC_METHOD] = `Kinesis/${request.awsOperation}`;
  }
  if (request.requestId !== undefined) attributes[AWS_REQUEST_ID] = request.requestId;
  if (request.serverAddress !== undefined) attributes[SERVER_ADDRESS] = request.serverAddress;
  if (request.serverPort !== undefined) attributes[SERVER_PORT] = request.serverPort;
  if (request.clientAddress !== undefined) attributes[CLIENT_ADDRESS] = request.clientAddress;
  if (request.clientPort !== undefined) attributes[CLIENT_PORT] = request.clientPort;
  const userAgent = request.headers['user-agent'];
  if (typeof userAgent === 'string') attributes[USER_AGENT_ORIGINAL] = userAgent;
  return attributes;
}

/** Notes which route the router chose, once it has. */
export function setHttpRoute(span: Span, method: string, route: string): void {
  if (!span.isRecording()) return;
  span.setAttribute(HTTP_ROUTE, route);
  span.updateName(`${knownMethods.has(method) ? method : 'HTTP'} ${route}`);
}

/** Notes the records that a request wrote or read. `operation` is the name as the API has it (`PutRecord`). */
export function setHttpTransfer(span: Span, operation: string, transfer: HttpTransfer): void {
  if (!span.isRecording()) return;
  const attributes: Attributes = {
    [MESSAGING_SYSTEM_NAME]: MESSAGING_SYSTEM_KINESIS,
    [MESSAGING_OPERATION_NAME]: operation,
    [MESSAGING_OPERATION_TYPE]: transfer.type,
    [MESSAGING_DESTINATION_NAME]: transfer.stream,
    [AWS_KINESIS_STREAM_NAME]: transfer.stream,
  };
  if (transfer.shardId !== undefined) attributes[MESSAGING_DESTINATION_PARTITION_ID] = transfer.shardId;
  if (transfer.recordCount !== undefined) attributes[MESSAGING_BATCH_MESSAGE_COUNT] = transfer.recordCount;
  span.setAttributes(attributes);
  if (transfer.links !== undefined && transfer.links.length > 0) span.addLinks([...transfer.links]);
}

/**
 * Notes the answer. `errorCode` is the exception's name (`ResourceNotFoundException`). By the conventions a 4xx is the
 * caller's affair and leaves a server span's status unset; a 5xx is an error.
 */
export function setHttpAnswer(span: Span, statusCode: number, errorCode?: string): void {
  if (!span.isRecording()) return;
  span.setAttribute(HTTP_RESPONSE_STATUS_CODE, statusCode);
  if (errorCode !== undefined) span.setAttribute(RPC_STATUS_CODE, errorCode);
  if (statusCode >= FIRST_SERVER_ERROR) {
    span.setAttribute(ERROR_TYPE, errorCode ?? String(statusCode));
    span.setStatus({ code: STATUS_ERROR });
  }
}

/** `setHttpAnswer` and the end of the span, for doors that keep the span themselves. */
export function endHttpSpan(span: Span, statusCode: number, errorCode?: string): void {
  setHttpAnswer(span, statusCode, errorCode);
  span.end();
}

/** Runs the handling of a request inside its span; the span ends with it. `fn` calls `setHttpAnswer`. */
export function withHttpSpan<T>(request: HttpRequestFacts, fn: (span: Span) => T): T {
  if (!tracing.enabled) return fn(offSpan);
  return runInSpan(startHttpSpan(request), fn);
}
