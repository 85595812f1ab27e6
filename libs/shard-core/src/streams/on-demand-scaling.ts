import type { ShardBounds } from '../contract/log.ts';
import type { Outcome } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { type LeasedSweepOptions, startLeasedSweep } from './leased-sweep.ts';
import { mergeShards, splitShard } from './reshard.ts';
import type { Shard, Stream } from './stream.ts';
import type { StreamCatalog } from './stream-catalog.ts';

/** How often the traffic of ON_DEMAND streams is looked at. */
export const ON_DEMAND_INTERVAL_MS = 10_000;
/** What a shard of Kinesis is made for. */
const SHARD_BYTES_PER_SECOND = 1024 * 1024;
const SHARD_RECORDS_PER_SECOND = 1_000;
/** A shard that takes more than this part of it is hot; two neighbours that take less together are cold. */
const HOT_LOAD = 0.75;
const COLD_LOAD = 0.25;
/** Looks in a row: half a minute of heat, a quarter of an hour of cold. A merge comes too late more cheaply than a split too often. */
export const HOT_LOOKS = 3;
export const COLD_LOOKS = 90;
/** Open shards that the service leaves an ON_DEMAND stream. */
export const ON_DEMAND_SHARDS_MIN = 4;
/**
 * Open shards for each one that the whole traffic would fill, but twice the least at least: where one partition key makes
 * all the heat, splits do not help, and end here.
 */
const SPREAD_MAX = 4;
const LEASE = 'on-demand-scaling';

interface Seen {
  readonly atMs: number;
  readonly endOffset: bigint;
  readonly sizeBytes: number;
  /** 1 is as much as a shard is made for. */
  readonly load: number;
  readonly bytesPerSecond: number;
  readonly hotLooks: number;
  readonly coldLooks: number;
}

/**
 * Gives ON_DEMAND streams the shards that their traffic needs. What flows is seen from how the logs grow, so it does not
 * matter which process or door writes. Topics that Kafka clients made are left alone: there, a number of partitions that
 * changes by itself moves keys.
 */
export class OnDemandScaling {
  readonly #bounds: (shard: ShardKey) => Promise<Outcome<ShardBounds>>;
  readonly #catalog: StreamCatalog;
  #seen = new Map<ShardKey, Seen>();

  constructor(bounds: (shard: ShardKey) => Promise<Outcome<ShardBounds>>, catalog: StreamCatalog) {
    this.#bounds = bounds;
    this.#catalog = catalog;
  }

  /** Looks once, and splits and merges what has been hot or cold for long. Answers how often. Throws StoreUnavailable. */
  async look(nowMs: number): Promise<number> {
    const seen = new Map<ShardKey, Seen>();
    let reshards = 0;
    for (const name of this.#catalog.names()) {
      const stream = this.#catalog.peek(name);
      if (stream === undefined || !isScaled(stream)) continue;
      for (const shard of stream.openShards) {
        const bounds = await this.#bounds(shard.key);
        if (bounds.ok) seen.set(shard.key, next(this.#seen.get(shard.key), bounds.value, nowMs));
      }
      if (stream.document.status === 'ACTIVE') reshards += await this.#scale(stream, seen);
    }
    this.#seen = seen;
    return reshards;
  }

  async #scale(stream: Stream, seen: ReadonlyMap<ShardKey, Seen>): Promise<number> {
    const load = stream.openShards.reduce((sum, { key }) => sum + (seen.get(key)?.load ?? 0), 0);
    const shardsMax = Math.max(2 * shardsMin(stream), Math.ceil(load) * SPREAD_MAX);
    const hot = stream.openShards.filter(({ key }) => (seen.get(key)?.hotLooks ?? 0) >= HOT_LOOKS);
    if (hot.length > 0) {
      let splits = 0;
      for (const shard of hot.slice(0, Math.max(0, shardsMax - stream.openShards.length))) {
        const { start, end } = shard.hashRange;
        // A shard too narrow to be split, or a stream with all the shards that it can keep, is refused, and stays.
        const outcome = await splitShard(this.#catalog, stream.name, shard.number, (start + end) / 2n + 1n);
        if (outcome.ok) splits++;
      }
      return splits;
    }
    const pair = coldestPair(stream, seen);
    if (pair === undefined || stream.openShards.length <= shardsMin(stream)) return 0;
    const merged = await mergeShards(this.#catalog, stream.name, pair[0].number, pair[1].number);
    return merged.ok ? 1 : 0;
  }
}

function isScaled({ document }: Stream): boolean {
  return document.mode === 'ON_DEMAND' && document.origin === 'kinesis';
}

function shardsMin({ document }: Stream): number {
  return Math.max(ON_DEMAND_SHARDS_MIN, document.warmThroughputMiBps ?? 0);
}

function next(before: Seen | undefined, { logEndOffset: endOffset, sizeBytes }: ShardBounds, atMs: number): Seen {
  const fresh = { atMs, endOffset, sizeBytes };
  const seconds = before === undefined ? 0 : (atMs - before.atMs) / 1000;
  if (before === undefined || seconds <= 0) {
    return { ...fresh, load: 0, bytesPerSecond: 0, hotLooks: 0, coldLooks: 0 };
  }
  const grown = sizeBytes - before.sizeBytes;
  // Trimmed meanwhile: how much was written does not show, and is taken to be what it was.
  const bytesPerSecond = grown < 0 ? before.bytesPerSecond : grown / seconds;
  const recordsPerSecond = Number(endOffset - before.endOffset) / seconds;
  const load = Math.max(bytesPerSecond / SHARD_BYTES_PER_SECOND, recordsPerSecond / SHARD_RECORDS_PER_SECOND);
  return {
    ...fresh,
    load,
    bytesPerSecond,
    hotLooks: load > HOT_LOAD ? before.hotLooks + 1 : 0,
    coldLooks: load < COLD_LOAD ? before.coldLooks + 1 : 0,
  };
}

/** The two neighbours in the hash space that take least, if they have been cold for long and would be so as one. */
function coldestPair({ openShards }: Stream, seen: ReadonlyMap<ShardKey, Seen>): readonly [Shard, Shard] | undefined {
  const inOrder = [...openShards].sort((a, b) => (a.hashRange.start < b.hashRange.start ? -1 : 1));
  let coldest: readonly [Shard, Shard] | undefined;
  let least = COLD_LOAD;
  for (let i = 1; i < inOrder.length; i++) {
    const pair = [inOrder[i - 1] as Shard, inOrder[i] as Shard] as const;
    const [a, b] = pair.map(({ key }) => seen.get(key));
    if (a === undefined || b === undefined || a.coldLooks < COLD_LOOKS || b.coldLooks < COLD_LOOKS) continue;
    if (a.load + b.load >= least) continue;
    least = a.load + b.load;
    coldest = pair;
  }
  return coldest;
}

/** Looks for as long as the process lives; answers a function that ends it. */
export function startOnDemandScaling(
  store: Store,
  catalog: StreamCatalog,
  { holder, intervalMs = ON_DEMAND_INTERVAL_MS, clock = Date.now, onError }: LeasedSweepOptions,
): () => Promise<void> {
  const scaling = new OnDemandScaling((shard) => store.log.bounds(shard), catalog);
  return startLeasedSweep(store.leases, LEASE, { holder, intervalMs, onError }, () => scaling.look(clock()));
}
