import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Give up after this long. Default 5,000. */
  readonly timeoutMs?: number;
  /** Wait this long between two tries. Default 20. */
  readonly intervalMs?: number;
}

const TIMEOUT_MS = 5_000;
const INTERVAL_MS = 20;

/**
 * Calls `attempt` until it neither throws nor answers `false`, and answers what it answered.
 * After `timeoutMs` throws an Error that carries the last failure's message, with that failure as `cause`.
 * A call that is under way at the deadline is waited for: bound it inside if it can hang.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = TIMEOUT_MS, intervalMs = INTERVAL_MS } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const result = await attempt();
      if (result !== false) return result;
      failure = new Error('the condition stayed false');
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) {
      const reason = failure instanceof Error ? failure.message : String(failure);
      throw new Error(`not so within ${timeoutMs} ms: ${reason}`, { cause: failure });
    }
    await sleep(intervalMs);
  }
}
