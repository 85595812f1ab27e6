import { NO_ABORTED_TRANSACTIONS } from '../contract/aborted-transactions.ts';
import type { AbortedTransaction } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { insertShard } from './checkpoint.ts';
import type { Database } from './database.ts';
import type { ShardExtent } from './segment.ts';
import { NO_PRODUCERS, type ShardRow, ShardState } from './shard-state.ts';
import { dropAborted } from './shard-transactions.ts';

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

  /** With what it takes over: JSON text of `SavedProducers`, and partitions that other open shards have let go for it. */
  async open(
    key: ShardKey,
    startOffset: number,
    producers: string = NO_PRODUCERS,
    departed: readonly { readonly shard: ShardState; readonly partition: number }[] = [],
  ): Promise<void> {
    if (this.#byKey.has(key)) return;
    const row: ShardRow = await this.#database.change((sqlite) => {
      const insert = sqlite.prepare('INSERT OR IGNORE INTO departed VALUES (?, ?)');
      for (const { shard, partition } of departed) insert.run(shard.slot, partition);
      return insertShard(sqlite, key, startOffset, producers);
    });
    // Somebody else may have asked for the same at the same time.
    if (!this.#byKey.has(key)) this.#byKey.set(key, new ShardState(row));
  }

  async moveStart(shard: ShardState, offset: number): Promise<readonly ShardExtent[]> {
    await this.#database.change((sqlite) => {
      sqlite.prepare('UPDATE shard SET startOffset = max(startOffset, ?) WHERE slot = ?').run(offset, shard.slot);
      if (shard.transactions !== undefined) dropAborted(sqlite, shard.slot, offset);
    });
    return shard.moveStart(offset);
  }

  async seal(shard: ShardState): Promise<void> {
    const end = shard.durableEnd;
    await this.#database.change((sqlite) =>
      sqlite.prepare('UPDATE shard SET sealedEnd = ? WHERE slot = ?').run(end, shard.slot),
    );
    shard.sealed = true;
  }

  /** Ends a producer's transaction in a closed shard, whose log cannot tell of it. */
  async release(shard: ShardState, producerId: bigint, commits: boolean): Promise<void> {
    await this.#database.change((sqlite) =>
      sqlite
        .prepare('INSERT OR IGNORE INTO released VALUES (?, ?, ?)')
        .run(shard.slot, String(producerId), commits ? 1 : 0),
    );
    shard.release(producerId, commits);
  }

  /** Aborted transactions of a shard with something in this part of its log. */
  abortedWithin({ transactions, slot }: ShardState, from: number, to: number): readonly AbortedTransaction[] {
    const ranges = transactions?.abortedWithin(this.#database.sqlite, slot, from, to) ?? [];
    if (ranges.length === 0) return NO_ABORTED_TRANSACTIONS;
    return ranges.map(({ producerId, firstOffset, lastOffset }) => ({
      producerId,
      firstOffset: BigInt(firstOffset),
      lastOffset: BigInt(lastOffset),
    }));
  }

  /** Answers those that were there, with what they still had. */
  async remove(keys: readonly ShardKey[]): Promise<readonly ShardState[]> {
    const shards = keys.flatMap((key) => this.#byKey.get(key) ?? []);
    if (shards.length === 0) return shards;
    await this.#database.change((sqlite) => {
      for (const table of ['shard', 'aborted', 'released', 'departed', 'compaction', 'compacted']) {
        const statement = sqlite.prepare(`DELETE FROM ${table} WHERE slot = ?`);
        for (const { slot } of shards) statement.run(slot);
      }
    });
    for (const shard of shards) {
      shard.deleted = true;
      this.#byKey.delete(shard.key);
    }
    return shards;
  }
}
