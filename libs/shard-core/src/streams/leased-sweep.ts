import type { Leases } from '../contract/leases.ts';

export interface LeasedSweepOptions {
  /** Who this process is, among those over the same store: one of them does the work. */
  readonly holder: string;
  /** From one look to the next, in milliseconds; a look that takes longer is not overtaken by another. */
  readonly intervalMs?: number;
  readonly clock?: () => number;
  /** A look that failed; the next one comes all the same. */
  readonly onError: (error: unknown) => void;
}

/**
 * Looks again and again for as long as the process lives, while this process has the lease. It is held for twice the interval:
 * whoever has it keeps it, and when that process dies another takes over after one missed turn. Answers a function that
 * ends it, behind the look that is under way.
 */
export function startLeasedSweep(
  leases: Leases,
  lease: string,
  { holder, intervalMs, onError }: Required<Pick<LeasedSweepOptions, 'holder' | 'intervalMs' | 'onError'>>,
  sweep: () => Promise<unknown>,
): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  let busy = false;
  const turn = async () => {
    const { held } = await leases.acquire(lease, holder, 2 * intervalMs);
    if (held) await sweep();
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    running = turn()
      .catch(onError)
      .finally(() => {
        busy = false;
      });
  }, intervalMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
    await leases.release(lease, holder).catch(onError);
  };
}
