import { type BatchHeader, readBatchHeader } from '@tailrace/kafka-protocol';
import type { Log, ShardBounds } from '../contract/log.ts';
import type { Partition, Shard } from '../streams/stream.ts';
import { COMPACTION_KEY_BYTES_MAX } from './bounds.ts';
import type { CompactionSettings } from './compaction-settings.ts';
import type { CompactionState } from './compaction-state.ts';
import { collectKeys } from './dirty-keys.ts';
import { Judge } from './judge.ts';
import { KeyOffsets } from './key-offsets.ts';
import type { Pace } from './pace.ts';

/** One shard of a partition, as far as it can be compacted now. */
interface Link {
  readonly shard: Shard;
  readonly bounds: ShardBounds;
  /** Everything below is decided, visible, and old enough. */
  readonly limit: bigint;
}

/** A partition that can be compacted now, as it was looked at. */
export interface CompactablePartition {
  readonly links: readonly Link[];
  /** Where the newest of these links ends for now. */
  readonly limit: bigint;
  /** Where its first record is. */
  readonly start: bigint;
  readonly sizeBytes: number;
}

/** Looks at the chain of shards up to the first one that is not wholly decided. Throws StoreUnavailable. */
export async function lookAt(
  log: Log,
  { chain }: Partition,
  { minLagMs }: CompactionSettings,
  nowMs: number,
): Promise<CompactablePartition | undefined> {
  const links: Link[] = [];
  for (const shard of chain) {
    const outcome = await log.bounds(shard.key);
    // Gone with its records, or deleted with its stream.
    if (!outcome.ok) continue;
    const bounds = outcome.value;
    let limit = bounds.lastStableOffset;
    if (minLagMs > 0) {
      const young = await log.offsetForTime(shard.key, nowMs - minLagMs + 1, 'append');
      if (young.ok && young.value !== undefined && young.value.baseOffset < limit) limit = young.value.baseOffset;
    }
    if (limit > bounds.logStartOffset) links.push({ shard, bounds, limit });
    if (!bounds.sealed || limit < bounds.logEndOffset) break;
  }
  const first = links[0];
  const last = links.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const sizeBytes = links.reduce((sum, { bounds }) => sum + bounds.sizeBytes, 0);
  return { links, limit: last.limit, start: first.bounds.logStartOffset, sizeBytes };
}

/** Whether it is worth its while now, by the stream's settings. Throws StoreUnavailable. */
export async function isDue(
  log: Log,
  { links, limit, start, sizeBytes }: CompactablePartition,
  { cleanedTo, cleanBytes, nextHorizonMs }: CompactionState,
  { minDirtyRatio, maxLagMs }: CompactionSettings,
  nowMs: number,
): Promise<boolean> {
  if (nextHorizonMs !== undefined && nextHorizonMs <= nowMs) return true;
  const dirtyFrom = cleanedTo > start ? cleanedTo : start;
  if (dirtyFrom >= limit) return false;
  const { logEndOffset } = (links.at(-1) as Link).bounds;
  // What is too young, or not decided, by its share of the offsets.
  const share = Number(limit - dirtyFrom) / Number(logEndOffset - dirtyFrom);
  const clean = cleanedTo > start ? Math.min(cleanBytes, sizeBytes) : 0;
  const dirtyBytes = (sizeBytes - clean) * share;
  if (dirtyBytes > 0 && dirtyBytes / (clean + dirtyBytes) > minDirtyRatio) return true;
  if (maxLagMs === Infinity) return false;
  const { shard, bounds } = links.find((link) => link.limit > dirtyFrom) as Link;
  const from = dirtyFrom > bounds.logStartOffset ? dirtyFrom : bounds.logStartOffset;
  const outcome = await log.read(shard.key, from, { maxBytes: 0, maxBatches: 1 });
  if (!outcome.ok) return false;
  const [appendTimeMs] = outcome.value.appendTimesMs;
  outcome.value.release();
  return appendTimeMs !== undefined && appendTimeMs <= nowMs - maxLagMs;
}

export interface RoundOptions {
  readonly settings: CompactionSettings;
  readonly nowMs: number;
  readonly pace: Pace;
  readonly keyBytesMax?: number;
}

export interface Round {
  readonly state: CompactionState;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** There was room for all keys, and nothing came in between. */
  readonly isWhole: boolean;
}

/**
 * One round over a partition: sees which keys were written since the last one, as many as there is room for, and drops from all
 * that lies before what they supersede. The newest batch of each shard stays as it is: so there is a batch behind every gap.
 * Throws StoreUnavailable; what was done by then stays done, and the next round does it all again.
 */
export async function compactPartition(
  log: Log,
  { links, limit, start }: CompactablePartition,
  state: CompactionState,
  { settings, nowMs, pace, keyBytesMax = COMPACTION_KEY_BYTES_MAX }: RoundOptions,
): Promise<Round> {
  const keys = new KeyOffsets(keyBytesMax);
  let knownTo = state.cleanedTo > start ? state.cleanedTo : start;
  for (const { shard, bounds, limit: end } of links) {
    if (end <= knownTo) continue;
    const from = knownTo > bounds.logStartOffset ? knownTo : bounds.logStartOffset;
    knownTo = await collectKeys(log, shard.key, from, end, keys, pace);
    if (knownTo < end) break;
  }

  const judge = new Judge({ keys, nowMs, deleteRetentionMs: settings.deleteRetentionMs, pace });
  let cleanedTo = start;
  let cleanBytes = 0;
  let bytesBefore = 0;
  let isWhole = knownTo >= limit;
  const last = links.at(-1)?.shard;
  for (const { shard, bounds, limit: end } of links) {
    if (bounds.logStartOffset >= knownTo) break;
    const newest = end <= knownTo ? await newestBefore(log, shard, end) : undefined;
    // Where the table was full, the next round begins with that batch.
    const to = newest?.header.baseOffset ?? knownTo;
    if (to > bounds.logStartOffset) {
      const outcome = await log.compact({ shard: shard.key, to, judge: (slice) => judge.judge(shard.key, slice) });
      // Trimmed or deleted meanwhile.
      if (!outcome.ok) {
        isWhole = false;
        break;
      }
      bytesBefore += outcome.value.bytesBefore;
      cleanBytes += outcome.value.bytesAfter;
    }
    if (cleanedTo < to) cleanedTo = to;
    if (newest !== undefined && shard !== last) judge.hold(shard.key, newest.header, newest.batch);
  }
  return {
    state: { cleanedTo, cleanBytes, nextHorizonMs: judge.nextHorizonMs },
    bytesBefore,
    bytesAfter: cleanBytes,
    isWhole,
  };
}

/** The batch that ends at an offset; where that was compacted away, the one behind it. */
async function newestBefore(
  log: Log,
  shard: Shard,
  offset: bigint,
): Promise<{ readonly header: BatchHeader; readonly batch: Buffer } | undefined> {
  const outcome = await log.read(shard.key, offset - 1n, { maxBytes: 0, maxBatches: 1 });
  if (!outcome.ok) return undefined;
  const [chunk] = outcome.value.chunks;
  const newest = chunk && { header: readBatchHeader(chunk, 0), batch: Buffer.from(chunk) };
  outcome.value.release();
  return newest;
}
