import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { logger } from '@tailrace/telemetry';
import { ANSWER_SLICE_BYTES, ANSWERS_HELD_BYTES_MAX, HTTP_TIMEOUTS } from './http-limits.ts';

/** Smaller answers are not counted: they take no more than what a connection takes anyway. */
export const COUNTED_BYTES_MIN = 64 * 1024;
/** How often clients that take nothing are looked for, of the time that they are given. */
const LOOKS_PER_STALL = 4;

/**
 * Answers that are made and that clients have not taken yet: how many bytes are held for all of them together is bounded,
 * and over HTTP/2, where a client may read one answer and leave another, one of which nothing is taken for `stallMs` is
 * ended. (Over HTTP/1 an answer is all that a connection has under way, and the connection's idle time-out ends both.)
 */
export class HeldAnswers {
  readonly #cut: (session: Http2Session) => void;
  readonly #stallMs: number;
  readonly #waiting = new Set<HeldAnswer>();
  /** Sessions that are asked whether they are there. */
  readonly #doubted = new WeakSet<Http2Session>();
  #heldBytes = 0;
  #looking: NodeJS.Timeout | undefined;

  /** `cut` ends the connection of a session, at once: `session.destroy` waits for what is being written. */
  constructor(cut: (session: Http2Session) => void, stallMs = HTTP_TIMEOUTS.stallMs) {
    this.#cut = cut;
    this.#stallMs = stallMs;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** `false`: there is no room, and nothing was counted. */
  take(bytes: number): boolean {
    if (bytes < COUNTED_BYTES_MIN) return true;
    if (this.#heldBytes + bytes > ANSWERS_HELD_BYTES_MAX) return false;
    this.#heldBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    if (bytes >= COUNTED_BYTES_MIN) this.#heldBytes -= bytes;
  }

  /** Sends the body of an answer that has been counted, and ends the stream. */
  send(stream: ServerHttp2Stream, body: Buffer): void {
    const held: HeldAnswer = { stream, movedAtMs: performance.now() };
    this.#waiting.add(held);
    this.#looking ??= setInterval(() => this.#look(), this.#stallMs / LOOKS_PER_STALL).unref();
    stream.once('close', () => {
      this.#waiting.delete(held);
      this.giveBack(body.length);
    });
    let sent = 0;
    // In slices, so that one that moves is told from one that stands.
    const next = (): void => {
      held.movedAtMs = performance.now();
      if (stream.destroyed) return;
      const slice = body.subarray(sent, (sent += ANSWER_SLICE_BYTES));
      if (sent >= body.length) stream.end(slice);
      else stream.write(slice, next);
    };
    next();
  }

  stop(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #look(): void {
    const stalledSinceMs = performance.now() - this.#stallMs;
    for (const { stream, movedAtMs } of this.#waiting) {
      if (movedAtMs > stalledSinceMs) continue;
      logger.debug({ door: 'http', stalledMs: this.#stallMs }, 'an answer that its client does not take is ended');
      const { session } = stream;
      stream.destroy();
      if (session !== undefined) this.#doubt(session);
    }
    if (this.#waiting.size === 0) this.stop();
  }

  /** A client that reads nothing at all has not heard of the end either: what it does not answer to is cut. */
  #doubt(session: Http2Session): void {
    if (session.destroyed || this.#doubted.has(session)) return;
    this.#doubted.add(session);
    const cut = setTimeout(() => this.#cut(session), this.#stallMs);
    session.once('close', () => clearTimeout(cut));
    const isSent = session.ping(() => {
      clearTimeout(cut);
      this.#doubted.delete(session);
    });
    if (!isSent) this.#cut(session);
  }
}

interface HeldAnswer {
  readonly stream: ServerHttp2Stream;
  /** When the last slice was taken. */
  movedAtMs: number;
}
