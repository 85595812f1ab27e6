import type { Outcome } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { SCAN_ENTRIES } from './bounds.ts';
import { readEntries } from './entry.ts';
import { type LogContext, shardNotFound } from './log-context.ts';
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
    const { log, meta } = keys.shard(shard);
    return topology.at(log, async (node) => {
      const [tag, first, second] = await node.run('find-timestamp', [log, meta], [String(timestampMs), by]);
      switch (tag) {
        case 'shardNotFound':
          return shardNotFound(shard);
        case 'none':
          return { ok: true, value: undefined };
        case 'found':
          return { ok: true, value: { baseOffset: BigInt(first as string), timestampMs: Number(second) } };
        case 'scan':
          return { ok: true, value: await this.#scan(node, log, Number(first), Number(second), timestampMs, by) };
      }
    });
  }

  /** Looks at visible entries one by one, in pages, so that Redis is never busy with it for long. */
  async #scan(
    node: RedisNode,
    log: string,
    start: number,
    watermark: number,
    timestampMs: number,
    by: 'append' | 'record' | 'largest',
  ): Promise<TimedBatch | undefined> {
    let best: { readonly base: number; readonly timestampMs: number } | undefined;
    for (let from = start; from < watermark;) {
      const page = readEntries(
        await node.reads.send('xrange', [log, `${from + 1}-0`, '+', 'COUNT', String(SCAN_ENTRIES)], 'buffers'),
      );
      for (const entry of page) {
        if (entry.next > watermark) break;
        if (by === 'largest') {
          if (best === undefined || entry.timestampMs > best.timestampMs) best = entry;
        } else if (entry.timestampMs >= timestampMs) {
          return { baseOffset: BigInt(entry.base), timestampMs: entry.timestampMs };
        }
      }
      from = page.at(-1)?.next ?? watermark;
    }
    return best && { baseOffset: BigInt(best.base), timestampMs: best.timestampMs };
  }
}
