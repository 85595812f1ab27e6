import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Api, decodeResponse, type Draft, encodeRequest, type Message, type Of } from '@tailrace/kafka-protocol';
import type { Address } from '../door.ts';

/** How long a test waits for an answer before it says that there is none. */
const ANSWER_TIMEOUT_MS = 10_000;

/** A client that says what a test wants to say, frame by frame. For specs. */
export class WireClient {
  readonly socket: Socket;
  readonly clientId: string;
  #correlationId = 0;
  /** What has come of the next frame, in pieces: a large one is put together once. */
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  /** With how many bytes it is worth looking. */
  #wantedBytes = 4;
  readonly #waiting: { readonly resolve: (frame: Buffer) => void; readonly reject: (error: Error) => void }[] = [];
  /** Frames that came before anybody asked for them. */
  readonly #arrived: Buffer[] = [];
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket, clientId: string) {
    this.socket = socket;
    this.clientId = clientId;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection was closed'));
    });
  }

  static async connect({ host, port }: Address, clientId = 'spec'): Promise<WireClient> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new WireClient(socket, clientId);
  }

  /** Asks, and answers what came back. Rejects when the connection closes instead. */
  async request<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    version: number,
    draft: Draft<Request>,
  ): Promise<Of<Response>> {
    const correlationId = ++this.#correlationId;
    const frames = encodeRequest(api.request, version, { correlationId, clientId: this.clientId }, draft);
    const answer = decodeResponse(api.response, version, await this.exchange(Buffer.concat(frames)));
    if (answer.correlationId !== correlationId)
      throw new Error(`answer ${answer.correlationId} to request ${correlationId}`);
    return answer.body;
  }

  /** Sends a request to which no answer comes. */
  tell<Request extends Message>(api: Api<Request>, version: number, draft: Draft<Request>): void {
    const header = { correlationId: ++this.#correlationId, clientId: this.clientId };
    this.socket.write(Buffer.concat(encodeRequest(api.request, version, header, draft)));
  }

  /** Sends whole frames, length included, and answers the next frame without its length. */
  exchange(frame: Buffer): Promise<Buffer> {
    this.socket.write(frame);
    return this.nextFrame();
  }

  nextFrame(): Promise<Buffer> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)), ANSWER_TIMEOUT_MS);
      this.#waiting.push({
        resolve: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    if (this.#chunkBytes < this.#wantedBytes) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#wantedBytes = 4;
    while (bytes.length >= 4) {
      const end = 4 + bytes.readInt32BE(0);
      if (bytes.length < end) {
        this.#wantedBytes = end;
        break;
      }
      const frame = bytes.subarray(4, end);
      bytes = bytes.subarray(end);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#arrived.push(frame);
      else waiting.resolve(frame);
    }
    this.#chunks = [bytes];
    this.#chunkBytes = bytes.length;
  }
}
