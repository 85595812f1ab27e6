import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { CORS_MAX_AGE_SECONDS } from './http-limits.ts';
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
  readonly httpVersion: string;
  readonly remoteAddress: string | undefined;
  readonly requestId: string;
  /** The stream of the body. */
  readonly source: IncomingMessage | ServerHttp2Stream;
  /** Answers, once; if the client has gone, nothing happens. */
  respond(answer: Answer): void;
  /** Refuses a request whose body is still coming: what comes is thrown away, and after `lingerMs` the client is cut. */
  refuseEarly(answer: Answer, lingerMs: number): void;
}

const EXPOSED_HEADERS = 'x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date';

export class Http1Exchange implements Exchange {
  readonly requestId = newRequestId();
  readonly source: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #closing: () => boolean;

  /** `closing`: the door closes, and the connection should not be used again. */
  constructor(request: IncomingMessage, response: ServerResponse, closing: () => boolean) {
    this.source = request;
    this.#response = response;
    this.#closing = closing;
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

  get httpVersion(): string {
    return this.source.httpVersion;
  }

  get remoteAddress(): string | undefined {
    return this.source.socket.remoteAddress;
  }

  respond({ statusCode, contentType, body }: Answer): void {
    const response = this.#response;
    if (response.destroyed) return;
    // A flat list of names and values is what node:http writes fastest.
    const headers = answerHeaders(this, contentType, body.length);
    if (this.#closing()) headers.push('Connection', 'close');
    response.writeHead(statusCode, headers);
    if (typeof body === 'string') response.end(body, 'latin1');
    else response.end(body);
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

export class Http2Exchange implements Exchange {
  readonly requestId = newRequestId();
  readonly source: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion = '2.0';

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.source = stream;
    this.headers = headers;
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
    const headers: Record<string, string | number> = { ':status': statusCode };
    const flat = answerHeaders(this, contentType, body.length);
    for (let i = 0; i < flat.length; i += 2) headers[(flat[i] as string).toLowerCase()] = flat[i + 1] as string;
    stream.respond(headers, { endStream: body.length === 0 });
    if (body.length > 0) stream.end(typeof body === 'string' ? Buffer.from(body, 'latin1') : body);
  }

  refuseEarly(answer: Answer, _lingerMs: number): void {
    const stream = this.source;
    if (stream.destroyed) return;
    // RFC 9113, 8.1: a complete answer, then NO_ERROR tells the client to stop sending. Other streams go on.
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
    this.respond(answer);
  }
}

function answerHeaders(exchange: Exchange, contentType: string | undefined, bodyBytes: number): string[] {
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
  headers.push('Content-Length', String(bodyBytes));
  return headers;
}

function pushPreflight(headers: string[], asked: IncomingHttpHeaders): void {
  const wantedHeaders = asked['access-control-request-headers'];
  const wantedMethod = asked['access-control-request-method'];
  if (wantedHeaders !== undefined) headers.push('Access-Control-Allow-Headers', wantedHeaders);
  if (wantedMethod !== undefined) headers.push('Access-Control-Allow-Methods', wantedMethod);
  headers.push('Access-Control-Max-Age', String(CORS_MAX_AGE_SECONDS));
}
