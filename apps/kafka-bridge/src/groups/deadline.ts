import type { Timers } from './timers.ts';

/** A time by which something must have happened, that may be put off again and again at no cost. */
export class Deadline {
  readonly #timers: Timers;
  readonly #missed: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #armedForMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(timers: Timers, missed: () => void) {
    this.#timers = timers;
    this.#missed = missed;
  }

  get isSet(): boolean {
    return this.#atMs !== Number.POSITIVE_INFINITY;
  }

  /** A client's time-out may be anything; below 0 it is over at once. */
  set(delayMs: number): void {
    this.#atMs = this.#timers.now() + Math.max(0, delayMs);
    // A timer that is armed already and fires earlier looks again then.
    if (this.#armedForMs <= this.#atMs) return;
    this.#arm();
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    this.#cancel?.();
    this.#armedForMs = this.#atMs;
    this.#cancel = this.#timers.after(this.#atMs - this.#timers.now(), () => this.#fired());
  }

  #fired(): void {
    this.#cancel = undefined;
    this.#armedForMs = Number.POSITIVE_INFINITY;
    if (this.#timers.now() < this.#atMs) return this.#arm();
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#missed();
  }
}
