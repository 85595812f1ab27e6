import type { Socket } from 'node:net';
import { beginsTls } from '@tailrace/service';

/** What an HTTP/2 client with prior knowledge sends first. RFC 9113, 3.4. No HTTP/1 request begins like it. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Looks at the first bytes of a connection and says which HTTP it speaks, once that is clear: mostly with the first
 * byte, at the latest with the 24th. The bytes stay in the socket for whoever takes it over. A connection that says
 * nothing in time is closed.
 */
export function sniffProtocol(
  socket: Socket,
  timeoutMs: number,
  decided: (protocol: 'http1' | 'http2' | 'tls') => void,
): void {
  let held: Buffer | undefined;
  const timeout = setTimeout(() => socket.destroy(), timeoutMs);

  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    held = held === undefined ? chunk : Buffer.concat([held, chunk]);
    const compared = Math.min(held.length, PREFACE.length);
    const agrees = held.compare(PREFACE, 0, compared, 0, compared) === 0;
    if (agrees && held.length < PREFACE.length) return;
    stop();
    // The log says so then: a client that is set to https gets nothing else that it could show.
    if (beginsTls(held)) return decided('tls');
    socket.unshift(held);
    decided(agrees ? 'http2' : 'http1');
  };
  const stop = (): void => {
    clearTimeout(timeout);
    socket.off('readable', onReadable);
    socket.off('error', onGone);
    socket.off('close', onGone);
    socket.off('end', onGone);
  };
  const onGone = (): void => {
    stop();
    socket.destroy();
  };
  socket.on('readable', onReadable);
  socket.on('error', onGone);
  socket.on('close', onGone);
  socket.on('end', onGone);
}
