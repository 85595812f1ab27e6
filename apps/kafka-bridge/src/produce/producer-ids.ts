import type { Documents } from '@tailrace/shard-core';

/** Ids that a process takes at once, so that a start of a producer rarely waits for the store. */
export const PRODUCER_ID_BLOCK = 1_000;
const NEXT_BLOCK_KEY = 'producer-ids/next';
const ATTEMPTS_MAX = 32;

/**
 * Ids for idempotent producers, never given twice: not by this process, not by another, not after a restart. What is
 * left of a block when a process ends is lost, which 2^63 ids can bear.
 */
export class ProducerIds {
  readonly #documents: Documents;
  #next = 0;
  #end = 0;
  #taking: Promise<void> | undefined;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** Throws StoreUnavailable. */
  async next(): Promise<bigint> {
    while (this.#next === this.#end) {
      this.#taking ??= this.#takeBlock().finally(() => (this.#taking = undefined));
      await this.#taking;
    }
    return BigInt(this.#next++);
  }

  async #takeBlock(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const current = await this.#documents.get(NEXT_BLOCK_KEY);
      const start = current === undefined ? 0 : (JSON.parse(current.value) as number);
      const value = JSON.stringify(start + PRODUCER_ID_BLOCK);
      const expected = current === undefined ? 'absent' : current.version;
      const written = await this.#documents.write([{ key: NEXT_BLOCK_KEY, value, expected }]);
      if (!written.ok) continue;
      this.#next = start;
      this.#end = start + PRODUCER_ID_BLOCK;
      return;
    }
    throw new Error(`no block of producer ids after ${ATTEMPTS_MAX} attempts`);
  }
}
