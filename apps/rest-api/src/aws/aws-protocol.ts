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
import { authorize } from './authorization.ts';
import { AwsError, internalFailure } from './aws-error.ts';
import { type Authentication, callerOfExchange } from './caller.ts';
import { DeletedStreams } from './deleted-streams.ts';
import { keyMissingError } from './encryption.ts';
import { ConsumerRegister } from './consumers/consumer-register.ts';
import type { SubscriptionTimes } from './consumers/subscription-times.ts';
import { Subscriptions } from './consumers/subscriptions.ts';
import { KnownPolicies } from './known-policies.ts';
import { NamedStreams } from './named-streams.ts';
import {
  EVENT_STREAM_MEDIA_TYPE,
  type Operation,
  type OperationContext,
  type OperationDependencies,
} from './operation.ts';
import { notImplemented, operations } from './operations/index.ts';
import { type StreamPlace, StreamPlaces } from './stream-places.ts';
import { cborCodec } from './wire/cbor-codec.ts';
import { jsonCodec } from './wire/json-codec.ts';
import { readInput } from './wire/read-input.ts';
import type { WireCodec, WireStructure } from './wire/wire-codec.ts';

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
const codecs = new Map<string, WireCodec>([jsonCodec, cborCodec].map((codec) => [codec.mediaType, codec]));
/** Is read as far as to see that it is JSON, and then answered as the service does: in a form of its own. */
const PLAIN_JSON = 'application/json';

/** Does the header name an operation that this service has, and whose answer is a single body? */
export function answersAtOnce(target: string | undefined): boolean {
  const found = target === undefined ? undefined : known.get(target);
  return found !== undefined && found.operation.stream === undefined;
}

export interface AwsProtocolDependencies extends Omit<OperationDependencies, 'consumers' | 'subscriptions' | 'places'> {
  /** Accounts and regions are kept apart, and whose the streams are that belong to nobody else; absent: one name space. */
  readonly home?: StreamPlace | undefined;
  /** Others than the service's. */
  readonly subscriptionTimes?: Partial<SubscriptionTimes> | undefined;
  /** Absent: nobody is asked for credentials. */
  readonly authentication?: Authentication | undefined;
}

/**
 * The AWS protocol: one POST an operation, named by a header; JSON or CBOR, as each request says. Checks in the order of
 * the service: method, body, content type, well-formedness, operation, signature, types, limits, permission; then the
 * operation's own.
 */
export class AwsProtocol {
  readonly #dependencies: OperationDependencies;
  readonly #authentication: Authentication | undefined;
  readonly #policies: KnownPolicies;
  readonly #deletedStreams: DeletedStreams;

