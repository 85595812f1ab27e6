import { logger } from '@tailrace/telemetry';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { PURGE_BYTES, PURGE_ENTRIES } from './bounds.ts';
import type { Keys } from './keys.ts';
import type { Topology } from './topology.ts';

/** Frees what lies below the start of logs, in slices, one after the other: others get their turn in between. */
export class Purger {
  readonly #keys: Keys;
  readonly #topology: Topology;
  readonly #running = new Map<ShardKey, Promise<void>>();
  /** There is more to free than was so when the purge under way began: it may have seen its end already. */
  readonly #again = new Set<ShardKey>();
  #closed = false;

  constructor(keys: Keys, topology: Topology) {
    this.#keys = keys;
    this.#topology = topology;
  }

  /** In the background. What is not done (Redis lost, process ended) is done with the shard's next trim. */
  purgeSoon(shard: ShardKey): void {
    if (this.#running.has(shard)) {
      this.#again.add(shard);
      return;
    }
    const purging = this.purge(shard)
      .catch((error: unknown) => {
        if (!this.#closed) logger.warn({ err: error, shard }, 'trimmed space not freed yet');
      })
      .finally(() => {
        // In one go: whoever comes before it is heard as `again`, whoever comes behind it begins anew.
        this.#running.delete(shard);
        if (this.#again.delete(shard) && !this.#closed) this.purgeSoon(shard);
      });
    this.#running.set(shard, purging);
  }

  /**
   * Answers when nothing is left to free; `claim`: nor of a compaction before the one that has it. Throws StoreUnavailable, also
   * when the store is closed before that.
   */
  async purge(shard: ShardKey, claim = ''): Promise<void> {
    const { log, meta, compacted, compacting, replaced } = this.#keys.shard(shard);
    const limits = [String(PURGE_ENTRIES), String(PURGE_BYTES), claim];
    const all = [log, meta, compacted, compacting, replaced];
    // Tagged array, second field: whether another slice is worth asking for.
    for (let more = true; more;) {
      // Not as if all were done: whoever has deleted the shard would forget that something of it is there.
      if (this.#closed) throw new StoreUnavailable('the store was closed');
      const reply = await this.#topology.at(log, (node) => node.run('purge-slice', all, limits));
      more = Number(reply[1]) === 1;
    }
  }

  /** Stops after the slice under way and waits for it. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.values());
  }
}
