import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from './seeded-random.ts';

/** Seen from the client: `up` are its requests, `down` are the answers. */
export type Direction = 'up' | 'down';

export interface FaultProxyOptions {
  /** Where connections are passed on to; `host` is 127.0.0.1 by default. May change later: see `FaultProxy.target`. */
  readonly target: FaultProxyTarget;
  /** For `cutRandomly`: the same seed and the same order of connections give the same cuts. Default 1. */
  readonly seed?: number;
}

export interface FaultProxyTarget {
  readonly host?: string;
  readonly port: number;
}

/** A TCP proxy on 127.0.0.1 that breaks what runs through it, as told. It starts as a faithful one. */
export interface FaultProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** For new connections: a test can move them to another server. */
  target: FaultProxyTarget;
  /** Open now. */
  readonly connectionCount: number;
  /** Cut by any of the faults since the start: lets a test see that its fault did happen. */
  readonly cutCount: number;
  /** Resets every open connection at once. */
  cutAll(): void;
  /**
   * Cuts each connection, open or new, when `bytes` more have passed in `direction`: exactly that many arrive, the rest
   * does not, and both ends see a reset. `down` with 0 loses an answer whose request was carried out. Until `heal()`.
   */
  cutAfterBytes(bytes: number, direction?: Direction): void;
  /** Cuts each connection after a number of bytes drawn evenly from 1..`bytesMax`, in a direction drawn too. Until `heal()`. */
  cutRandomly(options: { readonly bytesMax: number }): void;
  /** Nothing passes in either direction, no connection ends: a network that swallows packets. Until `resume()` or `heal()`. */
  pause(): void;
  resume(): void;
  /** Each piece that arrives is held for `ms` before the next one moves. 0 ends it. */
  delay(ms: number): void;
  /** Refuses new connections (each is reset as it comes); open ones go on. Until `heal()`. */
  refuse(): void;
  /** Back to a faithful proxy. Connections that were cut stay cut. */
  heal(): void;
  /** Resets what is open and closes the port. */
  stop(): Promise<void>;
}

interface Cut {
  readonly direction: Direction;
  bytesLeft: number;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  cut: Cut | undefined;
}

export async function faultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const random = seededRandom(options.seed ?? 1);
  const connections = new Set<Connection>();
  let cutCount = 0;
  let drawCut: () => Cut | undefined = () => undefined;
  let delayMs = 0;
  let refusing = false;
  /** Present while paused; resolves on `resume()`. */
  let paused: { readonly until: Promise<void>; readonly end: () => void } | undefined;

  function destroy(connection: Connection): void {
    connections.delete(connection);
    for (const socket of [connection.client, connection.server]) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  function cut(connection: Connection): void {
    if (!connections.has(connection)) return;
    cutCount += 1;
    destroy(connection);
  }

  /** Passes one piece on, as slowly and as far as the faults allow. */
  async function pass(connection: Connection, direction: Direction, piece: Buffer): Promise<Buffer | undefined> {
    while (paused !== undefined) await paused.until;
    if (delayMs > 0) await sleep(delayMs);
    const limit = connection.cut;
    if (limit?.direction !== direction) return piece;
    if (piece.length < limit.bytesLeft) {
      limit.bytesLeft -= piece.length;
      return piece;
    }
    const receiver = direction === 'up' ? connection.server : connection.client;
    const allowed = piece.subarray(0, limit.bytesLeft);
    // A reset discards what is still queued, so the allowed bytes leave first.
    if (allowed.length === 0 || receiver.destroyed) cut(connection);
    else receiver.write(allowed, () => cut(connection));
    return undefined;
  }

  /** In order, and with the streams' own back-pressure: the next piece waits until this one has passed. */
  function passage(connection: Connection, direction: Direction): Transform {
    return new Transform({
      transform(piece: Buffer, _encoding, done) {
        pass(connection, direction, piece).then(
          // What was cut ends here: the passage asks for nothing more.
          (passed) => passed !== undefined && done(null, passed),
          (error: unknown) => done(error as Error),
        );
      },
    });
  }

  function open(client: Socket): void {
    if (refusing) {
      cutCount += 1;
      client.resetAndDestroy();
      return;
    }
    const { host = '127.0.0.1', port } = proxy.target;
    const server = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const connection: Connection = { client, server, cut: drawCut() };
    connections.add(connection);
    for (const socket of [client, server]) {
      // A broken side is this proxy's business to pass on, not to report: the other side is reset as well.
      socket.on('error', () => destroy(connection));
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) connections.delete(connection);
      });
    }
    client.pipe(passage(connection, 'up')).pipe(server);
    server.pipe(passage(connection, 'down')).pipe(client);
  }

  function setCuts(draw: () => Cut | undefined): void {
    drawCut = draw;
    for (const connection of connections) connection.cut = draw();
  }

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, open);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  const proxy: FaultProxy = {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    target: options.target,
    get connectionCount() {
      return connections.size;
    },
    get cutCount() {
      return cutCount;
    },
    cutAll() {
      for (const connection of [...connections]) cut(connection);
    },
    cutAfterBytes(bytes, direction = 'down') {
      setCuts(() => ({ direction, bytesLeft: bytes }));
    },
    cutRandomly({ bytesMax }) {
      setCuts(() => ({ direction: random() < 0.5 ? 'up' : 'down', bytesLeft: 1 + Math.floor(random() * bytesMax) }));
    },
    pause() {
      if (paused !== undefined) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      paused = { until: promise, end: resolve };
    },
    resume() {
      paused?.end();
      paused = undefined;
    },
    delay(ms) {
      delayMs = ms;
    },
    refuse() {
      refusing = true;
    },
    heal() {
      setCuts(() => undefined);
      delayMs = 0;
      refusing = false;
      proxy.resume();
    },
    async stop() {
      proxy.resume();
      for (const connection of [...connections]) destroy(connection);
      const closed = once(listener, 'close');
      listener.close();
      await closed;
    },
  };
  return proxy;
}