  constructor({ authentication, subscriptionTimes, home, ...dependencies }: AwsProtocolDependencies) {
    const { documents } = dependencies.store;
    const consumers = new ConsumerRegister(documents, dependencies.clock);
    this.#deletedStreams = new DeletedStreams(documents, dependencies.catalog, consumers, dependencies.clock);
    void this.#deletedStreams.sweep();
    this.#dependencies = {
      ...dependencies,
      consumers,
      places: new StreamPlaces(home),
      subscriptions: new Subscriptions(documents, dependencies.clock, subscriptionTimes),
    };
    this.#authentication = authentication;
    this.#policies = new KnownPolicies(documents);
  }

  close(): void {
    this.#policies.close();
    this.#deletedStreams.close();
    this.#dependencies.subscriptions.close();
  }

  /** Answers one request whose body is all there. Never rejects. */
  async handle(exchange: Exchange, body: Buffer): Promise<void> {
    const { headers } = exchange;
    const target = headers['x-amz-target'] as string | undefined;
    const mediaType = mediaTypeOf(headers['content-type']);
    const codec = codecs.get(mediaType);
    const found = target === undefined ? undefined : known.get(target);
    const raw = codec?.decode(body);
    if (found === undefined || codec === undefined || raw === undefined || exchange.method !== 'POST') {
      const refused = refuse(exchange.method, mediaType, codec, target, body, raw);
      refusedRequests.observe(0, refused.statusCode);
      exchange.respond(refused);
      return;
    }
    const { operation, metrics } = found;
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
    const request: Request = { exchange, body, operation, codec, raw, span };
    let answer: Answer | undefined;
    let errorType: string | undefined;
    try {
      answer = span.isRecording() ? await withActiveSpan(span, () => this.#run(request)) : await this.#run(request);
    } catch (error) {
      const known = asAwsError(error, operation.name, exchange.requestId);
      if (known.statusCode >= 500) failSpan(span, error, known.type);
      errorType = known.type;
      answer = errorAnswer(codec, known);
    }
    if (answer !== undefined) exchange.respond(answer);
    const statusCode = answer?.statusCode ?? 200;
    metrics.observe((performance.now() - started) / 1000, statusCode);
    endHttpSpan(span, statusCode, errorType);
  }

  /** `undefined`: a stream of events has begun. */
  async #run({ exchange, body, operation, codec, raw, span }: Request): Promise<Answer | undefined> {
    const caller = callerOfExchange(exchange, body, this.#authentication);
    if ('ok' in caller) {
      // What should have been signed helps who writes a signer, and tells nothing secret.
      if (caller.detail !== undefined) logger.debug({ door: 'http', detail: caller.detail }, caller.message);
      throw new AwsError(caller.type, caller.message);
    }
    const input = readInput(operation.input, raw, codec);
    const context: OperationContext = {
      ...this.#dependencies,
      caller,
      streams: new NamedStreams(this.#dependencies.catalog, caller, this.#dependencies.places),
      span,
    };
    if (caller.identity !== undefined) {
      const home = this.#authentication as Authentication;
      await authorize(operation, input, context, caller.identity, home, this.#policies);
    }
    const output = await operation.run(input as never, context);
    if (operation.stream !== undefined) {
      const events = exchange.startEventStream({ contentType: EVENT_STREAM_MEDIA_TYPE });
      if (events === undefined) {
        operation.release?.(output);
        throw new AwsError('LimitExceededException', 'This service has as many streams of events as it can.');
      }
      operation.stream(output, events, codec);
      return undefined;
    }
    if (output === undefined) return answerOf(codec, '', 200);
    try {
      return answerOf(
        codec,
        operation[codec.writer]?.(output) ?? codec.encode(operation.toWire?.(output) ?? (output as WireStructure)),
        200,
      );
    } finally {
      operation.release?.(output);
    }
  }
}

interface Request {
  readonly exchange: Exchange;
  readonly body: Buffer;
  readonly operation: Operation;
  readonly codec: WireCodec;
  readonly raw: object;
  readonly span: OperationContext['span'];
}

function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  // As client libraries write it.
  if (codecs.has(contentType)) return contentType;
  return contentType.split(';', 1)[0]!.trim().toLowerCase();
}

/**
 * What is wrong with a request before its operation is looked at. Order and forms are those that kinesalite (M. Hart)
 * recorded of the service.
 */
function refuse(
  method: string,
  mediaType: string,
  codec: WireCodec | undefined,
  target: string | undefined,
  body: Buffer,
  raw: object | undefined,
): Answer {
  if (method !== 'POST') return undetermined();
  const isKnown = target !== undefined && known.has(target);
  if (body.length === 0) {
    return bareError(codec ?? cborCodec, isKnown ? 'SerializationException' : 'UnknownOperationException');
  }
  if (mediaType === PLAIN_JSON) {
    const wellFormed = jsonCodec.decode(body) !== undefined;
    const type = `com.amazon.coral.service#${wellFormed ? 'UnknownOperation' : 'Serialization'}Exception`;
    const Output = wellFormed ? { __type: type, message: null } : { __type: type, Message: null };
    return { statusCode: 200, contentType: PLAIN_JSON, body: JSON.stringify({ Output, Version: '1.0' }) };
  }
  if (codec === undefined) {
    if (target === undefined) return undetermined();
    return { statusCode: 404, contentType: undefined, body: '<UnknownOperationException/>\n' };
  }
  if (raw === undefined) return bareError(codec, 'SerializationException');
  if (target !== undefined && unimplemented.has(target)) {
    const name = target.slice(TARGET_PREFIX.length + 1);
    const message = `The operation ${name} is not implemented by this service.`;
    return errorAnswer(codec, new AwsError('UnknownOperationException', message));
  }
  return bareError(codec, 'UnknownOperationException');
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

function answerOf({ mediaType }: WireCodec, body: string | Buffer, statusCode: number): Answer {
  return { statusCode, contentType: mediaType, body };
}

function bareError(codec: WireCodec, type: string): Answer {
  return answerOf(codec, codec.encode({ __type: type }), 400);
}

/** The service writes the text of these with a capital. */
const CAPITAL_MESSAGE = new Set(['SerializationException', 'AccessDeniedException']);

function errorAnswer(codec: WireCodec, { type, message, statusCode }: AwsError): Answer {
  const member = CAPITAL_MESSAGE.has(type) ? 'Message' : 'message';
  return answerOf(codec, codec.encode({ __type: type, [member]: message }), statusCode);
}

function asAwsError(error: unknown, operationName: string, requestId: string): AwsError {
  if (error instanceof AwsError) return error;
  const keyMissing = keyMissingError(error);
  if (keyMissing !== undefined) return keyMissing;
  if (error instanceof StoreUnavailable) {
    logger.warn({ door: 'http', requestId, operation: operationName, err: error }, 'the store is unavailable');
  } else {
    logger.error({ door: 'http', requestId, operation: operationName, err: error }, 'a request failed by a bug');
  }
  return internalFailure(error);
}
