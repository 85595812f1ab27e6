import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { logger } from './logger.ts';

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface MetricsServer {
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/** The server cannot listen. The message says where and what to do. */
export class MetricsServerError extends Error {
  override readonly name = 'MetricsServerError';
}

/** A scraper needs one connection; this leaves room for several and none for a flood. */
export const METRICS_CONNECTIONS_MAX = 32;
const REQUEST_TIMEOUT_MS = 10_000;
/** Gauges that prom-client names like counters, which `promtool check metrics` complains of; the same numbers by type remain. */
const misnamedDefaults = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * Serves `/metrics` in Prometheus's text format: our numbers and the process's (CPU, memory, event loop, GC). Throws
 * MetricsServerError when it cannot listen there.
 */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  // Loaded here: together they take four times as long as the rest of this library, and the command line needs neither.
  const [{ createServer }, { default: prometheus }, { registerFamilies }] = await Promise.all([
    import('node:http'),
    import('prom-client'),
    import('./metrics-exposition.ts'),
  ]);
  const registry = new prometheus.Registry();
  registerFamilies(registry);

  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(request, response, registry).catch((error: unknown) => {
      logger.error({ err: error }, 'metrics: a scrape failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.maxConnections = METRICS_CONNECTIONS_MAX;
  await listen(server, options);
  // Only now: it begins to observe GC and event loop, which nothing would stop if the port were taken.
  prometheus.collectDefaultMetrics({ register: registry });
  for (const name of misnamedDefaults) registry.removeSingleMetric(name);
  const { port } = server.address() as AddressInfo;
  return {
    host: options.host,
    port,
    close: () =>
      new Promise((resolve) => {
        registry.clear();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, registry: Registry): Promise<void> {
  const path = request.url?.split('?', 1)[0];
  if (path !== '/metrics') {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Metrics are at /metrics\n');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const text = await registry.metrics();
  response.writeHead(200, { 'content-type': registry.contentType, 'content-length': Buffer.byteLength(text) });
  response.end(request.method === 'HEAD' ? undefined : text);
}

function listen(server: Server, { host, port }: MetricsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      reject(new MetricsServerError(explain(error, host, port), { cause: error }));
    };
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      server.on('error', (error) => logger.error({ err: error }, 'metrics: server error'));
      resolve();
    });
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  const place = `metrics on ${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${place}: the port is taken by another process; choose another with TAILRACE_METRICS_PORT`;
    case 'EACCES':
      return `${place}: not allowed to listen on this port; choose one above 1023 with TAILRACE_METRICS_PORT`;
    case 'EADDRNOTAVAIL':
      return `${place}: this machine has no such address; check TAILRACE_HOST`;
    default:
      return `${place}: ${error.message}`;
  }
}
