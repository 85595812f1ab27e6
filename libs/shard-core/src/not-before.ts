/** The longest that a timer of Node.js waits; a longer one it ends after a millisecond. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * How long to set a timer that must not end before `durationMs` are over. Node.js drops the fraction and reads its clock in
 * whole milliseconds, so a timer may come nearly two milliseconds early.
 */
export function notBefore(durationMs: number): number {
  return Math.min(Math.ceil(durationMs) + 1, TIMER_MS_MAX);
}
