import { ACKNOWLEDGE, type AcknowledgedRange } from './share-partition-state.ts';

/** Ranges that one request may acknowledge in one partition: more than records can be out. */
export const ACKNOWLEDGED_RANGES_MAX = 10_000;

const TYPE_MAX = ACKNOWLEDGE.renew;

interface AcknowledgementBatch {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly acknowledgeTypes: readonly number[];
}

/**
 * What a member says of the records of one partition, or in one sentence what is wrong with it by itself: ranges are in
 * order and apart from each other, each with one type for all of its records or one for each. "Renew" comes only in requests
 * that say so.
 */
export function readAcknowledgements(
  batches: readonly AcknowledgementBatch[],
  isRenewAck: boolean,
): readonly AcknowledgedRange[] | string {
  if (batches.length > ACKNOWLEDGED_RANGES_MAX)
    return `${batches.length} ranges are acknowledged, at most ${ACKNOWLEDGED_RANGES_MAX} are taken`;
  const ranges: AcknowledgedRange[] = [];
  let behind = -1n;
  for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
    if (firstOffset < 0n || lastOffset > BigInt(Number.MAX_SAFE_INTEGER)) return 'Offsets are out of bounds';
    if (firstOffset > lastOffset) return 'First offset is greater than last offset in acknowledge batches';
    if (firstOffset <= behind) return 'Previous end offset is greater than current start offset in acknowledge batches';
    if (acknowledgeTypes.length === 0) return 'Acknowledge types array is empty in acknowledge batches';
    if (acknowledgeTypes.length > 1 && BigInt(acknowledgeTypes.length) !== lastOffset - firstOffset + 1n)
      return 'Acknowledge types array size does not match the number of records in acknowledge batches';
    for (const type of acknowledgeTypes) {
      if (type < 0 || type > TYPE_MAX) return 'Acknowledge type is invalid in acknowledge batches';
      if (type === ACKNOWLEDGE.renew && !isRenewAck) return 'Renew acknowledgements in a request that does not say so';
    }
    behind = lastOffset;
    ranges.push({ first: Number(firstOffset), last: Number(lastOffset), types: acknowledgeTypes });
  }
  return ranges;
}
