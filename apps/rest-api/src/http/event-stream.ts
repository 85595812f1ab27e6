import type { Writable } from 'node:stream';
import { EVENT_STREAM_HELD_BYTES_MAX, EVENT_STREAM_REST_MS, EVENT_STREAMS_MAX } from './http-limits.ts';

/** `gone`: the client has left, or was cut. `stopping`: the door closes; a last frame may still be written at once. */
export type EventStreamEnd = 'gone' | 'stopping';

/** An answer that has begun and goes on, frame by frame, until one side ends it. */
export interface EventStream {
  readonly closed: boolean;
  /**
   * Sends a frame. `false`: the client reads slower than this, so wait for `drained` before the next. One that lets more
   * than EVENT_STREAM_HELD_BYTES_MAX wait is cut. After the end nothing happens.
   */
  write(frame: Buffer): boolean;
  /** Resolves when the client has taken enough of what was written, or nothing can be written any more. */
  drained(): Promise<void>;
  /** Called once, when somebody else than `end` ends the stream; at once if that has happened. */
  onClose(listener: (end: EventStreamEnd) => void): void;
  /**
   * No more frames: what was written is delivered, then the answer is complete. A client that does not take the rest within
   * EVENT_STREAM_REST_MS is cut.
   */
  end(): void;
}

/** The event streams of a door: how many there are is bounded, and they end when the door closes. */
export class EventStreams {
  readonly #open = new Set<OpenEventStream>();
  readonly #restMs: number;

  constructor(restMs = EVENT_STREAM_REST_MS) {
    this.#restMs = restMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.#open.size < EVENT_STREAMS_MAX;
  }

  /** Over an answer whose head has been sent. */
  begin(sink: Writable): EventStream {
    const stream = new OpenEventStream(sink, this.#restMs, () => this.#open.delete(stream));
    if (!stream.closed) this.#open.add(stream);
    return stream;
  }

  stop(): void {
    for (const stream of this.#open) stream.stop();
  }
}

class OpenEventStream implements EventStream {
  readonly #sink: Writable;
  readonly #restMs: number;
  #cutting: NodeJS.Timeout | undefined;
  #listener: ((end: EventStreamEnd) => void) | undefined;
  #ended: EventStreamEnd | 'here' | undefined;
  #drained: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(sink: Writable, restMs: number, onEnd: () => void) {
    this.#sink = sink;
    this.#restMs = restMs;
    sink.on('drain', () => this.#release());
    sink.once('close', () => {
      clearTimeout(this.#cutting);
      this.#close('gone');
      onEnd();
    });
    // A client that leaves in the middle of a frame: `close` follows.
    sink.on('error', () => {});
    if (sink.destroyed) this.#ended = 'gone';
  }

  get closed(): boolean {
    return this.#ended !== undefined;
  }

  write(frame: Buffer): boolean {
    const sink = this.#sink;
    if (this.#ended !== undefined || sink.destroyed) return false;
    if (sink.writableLength + frame.length > EVENT_STREAM_HELD_BYTES_MAX && sink.writableLength > 0) {
      sink.destroy();
      return false;
    }
    return sink.write(frame);
  }

  drained(): Promise<void> {
    if (this.#ended !== undefined || !this.#sink.writableNeedDrain) return Promise.resolve();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  onClose(listener: (end: EventStreamEnd) => void): void {
    if (this.#ended === 'gone' || this.#ended === 'stopping') listener(this.#ended);
    else this.#listener = listener;
  }

  end(): void {
    if (this.#ended !== undefined) return;
    this.#ended = 'here';
    this.#listener = undefined;
    this.#finish();
  }

  /** The door closes. */
  stop(): void {
    if (this.#ended !== undefined) return;
    const listener = this.#listener;
    this.#listener = undefined;
    // It may write a last frame, and may end by itself.
    listener?.('stopping');
    if (this.closed) return;
    this.#ended = 'stopping';
    this.#finish();
  }

  #finish(): void {
    const sink = this.#sink;
    sink.end();
    if (!sink.destroyed) {
      this.#cutting = setTimeout(() => sink.destroy(), this.#restMs);
      this.#cutting.unref();
    }
    this.#release();
  }

  #close(end: EventStreamEnd): void {
    if (this.#ended === undefined) {
      this.#ended = end;
      const listener = this.#listener;
      this.#listener = undefined;
      listener?.(end);
    }
    this.#release();
  }

  #release(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.resolve();
  }
}
