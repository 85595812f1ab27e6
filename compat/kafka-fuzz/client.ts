import { connect, type Socket } from 'node:net';
import type { FuzzFrame } from './mutations.ts';

/** From one answer to the next: longer than anything that a request asks the service to wait for. */
export const ANSWER_PATIENCE_MS = 30_000;

/** Length and correlation id. */
const HEAD_BYTES = 8;

/** What became of a burst: the service has answered or ended what it had to, or what it did instead. */
export type BurstOutcome = { readonly closed: boolean; readonly problem: string | undefined; readonly answers: number };

/** A frame that makes the service answer in a way that shows it has come past all before it: ApiVersions 0. */
const SENTINEL_CORRELATION_ID = 0x7fff_fff0;
const sentinel = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0x7f, 0xff, 0xff, 0xf0, 0xff, 0xff]);

/**
 * One connection at a time, opened again when the last one ended. Sends many frames in one piece, and sees each one
 * answered in its turn, or the connection ended by one that asks for it.
 */
export class FuzzClient {
  readonly #port: number;
  #socket: Socket | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** So many bytes are needed to go on. */
  #wanted = HEAD_BYTES;
  #frames: readonly FuzzFrame[] = [];
  #awaitsSentinel = false;
  /** The next frame that may be answered. */
  #at = 0;
  #answers = 0;
  #resolve: ((outcome: BurstOutcome) => void) | undefined;
  #deadlineMs = Infinity;
  connections = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a burst, of which only the last frame may be one that is not certain to be answered. */
  send(frames: readonly FuzzFrame[]): Promise<BurstOutcome> {
    const last = frames.at(-1) as FuzzFrame;
    this.#frames = frames;
    this.#at = 0;
    this.#answers = 0;
    this.#awaitsSentinel = last.expect === 'anything' && !last.endsStream;
    this.#deadlineMs = performance.now() + ANSWER_PATIENCE_MS;
    const pieces = frames.map(({ bytes }) => bytes);
    if (this.#awaitsSentinel) pieces.push(sentinel);
    const socket = this.#socket ?? this.#connect();
    if (last.endsStream) socket.end(Buffer.concat(pieces));
    else socket.write(Buffer.concat(pieces));
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** To be called now and then: gives up a burst that is overdue. */
  check(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    const socket = this.#socket;
    // First, or the next burst would go to the connection that is being closed, and be taken for one that the service has closed.
    this.#socket = undefined;
    this.#over(`not answered within ${ANSWER_PATIENCE_MS} ms (${this.#at} of ${this.#frames.length} frames behind it)`);
    socket?.destroy();
  }

  /** Leaves without waiting for what is still to come. */
  leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.#over(undefined);
  }

  #connect(): Socket {
    this.connections++;
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.#chunks = [];
    this.#bytes = 0;
    this.#wanted = HEAD_BYTES;
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket === socket) this.#read(chunk);
    });
    const ended = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#ended();
    };
    socket.on('close', ended);
    // A reset is one way in which the service ends a connection; 'close' follows it.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'EADDRNOTAVAIL') this.#over(error.message);
    });
    return socket;
  }

  /** A Fetch of one partition, hundreds of times, is answered by megabytes: they are put together once, when all are there. */
  #read(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#wanted = HEAD_BYTES;
    while (bytes.length >= HEAD_BYTES) {
      const end = 4 + bytes.readInt32BE(0);
      if (bytes.length < end) {
        this.#wanted = end;
        break;
      }
      this.#answered(bytes.readInt32BE(4), bytes.subarray(4, end));
      bytes = bytes.subarray(end);
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#bytes = bytes.length;
  }

  #answered(correlationId: number, answer: Buffer): void {
    if (this.#resolve === undefined) return;
    this.#deadlineMs = performance.now() + ANSWER_PATIENCE_MS;
    if (correlationId === SENTINEL_CORRELATION_ID && this.#awaitsSentinel) return this.#over(undefined);
    for (; this.#at < this.#frames.length; this.#at++) {
      const frame = this.#frames[this.#at] as FuzzFrame;
      if (frame.correlationId === correlationId) {
        this.#at++;
        this.#answers++;
        const wrong = frame.expect === 'end' ? 'an answer to what cannot be read' : frame.check?.(answer);
        if (wrong !== undefined) return this.#over(wrong);
        if (this.#at === this.#frames.length && frame.expect === 'answer') this.#over(undefined);
        return;
      }
      if (frame.expect === 'answer') break;
    }
    if (this.#frames.at(-1)?.endsStream !== true) this.#over(`an answer to nothing that was asked: ${correlationId}`);
  }

  #ended(): void {
    const frame = this.#frames[this.#at];
    // All that had to be answered is answered: what is left may be the reason for the end.
    if (frame?.expect === 'answer' && this.#frames.at(-1)?.endsStream !== true)
      this.#over('the connection was closed instead of an answer');
    else this.#over(undefined);
  }

  #over(problem: string | undefined): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    this.#deadlineMs = Infinity;
    resolve?.({ closed: this.#socket === undefined, problem, answers: this.#answers });
  }

  get at(): FuzzFrame | undefined {
    return this.#frames[Math.min(this.#at, this.#frames.length - 1)];
  }
}
