import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type Server,
} from 'node:http';
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { duplexPair } from 'node:stream';
import { HEADER_BYTES_MAX } from './http-limits.ts';

/** Headers that belong to one connection of HTTP/1.1 and have no place in HTTP/2. RFC 9113, 8.2.2. */
const CONNECTION_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

/**
 * Lets an HTTP/1.1 handler answer HTTP/2 requests: each one goes through a connection of its own inside the process.
 * Express builds on the very classes of node:http, and the compatibility layer of node:http2 is no full stand-in.
 */
export class RestOverHttp2 {
  readonly #server: Server;

  constructor(handler: RequestListener) {
    // Never listens: connections are handed to it. Their timeouts are those of the HTTP/2 session.
    this.#server = createServer({ maxHeaderSize: HEADER_BYTES_MAX, keepAliveTimeout: 0 }, handler);
  }

  serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const [near, far] = duplexPair();
    const { socket } = stream.session ?? {};
    Object.assign(far, { remoteAddress: socket?.remoteAddress, remotePort: socket?.remotePort });
    this.#server.emit('connection', far);
    const inner = httpRequest({
      createConnection: () => near,
      method: headers[':method'] as string,
      path: headers[':path'] as string,
      headers: innerHeaders(headers, stream.endAfterHeaders),
      setHost: false,
    });
    inner.on('response', (response: IncomingMessage) => {
      if (stream.destroyed || stream.headersSent) return;
      stream.respond(outerHeaders(response));
      response.pipe(stream);
      response.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    });
    inner.on('error', () => {
      // The handler has dropped the connection in the middle of an answer: the client must see that it is not whole.
      if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
    stream.on('close', () => {
      inner.destroy();
      near.destroy();
      far.destroy();
    });
    stream.pipe(inner);
  }
}

function innerHeaders(headers: IncomingHttpHeaders, withoutBody: boolean): OutgoingHttpHeaders {
  const inner: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':') && value !== undefined) inner[name] = value;
  }
  inner['host'] = String(headers[':authority'] ?? headers.host ?? 'localhost');
  if (withoutBody) inner['content-length'] = '0';
  // Without a length the body is sent in chunks.
  else if (inner['content-length'] === undefined) inner['transfer-encoding'] = 'chunked';
  return inner;
}

function outerHeaders({ statusCode, headers }: IncomingMessage): OutgoingHttpHeaders {
  const outer: OutgoingHttpHeaders = { ...headers, ':status': statusCode ?? 500 };
  for (const name of CONNECTION_HEADERS) delete outer[name];
  return outer;
}
