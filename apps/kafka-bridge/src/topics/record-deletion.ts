import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Partition } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { refusalErrors } from '../errors/refusal-errors.ts';
import { partitionBounds } from '../fetch/partition-read.ts';

export type RecordsDeleted =
  { readonly ok: true; readonly logStartOffset: bigint } | { readonly ok: false; readonly errorCode: ErrorCode };

/**
 * Forgets the records of a partition that lie before an offset, in every link of its chain, and answers where the partition
 * begins now. An offset at or below its beginning changes nothing. The oldest links go first: whoever dies on the way leaves
 * a partition without a gap.
 *
 * Errors: UNKNOWN_TOPIC_OR_PARTITION (it went away), OFFSET_OUT_OF_RANGE. Throws StoreUnavailable.
 */
export async function deleteRecordsBefore(
  partition: Partition,
  before: bigint | 'highWatermark',
  bridge: Bridge,
): Promise<RecordsDeleted> {
  const { log } = bridge.store;
  const bounds = await partitionBounds(partition, bridge);
  if (bounds === undefined) return { ok: false, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION };
  const { logStartOffset, highWatermark } = bounds;
  const wanted = before === 'highWatermark' ? highWatermark : before;
  if (wanted < 0n || wanted > highWatermark) return { ok: false, errorCode: errorCodes.OFFSET_OUT_OF_RANGE };
  if (wanted <= logStartOffset) return { ok: true, logStartOffset };
  for (const { key, startOffset } of partition.chain) {
    // A later link starts at or behind the end of this one.
    if (startOffset >= wanted) break;
    const link = await log.bounds(key);
    if (!link.ok) return { ok: false, errorCode: refusalErrors[link.refusal.code] };
    const end = link.value.highWatermark < wanted ? link.value.highWatermark : wanted;
    if (end <= link.value.logStartOffset) continue;
    const trimmed = await log.trim(key, end);
    if (!trimmed.ok) return { ok: false, errorCode: refusalErrors[trimmed.refusal.code] };
  }
  const after = await partitionBounds(partition, bridge);
  if (after === undefined) return { ok: false, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION };
  return { ok: true, logStartOffset: after.logStartOffset };
}
