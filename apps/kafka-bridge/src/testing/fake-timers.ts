import type { Timers } from '../groups/timers.ts';

/** Time that stands still until a test moves it. For specs. */
export class FakeTimers implements Timers {
  #now = 0;
  #next = 0;
  readonly #armed = new Map<number, { readonly atMs: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    if (delayMs < 0) throw new RangeError(`${delayMs} ms: Node.js warns of such a timer`);
    const id = this.#next++;
    this.#armed.set(id, { atMs: this.#now + delayMs, run });
    return () => this.#armed.delete(id);
  }

  get armedCount(): number {
    return this.#armed.size;
  }

  /** Moves on, and runs what is due on the way, in its order; what that leaves to promises is done as well. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#armed]
        .filter(([, { atMs }]) => atMs <= end)
        .sort((a, b) => a[1].atMs - b[1].atMs || a[0] - b[0])[0];
      if (due === undefined) break;
      const [id, { atMs, run }] = due;
      this.#armed.delete(id);
      this.#now = Math.max(this.#now, atMs);
      run();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything run that promises have ready. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
