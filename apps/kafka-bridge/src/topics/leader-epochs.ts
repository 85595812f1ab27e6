import type { ShardKey } from '@tailrace/shard-core';

/**
 * The leader epochs that this process has seen, by shard. An epoch begins at 0 and grows when the store fails over, which
 * shows in the bounds of whatever is read or written next; Metadata names it from here without asking the store.
 */
export class LeaderEpochs {
  readonly #raised = new Map<ShardKey, number>();
  #version = 1;

  of(shard: ShardKey): number {
    return this.#raised.get(shard) ?? 0;
  }

  observe(shard: ShardKey, leaderEpoch: number): void {
    if (leaderEpoch <= this.of(shard)) return;
    this.#raised.set(shard, leaderEpoch);
    this.#version += 1;
  }

  /** Grows with every epoch raised. */
  get version(): number {
    return this.#version;
  }
}
