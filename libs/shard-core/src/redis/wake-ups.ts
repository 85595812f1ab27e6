import type { TailPosition } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { notBefore } from '../not-before.ts';
import { StoreUnavailable } from '../contract/refusal.ts';
import { ARM_AGAIN_MS } from './bounds.ts';
import type { TailCache } from '../tail-cache.ts';
import type { Keys } from './keys.ts';
import type { RawBounds, ShardViews } from './shard-views.ts';
import type { Topology } from './topology.ts';

/** One call of `awaitAppend`. */
class Waiter {
  readonly done: (woken: boolean) => void;
  readonly failed: (error: Error) => void;

  constructor(done: (woken: boolean) => void, failed: (error: Error) => void) {
    this.done = done;
    this.failed = failed;
  }
}

/** Where a waiter waits: for records below the high watermark, and below the last stable offset. */
interface Awaited {
  readonly offset: number;
  readonly stableOffset: number;
}

/** The waiters of this process on one shard. */
interface Watched {
  readonly offsets: Map<Waiter, Awaited>;
  /** Redis will send a message when the watermark moves: nobody needs to ask for one again. */
  armed: boolean;
  /** Counts what disarms, to tell whether an answer that says "armed" is still true when it arrives. */
  disarmed: number;
}

export interface WakeUpsOptions {
  readonly topology: Topology;
  readonly keys: Keys;
  readonly views: ShardViews;
  readonly tailCache: TailCache;
  /** Calls that may wait at once. */
  readonly waitersMax: number;
  /** The end was seen above the watermark: whoever writes may have died in between. */
  readonly lagging: (shard: ShardKey) => void;
}

/**
 * Waiting for appends without asking again and again. A waiter sets a flag in the shard (arm-wake-up), in the same step
 * as it looks; the next append that readers may see clears the flag and publishes one message. So a shard on which nobody
 * waits sends none, and one that is appended to 40,000 times a second sends as many as its readers come back to wait.
 */
export class WakeUps {
  readonly #options: WakeUpsOptions;
  readonly #watched = new Map<ShardKey, Watched>();
  #waiting = 0;

  constructor(options: WakeUpsOptions) {
    this.#options = options;
  }

  /** See `Log.awaitAppend`. Throws StoreUnavailable. */
  wait(
    positions: readonly TailPosition[],
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean> {
    for (const position of positions) {
      const view = this.#options.views.peek(position.shard);
      // Watermarks only grow, so what was heard once is enough to say yes.
      if (view !== undefined && isThere(awaitedAt(position), view.watermark, view.stable, view.sealed)) {
        return Promise.resolve(true);
      }
    }
    if (signal?.aborted === true) return Promise.resolve(false);
    const { waitersMax } = this.#options;
    if (this.#waiting >= waitersMax) {
      return Promise.reject(new StoreUnavailable(`more than ${waitersMax} calls wait for appends`));
    }
    this.#waiting++;
    let settled = false;

    return new Promise<boolean>((resolve, reject) => {
      const settle = (finish: () => void) => {
        // An answer and a failure may both come to it.
        if (!settled) this.#waiting--;
        settled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        for (const { shard } of positions) this.#unwatch(shard, waiter);
        finish();
      };
      const waiter = new Waiter(
        (woken) => settle(() => resolve(woken)),
        (error) => settle(() => reject(error)),
      );
      const onAbort = () => waiter.done(false);
      const timer = setTimeout(onAbort, notBefore(timeoutMs));
      signal?.addEventListener('abort', onAbort);
      // Registered before anything is asked: a message may overtake the answer.
      for (const position of positions) this.#watch(position.shard, waiter, awaitedAt(position));
      for (const { shard } of positions) {
        const watched = this.#watched.get(shard);
        if (watched !== undefined && !watched.armed) void this.#arm(shard, watched, waiter);
      }
    });
  }

  /** Readers of this process may see the shard up to its watermark: its own append, or a message, says so. */
  heard(shard: ShardKey, watermark: number, stable: number, sealed = false): void {
    const watched = this.#watched.get(shard);
    if (watched === undefined) return;
    for (const [waiter, awaited] of watched.offsets) {
      if (isThere(awaited, watermark, stable, sealed)) waiter.done(true);
    }
  }

  /** This process has sealed the shard. */
  sealed(shard: ShardKey): void {
    const view = this.#options.views.peek(shard);
    if (view !== undefined) {
      view.sealed = true;
      this.heard(shard, view.watermark, view.stable, true);
      return;
    }
    const watched = this.#watched.get(shard);
    if (watched !== undefined) wakeAll(watched);
  }

  /** This process has deleted the shard. */
  deleted(shard: ShardKey): void {
    const watched = this.#watched.get(shard);
    if (watched !== undefined) wakeAll(watched);
  }

  /** A message of the shards' channel: `<kind> <shard> <start> <end> <watermark> <stable> <last aborted>`. */
  message(text: string): void {
    const [kind, name, ...numbers] = text.split(' ');
    const shard = name as ShardKey;
    const [start = 0, end = 0, watermark = 0, stable = 0, lastAborted = -1] = numbers.map(Number);
    const bounds: RawBounds = { start, end, watermark, stable, lastAborted };
    const { views, lagging, tailCache } = this.#options;
    if (kind === 'deleted') {
      views.forget(shard);
      tailCache.drop(shard);
    } else {
      // Others wait for nothing here: what is behind stays what it is.
      if (kind === 'compacted') tailCache.drop(shard);
      const view = views.peek(shard);
      view?.hear(bounds);
      if (view !== undefined && kind === 'sealed') view.sealed = true;
    }
    const watched = this.#watched.get(shard);
    if (watched === undefined || kind === 'trimmed' || kind === 'compacted') return;
    if (kind === 'deleted') {
      wakeAll(watched);
      return;
    }
    // A sealed shard tells of nothing more but the end of transactions, and needs no flag for that.
    if (kind === 'sealed' || kind === 'released') {
      this.heard(shard, watermark, stable, true);
      return;
    }
    if (end > watermark) lagging(shard);
    this.#disarm(watched);
    this.heard(shard, watermark, stable);
    // Those for whom it was not enough.
    if (watched.offsets.size > 0) void this.#arm(shard, watched);
  }

  /** Messages or flags may have been lost: look again at everything that is waited for. */
  lookAgain(): void {
    for (const [shard, watched] of this.#watched) {
      this.#disarm(watched);
      void this.#arm(shard, watched);
    }
  }

  close(): void {
    for (const { offsets } of [...this.#watched.values()]) for (const waiter of [...offsets.keys()]) waiter.done(false);
  }

  #watch(shard: ShardKey, waiter: Waiter, awaited: Awaited): void {
    let watched = this.#watched.get(shard);
    if (watched === undefined) {
      watched = { offsets: new Map(), armed: false, disarmed: 0 };
      this.#watched.set(shard, watched);
    }
    // One shard asked for twice in one call: the lower offset is the one that is reached first.
    const other = watched.offsets.get(waiter);
    watched.offsets.set(waiter, {
      offset: Math.min(awaited.offset, other?.offset ?? Infinity),
      stableOffset: Math.min(awaited.stableOffset, other?.stableOffset ?? Infinity),
    });
  }

  #unwatch(shard: ShardKey, waiter: Waiter): void {
    const watched = this.#watched.get(shard);
    if (watched === undefined) return;
    watched.offsets.delete(waiter);
    if (watched.offsets.size === 0) this.#watched.delete(shard);
  }

  #disarm(watched: Watched): void {
    watched.armed = false;
    watched.disarmed += 1;
  }

