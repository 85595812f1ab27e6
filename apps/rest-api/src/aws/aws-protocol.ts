import type { IncomingHttpHeaders } from 'node:http';
import { StoreUnavailable } from '@tailrace/shard-core';
import {
  endHttpSpan,
  failSpan,
  logger,
  offSpan,
  requestMetrics,
  type RequestMetrics,
  startHttpSpan,
  tracing,
  withActiveSpan,
} from '@tailrace/telemetry';
import type { Answer, Exchange } from '../http/exchange.ts';
import { AwsError, internalFailure } from './aws-error.ts';
import { callerOf } from './caller.ts';
import { NamedStreams } from './named-streams.ts';
import type { Operation, OperationContext, OperationDependencies, WireStructure } from './operation.ts';
import { notImplemented, operations } from './operations/index.ts';
import { CBOR_MEDIA_TYPE, encodeCborError } from './wire/cbor-codec.ts';
import { JSON_MEDIA_TYPE, jsonCodec } from './wire/json-codec.ts';
import { readInput } from './wire/read-input.ts';

export const TARGET_PREFIX = 'Kinesis_20131202';

interface Known {
  readonly operation: Operation;
  readonly metrics: RequestMetrics;
}

/** Operations by the whole value of the header that names them. */
const known = new Map<string, Known>();
const unimplemented = new Set<string>();
for (const [name, operation] of Object.entries(operations)) {
  if (operation === notImplemented) unimplemented.add(`${TARGET_PREFIX}.${name}`);
  else known.set(`${TARGET_PREFIX}.${name}`, { operation, metrics: requestMetrics('http', name) });
}
const refusedRequests = requestMetrics('http', 'refused');

/**
 * The AWS protocol: one POST an operation, named by a header. Checks in the order of the service: method, body,
 * content type, operation, well-formedness, types, limits; then the operation's own.
 */
export class AwsProtocol {
  readonly #dependencies: OperationDependencies;

  constructor(dependencies: OperationDependencies) {
    this.#dependencies = dependencies;
  }

  /** Answers one request whose body is all there. Never rejects. */
  async handle(exchange: Exchange, body: Buffer): Promise<void> {
    const { headers } = exchange;
    const target = headers['x-amz-target'] as string | undefined;
    const found = target === undefined ? undefined : known.get(target);
    if (found === undefined || headers['content-type'] !== JSON_MEDIA_TYPE || body.length === 0) {
      const refused = refuse(exchange.method, headers, target, body);
      if (refused !== undefined) {
        refusedRequests.observe(0, refused.statusCode);
        exchange.respond(refused);
        return;
      }
    }
    // Nothing is refused without a known operation.
    const { operation, metrics } = found as Known;
    const started = performance.now();
    const span = tracing.enabled
      ? startHttpSpan({
          method: exchange.method,
          path: exchange.path,
          headers,
          protocolVersion: exchange.httpVersion,
          scheme: 'http',
          awsOperation: operation.name,
          requestId: exchange.requestId,
          clientAddress: exchange.remoteAddress,
        })
      : offSpan;
    let answer: Answer;
    let errorType: string | undefined;
    try {
      answer = span.isRecording()
        ? await withActiveSpan(span, () => this.#run(operation, headers, body, span))
        : await this.#run(operation, headers, body, span);
    } catch (error) {
      const known = asAwsError(error, operation.name, exchange.requestId);
      if (known.statusCode >= 500) failSpan(span, error, known.type);
      errorType = known.type;
      answer = jsonError(known.type, known.message, known.statusCode);
    }
    exchange.respond(answer);
    metrics.observe((performance.now() - started) / 1000, answer.statusCode);
    endHttpSpan(span, answer.statusCode, errorType);
  }

  async #run(
    operation: Operation,
    headers: IncomingHttpHeaders,
    body: Buffer,
    span: OperationContext['span'],
  ): Promise<Answer> {
    const raw = jsonCodec.decode(body);
    if (raw === undefined) return jsonAnswer('{"__type":"SerializationException"}', 400);
    const input = readInput(operation.input, raw, jsonCodec);
    const caller = callerOf(headers);
    const streams = new NamedStreams(this.#dependencies.catalog, caller);
    const output = await operation.run(input as never, { ...this.#dependencies, caller, streams, span });
    if (output === undefined) return jsonAnswer('', 200);
    try {
      if (operation.toJson !== undefined) return jsonAnswer(operation.toJson(output), 200);
      return jsonAnswer(jsonCodec.encode(operation.toWire?.(output) ?? (output as WireStructure)), 200);
    } finally {
      operation.release?.(output);
    }
  }
}

/** What is wrong with a request before its operation is looked at; `undefined` if nothing is. */
function refuse(
  method: string,
  headers: IncomingHttpHeaders,
  target: string | undefined,
  body: Buffer,
): Answer | undefined {
  if (method !== 'POST') return undetermined();
  const mediaType = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  const isJson = mediaType === JSON_MEDIA_TYPE;
  const found = target !== undefined && known.has(target);
  if (mediaType === CBOR_MEDIA_TYPE) {
    return {
      statusCode: 415,
      contentType: CBOR_MEDIA_TYPE,
      body: encodeCborError(
        'UnsupportedMediaTypeException',
        `This service reads and writes ${JSON_MEDIA_TYPE}. Client libraries that prefer CBOR have a setting for it: ` +
          'AWS_CBOR_DISABLE=true in the environment, or -Daws.cborEnabled=false for Java.',
      ),
    };
  }
  if (body.length === 0 && (isJson || mediaType === '')) {
    if (mediaType === '' && target === undefined) return undetermined();
    return jsonAnswer(`{"__type":"${found ? 'SerializationException' : 'UnknownOperationException'}"}`, 400);
  }
  if (!isJson && mediaType !== 'application/json') {
    if (target === undefined) return undetermined();
    return { statusCode: 404, contentType: undefined, body: '<UnknownOperationException/>\n' };
  }
  if (jsonCodec.decode(body) === undefined) return jsonAnswer('{"__type":"SerializationException"}', 400);
  if (found && isJson) return undefined;
  if (target !== undefined && unimplemented.has(target)) {
    const name = target.slice(TARGET_PREFIX.length + 1);
    return jsonError('UnknownOperationException', `The operation ${name} is not implemented by this service.`, 400);
  }
  return jsonAnswer('{"__type":"UnknownOperationException"}', 400);
}

function undetermined(): Answer {
  return {
    statusCode: 403,
    contentType: undefined,
    body:
      '<AccessDeniedException>\n' +
      '  <Message>Unable to determine service/operation name to be authorized</Message>\n' +
      '</AccessDeniedException>\n',
  };
}

function jsonAnswer(body: string | Buffer, statusCode: number): Answer {
  return { statusCode, contentType: JSON_MEDIA_TYPE, body };
}

function jsonError(type: string, message: string, statusCode: number): Answer {
  // The service writes the text of this one with a capital.
  const member = type === 'SerializationException' ? 'Message' : 'message';
  return jsonAnswer(jsonCodec.encode({ __type: type, [member]: message }), statusCode);
}

function asAwsError(error: unknown, operationName: string, requestId: string): AwsError {
  if (error instanceof AwsError) return error;
  if (error instanceof StoreUnavailable) {
    logger.warn({ door: 'http', requestId, operation: operationName, err: error }, 'the store is unavailable');
  } else {
    logger.error({ door: 'http', requestId, operation: operationName, err: error }, 'a request failed by a bug');
  }
  return internalFailure(error);
}
