import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type IncomingHttpHeaders,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { ShardLimits } from '@tailrace/quota';
import type { ServerTls } from '@tailrace/service';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import { logger, trafficMetrics } from '@tailrace/telemetry';
import { answersAtOnce, AwsProtocol } from '../aws/aws-protocol.ts';
import type { Authentication } from '../aws/caller.ts';
import type { SubscriptionTimes } from '../aws/consumers/subscription-times.ts';
import { SealedTokens } from '../aws/sealed-tokens.ts';
import type { StreamPlace } from '../aws/stream-places.ts';
import { JSON_MEDIA_TYPE } from '../aws/wire/json-codec.ts';
import type { Ingest } from '../ingest/index.ts';
import { BodyBudget } from './body-budget.ts';
import { EventStreams } from './event-stream.ts';
import { HeldAnswers } from './held-answers.ts';
import { type Answer, BUSY, type Exchange, Http1Exchange, Http2Exchange, type StreamedExchange } from './exchange.ts';
import {
  CONNECTIONS_MAX,
  H1_REQUESTS_BEHIND_MAX,
  H2_CONNECTION_WINDOW_BYTES,
  H2_SESSION_MEMORY_MIB,
  H2_STREAM_WINDOW_BYTES,
  H2_STREAMS_MAX,
  HEADER_BYTES_MAX,
  HTTP_TIMEOUTS,
  type HttpTimeouts,
  TIMEOUT_CHECK_INTERVAL_MS,
} from './http-limits.ts';
import { PlainConnection, type PlainDoor } from './plain-connection.ts';
import { sniffProtocol } from './protocol-sniffer.ts';
import { type BodyOutcome, gatherBody } from './request-body.ts';
import { RestOverHttp2 } from './rest-over-http2.ts';

export interface HttpDoorDependencies {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly ingest: Ingest;
  readonly limits: ShardLimits;
  /** Answers everything that is not of the AWS protocol. Without one, there is only the AWS protocol. */
  readonly restHandler?: RestListener;
  /** Absent: nobody is asked for credentials. */
  readonly authentication?: Authentication | undefined;
  /** Accounts and regions are kept apart, and whose the streams are that have no owner; absent: one name space. */
  readonly home?: StreamPlace | undefined;
  /** With it the port speaks TLS (ALPN: h2, http/1.1), without it plain text. */
  readonly tls?: ServerTls | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /** Of SubscribeToShard; others than the service's. */
  readonly subscriptionTimes?: Partial<SubscriptionTimes>;
}

/** A request listener that also ends what has no end of its own (feeds, long polls) when the door closes. */
export type RestListener = RequestListener & { stop?(): void };

export interface HttpDoorOptions {
  /** Others than the usual ones. */
  readonly timeouts?: Partial<HttpTimeouts>;
}

export interface HttpDoor {
  /** Answers the address that it got; port 0 takes a free one. Rejects when the port is taken, or with StoreUnavailable. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ host: string; port: number }>;
  /** Takes no more connections, lets requests under way finish for so long, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** One port for HTTP/1.1 and HTTP/2 with prior knowledge, the AWS protocol and plain REST. */
export function createHttpDoor(dependencies: HttpDoorDependencies, options: HttpDoorOptions = {}): HttpDoor {
  return new Door(dependencies, { ...HTTP_TIMEOUTS, ...options.timeouts });
}

const REST_PATH = /^\/(?:v1|openapi\.json|docs|health[a-z/]*)(?:[/?]|$)/;

class Door implements HttpDoor, PlainDoor {
  readonly #dependencies: HttpDoorDependencies;
  readonly #timeouts: HttpTimeouts;
  readonly #http1: Server | HttpsServer;
  readonly #http2: Http2Server;
  readonly #restOverHttp2: RestOverHttp2 | undefined;
  readonly #sockets = new Set<Socket>();
  /** Those that have not said yet what they speak. */
  readonly #undecided = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Those that have carried nothing but plain requests of the AWS protocol. */
  readonly #plain = new Set<PlainConnection>();
  /** How many requests of a connection of HTTP/1.1 wait behind its first unanswered one. */
  readonly #behind = new WeakMap<Socket, number>();
  readonly budget = new BodyBudget();
  readonly eventStreams = new EventStreams();
  readonly answers: HeldAnswers;
  /** The connections of HTTP/2, and the one whose session is being made. */
  readonly #socketOf = new WeakMap<Http2Session, Socket>();
  #speaking: Socket | undefined;
  readonly #speakHttp1: (socket: Socket) => void;
  #aws: AwsProtocol | undefined;
  closing = false;

