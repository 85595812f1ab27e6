/** Time for the groups; tests bring their own. */
export interface Timers {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls once, after the delay, at once where it is below 0; answers a function that calls it off. */
  after(delayMs: number, run: () => void): () => void;
}

/** What Node.js can wait; a timer that is longer by the rounding of a sum ends at once. Clients name no more, in 32 bits. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemTimers: Timers = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), TIMER_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
