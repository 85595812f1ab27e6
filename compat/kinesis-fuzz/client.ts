import { connect, type Socket } from 'node:net';
import type { FuzzRequest } from './mutations.ts';

/** Longer than the service waits for anything that a client may leave out while it keeps its side open. */
export const ANSWER_PATIENCE_MS = 20_000;

export type FuzzOutcome =
  { readonly kind: 'answered'; readonly statusCode: number } | { readonly kind: 'closed' } | { readonly kind: 'hung' };

/** One connection at a time, opened again when the last one ended. Sends a request, and waits for its answer or the end. */
export class FuzzClient {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  connections = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async send({ bytes, ends }: FuzzRequest): Promise<FuzzOutcome> {
    const socket = this.#socket ?? (await this.#connect());
    this.#received = Buffer.alloc(0);
    if (ends) socket.end(bytes);
    else socket.write(bytes);
    const deadline = performance.now() + ANSWER_PATIENCE_MS;
    for (;;) {
      const statusCode = answerIn(this.#received, socket.destroyed || socket.readableEnded);
      const isOver = this.#socket !== socket;
      if (statusCode !== undefined) {
        if (ends) this.#drop(socket);
        return { kind: 'answered', statusCode };
      }
      if (isOver) return { kind: 'closed' };
      const remainingMs = deadline - performance.now();
      if (remainingMs <= 0) {
        this.#drop(socket);
        return { kind: 'hung' };
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, remainingMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #connect(): Promise<Socket> {
    this.connections++;
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true, allowHalfOpen: false });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    const over = () => {
      if (this.#socket === socket) this.#socket = undefined;
      this.#wake?.();
    };
    socket.on('end', over);
    socket.on('close', over);
    // A reset is one way in which the service ends a connection.
    socket.on('error', over);
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
      socket.once('close', () => resolve());
    });
    return socket;
  }

  #drop(socket: Socket): void {
    if (this.#socket === socket) this.#socket = undefined;
    socket.destroy();
  }
}

/** The status of the first whole answer among the bytes, if there is one. */
function answerIn(bytes: Buffer, isOver: boolean): number | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const statusCode = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  if (!Number.isInteger(statusCode)) throw new Error(`no answer of HTTP/1.1: ${head}`);
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (length !== undefined) return bytes.length >= headEnd + 4 + Number(length) ? statusCode : undefined;
  if (/\r\ntransfer-encoding: *chunked/i.test(head))
    return bytes.includes('0\r\n\r\n', headEnd) ? statusCode : undefined;
  return isOver || statusCode === 204 ? statusCode : undefined;
}
