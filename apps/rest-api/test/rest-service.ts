import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ShardLimits } from '@tailrace/quota';
import { type Store, StreamCatalog } from '@tailrace/shard-core';
import type { BodyBudget } from '../src/http/body-budget.ts';
import { Ingest } from '../src/ingest/index.ts';
import { createRestHandler, type RestHandler } from '../src/rest/index.ts';

/** A JSON answer, whose form the spec itself checks. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each spec compares what it looks at
export type Answered = any;

export interface RestService {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly ingest: Ingest;
  readonly handler: RestHandler;
  readonly logged: {
    readonly level: string;
    readonly facts: Readonly<Record<string, unknown>>;
    readonly message: string;
  }[];
  /** Sends JSON, or nothing, and answers status and JSON. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answered; headers: Headers }>;
  close(): Promise<void>;
}

/** The REST API on a port of its own over the given store. */
export async function startRestService(
  store: Store,
  options: { limited?: boolean; wrapIngest?: (ingest: Ingest) => Ingest; bodies?: BodyBudget } = {},
): Promise<RestService> {
  const catalog = await StreamCatalog.open(store);
  const limits = new ShardLimits(store.tokenBuckets, { enabled: options.limited ?? false });
  const plain = new Ingest({ store, catalog, limits });
  const ingest = options.wrapIngest?.(plain) ?? plain;
  const logged: RestService['logged'] = [];
  const log = (level: string) => (facts: Readonly<Record<string, unknown>>, message: string) => {
    logged.push({ level, facts, message });
  };
  const handler = createRestHandler({
    store,
    catalog,
    ingest,
    limits,
    logger: { info: log('info'), warn: log('warn'), error: log('error') },
    minInsyncReplicas: 1,
    version: '0.0.0-test',
    kafkaAddress: '127.0.0.1:9092',
    clock: Date.now,
    ...(options.bodies && { bodies: options.bodies }),
  });
  const server = createServer(handler);
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    port,
    server,
    store,
    catalog,
    ingest,
    handler,
    logged,
    async call(method, path, body) {
      const response = await fetch(origin + path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
    },
    async close() {
      handler.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await limits.close();
      await catalog.close();
      await store.close();
    },
  };
}
