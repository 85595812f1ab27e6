import { StoreUnavailable } from '../contract/refusal.ts';
import type { EmbeddedBounds } from './bounds.ts';

/**
 * How many bytes are under way. Whoever comes when there are too many waits outside, and is let in in the order of
 * coming: nothing is decided about an append before, so it costs no more than its place.
 */
export class AppendQueue {
  readonly #bytesMax: number;
  readonly #waitingMax: number;
  #bytes = 0;
  #waiting: (() => void)[] = [];

  constructor({ queueBytesMax, waitingAppendsMax }: EmbeddedBounds) {
    this.#bytesMax = queueBytesMax;
    this.#waitingMax = waitingAppendsMax;
  }

  /** Whether an append may go on at once. */
  get open(): boolean {
    return this.#bytes < this.#bytesMax && this.#waiting.length === 0;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Calls `admit` when it is this append's turn. Throws StoreUnavailable when too many wait. */
  wait(admit: () => void): void {
    if (this.#waiting.length >= this.#waitingMax) {
      throw new StoreUnavailable(`more than ${this.#waitingMax} appends wait for the disk`);
    }
    this.#waiting.push(admit);
  }

  enter(byteCount: number): void {
    this.#bytes += byteCount;
  }

  leave(byteCount: number): void {
    this.#bytes -= byteCount;
    // Called, not resolved: an append that comes before the next microtask must not overtake it.
    while (this.#waiting.length > 0 && this.#bytes < this.#bytesMax) (this.#waiting.shift() as () => void)();
  }
}
