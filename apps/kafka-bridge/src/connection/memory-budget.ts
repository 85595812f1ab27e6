/**
 * The bytes that requests of all connections may hold at once. A connection that gets none stops reading, which holds
 * its client back, and is called when others have given some back: first come, first served.
 */
export class MemoryBudget {
  readonly bytesMax: number;
  #usedBytes = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether `bytes` were free and are now the caller's. */
  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.bytesMax) return false;
    this.#usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
    // Each one tries again, and lines up anew if it is still too much for it.
    if (this.#waiting.length > 0) for (const retry of this.#waiting.splice(0)) retry();
  }

  /** Calls once when bytes have come back. At most one call per connection waits. */
  whenFreed(retry: () => void): void {
    this.#waiting.push(retry);
  }
}
