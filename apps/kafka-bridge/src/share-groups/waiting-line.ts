/** A request that waits for records of a share-partition. */
export interface Waiter {
  /** It waits in the log at this moment, and does nothing else. */
  readonly isWatching: boolean;
  /** There may be something to do, or it stands first now. */
  wake(): void;
}

/**
 * Requests that wait at one share-partition, in the order in which they came. Only the first one watches the log and is told of
 * what comes back: the others would read the same records and find them taken. Whoever is first when the first one goes, or goes to
 * the end because it was served, is woken and looks on from there, so that no news ends with a request that has ended.
 */
export class WaitingLine {
  readonly #waiters = new Set<Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  get first(): Waiter | undefined {
    return this.#waiters.values().next().value;
  }

  /** To the end of the line. */
  join(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  leave(waiter: Waiter): void {
    const { first } = this;
    if (this.#waiters.delete(waiter) && first === waiter) this.wakeFirst();
  }

  /** It got something: the others are before it now. */
  served(waiter: Waiter): void {
    if (!this.#waiters.has(waiter)) return;
    this.leave(waiter);
    this.#waiters.add(waiter);
  }

  wakeFirst(): void {
    this.first?.wake();
  }

  wakeAll(): void {
    for (const waiter of this.#waiters) waiter.wake();
  }
}