  constructor(dependencies: HttpDoorDependencies, timeouts: HttpTimeouts) {
    this.#dependencies = dependencies;
    this.#timeouts = timeouts;
    this.answers = new HeldAnswers((session) => this.#socketOf.get(session)?.destroy(), timeouts.stallMs);
    const { restHandler, tls } = dependencies;
    this.#restOverHttp2 = restHandler && new RestOverHttp2(restHandler);
    const http1Options = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: timeouts.headersMs,
      // Plain REST streams bodies of any length; those of the AWS protocol have a timeout of their own.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL_MS, timeouts.headersMs),
      keepAliveTimeout: timeouts.idleMs,
      noDelay: true,
    };
    this.#http1 =
      tls === undefined
        ? createServer(http1Options)
        : createHttpsServer({ ...tls.options({ protocols: ['h2', 'http/1.1'] }), ...http1Options });
    this.#http1.timeout = timeouts.idleMs;
    this.#http1.maxConnections = CONNECTIONS_MAX;
    this.#http2 = createHttp2Server({
      maxSessionMemory: H2_SESSION_MEMORY_MIB,
      settings: {
        maxConcurrentStreams: H2_STREAMS_MAX,
        initialWindowSize: H2_STREAM_WINDOW_BYTES,
        maxHeaderListSize: HEADER_BYTES_MAX,
      },
    });
    // The HTTP/1 server listens, and its own handling of a connection comes when it is known to be one of HTTP/1.
    const accepted = tls === undefined ? 'connection' : 'secureConnection';
    const [speakHttp1] = this.#http1.listeners(accepted) as ((socket: Socket) => void)[];
    this.#speakHttp1 = speakHttp1 as (socket: Socket) => void;
    this.#http1.removeAllListeners(accepted);
    const onConnection = (socket: Socket): void => {
      this.#accept(socket, (protocol) => {
        if (protocol === 'http1') {
          this.#speakPlain(socket);
          return;
        }
        // A server of HTTP/1 accepts sockets of which the other side may have ended; one of HTTP/2 would keep such a
        // connection, in the middle of a frame, until it has been idle for long enough.
        socket.allowHalfOpen = false;
        this.#speaking = socket;
        this.#http2.emit('connection', socket);
        this.#speaking = undefined;
      });
    };
    if (tls === undefined) this.#http1.on('connection', onConnection);
    else tls.serve(this.#http1 as HttpsServer, 'http', onConnection);
    this.#http1.on('request', (request, response) => this.#onHttp1(request, response));
    this.#http2.on('session', (session) => this.#onSession(session));
    this.#http2.on('stream', (stream, headers, _flags, rawHeaders) => {
      this.#onHttp2(stream as ServerHttp2Stream, headers, rawHeaders);
    });
  }

  async listen({
    host,
    port,
  }: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ host: string; port: number }> {
    const { store, clock = Date.now } = this.#dependencies;
    const tokens = await SealedTokens.open(store.documents);
    const { catalog, ingest, limits, authentication, home, subscriptionTimes } = this.#dependencies;
    this.#aws = new AwsProtocol({
      store,
      catalog,
      ingest,
      limits,
      authentication,
      home,
      subscriptionTimes,
      clock,
      tokens,
    });
    await new Promise<void>((resolve, reject) => {
      this.#http1.once('error', reject);
      this.#http1.listen(port, host, () => {
        this.#http1.off('error', reject);
        resolve();
      });
    });
    const address = this.#http1.address() as AddressInfo;
    return { host: address.address, port: address.port };
  }

  async close(graceMs: number): Promise<void> {
    this.closing = true;
    this.#dependencies.restHandler?.stop?.();
    this.eventStreams.stop();
    this.answers.stop();
    const closed = new Promise<void>((resolve) => this.#http1.close(() => resolve()));
    this.#http1.closeIdleConnections();
    for (const socket of this.#undecided) socket.destroy();
    for (const session of this.#sessions) session.close();
    for (const connection of this.#plain) connection.close();
    const cut = setTimeout(() => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(cut);
    this.#aws?.close();
  }

  #accept(socket: Socket, speak: (protocol: 'http1' | 'http2') => void): void {
    if (this.closing) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    this.#undecided.add(socket);
    const traffic = trafficMetrics('http');
    traffic.connections++;
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#undecided.delete(socket);
      traffic.connections--;
    });
    sniffProtocol(socket, this.#timeouts.sniffMs, (protocol) => {
      this.#undecided.delete(socket);
      if (protocol === 'tls') {
        const client = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
        const reason = 'a TLS handshake came to a port of plain HTTP';
        logger.warn({ door: 'http', client, reason }, 'connection closed');
        socket.destroy();
        return;
      }
      speak(protocol);
    });
  }

  #speakPlain(socket: Socket): void {
    const connection = new PlainConnection(socket, this, this.#timeouts);
    this.#plain.add(connection);
    socket.once('close', () => this.#plain.delete(connection));
  }

  speakHttp1(socket: Socket): void {
    this.#speakHttp1.call(this.#http1, socket);
  }

  answersAtOnce(target: string | undefined): boolean {
    return answersAtOnce(target);
  }

  answerPlain(exchange: Exchange, body: Buffer): Promise<void> {
    return (this.#aws as AwsProtocol).handle(exchange, body);
  }

  #onSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    if (this.#speaking !== undefined) this.#socketOf.set(session, this.#speaking);
    session.setLocalWindowSize(H2_CONNECTION_WINDOW_BYTES);
    const { idleMs } = this.#timeouts;
    session.setTimeout(idleMs, () => {
      session.close();
      // Which waits for its requests: one whose rest never comes would keep it for good.
      session.setTimeout(idleMs, () => session.destroy());
    });
    session.on('close', () => this.#sessions.delete(session));
    session.on('error', (error) => logger.debug({ door: 'http', err: error }, 'HTTP/2 session failed'));
  }

  #onHttp1(request: IncomingMessage, response: ServerResponse): void {
    const { restHandler } = this.#dependencies;
    // Who has the socket is the first one; the others were sent ahead.
    if (response.socket === null) this.#holdBack(request.socket, response);
    if (restHandler !== undefined && isRest(request.method as string, request.url as string, request.headers)) {
      if (this.closing) response.shouldKeepAlive = false;
      restHandler(request, response);
      return;
    }
    this.#serve(new Http1Exchange(request, response, this));
  }

  /** Reads on only when few requests wait behind the first one: node:http begins whatever was sent ahead, without a bound. */
  #holdBack(socket: Socket, behind: ServerResponse): void {
    const count = (this.#behind.get(socket) ?? 0) + 1;
    this.#behind.set(socket, count);
    // Behind the ticks of this read, because node:http itself lets the socket go on with the end of each request; and
    // before the next read, of which there may be many in one turn of the event loop.
    if (count >= H1_REQUESTS_BEHIND_MAX) queueMicrotask(() => this.#pauseFull(socket));
    behind.once('close', () => {
      const left = (this.#behind.get(socket) as number) - 1;
      this.#behind.set(socket, left);
      if (left === H1_REQUESTS_BEHIND_MAX - 1) socket.resume();
    });
  }

  #pauseFull(socket: Socket): void {
    if ((this.#behind.get(socket) as number) >= H1_REQUESTS_BEHIND_MAX) socket.pause();
  }

  #onHttp2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    // A client that resets a stream is its own affair; without a listener it would end the process.
    stream.on('error', (error) => logger.debug({ door: 'http', err: error }, 'HTTP/2 stream failed'));
    if (this.#restOverHttp2 && isRest(headers[':method'] as string, headers[':path'] as string, headers)) {
      this.#restOverHttp2.serve(stream, headers);
      return;
    }
    this.#serve(new Http2Exchange(stream, headers, rawHeaders, this));
  }

  /** A request of the AWS protocol. */
  #serve(exchange: StreamedExchange): void {
    if (exchange.method === 'OPTIONS' && exchange.headers.origin !== undefined) {
      exchange.source.resume();
      exchange.respond({ statusCode: 200, contentType: undefined, body: '' });
      return;
    }
    gatherBody(exchange, this.budget, this.#timeouts.bodyMs, (outcome) => this.#answer(exchange, outcome));
  }

  #answer(exchange: StreamedExchange, outcome: BodyOutcome): void {
    if (!outcome.ok) {
      if (outcome.code !== 'gone') exchange.refuseEarly(bodyRefusals[outcome.code], this.#timeouts.lingerMs);
      return;
    }
    const { body } = outcome;
    const { length } = body;
    // Does not reject.
    void (this.#aws as AwsProtocol).handle(exchange, body).then(() => this.budget.giveBack(length));
  }
}

const bodyRefusals = {
  'too-large': refusal(413, 'RequestEntityTooLargeException', 'The request is larger than this service takes.'),
  'too-slow': refusal(408, 'RequestTimeoutException', 'The body of the request did not arrive in time.'),
  busy: BUSY,
} satisfies Record<Exclude<(BodyOutcome & { ok: false })['code'], 'gone'>, Answer>;

function refusal(statusCode: number, type: string, message: string): Answer {
  return { statusCode, contentType: JSON_MEDIA_TYPE, body: JSON.stringify({ __type: type, message }) };
}

/** The service does not look at the path; ours belongs to plain REST, and so does what a browser opens. */
function isRest(method: string, path: string, headers: IncomingHttpHeaders): boolean {
  if (path === '/' && method === 'POST') return false;
  if (REST_PATH.test(path)) return true;
  return (method === 'GET' || method === 'HEAD') && headers['x-amz-target'] === undefined;
}
