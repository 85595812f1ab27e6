import {
  CorruptBatch,
  decodeBatch,
  type ErrorCode,
  errorCodes,
  readBatchHeader,
  UncompressedTooLarge,
} from '@tailrace/kafka-protocol';
import type { LogSlice, Partition, Shard } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { refusalErrors } from '../errors/refusal-errors.ts';

/** A compressed batch that becomes larger when it is looked into is taken as it is. */
const UNCOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

export interface FoundOffset {
  readonly errorCode: ErrorCode;
  readonly offset: bigint;
  /** Of the record found; -1 where the question was not about a time. */
  readonly timestampMs: number;
}

export const NOT_FOUND: FoundOffset = { errorCode: errorCodes.NONE, offset: -1n, timestampMs: -1 };

/** The first record whose timestamp is at or after a time: found by its batch, then within it. */
export async function firstAtOrAfter(
  partition: Partition,
  timestampMs: number,
  bridge: Pick<Bridge, 'store' | 'logger'>,
): Promise<FoundOffset> {
  for (const shard of partition.chain) {
    const outcome = await bridge.store.log.offsetForTime(shard.key, timestampMs, 'record');
    if (!outcome.ok) return failed(refusalErrors[outcome.refusal.code]);
    if (outcome.value === undefined) continue;
    return refine(shard, outcome.value, bridge, (record) => record >= timestampMs);
  }
  return NOT_FOUND;
}

/** The first of the records with the largest timestamp. */
export async function largestTimestamp(partition: Partition, bridge: Bridge): Promise<FoundOffset> {
  let largest: { readonly shard: Shard; readonly baseOffset: bigint; readonly timestampMs: number } | undefined;
  for (const shard of partition.chain) {
    const outcome = await bridge.store.log.maxRecordTimestamp(shard.key);
    if (!outcome.ok) return failed(refusalErrors[outcome.refusal.code]);
    const found = outcome.value;
    if (found !== undefined && (largest === undefined || found.timestampMs > largest.timestampMs))
      largest = { shard, ...found };
  }
  if (largest === undefined) return NOT_FOUND;
  const { timestampMs } = largest;
  return refine(largest.shard, largest, bridge, (record) => record === timestampMs);
}

/** Looks into the batch for the very record. */
async function refine(
  shard: Shard,
  batch: { readonly baseOffset: bigint; readonly timestampMs: number },
  { store, logger }: Pick<Bridge, 'store' | 'logger'>,
  wanted: (timestampMs: number) => boolean,
): Promise<FoundOffset> {
  const outcome = await store.log.read(shard.key, batch.baseOffset, { maxBytes: 1, maxBatches: 1 });
  if (!outcome.ok) return failed(refusalErrors[outcome.refusal.code]);
  const slice = outcome.value;
  try {
    return (
      lookInto(slice, wanted) ?? {
        errorCode: errorCodes.NONE,
        offset: batch.baseOffset,
        timestampMs: batch.timestampMs,
      }
    );
  } catch (error) {
    if (!(error instanceof CorruptBatch || error instanceof UncompressedTooLarge)) throw error;
    // Brokers store what producers compressed unseen; the batch's own numbers have to do.
    logger.warn({ door: 'kafka', shard: shard.key, err: error }, 'a batch could not be looked into');
    return { errorCode: errorCodes.NONE, offset: batch.baseOffset, timestampMs: batch.timestampMs };
  } finally {
    slice.release();
  }
}

function lookInto({ chunks }: LogSlice, wanted: (timestampMs: number) => boolean): FoundOffset | undefined {
  const chunk = chunks[0];
  if (chunk === undefined) return undefined;
  const header = readBatchHeader(chunk, 0);
  const records = decodeBatch(chunk, 0, header, { uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX });
  const record = records.find(({ timestampMs }) => wanted(timestampMs));
  if (record === undefined) return undefined;
  return {
    errorCode: errorCodes.NONE,
    offset: header.baseOffset + BigInt(record.offsetDelta),
    timestampMs: record.timestampMs,
  };
}

function failed(errorCode: ErrorCode): FoundOffset {
  return { errorCode, offset: -1n, timestampMs: -1 };
}
