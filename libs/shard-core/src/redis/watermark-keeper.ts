import { logger } from '@tailrace/telemetry';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { WAIT_SLICE_MIXED_MS, WAIT_SLICE_MS } from './bounds.ts';
import type { Keys } from './keys.ts';
import type { RedisNode } from './redis-node.ts';
import { parseReplicationInfo } from './replicas.ts';

/** How many copies hold it; enough, when at least as many as were asked for. */
export interface CopiesReached {
  readonly enough: boolean;
  readonly copies: number;
}

interface Waiter extends PromiseWithResolvers<CopiesReached> {
  readonly copies: number;
  readonly deadline: number;
}

interface LaggingShard {
  next: number;
  copies: number;
}

export interface WatermarkKeeperOptions {
  readonly node: RedisNode;
  readonly keys: Keys;
  /** The watermark of a shard has moved. */
  readonly advanced: (shard: ShardKey, watermark: number, stable: number, lastAborted: number) => void;
  /** It could not be moved: somebody must look again later. */
  readonly stuck: (shard: ShardKey) => void;
}

/**
 * Waits for the replicas of one primary and moves the high watermarks of its shards.
 *
 * One `WAIT` serves all that was appended before it: replication is one stream, so whatever came before a write on this
 * connection is on a replica that has that write. It has a connection of its own so that appends that need no replica
 * (`acks=1`, `acks=0`) are never held up by one that does.
 */
export class WatermarkKeeper {
  readonly #options: WatermarkKeeperOptions;
  #shards = new Map<ShardKey, LaggingShard>();
  #waiters: Waiter[] = [];
  #running = false;
  #turn = 0;
  #closed = false;
  /** The primary that the waits connection talks to, by replication id; asked anew after each reconnection. */
  #primary: Promise<boolean> | undefined;

  constructor(options: WatermarkKeeperOptions) {
    this.#options = options;
    for (const connection of [options.node.waits, options.node.writes]) {
      connection.redis.on('close', () => {
        this.#lost();
      });
    }
  }

  /** Call it when the append has been answered: the watermark follows once `copies` copies have the log up to `next`. */
  track(shard: ShardKey, next: number, copies: number): void {
    const lagging = this.#shards.get(shard);
    if (lagging === undefined) {
      this.#shards.set(shard, { next, copies });
    } else {
      lagging.next = Math.max(lagging.next, next);
      lagging.copies = copies;
    }
    this.#start();
  }

  /** Waits until `copies` copies have everything that was answered before this call, for at most `timeoutMs`. */
  waitForCopies(copies: number, timeoutMs: number): Promise<CopiesReached> {
    const waiter: Waiter = { ...Promise.withResolvers(), copies, deadline: performance.now() + timeoutMs };
    this.#waiters.push(waiter);
    this.#start();
    return waiter.promise;
  }

  close(): void {
    this.#closed = true;
    this.#lost();
  }

