import { BODIES_HELD_BYTES_MAX } from './http-limits.ts';

/** Bytes of request bodies that the door holds, of all connections together. */
export class BodyBudget {
  #held = 0;

  /** `false`: there is no room, and nothing was counted. */
  take(bytes: number): boolean {
    if (this.#held + bytes > BODIES_HELD_BYTES_MAX) return false;
    this.#held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#held -= bytes;
  }

  get heldBytes(): number {
    return this.#held;
  }
}
