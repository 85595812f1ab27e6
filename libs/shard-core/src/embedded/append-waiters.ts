import type { TailPosition } from '../contract/log.ts';
import { StoreUnavailable } from '../contract/refusal.ts';
import { notBefore } from '../not-before.ts';
import type { ShardState } from './shard-state.ts';

/** One call of awaitAppend, known to each of the shards it waits for. */
export class AppendWaiter {
  readonly #shards: readonly ShardState[];
  readonly #positions: readonly Awaited[];
  readonly #settle: (appended: boolean) => void;

  constructor(shards: readonly ShardState[], positions: readonly Awaited[], settle: (appended: boolean) => void) {
    this.#shards = shards;
    this.#positions = positions;
    this.#settle = settle;
    for (const shard of shards) shard.waiters.add(this);
  }

  /** A shard's watermark has moved, or the shard was sealed or deleted. */
  heard(): void {
    if (isThere(this.#shards, this.#positions)) this.end(true);
  }

  end(appended: boolean): void {
    for (const shard of this.#shards) shard.waiters.delete(this);
    this.#settle(appended);
  }
}

/** Where somebody waits in a shard. */
interface Awaited {
  readonly offset: number;
  readonly committed: boolean;
}

function isThere(shards: readonly ShardState[], positions: readonly Awaited[]): boolean {
  return shards.some((shard, i) => {
    const { offset, committed } = positions[i] as Awaited;
    const end = committed ? shard.stableEnd : shard.durableEnd;
    // In a sealed shard whose last transactions are open, committed readers still wait for their end.
    return end > offset || (shard.sealed && end === shard.durableEnd) || shard.deleted;
  });
}

/** All calls of awaitAppend. They are woken by appends and never look by themselves. */
export class AppendWaiters {
  readonly #waitersMax: number;
  readonly #waiting = new Set<AppendWaiter>();

  constructor(waitersMax: number) {
    this.#waitersMax = waitersMax;
  }

  wait(
    shards: readonly ShardState[],
    asked: readonly TailPosition[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const positions = asked.map(({ offset, isolation }) => ({
      offset: Number(offset),
      committed: isolation === 'readCommitted',
    }));
    if (isThere(shards, positions)) return Promise.resolve(true);
    if (timeoutMs <= 0 || signal?.aborted) return Promise.resolve(false);
    if (this.#waiting.size >= this.#waitersMax) {
      return Promise.reject(new StoreUnavailable(`more than ${this.#waitersMax} calls wait for appends`));
    }
    return new Promise((resolve) => {
      const stop = () => waiter.end(false);
      const timer = setTimeout(stop, notBefore(timeoutMs));
      const waiter = new AppendWaiter(shards, positions, (appended) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', stop);
        this.#waiting.delete(waiter);
        resolve(appended);
      });
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Ends all waiting, as when the time is over. */
  close(): void {
    for (const waiter of this.#waiting) waiter.end(false);
  }
}

/** Tells those who wait for a shard. */
export function wake(shard: ShardState): void {
  if (shard.waiters.size === 0) return;
  for (const waiter of shard.waiters) waiter.heard();
}
