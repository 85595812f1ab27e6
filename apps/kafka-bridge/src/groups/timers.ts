/** Time for the groups; tests bring their own. */
export interface Timers {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls once, after the delay, at least 0; answers a function that calls it off. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
