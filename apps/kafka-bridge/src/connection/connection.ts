import type { Socket } from 'node:net';
import { ANONYMOUS } from '@tailrace/identity';
import { apisByKey, MalformedFrame, readRequestHeader } from '@tailrace/kafka-protocol';
import type { Logger } from '@tailrace/telemetry';
import { bareMessageHeader } from '../security/bare-message.ts';
import type { SaslSession } from '../security/sasl-session.ts';
import { Exchange, type Peer } from './exchange.ts';
import type { FrameBufferPool } from './frame-buffer-pool.ts';
import { type Frame, FRAME_STALL_MS, FrameReader } from './frame-reader.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { UnreadableFrame } from './unreadable-frame.ts';

/** Requests of one connection that may be under way; Kafka's clients send at most five, librdkafka as many as it likes. */
export const REQUESTS_IN_FLIGHT_MAX = 64;
/** Bytes of requests of one connection under way, above which no further one is begun. */
export const BYTES_IN_FLIGHT_MAX = 32 * 1024 * 1024;
/** Answers that wait in the socket above this mean that the client does not read: no further request is begun. */
export const WRITE_BUFFER_BYTES_MAX = 1024 * 1024;
/** How long a client may read nothing of its last answers once we are done with it. */
export const LINGER_MS = 5_000;
/**
 * How long a client has to close its side behind its last answers. What comes meanwhile is read and dropped: with unread bytes
 * the system ends a connection by a reset, and the client loses what is on its way to it.
 */
export const READ_OUT_MS = 500;

const PRODUCE_KEY = 0;

export interface ConnectionOptions {
  readonly frameBytesMax: number;
  readonly pool: FrameBufferPool;
  readonly budget: MemoryBudget;
  readonly idleMs: number;
  readonly logger: Logger;
  /** Does what the request asks; settles with the exchange answered (`exchange.answer`), or throws for the connection to end. */
  readonly serve: (exchange: Exchange) => void | Promise<void>;
  /** The socket is closed: what was answered before has been handed to the system, or never will be. */
  readonly closed: (connection: Connection) => void;
  /** See `Peer.term`. */
  readonly term: number;
  /** By which the client shows who it is; absent where nobody is asked. */
  readonly sasl?: SaslSession | undefined;
  /** Who the client is, where the connection itself has shown it. */
  readonly principal?: string | undefined;
}