  /** What was under way may be on another primary than the one that answers next: nothing can be said of it. */
  #lost(): void {
    this.#primary = undefined;
    this.#fail(
      [...this.#waiters.splice(0)],
      this.#takeShards(),
      new StoreUnavailable('Redis was lost while replicas were awaited'),
    );
  }

  #takeShards(): Map<ShardKey, LaggingShard> {
    const shards = this.#shards;
    this.#shards = new Map();
    return shards;
  }

  #fail(waiters: readonly Waiter[], shards: ReadonlyMap<ShardKey, LaggingShard>, error: unknown): void {
    for (const waiter of waiters) waiter.reject(error);
    if (!this.#closed) for (const shard of shards.keys()) this.#options.stuck(shard);
  }

  #start(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    // Whatever is appended in this turn of the event loop shares the WAIT.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while ((this.#shards.size > 0 || this.#waiters.length > 0) && !this.#closed) {
      const shards = this.#takeShards();
      const waiters = this.#waiters.splice(0);
      try {
        await this.#round(shards, waiters);
      } catch (error) {
        logger.debug({ err: error }, 'replicas not awaited');
        this.#fail(waiters, shards, error);
      }
    }
    this.#running = false;
  }

  async #round(shards: ReadonlyMap<ShardKey, LaggingShard>, waiters: readonly Waiter[]): Promise<void> {
    const { node, keys } = this.#options;
    this.#primary ??= this.#samePrimary();
    const primary = this.#primary;
    if (!(await primary)) {
      this.#primary = undefined;
      throw new StoreUnavailable('Redis has changed its primary');
    }

    const needs = new Set<number>();
    let earliest = Infinity;
    for (const { copies } of shards.values()) needs.add(copies);
    for (const { copies, deadline } of waiters) {
      needs.add(copies);
      earliest = Math.min(earliest, deadline);
    }
    // Shards with different needs: in turn the smallest and the largest, so that neither starves the other.
    const sorted = [...needs].sort((a, b) => a - b);
    const need = (this.#turn++ % 2 === 0 ? sorted[0] : sorted.at(-1)) as number;
    const slice = waiters.length > 0 || sorted.length > 1 ? WAIT_SLICE_MIXED_MS : WAIT_SLICE_MS;
    const timeoutMs = Math.max(1, Math.ceil(Math.min(slice, earliest - performance.now())));

    const [firstShard] = shards.keys();
    const barrier = firstShard === undefined ? `${keys.documents[0]}:barrier` : keys.shard(firstShard).barrier;
    const [, replicas] = await Promise.all([
      node.waits.send('set', [barrier, '1', 'EX', '60']),
      node.waits.send('wait', [String(need - 1), String(timeoutMs)]),
    ]);
    const copies = Number(replicas) + 1;
    if (primary !== this.#primary) throw new StoreUnavailable('Redis was lost while replicas were awaited');
    // In this very turn: what is sent now goes to that primary, or nowhere. Another one may have taken over with other records there.
    this.#settle(shards, waiters, copies);
  }

  #settle(shards: ReadonlyMap<ShardKey, LaggingShard>, waiters: readonly Waiter[], copies: number): void {
    const advances: Promise<void>[] = [];
    for (const [shard, lagging] of shards) {
      if (lagging.copies <= copies) advances.push(this.#advance(shard, lagging.next));
      else this.track(shard, lagging.next, lagging.copies);
    }
    const now = performance.now();
    const reached: Waiter[] = [];
    for (const waiter of waiters) {
      if (waiter.copies <= copies) reached.push(waiter);
      else if (waiter.deadline <= now) waiter.resolve({ enough: false, copies });
      else this.#waiters.push(waiter);
    }
    // An append counts when it can be read, from whichever process.
    void Promise.all(advances).then(() => {
      for (const waiter of reached) waiter.resolve({ enough: true, copies });
    });
  }

  async #advance(shard: ShardKey, next: number): Promise<void> {
    const { node, keys, advanced, stuck } = this.#options;
    try {
      const { meta } = keys.shard(shard);
      const reply = await node.run('advance-watermark', [meta], [String(next), shard, keys.shardChannel]);
      const [tag, watermark, stable, lastAborted] = reply;
      if (tag === 'ok') advanced(shard, Number(watermark), Number(stable), Number(lastAborted));
    } catch (error) {
      // The copies are there all the same; only readers have to wait until somebody moves the watermark.
      logger.debug({ err: error, shard }, 'watermark not moved');
      stuck(shard);
    }
  }

  /**
   * Both connections must talk to one server: while a failover is under way, one may still be at the old primary and the
   * other at the new, and then a WAIT at the new one says nothing of an append at the old one.
   */
  async #samePrimary(): Promise<boolean> {
    const { waits, writes } = this.#options.node;
    const [here, there] = await Promise.all(
      [waits, writes].map(async (connection) =>
        parseReplicationInfo((await connection.send('info', ['replication'])) as string),
      ),
    );
    return here?.role === 'master' && here.replicationId === there?.replicationId;
  }
}
