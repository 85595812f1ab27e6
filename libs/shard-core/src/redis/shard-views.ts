import type { ShardBounds } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { SHARD_VIEWS_MAX } from './bounds.ts';
import { ShardEpochs } from './shard-epochs.ts';

const NO_EPOCHS = new ShardEpochs('');

/** Bounds as Redis answers them: offsets are numbers here, exact to 2^53 as they are in the scripts. */
export interface RawBounds {
  readonly start: number;
  readonly end: number;
  readonly watermark: number;
  /** Committed readers see what lies below it. */
  readonly stable: number;
  /** Where the newest aborted transaction ended; -1 when there was none. */
  readonly lastAborted: number;
}

/** What this process last heard of a shard. Only grows, like the shard itself. */
export class ShardView {
  readonly shard: ShardKey;
  start = 0;
  end = 0;
  watermark = 0;
  stable = 0;
  lastAborted = -1;
  sealed = false;
  /** `<offset> <how often>` (lua/finish-compaction.lua); empty: never compacted. */
  compacted = '';
  /** As the last read found them. */
  epochs = NO_EPOCHS;
  sizeBytes = 0;
  copies = 1;
  /** `performance.now()` when Redis last said something of it that was complete (start, end and watermark). */
  heardAt = -Infinity;
  /** Mean bytes of the entries read last, for the COUNT of the next read. */
  entryBytes = 0;
  /** Asked for since it was last looked at whether it may go. */
  used = false;

  constructor(shard: ShardKey) {
    this.shard = shard;
  }

  hear({ start, end, watermark, stable, lastAborted }: RawBounds): void {
    if (start > this.start) this.start = start;
    if (end > this.end) this.end = end;
    this.move(watermark, stable, lastAborted);
    this.heardAt = performance.now();
  }

  /** `text` as meta has it; it changes with an epoch that begins, and hardly ever else. */
  hearEpochs(text: string): void {
    if (text !== this.epochs.text) this.epochs = new ShardEpochs(text);
  }

  /** Readers may see more. */
  move(watermark: number, stable: number, lastAborted: number): void {
    if (watermark > this.watermark) this.watermark = watermark;
    // Together: whoever reads up to the one must know of the other.
    if (stable > this.stable) this.stable = stable;
    if (lastAborted > this.lastAborted) this.lastAborted = lastAborted;
  }

  /** Below it, the log lies in the stream of what compaction left. */
  get compactedEnd(): number {
    return this.compacted === '' ? 0 : Number.parseInt(this.compacted, 10);
  }

  bounds(leaderEpoch: number): ShardBounds {
    const highWatermark = BigInt(this.watermark);
    return {
      logStartOffset: BigInt(this.start),
      highWatermark,
      logEndOffset: BigInt(this.end),
      lastStableOffset: this.stable === this.watermark ? highWatermark : BigInt(Math.max(this.stable, this.start)),
      sealed: this.sealed,
      leaderEpoch,
      sizeBytes: this.sizeBytes,
    };
  }
}

/**
 * The views of the shards that this process works with, so many at most. One that was not used since its last turn goes first (a
 * mark costs the hot path less than an order by last use would).
 */
export class ShardViews {
  readonly #viewsMax: number;
  readonly #views = new Map<ShardKey, ShardView>();

  constructor(viewsMax = SHARD_VIEWS_MAX) {
    this.#viewsMax = viewsMax;
  }

  get(shard: ShardKey): ShardView {
    let view = this.#views.get(shard);
    if (view === undefined) {
      if (this.#views.size >= this.#viewsMax) this.#makeRoom();
      view = new ShardView(shard);
      this.#views.set(shard, view);
    } else {
      view.used = true;
    }
    return view;
  }

  peek(shard: ShardKey): ShardView | undefined {
    const view = this.#views.get(shard);
    if (view !== undefined) view.used = true;
    return view;
  }

  /** It comes back with one trip when it is needed again. Those that are passed over are not for so many others. */
  #makeRoom(): void {
    for (const [shard, view] of this.#views) {
      this.#views.delete(shard);
      if (!view.used) return;
      view.used = false;
      this.#views.set(shard, view);
    }
  }

  forget(shard: ShardKey): void {
    this.#views.delete(shard);
  }

  /** After a failover a log may end earlier than it did: nothing that was heard before counts. */
  clear(): void {
    this.#views.clear();
  }
}
