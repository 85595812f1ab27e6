import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { ShardLimits } from '@tailrace/quota';
import { type Store, StreamCatalog } from '@tailrace/shard-core';
import { logger } from '@tailrace/telemetry';
import {
  createHttpDoor,
  type HttpDoor,
  type HttpDoorDependencies,
  type HttpDoorOptions,
  Ingest,
} from '../src/index.ts';
import { memoryStore } from './memory-store.ts';

logger.level = 'silent';

export interface RunningDoor {
  readonly door: HttpDoor;
  readonly catalog: StreamCatalog;
  readonly port: number;
  readonly url: string;
  /** A plain connection to the port. */
  socket(): Promise<RawSocket>;
}

export interface RawSocket {
  readonly socket: Socket;
  /** Everything that has come so far, one character a byte. */
  readonly received: () => string;
  /** Resolves when the other side has closed, with everything that came. */
  readonly closed: Promise<string>;
  /** Waits until what has come matches. */
  until(pattern: RegExp): Promise<string>;
}

export async function startDoor(
  options: {
    readonly store?: Store;
    readonly restHandler?: RequestListener;
    readonly limits?: boolean;
    readonly timeouts?: HttpDoorOptions['timeouts'];
    readonly subscriptionTimes?: HttpDoorDependencies['subscriptionTimes'];
    /** Milliseconds since 1970. */
    readonly clock?: () => number;
  } = {},
): Promise<RunningDoor> {
  const store = options.store ?? memoryStore();
  const catalog = await StreamCatalog.open(store);
  const limits = new ShardLimits(store.tokenBuckets, { enabled: options.limits ?? false });
  const ingest = new Ingest({ store, catalog, limits });
  const { restHandler, timeouts = {}, subscriptionTimes = {}, clock = Date.now } = options;
  const door = createHttpDoor(
    { store, catalog, ingest, limits, subscriptionTimes, clock, ...(restHandler && { restHandler }) },
    { timeouts },
  );
  const { port } = await door.listen({ host: '127.0.0.1', port: 0 });
  return { door, catalog, port, url: `http://127.0.0.1:${port}`, socket: () => rawSocket(port) };
}

async function rawSocket(port: number): Promise<RawSocket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  let received = '';
  const waiting = new Set<() => void>();
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    for (const look of waiting) look();
  });
  // A connection that is cut is what several specs wait for.
  socket.on('error', () => {});
  const closed = once(socket, 'close').then(() => received);
  return {
    socket,
    received: () => received,
    closed,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(received)) return;
          waiting.delete(look);
          resolve(received);
        };
        waiting.add(look);
        void closed.then(() => reject(new Error(`closed before ${pattern}: ${received}`)));
        look();
      }),
  };
}

/** A request of the AWS protocol as it goes over the wire of HTTP/1.1. */
export function rawRequest(operation: string, input: object | string, headers: readonly string[] = []): string {
  const body = typeof input === 'string' ? input : JSON.stringify(input);
  return [
    'POST / HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/x-amz-json-1.1',
    `X-Amz-Target: Kinesis_20131202.${operation}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
}
