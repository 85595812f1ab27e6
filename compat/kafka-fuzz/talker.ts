import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Api, decodeResponse, type Draft, encodeRequest, type Message, type Of } from '@tailrace/kafka-protocol';

const ANSWER_PATIENCE_MS = 60_000;

/** A well-behaved client: one request at a time, and its answer. */
export class Talker {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #correlationId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#wake?.());
  }

  static async to(port: number): Promise<Talker> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Talker(socket);
  }

  /** Rejects when the connection ends, or nothing comes for a minute. */
  async ask<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    version: number,
    draft: Draft<Request>,
  ): Promise<Of<Response>> {
    const header = { correlationId: ++this.#correlationId, clientId: 'fuzz-admin' };
    this.#socket.write(Buffer.concat(encodeRequest(api.request, version, header, draft)));
    const deadline = performance.now() + ANSWER_PATIENCE_MS;
    while (this.#bytes.length < 4 || this.#bytes.length < 4 + this.#bytes.readInt32BE(0)) {
      if (this.#socket.destroyed) throw new Error(`${api.name}: the connection was closed`);
      if (performance.now() > deadline) throw new Error(`${api.name}: no answer within ${ANSWER_PATIENCE_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const end = 4 + this.#bytes.readInt32BE(0);
    const frame = this.#bytes.subarray(4, end);
    this.#bytes = this.#bytes.subarray(end);
    return decodeResponse(api.response, version, frame).body;
  }

  close(): void {
    this.#socket.destroy();
  }
}
