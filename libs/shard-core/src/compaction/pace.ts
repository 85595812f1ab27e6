import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { COMPACTION_BYTES_PER_SECOND_MAX, COMPACTION_YIELD_BYTES } from './bounds.ts';

export interface PaceOptions {
  readonly bytesPerSecondMax?: number;
  /** Fires when the work is to end: then nobody waits any more, and `took` throws its reason. */
  readonly signal: AbortSignal;
}

/** Keeps work in the background from taking the process, or the store, for itself. */
export class Pace {
  readonly #bytesPerMs: number;
  readonly #signal: AbortSignal;
  #sinceTurn = 0;
  /** What was done is paid for until then. */
  #paidAt = performance.now();

  constructor({ bytesPerSecondMax = COMPACTION_BYTES_PER_SECOND_MAX, signal }: PaceOptions) {
    this.#bytesPerMs = bytesPerSecondMax / 1_000;
    this.#signal = signal;
  }

  /** So much was worked on. Returns when it may go on; at once, nearly always. */
  took(byteCount: number): Promise<unknown> | undefined {
    this.#signal.throwIfAborted();
    this.#sinceTurn += byteCount;
    if (this.#sinceTurn < COMPACTION_YIELD_BYTES) return undefined;
    const now = performance.now();
    this.#paidAt = Math.max(now, this.#paidAt) + this.#sinceTurn / this.#bytesPerMs;
    this.#sinceTurn = 0;
    const aheadMs = this.#paidAt - now;
    // Timers are no finer; a turn of the loop is enough for those that wait in this process.
    return aheadMs < 2 ? nextTurn() : sleep(aheadMs, undefined, { signal: this.#signal, ref: false });
  }
}
