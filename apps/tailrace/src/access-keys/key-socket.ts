import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { isKeyMethod, KEY_METHODS, type KeyMethod, type KeyMethods } from './key-methods.ts';

/**
 * While a service has the data directory, nobody else can open the store in it; `tailrace keys` then asks the service,
 * over a socket in that directory. Who may use it is decided by the file system: it belongs to the service's own user, as
 * the store does. One request a method: `POST /<method>`, the arguments as a list in JSON.
 */
const SOCKET_NAME = 'access-keys.sock';
/** For nobody but the owner. */
const OTHERS_MASK = 0o177;
/** A policy has 20 KiB. */
const BODY_BYTES_MAX = 64 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 16;

export interface KeySocket {
  close(): Promise<void>;
}

/** Rejects when the socket cannot be made: the path of the data directory may be too long for one. */
export async function serveKeys(dataDir: string, methods: KeyMethods): Promise<KeySocket> {
  const path = join(dataDir, SOCKET_NAME);
  // What a service left behind that was killed: the directory is ours, so nobody listens there.
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(request, response, methods).catch((error: unknown) => {
      if (!response.headersSent) send(response, 500, { problem: (error as Error).message });
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listenAlone(server, path);
  return {
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The socket comes into being within `listen`, with the rights that the mask leaves. */
async function listenAlone(server: Server, path: string): Promise<void> {
  const listening = once(server, 'listening');
  const mask = process.umask(OTHERS_MASK);
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  await listening;
}

async function answer(incoming: IncomingMessage, response: ServerResponse, methods: KeyMethods): Promise<void> {
  const method = (incoming.url ?? '').slice(1);
  if (incoming.method !== 'POST' || !isKeyMethod(method)) {
    send(response, 404, { problem: `There is no method ${method}.` });
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      send(response, 413, { problem: `More than ${BODY_BYTES_MAX} bytes.` });
      return;
    }
    chunks.push(chunk);
  }
  const args = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown[];
  const run = methods[method].bind(methods) as (...args: unknown[]) => Promise<unknown>;
  send(response, 200, { result: await run(...args) });
}

function send(response: ServerResponse, statusCode: number, body: object): void {
  response.writeHead(statusCode, { 'Content-Type': 'application/json', Connection: 'close' });
  response.end(JSON.stringify(body));
}

/** The register of the service that has this data directory; `undefined` if none answers there. */
export async function connectKeys(dataDir: string): Promise<KeyMethods | undefined> {
  const socketPath = join(dataDir, SOCKET_NAME);
  const call =
    (method: KeyMethod) =>
    async (...args: unknown[]): Promise<unknown> => {
      const sent = request({ socketPath, method: 'POST', path: `/${method}`, timeout: REQUEST_TIMEOUT_MS });
      sent.on('timeout', () => sent.destroy(new Error('the service does not answer')));
      sent.end(JSON.stringify(args));
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      const { result, problem } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        result?: unknown;
        problem?: string;
      };
      if (response.statusCode !== 200) throw new Error(problem);
      return result;
    };
  const methods = Object.fromEntries(KEY_METHODS.map((method) => [method, call(method)])) as unknown as KeyMethods;
  try {
    await methods.list({ limit: 1 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Nothing there, or what a killed service left.
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw error;
  }
  return methods;
}