  /** `first`: the waiter that has just come; it fails when Redis cannot be asked. Those that wait already go on waiting. */
  async #arm(shard: ShardKey, watched: Watched, first?: Waiter): Promise<void> {
    const { topology, keys, views, lagging } = this.#options;
    const { disarmed } = watched;
    let lowest = Infinity;
    let lowestStable = Infinity;
    for (const { offset, stableOffset } of watched.offsets.values()) {
      lowest = Math.min(lowest, offset);
      lowestStable = Math.min(lowestStable, stableOffset);
    }
    try {
      const { meta } = keys.shard(shard);
      const args = [lowest, lowestStable].map((offset) => (offset === Infinity ? '' : String(offset)));
      const reply = await topology.at(meta, (node) => node.run('arm-wake-up', [meta], args));
      if (reply[0] === 'shardNotFound') {
        wakeAll(watched);
        return;
      }
      const [start, end, watermark] = reply.slice(1, 4).map(Number) as [number, number, number];
      const [stable, lastAborted] = reply.slice(6).map(Number) as [number, number];
      const view = views.get(shard);
      view.hear({ start, end, watermark, stable, lastAborted });
      view.copies = Number(reply[5]);
      if (end > watermark) lagging(shard);
      const sealed = reply[4] === '1';
      if (sealed) view.sealed = true;
      this.heard(shard, watermark, stable, sealed);
      if (watched.offsets.size === 0) return;
      // `ready`, or a message came meanwhile and took the flag away: those who still wait need a new one.
      if (reply[0] === 'armed' && disarmed === watched.disarmed) watched.armed = true;
      else if (disarmed === watched.disarmed) void this.#arm(shard, watched);
    } catch (error) {
      first?.failed(error as Error);
      const again = () => {
        if (watched.offsets.size > 0 && !watched.armed) void this.#arm(shard, watched);
      };
      if (watched.offsets.size > 0) setTimeout(again, ARM_AGAIN_MS).unref();
    }
  }
}

function awaitedAt({ offset, isolation }: TailPosition): Awaited {
  const asked = Number(offset);
  return isolation === 'readCommitted'
    ? { offset: Infinity, stableOffset: asked }
    : { offset: asked, stableOffset: Infinity };
}

/** In a sealed shard in which a transaction is open, committed readers still wait for its end. */
function isThere({ offset, stableOffset }: Awaited, watermark: number, stable: number, sealed: boolean): boolean {
  if (watermark > offset || stable > stableOffset) return true;
  return sealed && (offset < Infinity || stable >= watermark);
}

function wakeAll({ offsets }: Watched): void {
  for (const waiter of [...offsets.keys()]) waiter.done(true);
}
