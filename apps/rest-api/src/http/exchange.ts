import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { EventStream, EventStreams } from './event-stream.ts';
import { httpDate } from './http-date.ts';
import { COUNTED_BYTES_MIN, type HeldAnswers } from './held-answers.ts';
import { CORS_MAX_AGE_SECONDS, HTTP_TIMEOUTS } from './http-limits.ts';
import type { PlainHead } from './plain-head.ts';
import { newExtendedRequestId, newRequestId } from './request-ids.ts';

export interface Answer {
  readonly statusCode: number;
  readonly contentType: string | undefined;
  /** Text is ASCII, written as one byte a character. */
  readonly body: string | Buffer;
}

/** One request and its answer, over whichever HTTP. */
export interface Exchange {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[];
  readonly httpVersion: string;
  readonly remoteAddress: string | undefined;
  readonly requestId: string;
  /** Answers, once; if the client has gone, nothing happens. */
  respond(answer: Answer): void;
  /**
   * Answers 200 with a stream of events that goes on after the request has been dealt with: over HTTP/2 in frames, over
   * HTTP/1.1 in chunks. If the client has gone, the stream is closed from the beginning. `undefined`: the door has as
   * many as it will, and the request is still to be answered.
   */
  startEventStream(head: { readonly contentType: string }): EventStream | undefined;
}

/** One whose body is still to be read. */
export interface StreamedExchange extends Exchange {
  /** The stream of the body. */
  readonly source: IncomingMessage | ServerHttp2Stream;
  /** Refuses a request whose body is still coming: what comes is thrown away, and after `lingerMs` the client is cut. */
  refuseEarly(answer: Answer, lingerMs: number): void;
}

const EXPOSED_HEADERS = 'x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date';

/** What an exchange knows of its door. */
export interface DoorState {
  /** The door closes, and connections should not be used again. */
  readonly closing: boolean;
  readonly eventStreams: EventStreams;
  readonly answers: HeldAnswers;
}

/** There is no room for the answer that was made. */
export const BUSY: Answer = {
  statusCode: 503,
  contentType: 'application/x-amz-json-1.1',
  body: JSON.stringify({
    __type: 'ServiceUnavailableException',
    message: 'Too many requests are under way. Try again.',
  }),
};

export class Http1Exchange implements StreamedExchange {
  readonly requestId = newRequestId();
  readonly source: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #door: DoorState;

  constructor(request: IncomingMessage, response: ServerResponse, door: DoorState) {
    this.source = request;
    this.#response = response;
    this.#door = door;
  }

  get method(): string {
    return this.source.method as string;
  }

  get path(): string {
    return this.source.url as string;
  }

  get headers(): IncomingHttpHeaders {
    return this.source.headers;
  }

  get rawHeaders(): readonly string[] {
    return this.source.rawHeaders;
  }

  get httpVersion(): string {
    return this.source.httpVersion;
  }

  get remoteAddress(): string | undefined {
    return this.source.socket.remoteAddress;
  }

