import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Span } from '@opentelemetry/api';
import {
  endHttpSpan,
  failSpan,
  offSpan,
  requestMetrics,
  setHttpRoute,
  startHttpSpan,
  tracing,
  withActiveSpan,
} from '@tailrace/telemetry';
import express from 'express';
import { BodyBudget } from '../http/body-budget.ts';
import type { RestDependencies } from './dependencies.ts';
import { mediaTypeOf } from './media-type.ts';
import { restOperations } from './operation-index.ts';
import type { RestOperation } from './operation.ts';
import { invalidRequest, Problem, problemOfError } from './problem.ts';
import { RequestBody } from './request-body.ts';
import { sendAnswer, sendProblem } from './send-answer.ts';
import { validatePath, validateQuery } from './validation.ts';

/** What is still read of a body that nobody wanted, so that the client gets to see the answer; then it is cut off. */
const UNWANTED_BYTES_MAX = 16 * 1024 * 1024;

export interface RestApp {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Ends what would not end by itself: feeds, long polls, bodies without end. Others go on. */
  stop(): void;
}

/**
 * The router, and what stands between it and the operations. Only Express's router is used, and not its application, which
 * would put its own prototypes under request and response: those of HTTP/2 do not bear that.
 */
export function createRestApp(dependencies: RestDependencies): RestApp {
  const router = express.Router({ caseSensitive: true, strict: false });
  const underWay = new WeakMap<IncomingMessage, UnderWay>();
  const running = new Set<AbortController>();
  const { bodies = new BodyBudget() } = dependencies;
  let stopped = false;

  for (const [route, operations] of byRoute(restOperations)) {
    const path = route.replaceAll(/\{(\w+)\}/g, ':$1');
    const allow = allowed(operations);
    for (const operation of operations) {
      router.route(path)[operation.method]((request, response) => {
        void serve(operation, request, response);
      });
    }
    router.route(path).all((request, response) => {
      if (request.method === 'OPTIONS') {
        response.writeHead(204, { Allow: allow }).end();
        discardRest(request);
        return;
      }
      refuse(request, response, methodNotAllowed(request.method, route, allow));
    });
  }

  async function serve(
    operation: RestOperation,
    request: IncomingMessage & { params: Readonly<Record<string, unknown>> },
    response: ServerResponse,
  ): Promise<void> {
    const abort = new AbortController();
    running.add(abort);
    if (stopped) abort.abort();
    response.once('close', () => {
      running.delete(abort);
      abort.abort();
    });
    const facts = underWay.get(request) as UnderWay;
    const { span } = facts;
    facts.operation = operation.id;
    setHttpRoute(span, request.method ?? '', operation.route);
    let body: RequestBody | undefined;
    try {
      const path = validatePath(operation.path, { ...request.params });
      const query = validateQuery(operation.query, queryOf(request));
      body = new RequestBody(request, mediaTypeFor(operation, request), bodies);
      const call = {
        path,
        query,
        body,
        header: (name: string) => headerOf(request, name),
        origin: originOf(request),
        span,
        signal: abort.signal,
      };
      const answer = await withActiveSpan(span, () => operation.run(call, dependencies));
      await sendAnswer(response, answer, request.method === 'HEAD');
      discardRest(request);
    } catch (error) {
      const problem = problemOfError(error);
      if (response.headersSent) {
        // The status cannot be changed any more: what is certain is that this answer must not look whole.
        failSpan(span, error);
        dependencies.logger.error({ err: error, operation: operation.id, path: request.url }, 'an answer broke off');
        response.destroy();
        return;
      }
      refuse(request, response, problem);
    } finally {
      body?.release();
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
    if (response.destroyed) return;
    const { status, facts } = problem;
    const about = underWay.get(request) as UnderWay;
    about.errorCode = facts.code;
    if (status >= 500) {
      const err = problem.cause ?? problem;
      const fields = { door: 'http', err, operation: about.operation, path: pathOf(request), status, code: facts.code };
      dependencies.logger[status === 503 ? 'warn' : 'error'](fields, facts.detail);
      failSpan(about.span, err, facts.code);
    }
    sendProblem(response, problem, pathOf(request), request.method === 'HEAD');
    discardRest(request);
  }

  return {
    handle(request, response) {
      const facts: UnderWay = { span: spanFor(request), operation: 'refused', errorCode: undefined };
      underWay.set(request, facts);
      const started = performance.now();
      response.once('close', () => {
        requestMetrics('http', facts.operation).observe((performance.now() - started) / 1000, response.statusCode);
        endHttpSpan(facts.span, response.statusCode, facts.errorCode);
      });
      // The router needs no more of them than Node's own, whatever the types say.
      router(request as express.Request, response as express.Response, (error?: unknown) => {
        refuse(request, response, error === undefined ? routeNotFound(request) : routingProblem(error));
      });
    },
    stop() {
      stopped = true;
      for (const abort of running) abort.abort();
    },
  };
}

/** What is noted of a request until its answer has gone out. */
interface UnderWay {
  readonly span: Span;
  operation: string;
  errorCode: string | undefined;
}

function spanFor(request: IncomingMessage): Span {
  // Only what touches streams: probes come every few seconds for ever.
  if (!tracing.enabled || !request.url?.startsWith('/v1/')) return offSpan;
  return startHttpSpan({
    method: request.method ?? '',
    path: pathOf(request),
    headers: request.headers,
    protocolVersion: request.httpVersion,
    scheme: 'http',
    clientAddress: request.socket.remoteAddress,
  });
}

function byRoute(operations: readonly RestOperation[]): Map<string, RestOperation[]> {
  return Map.groupBy(operations, ({ route }) => route);
}

function allowed(operations: readonly RestOperation[]): string {
  const methods = operations.map(({ method }) => method.toUpperCase());
  if (methods.includes('GET')) methods.push('HEAD');
  return [...methods, 'OPTIONS'].sort().join(', ');
}

/** Throws a Problem (415). */
function mediaTypeFor({ body }: RestOperation, request: IncomingMessage): string {
  const mediaType = mediaTypeOf(request.headers['content-type']);
  if (body === undefined) return mediaType ?? '';
  if (mediaType !== undefined && Object.hasOwn(body, mediaType)) return mediaType;
  const known = Object.keys(body).join(', ');
  throw new Problem({
    status: 415,
    code: 'unsupportedMediaType',
    title: 'Unsupported media type',
    detail: `Content-Type ${mediaType ?? '(none)'} is not taken here; send ${known}.`,
    headers: { 'Accept-Post': known },
  });
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}

function pathOf({ url = '' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark === -1 ? url : url.slice(0, mark);
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** How the caller addressed us: text that it wrote, so only what looks like a host and port is repeated. */
function originOf(request: IncomingMessage): string {
  const host = request.headers.host ?? headerOf(request, ':authority') ?? '';
  const scheme = 'encrypted' in request.socket && request.socket.encrypted === true ? 'https' : 'http';
  if (/^[\w.-]{1,253}(:\d{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?$/.test(host)) return `${scheme}://${host}`;
  return `${scheme}://localhost:${request.socket.localPort ?? ''}`;
}

/** Reads on and throws away, within bounds: a client that is still sending would not see the answer otherwise. */
function discardRest(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  let byteCount = 0;
  request.on('data', (chunk: Buffer) => {
    byteCount += chunk.length;
    if (byteCount > UNWANTED_BYTES_MAX) request.destroy();
  });
  // It was the client's to end; that it did not is no error of ours.
  request.on('error', () => {});
  request.resume();
}

function routeNotFound(request: IncomingMessage): Problem {
  return new Problem({
    status: 404,
    code: 'routeNotFound',
    title: 'Not found',
    detail: `There is nothing at ${pathOf(request)}; GET /openapi.json lists what there is.`,
  });
}

function methodNotAllowed(method: string, route: string, allow: string): Problem {
  return new Problem({
    status: 405,
    code: 'methodNotAllowed',
    title: 'Method not allowed',
    detail: `${route} knows ${allow}, not ${method}.`,
    headers: { Allow: allow },
  });
}

/** The router itself refuses a path that is not percent-encoded UTF-8; anything else is a bug. */
function routingProblem(error: unknown): Problem {
  if (error instanceof URIError)
    return invalidRequest([{ pointer: '{path}', message: 'is not percent-encoded UTF-8' }]);
  return problemOfError(error);
}