/**
 * One client's connection. Answers leave in the order of the requests. As in Kafka, a request begins when the one before
 * it is answered, with one exception: the appends of a Produce start while Produces before it wait for theirs, which
 * keeps their order, because the log lands appends of a shard in the order in which they are started.
 *
 * What a client can make us hold is bounded: requests and bytes under way, answers that it does not read, and all
 * connections together by the budget. At a bound we stop reading, and TCP holds the client back.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  readonly #queue: Exchange[] = [];
  readonly #stop = new AbortController();
  readonly #peer: Peer;
  #bytesInFlight = 0;
  /** A frame that has been read and may not begin yet. */
  #held: Frame | undefined;
  /** Why the frame behind those under way cannot be read: the connection ends when they are answered. */
  #unreadable: string | undefined;
  #paused = false;
  #mutedUntilMs = 0;
  #muteTimer: NodeJS.Timeout | undefined;
  #readOutTimer: NodeJS.Timeout | undefined;
  #timeoutMs = 0;
  #waitsForMemory = false;
  #flushing = false;
  #draining = false;
  #closed = false;
  readonly #unsent = new Set<Exchange>();

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    const { sasl, principal = ANONYMOUS } = options;
    this.#reader = new FrameReader(
      sasl === undefined
        ? options
        : {
            ...options,
            get frameBytesMax() {
              return sasl.frameBytesMax;
            },
          },
    );
    this.#peer = {
      host: withoutMapping(socket.remoteAddress ?? ''),
      port: socket.remotePort ?? 0,
      term: options.term,
      signal: this.#stop.signal,
      sasl,
      get principal() {
        return sasl?.principal ?? principal;
      },
    };
    socket.on('data', (chunk: Buffer) => {
      // While the last answers leave, nobody takes what still comes.
      if (this.#closed) return;
      this.#reader.push(chunk);
      this.#pump();
      // One that sends nothing at all times out; this one sends a byte now and then.
      if (!this.#paused && this.#reader.dueMs < performance.now()) this.#end('a frame came too slowly', 'info');
    });
    socket.on('drain', () => this.#pump());
    socket.on('timeout', () => this.#timedOut());
    socket.on('error', (error) => this.#end(`the socket failed: ${error.message}`, 'debug'));
    socket.on('end', () => this.#end('the client closed the connection', 'debug'));
    socket.on('close', () => {
      this.#end('the connection was closed', 'debug');
      clearTimeout(this.#readOutTimer);
      options.closed(this);
    });
    this.#setTimeout();
  }

  get peer(): Peer {
    return this.#peer;
  }

  /** Begins no further request, lets those that wait answer now, and closes when all are answered. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#stop.abort();
    this.#finishIfDrained();
  }

  destroy(reason: string): void {
    this.#end(reason, 'info');
  }

  #pump(): void {
    // Answers that are ready at once leave together.
    this.#socket.cork();
    try {
      while (this.#mayBegin()) {
        const frame = this.#held ?? this.#reader.next();
        if (frame === undefined) break;
        this.#held = frame;
        if (!this.#mayBeginBeside(frame)) break;
        this.#begin(frame);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#socket.uncork();
    }
    if (this.#closed) return;
    if (this.#reader.starved && !this.#waitsForMemory) {
      this.#waitsForMemory = true;
      this.#options.budget.whenFreed(() => {
        this.#waitsForMemory = false;
        if (!this.#closed) this.#pump();
      });
    }
    this.#regulate();
    this.#setTimeout();
  }

  #mayBegin(): boolean {
    return (
      !this.#closed &&
      !this.#draining &&
      this.#unreadable === undefined &&
      this.#queue.length < REQUESTS_IN_FLIGHT_MAX &&
      this.#bytesInFlight < BYTES_IN_FLIGHT_MAX &&
      this.#socket.writableLength <= WRITE_BUFFER_BYTES_MAX &&
      this.#mutedUntilMs === 0
    );
  }

  #mayBeginBeside(frame: Frame): boolean {
    if (this.#queue.length === 0) return true;
    const last = this.#queue.at(-1) as Exchange;
    return last.header.apiKey === PRODUCE_KEY && !last.holdsFollowers && apiKeyOf(frame) === PRODUCE_KEY;
  }

  /** Reads on only when what was read has been used up. */
  #regulate(): void {
    const stop = this.#held !== undefined || this.#reader.hasBytes || this.#draining || !this.#mayBegin();
    if (stop === this.#paused) return;
    this.#paused = stop;
    if (stop) this.#socket.pause();
    else {
      this.#reader.extend();
      this.#socket.resume();
    }
  }

  #begin(frame: Frame): void {
    const isBare = this.#peer.sasl?.takesBareMessages === true;
    const header = isBare ? bareMessageHeader : readRequestHeader(frame.bytes, apisByKey);
    // Only now: a frame whose header cannot be read is held until the connection has ended, and its memory comes back then.
    this.#held = undefined;
    const exchange = new Exchange(header, this.#peer, frame);
    this.#queue.push(exchange);
    this.#bytesInFlight += frame.bytes.length;
    let served: void | Promise<void>;
    try {
      served = this.#options.serve(exchange);
    } catch (error) {
      this.#queue.pop();
      this.#giveBack(frame, false);
      throw error;
    }
    if (served === undefined) this.#flush();
    else
      served.then(
        () => this.#settled(exchange),
        (error: unknown) => {
          exchange.sent();
          // It stays unanswered at its place in the queue: there is nothing to wait for.
          if (error instanceof MalformedFrame) this.#end(error.message, 'warn');
          else this.#fail(error);
        },
      );
  }

  #settled(exchange: Exchange): void {
    // Nobody is left to read the answer.
    if (this.#closed) return exchange.sent();
    // Appends that one sync covers are done in the same turn: their answers leave by one system call.
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      if (this.#closed) return;
      this.#socket.cork();
      this.#flush();
      this.#socket.uncork();
      if (!this.#closed) this.#pump();
    });
  }

  /** Sends the answers at the head of the queue that are ready. */
  #flush(): void {
    while (!this.#closed) {
      const exchange = this.#queue[0];
      if (exchange === undefined) break;
      const { answered, closeReason } = exchange;
      if (closeReason !== undefined && (answered === undefined || answered.length === 0))
        return this.#endUnanswered(closeReason, 'info');
      if (answered === undefined) break;
      this.#queue.shift();
      this.#send(exchange, answered);
      if (exchange.throttleMs > 0) this.#mute(exchange.throttleMs);
      // Last, because memory that comes back may let requests begin, also of this connection.
      this.#giveBack(exchange.frame, exchange.frameReusable);
      if (closeReason !== undefined) return this.#endGently(closeReason);
    }
    if (this.#unreadable !== undefined && this.#queue.length === 0)
      return this.#endUnanswered(this.#unreadable, 'warn');
    this.#finishIfDrained();
  }

  #send(exchange: Exchange, chunks: readonly Buffer[]): void {
    const last = chunks.length - 1;
    if (last < 0) return exchange.sent();
    for (let i = 0; i < last; i++) this.#socket.write(chunks[i] as Buffer);
    if (!exchange.waitsForSent) {
      this.#socket.write(chunks[last] as Buffer);
      return;
    }
    this.#unsent.add(exchange);
    this.#socket.write(chunks[last] as Buffer, () => {
      this.#unsent.delete(exchange);
      exchange.sent();
    });
  }

  #giveBack(frame: Frame, reusable: boolean): void {
    this.#bytesInFlight -= frame.bytes.length;
    if (frame.pooled !== undefined && reusable) this.#options.pool.give(frame.pooled);
    this.#options.budget.giveBack(frame.bytes.length);
  }

  #mute(ms: number): void {
    const nowMs = performance.now();
    this.#mutedUntilMs = Math.max(this.#mutedUntilMs, nowMs + ms);
    clearTimeout(this.#muteTimer);
    this.#muteTimer = setTimeout(() => {
      this.#mutedUntilMs = 0;
      this.#pump();
    }, this.#mutedUntilMs - nowMs);
    this.#muteTimer.unref();
  }

  #setTimeout(): void {
    const timeoutMs = this.#reader.midFrame && !this.#paused ? FRAME_STALL_MS : this.#options.idleMs;
    if (timeoutMs === this.#timeoutMs) return;
    this.#timeoutMs = timeoutMs;
    this.#socket.setTimeout(timeoutMs);
  }

  #timedOut(): void {
    if (this.#reader.midFrame && !this.#paused) {
      this.#end(`the rest of a frame did not come within ${FRAME_STALL_MS} ms`, 'info');
    } else if (this.#socket.writableLength > 0) {
      this.#end(`the client read nothing for ${this.#options.idleMs} ms`, 'info');
    } else if (this.#queue.length > 0 || this.#mutedUntilMs > 0) {
      // It is we who let the client wait.
      this.#socket.setTimeout(this.#timeoutMs);
    } else {
      this.#end(`idle for ${this.#options.idleMs} ms`, 'debug');
    }
  }

  #finishIfDrained(): void {
    if (this.#draining && this.#queue.length === 0) this.#endGently('the server is shutting down');
  }

  /** Closes behind the last answer. */
  #endGently(reason: string, level: 'debug' | 'info' | 'warn' = 'debug'): void {
    if (this.#closed) return;
    const { host, port } = this.#peer;
    this.#options.logger[level]({ door: 'kafka', client: `${host}:${port}`, reason }, 'closing a connection');
    this.#release();
    this.#socket.setTimeout(LINGER_MS);
    // As long as it does not read, we do not either: what it sends is no sign that it takes its answers.
    this.#socket.pause();
    this.#socket.end(() => {
      this.#readOutTimer = setTimeout(() => this.#socket.destroy(), READ_OUT_MS);
      this.#socket.resume();
    });
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    if (error instanceof UnreadableFrame || error instanceof MalformedFrame) {
      this.#unreadable = error.message;
      if (this.#queue.length === 0) this.#endUnanswered(error.message, 'warn');
      return;
    }
    this.#options.logger.error({ door: 'kafka', client: this.#peer.host, err: error }, 'a request failed');
    this.#end('a request failed in a way that has no answer', 'warn');
  }

  /** Of a request that has no answer. Those to what came before it may be on their way: as in Kafka, the client gets them. */
  #endUnanswered(reason: string, level: 'info' | 'warn'): void {
    if (this.#socket.writableLength > 0) this.#endGently(reason, level);
    else this.#end(reason, level);
  }

  #end(reason: string, level: 'debug' | 'info' | 'warn'): void {
    if (!this.#closed) {
      const { host, port } = this.#peer;
      this.#options.logger[level]({ door: 'kafka', client: `${host}:${port}`, reason }, 'connection closed');
      this.#release();
    }
    this.#socket.destroy();
    // What the system did not take any more is nobody's now.
    for (const exchange of this.#unsent) exchange.sent();
    this.#unsent.clear();
  }

  #release(): void {
    this.#closed = true;
    clearTimeout(this.#muteTimer);
    this.#reader.abandon();
    for (const exchange of this.#queue) {
      // Its handler may still be at work on the frame.
      this.#giveBack(exchange.frame, false);
      if (exchange.answered !== undefined) exchange.sent();
    }
    this.#queue.length = 0;
    if (this.#held !== undefined) {
      this.#bytesInFlight += this.#held.bytes.length;
      this.#giveBack(this.#held, true);
      this.#held = undefined;
    }
    this.#stop.abort();
  }
}

/** An IPv4 address as everybody writes it, also where a socket of both kinds took the connection. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function apiKeyOf(frame: Frame): number {
  return frame.bytes.length >= 2 ? frame.bytes.readInt16BE(0) : -1;
}