  respond({ statusCode, contentType, body }: Answer): void {
    const response = this.#response;
    if (response.destroyed) return;
    const { answers } = this.#door;
    if (!answers.take(body.length)) {
      this.respond(BUSY);
      return;
    }
    if (body.length >= COUNTED_BYTES_MIN) response.once('close', () => answers.giveBack(body.length));
    // A flat list of names and values is what node:http writes fastest.
    const headers = answerHeaders(this, contentType, body.length);
    if (this.#door.closing) headers.push('Connection', 'close');
    response.writeHead(statusCode, headers);
    if (typeof body === 'string') response.end(body, 'latin1');
    else response.end(body);
  }

  startEventStream({ contentType }: { readonly contentType: string }): EventStream | undefined {
    const { eventStreams } = this.#door;
    if (!eventStreams.hasRoom) return undefined;
    const response = this.#response;
    if (!response.destroyed) {
      const headers = answerHeaders(this, contentType, undefined);
      if (this.#door.closing) headers.push('Connection', 'close');
      response.writeHead(200, headers);
      // The client waits for the head, and the first event may take a while.
      response.flushHeaders();
    }
    return eventStreams.begin(response);
  }

  refuseEarly({ statusCode, contentType, body }: Answer, lingerMs: number): void {
    const response = this.#response;
    if (response.destroyed) return;
    const headers = answerHeaders(this, contentType, body.length);
    headers.push('Connection', 'close');
    response.writeHead(statusCode, headers);
    response.write(body, 'latin1');
    // The end closes the connection, and with unread bytes in it the client's side would throw the answer away.
    const end = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(end, lingerMs);
    this.source.once('end', end);
    this.source.once('close', end);
    this.source.resume();
  }
}

export class Http2Exchange implements StreamedExchange {
  readonly requestId = newRequestId();
  readonly source: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly httpVersion = '2.0';
  readonly #door: DoorState;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[], door: DoorState) {
    this.source = stream;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.#door = door;
  }

  get method(): string {
    return this.headers[':method'] as string;
  }

  get path(): string {
    return this.headers[':path'] as string;
  }

  get remoteAddress(): string | undefined {
    return this.source.session?.socket.remoteAddress;
  }

  respond({ statusCode, contentType, body }: Answer): void {
    const stream = this.source;
    if (stream.destroyed || stream.headersSent) return;
    const { answers } = this.#door;
    if (!answers.take(body.length)) {
      this.respond(BUSY);
      return;
    }
    const headers = http2Headers(statusCode, answerHeaders(this, contentType, body.length));
    stream.respond(headers, { endStream: body.length === 0 });
    if (body.length > 0) answers.send(stream, typeof body === 'string' ? Buffer.from(body, 'latin1') : body);
  }

  startEventStream({ contentType }: { readonly contentType: string }): EventStream | undefined {
    const { eventStreams } = this.#door;
    if (!eventStreams.hasRoom) return undefined;
    const stream = this.source;
    if (!stream.destroyed) stream.respond(http2Headers(200, answerHeaders(this, contentType, undefined)));
    return eventStreams.begin(stream);
  }

  refuseEarly(answer: Answer, _lingerMs: number): void {
    const stream = this.source;
    if (stream.destroyed) return;
    // RFC 9113, 8.1: a complete answer, then NO_ERROR tells the client to stop sending. Other streams go on.
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
    this.respond(answer);
  }
}

const KEEP_ALIVE = `Connection: keep-alive\r\nKeep-Alive: timeout=${HTTP_TIMEOUTS.idleMs / 1000}\r\n\r\n`;
const CLOSE = 'Connection: close\r\n\r\n';

/** A request that was read whole before anything was done with it: its answer is one write. */
export class PlainExchange implements Exchange {
  readonly requestId = newRequestId();
  readonly method = 'POST';
  readonly path = '/';
  readonly httpVersion = '1.1';
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly #socket: Socket;
  readonly #door: DoorState;

  constructor({ headers, rawHeaders }: PlainHead, socket: Socket, door: DoorState) {
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.#socket = socket;
    this.#door = door;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  respond({ statusCode, contentType, body }: Answer): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    const { answers } = this.#door;
    if (!answers.take(body.length)) {
      this.respond(BUSY);
      return;
    }
    const flat = answerHeaders(this, contentType, body.length);
    let head = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n`;
    for (let i = 0; i < flat.length; i += 2) head += `${flat[i]}: ${flat[i + 1]}\r\n`;
    head += `Date: ${httpDate()}\r\n${this.#door.closing ? CLOSE : KEEP_ALIVE}`;
    const taken = body.length < COUNTED_BYTES_MIN ? undefined : () => answers.giveBack(body.length);
    if (typeof body === 'string') {
      socket.write(head + body, 'latin1', taken);
      return;
    }
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body, taken);
    socket.uncork();
  }

  /** Requests that are answered with a stream of events are not read by the reader of plain ones. */
  startEventStream(): never {
    throw new Error('a plain exchange has no stream of events');
  }
}

function http2Headers(statusCode: number, flat: readonly string[]): Record<string, string | number> {
  const headers: Record<string, string | number> = { ':status': statusCode };
  for (let i = 0; i < flat.length; i += 2) headers[(flat[i] as string).toLowerCase()] = flat[i + 1] as string;
  return headers;
}

/** Without `bodyBytes`, the body ends when it ends. */
function answerHeaders(exchange: Exchange, contentType: string | undefined, bodyBytes: number | undefined): string[] {
  const headers = ['x-amzn-RequestId', exchange.requestId];
  const { origin } = exchange.headers;
  const preflight = exchange.method === 'OPTIONS' && origin !== undefined;
  if (!preflight) headers.push('x-amz-id-2', newExtendedRequestId());
  if (origin !== undefined) {
    headers.push('Access-Control-Allow-Origin', '*');
    if (preflight) pushPreflight(headers, exchange.headers);
    else headers.push('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  }
  if (contentType !== undefined) headers.push('Content-Type', contentType);
  if (bodyBytes !== undefined) headers.push('Content-Length', String(bodyBytes));
  return headers;
}

function pushPreflight(headers: string[], asked: IncomingHttpHeaders): void {
  const wantedHeaders = asked['access-control-request-headers'];
  const wantedMethod = asked['access-control-request-method'];
  if (wantedHeaders !== undefined) headers.push('Access-Control-Allow-Headers', wantedHeaders);
  if (wantedMethod !== undefined) headers.push('Access-Control-Allow-Methods', wantedMethod);
  headers.push('Access-Control-Max-Age', String(CORS_MAX_AGE_SECONDS));
}
