import { StoreUnavailable } from '../contract/refusal.ts';
import type { Stream } from './stream.ts';

/** A reshard of which nothing was heard for so long is looked after by every process that knows of it. */
export const RESHARD_STALL_MS = 1_500;

/** Does what is to be done on a stream, or leaves it to the process that is at it; stops between two steps on the signal. */
type CompleteReshard = (name: string, signal: AbortSignal) => Promise<Stream | undefined>;

/**
 * Sees to it that every split, merge and change of a shard count ends, although the process that began it may have died
 * anywhere on the way.
 */
export class ReshardKeeper {
  readonly #complete: CompleteReshard;
  readonly #running = new Map<string, Promise<Stream | undefined>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #closing = new AbortController();

  constructor(complete: CompleteReshard) {
    this.#complete = complete;
  }

  /** A stream that is being resharded was seen, in a new version: it is looked at again when nothing else comes. */
  saw(name: string, delayMs: number = RESHARD_STALL_MS): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
    if (this.#closing.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#timers.delete(name);
      this.inBackground(name);
    }, delayMs);
    timer.unref();
    this.#timers.set(name, timer);
  }

  /** Nothing is to be done for it any more. */
  settled(name: string): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  /** One run at a time for each stream in this process; it goes on until all is done or another process is at it. */
  finish(name: string): Promise<Stream | undefined> {
    let run = this.#running.get(name);
    if (run === undefined) {
      run = this.#complete(name, this.#closing.signal).finally(() => this.#running.delete(name));
      this.#running.set(name, run);
    }
    return run;
  }

  inBackground(name: string): void {
    if (this.#closing.signal.aborted) return;
    this.finish(name).then(
      (stream) => {
        // Another process has it; it may die yet.
        if (stream?.isResharding) this.saw(name);
      },
      (error: unknown) => {
        if (!(error instanceof StoreUnavailable)) throw error;
        // Its health says so already.
        this.saw(name);
      },
    );
  }

  /** Ends the watch, and answers when what was running has come to the end of its step. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await Promise.allSettled(this.#running.values());
  }
}
