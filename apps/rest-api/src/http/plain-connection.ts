import type { Socket } from 'node:net';
import { logger } from '@tailrace/telemetry';
import type { BodyBudget } from './body-budget.ts';
import { type DoorState, type Exchange, PlainExchange } from './exchange.ts';
import { BODY_BYTES_MAX, type HttpTimeouts } from './http-limits.ts';
import { type PlainHead, readPlainHead } from './plain-head.ts';

/** What a plain connection needs of its door. */
export interface PlainDoor extends DoorState {
  readonly budget: BodyBudget;
  /** Is the operation one whose answer is a single body, and known at all? */
  answersAtOnce(target: string | undefined): boolean;
  /** Answers the request. Does not reject. */
  answerPlain(exchange: Exchange, body: Buffer): Promise<void>;
  /** Gives the connection to the reader of all of HTTP/1, for good. Unread bytes lie in the socket. */
  speakHttp1(socket: Socket): void;
}
/** A request whose head is there, and of its body what has come. */
interface PartialRequest {
  readonly head: PlainHead;
  readonly chunks: Buffer[];
  /** Of all chunks, the head's among them. */
  bytes: number;
}

/**
 * An HTTP/1.1 connection for as long as it carries nothing but plain requests of the AWS protocol, one at a time:
 * `node:http` with its streams and events for each request costs several times what the operation behind it does. With
 * the first request that is not plain the connection is handed over, with every byte of that request.
 */
export class PlainConnection {
  readonly #socket: Socket;
  readonly #door: PlainDoor;
  readonly #timeouts: Pick<HttpTimeouts, 'idleMs' | 'restOfBodyMs'>;
  #busy = false;
  /** The client will send no more. */
  #ended = false;
  #handedOver = false;
  /** What a client has sent ahead, while its last request is answered. */
  #ahead: Buffer | undefined;
  /** A request whose body is not all here yet. */
  #partial: PartialRequest | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, door: PlainDoor, timeouts: Pick<HttpTimeouts, 'idleMs' | 'restOfBodyMs'>) {
    this.#socket = socket;
    this.#door = door;
    this.#timeouts = timeouts;
    socket.setNoDelay(true);
    socket.setTimeout(timeouts.idleMs);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('end', this.#onEnd);
    socket.on('data', this.#onData);
  }

  /** Ends the connection as soon as nothing is under way on it. */
  close(): void {
    if (!this.#busy && this.#partial === undefined && !this.#handedOver) this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#busy) {
      this.#ahead = this.#ahead === undefined ? chunk : Buffer.concat([this.#ahead, chunk]);
      this.#socket.pause();
    } else if (this.#partial !== undefined) this.#gather(this.#partial, chunk);
    else this.#begin(chunk);
  };

  #begin(bytes: Buffer): void {
    const head = readPlainHead(bytes);
    if (
      head === undefined ||
      head.bodyBytes > BODY_BYTES_MAX ||
      !this.#door.answersAtOnce(head.headers['x-amz-target'] as string | undefined)
    ) {
      this.#handOver([bytes]);
      return;
    }
    const total = head.bodyStart + head.bodyBytes;
    if (bytes.length >= total) this.#serve(head, bytes, total);
    else if (this.#door.budget.take(bytes.length)) {
      this.#partial = { head, chunks: [bytes], bytes: bytes.length };
      this.#timer = setTimeout(this.#onSlowBody, this.#timeouts.restOfBodyMs);
    } else this.#handOver([bytes]);
  }

  #gather(partial: PartialRequest, chunk: Buffer): void {
    const { head, chunks } = partial;
    chunks.push(chunk);
    if (!this.#door.budget.take(chunk.length)) {
      this.#handOver(chunks);
      return;
    }
    partial.bytes += chunk.length;
    const total = head.bodyStart + head.bodyBytes;
    if (partial.bytes < total) return;
    this.#forgetPartial();
    this.#serve(head, Buffer.concat(chunks), total);
  }

  /** The request takes `total` of the bytes; what is behind it belongs to the next one. */
  #serve(head: PlainHead, bytes: Buffer, total: number): void {
    const { budget } = this.#door;
    if (!budget.take(head.bodyBytes)) {
      // The other reader refuses it in the usual way.
      this.#handOver([bytes]);
      return;
    }
    if (bytes.length > total) {
      this.#ahead = bytes.subarray(total);
      this.#socket.pause();
    }
    this.#busy = true;
    const body = bytes.subarray(head.bodyStart, total);
    void this.#door.answerPlain(new PlainExchange(head, this.#socket, this.#door), body).then(() => {
      budget.giveBack(head.bodyBytes);
      this.#answered();
    });
  }

  #answered(): void {
    this.#busy = false;
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (this.#door.closing) socket.end();
    // A client that does not read its answers gets no further ones.
    else if (socket.writableNeedDrain) {
      this.#busy = true;
      socket.once('drain', () => {
        this.#answered();
      });
    } else this.#next();
  }

  #next(): void {
    const ahead = this.#ahead;
    if (ahead === undefined) {
      if (this.#ended) this.#socket.end();
      return;
    }
    this.#ahead = undefined;
    this.#socket.resume();
    this.#begin(ahead);
  }

  /** A connection that is handed over does not come back: whoever sends something unusual once does it again. */
  #handOver(unread: readonly Buffer[]): void {
    const socket = this.#socket;
    this.#handedOver = true;
    this.#forgetPartial();
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    socket.off('error', this.#onError);
    socket.off('timeout', this.#onTimeout);
    socket.setTimeout(0);
    if (socket.destroyed) return;
    // Paused, so that what is put back waits until the other reader listens.
    socket.pause();
    for (let i = unread.length - 1; i >= 0; i--) socket.unshift(unread[i]);
    this.#door.speakHttp1(socket);
    socket.resume();
  }

  #forgetPartial(): void {
    clearTimeout(this.#timer);
    if (this.#partial !== undefined) this.#door.budget.giveBack(this.#partial.bytes);
    this.#partial = undefined;
  }

  readonly #onSlowBody = (): void => {
    // Of a client that has closed its half, the rest never comes.
    if (this.#ended) this.#socket.destroy();
    else if (this.#partial !== undefined) this.#handOver(this.#partial.chunks);
  };

  readonly #onTimeout = (): void => {
    this.#socket.destroy();
  };

  readonly #onError = (error: Error): void => {
    logger.debug({ door: 'http', err: error }, 'a connection failed');
  };

  readonly #onClose = (): void => {
    this.#forgetPartial();
    this.#ahead = undefined;
  };

  /** The client has closed its half: what it asked for is still answered. */
  readonly #onEnd = (): void => {
    this.#ended = true;
    if (!this.#busy) this.#socket.end();
  };
}
