import { internalFailure } from './aws-error.ts';

/** Calls that wait for a place; further ones are refused, as ones to be tried again. */
export const PAGES_AWAITED_MAX = 10_000;

/**
 * Pages of records that are in memory at once: each may have 10 MiB, from when it is read until it has been written down
 * as an answer. Who finds no place waits for one, in turn.
 */
export class PageSlots {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** `undefined`: there is one, at once. Throws InternalFailure when too many wait. */
  take(): Promise<void> | undefined {
    if (this.#taken < this.#max) {
      this.#taken++;
      return undefined;
    }
    if (this.#waiting.length >= PAGES_AWAITED_MAX) throw internalFailure();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    // Handed on: it stays taken.
    if (next === undefined) this.#taken--;
    else next();
  }
}
