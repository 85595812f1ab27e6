import { type Outcome, StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { SCAN_ENTRIES } from './bounds.ts';
import { readEntries } from './entry.ts';
import { type LogContext, shardNotFound } from './log-context.ts';
import { askEntries } from './read.ts';
import type { RedisNode } from './redis-node.ts';

export interface TimedBatch {
  readonly baseOffset: bigint;
  readonly timestampMs: number;
}

type Found = Outcome<TimedBatch | undefined>;

/** Finds batches by time; see lua/find-timestamp.lua. */
export class TimestampSearch {
  readonly #context: LogContext;

  constructor(context: LogContext) {
    this.#context = context;
  }

  /** See `Log.offsetForTime`. */
  offsetForTime(shard: ShardKey, timestampMs: number, by: 'append' | 'record'): Promise<Found> {
    return this.#find(shard, timestampMs, by);
  }

  /** See `Log.maxRecordTimestamp`. */
  maxRecordTimestamp(shard: ShardKey): Promise<Found> {
    return this.#find(shard, 0, 'largest');
  }

  #find(shard: ShardKey, timestampMs: number, by: 'append' | 'record' | 'largest'): Promise<Found> {
    const { topology, keys } = this.#context;
    const { log, meta, compacted } = keys.shard(shard);
    return topology.at(log, async (node) => {
      const [tag, first, second, third] = await node.run(
        'find-timestamp',
        [log, meta, compacted],
        [String(timestampMs), by],
      );
      switch (tag) {
        case 'shardNotFound':
          return shardNotFound(shard);
        case 'none':
          return { ok: true, value: undefined };
        case 'found':
          return { ok: true, value: { baseOffset: BigInt(first as string), timestampMs: Number(second) } };
        case 'scan':
          return {
            ok: true,
            value: await this.#scan(
              node,
              shard,
              { start: Number(first), watermark: Number(second), compacted: third as string },
              timestampMs,
              by,
            ),
          };
      }
    });
  }

  /** Looks at visible entries one by one, in pages, so that Redis is never busy with it for long. */
  async #scan(
    node: RedisNode,
    shard: ShardKey,
    range: ScanRange,
    timestampMs: number,
    by: 'append' | 'record' | 'largest',
  ): Promise<TimedBatch | undefined> {
    const { log, meta, compacted: compactedKey } = this.#context.keys.shard(shard);
    const { start, watermark, compacted } = range;
    const compactedEnd = compacted === '' ? 0 : Number.parseInt(compacted, 10);
    let best: { readonly base: number; readonly timestampMs: number } | undefined;
    scan: for (let from = start; from < watermark;) {
      const isBefore = from < compactedEnd;
      const page = readEntries(await askEntries(node, isBefore ? compactedKey : log, from, SCAN_ENTRIES));
      for (const entry of page) {
        if (entry.next > watermark) break;
        if (by === 'largest') {
          if (best === undefined || entry.timestampMs > best.timestampMs) best = entry;
        } else if (entry.timestampMs >= timestampMs) {
          best = entry;
          break scan;
        }
      }
      from = page.at(-1)?.next ?? (isBefore ? compactedEnd : watermark);
    }
    const after = (await node.reads.send('hget', [meta, 'compacted'])) as string | null;
    if ((after ?? '') !== compacted) {
      throw new StoreUnavailable(`shard ${shard} was compacted while it was searched`);
    }
    return best && { baseOffset: BigInt(best.base), timestampMs: best.timestampMs };
  }
}

/** Where to look at entries one by one; `compacted` as it was then. */
interface ScanRange {
  readonly start: number;
  readonly watermark: number;
  readonly compacted: string;
}
