import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.ts';
import { type FaultProxy, faultProxy } from './fault-proxy.ts';
import { seededRandom } from './seeded-random.ts';

/** Echoes, and remembers how many bytes have come. */
interface EchoServer {
  readonly server: Server;
  readonly port: number;
  received: number;
}

async function echoServer(): Promise<EchoServer> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (piece: Buffer) => {
      echo.received += piece.length;
      socket.write(piece);
    });
    socket.on('end', () => socket.end());
    // The proxy resets connections: that is what is tested, at the other end.
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const echo: EchoServer = { server, port: (server.address() as AddressInfo).port, received: 0 };
  return echo;
}

/** A client that gathers what comes back and how the connection ended. */
function client(port: number) {
  const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const state = { socket, bytes: Buffer.alloc(0), ending: 'open' as string };
  socket.on('data', (piece: Buffer) => {
    state.bytes = Buffer.concat([state.bytes, piece]);
  });
  socket.on('end', () => (state.ending = 'end'));
  socket.on('error', (error: NodeJS.ErrnoException) => (state.ending = error.code ?? 'error'));
  return state;
}

describe('faultProxy', () => {
  let echo: EchoServer;
  let proxy: FaultProxy;
  beforeEach(async () => {
    echo = await echoServer();
    proxy = await faultProxy({ target: { port: echo.port }, seed: 42 });
  });
  afterEach(async () => {
    await proxy.stop();
    echo.server.close();
  });

  it('is faithful at first: a mebibyte, and the half-close after it, both ways', async () => {
    const state = client(proxy.port);
    const payload = Buffer.alloc(1_048_576, 'tailrace');
    state.socket.end(payload);
    await eventually(() => state.ending === 'end');
    expect(state.bytes.equals(payload)).toEqual(true);
    await eventually(() => proxy.connectionCount === 0);
    expect(proxy.cutCount).toEqual(0);
  });

  it('cutAll() resets what is open, and new connections work', async () => {
    const first = client(proxy.port);
    first.socket.write('x');
    await eventually(() => first.bytes.length === 1);
    proxy.cutAll();
    await eventually(() => first.ending === 'ECONNRESET');
    expect([proxy.connectionCount, proxy.cutCount]).toEqual([0, 1]);
    const second = client(proxy.port);
    second.socket.write('y');
    await eventually(() => second.bytes.toString() === 'y');
    second.socket.end();
  });

  it.each([0, 1, 9, 10])('cutAfterBytes(%i, down) lets exactly so many answered bytes through', async (bytes) => {
    proxy.cutAfterBytes(bytes, 'down');
    const state = client(proxy.port);
    state.socket.write('0123456789');
    await eventually(() => state.ending === 'ECONNRESET');
    expect(state.bytes.toString()).toEqual('0123456789'.slice(0, bytes));
    expect(echo.received).toEqual(10);
  });

  it('cutAfterBytes(…, up) loses the rest of the request', async () => {
    proxy.cutAfterBytes(4, 'up');
    const state = client(proxy.port);
    state.socket.write('0123456789');
    await eventually(() => state.ending === 'ECONNRESET');
    expect(echo.received).toBeLessThanOrEqual(4);
    await eventually(() => echo.received === 4);
  });

  it('heal() ends the cuts for open connections too', async () => {
    proxy.cutAfterBytes(10, 'down');
    const state = client(proxy.port);
    state.socket.write('01234');
    await eventually(() => state.bytes.length === 5);
    proxy.heal();
    state.socket.write('0123456789');
    await eventually(() => state.bytes.length === 15);
    expect(proxy.cutCount).toEqual(0);
    state.socket.end();
  });

  it('cutRandomly() cuts each connection where the seed says', async () => {
    const random = seededRandom(42);
    proxy.cutRandomly({ bytesMax: 1_000 });
    for (let i = 0; i < 12; i++) {
      const direction = random() < 0.5 ? 'up' : 'down';
      const bytes = 1 + Math.floor(random() * 1_000);
      const before = echo.received;
      const state = client(proxy.port);
      state.socket.write(Buffer.alloc(1_000));
      await eventually(() => state.ending === 'ECONNRESET');
      if (direction === 'down') expect(state.bytes.length).toEqual(bytes);
      else await eventually(() => echo.received - before === bytes);
    }
    expect(proxy.cutCount).toEqual(12);
  });

  it('passes nothing between pause() and resume(), and then all of it in order', async () => {
    const state = client(proxy.port);
    state.socket.write('a');
    await eventually(() => state.bytes.length === 1);
    proxy.pause();
    for (let i = 0; i < 100; i++) state.socket.write(`${i},`);
    // Another connection's round trip past the proxy: enough time for the bytes, had they not been held.
    const direct = client(echo.port);
    direct.socket.end('direct');
    await once(direct.socket, 'end');
    expect([state.bytes.toString(), state.ending]).toEqual(['a', 'open']);
    proxy.resume();
    const all = `a${Array.from({ length: 100 }, (_, i) => `${i},`).join('')}`;
    await eventually(() => state.bytes.toString() === all);
    state.socket.end();
  });

  it('delay() holds each piece, both ways', async () => {
    proxy.delay(40);
    const state = client(proxy.port);
    const start = performance.now();
    state.socket.write('x');
    await eventually(() => state.bytes.length === 1, { intervalMs: 1 });
    expect(performance.now() - start).toBeGreaterThanOrEqual(75);
    state.socket.end();
  });

  it('refuse() resets new connections and spares open ones', async () => {
    const open = client(proxy.port);
    open.socket.write('x');
    await eventually(() => open.bytes.length === 1);
    proxy.refuse();
    const refused = client(proxy.port);
    await eventually(() => refused.ending === 'ECONNRESET');
    open.socket.write('y');
    await eventually(() => open.bytes.toString() === 'xy');
    open.socket.end();
  });

  it('moves new connections to another target', async () => {
    const other = await echoServer();
    proxy.target = { port: other.port };
    const state = client(proxy.port);
    state.socket.write('x');
    await eventually(() => state.bytes.length === 1);
    expect([echo.received, other.received]).toEqual([0, 1]);
    state.socket.end();
    other.server.close();
  });

  it('resets the client when the target does not listen', async () => {
    proxy.target = { port: 1 };
    const state = client(proxy.port);
    await eventually(() => state.ending === 'ECONNRESET');
  });
});
