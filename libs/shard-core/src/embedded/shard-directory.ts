import type { ShardKey } from '../contract/shard-key.ts';
import { insertShard } from './checkpoint.ts';
import type { Database } from './database.ts';
import type { ShardExtent } from './segment.ts';
import { type ShardRow, ShardState } from './shard-state.ts';

/** The shards that there are: in memory all of them, and their rows in the database. */
export class ShardDirectory {
  readonly #database: Database;
  readonly #byKey = new Map<ShardKey, ShardState>();

  constructor(database: Database, shards: Iterable<ShardState>) {
    this.#database = database;
    for (const shard of shards) this.#byKey.set(shard.key, shard);
  }

  get(key: ShardKey): ShardState | undefined {
    return this.#byKey.get(key);
  }

  all(): Iterable<ShardState> {
    return this.#byKey.values();
  }

  async open(key: ShardKey, startOffset: number): Promise<void> {
    if (this.#byKey.has(key)) return;
    const row: ShardRow = await this.#database.change((sqlite) => insertShard(sqlite, key, startOffset));
    // Somebody else may have asked for the same at the same time.
    if (!this.#byKey.has(key)) this.#byKey.set(key, new ShardState(row));
  }

  async moveStart(shard: ShardState, offset: number): Promise<readonly ShardExtent[]> {
    await this.#database.change((sqlite) =>
      sqlite.prepare('UPDATE shard SET startOffset = max(startOffset, ?) WHERE slot = ?').run(offset, shard.slot),
    );
    return shard.moveStart(offset);
  }

  async seal(shard: ShardState): Promise<void> {
    const end = shard.durableEnd;
    await this.#database.change((sqlite) =>
      sqlite.prepare('UPDATE shard SET sealedEnd = ? WHERE slot = ?').run(end, shard.slot),
    );
    shard.sealed = true;
  }

  /** Answers those that were there, with what they still had. */
  async remove(keys: readonly ShardKey[]): Promise<readonly ShardState[]> {
    const shards = keys.flatMap((key) => this.#byKey.get(key) ?? []);
    if (shards.length === 0) return shards;
    await this.#database.change((sqlite) => {
      const statement = sqlite.prepare('DELETE FROM shard WHERE slot = ?');
      for (const { slot } of shards) statement.run(slot);
    });
    for (const shard of shards) {
      shard.deleted = true;
      this.#byKey.delete(shard.key);
    }
    return shards;
  }
}
