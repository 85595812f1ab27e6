import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range from which kernels take the local ports of outgoing connections (Linux: 32768 and up), so that a
 * server that is stopped and started again finds its port still free.
 */
const PORT_MIN = 20_000;
const PORT_MAX = 29_999;
const TRIES_MAX = 50;

/**
 * A TCP port on 127.0.0.1 on which nothing listens now. Another process may take it before you do:
 * prefer listening on port 0 where the server can.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(PORT_MIN, PORT_MAX + 1);
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port found in ${PORT_MIN}..${PORT_MAX} in ${TRIES_MAX} tries`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}
