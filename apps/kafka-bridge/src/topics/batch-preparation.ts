import {
  type BatchHeader,
  CorruptBatch,
  type ErrorCode,
  errorCodes,
  readBatchHeader,
  rewriteBatch,
  scanRecords,
  UncompressedTooLarge,
} from '@tailrace/kafka-protocol';
import type { AppendRules } from './append-rules.ts';

/** A compressed batch that becomes larger when it is looked into is refused. */
export const UNCOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;
/** Records that are named in an answer, of those that are wrong. */
export const RECORD_ERRORS_MAX = 1_000;
/** Of these, Kafka's sentence for the whole batch repeats so many. */
const RECORD_ERRORS_TOLD = 3;
/** A record of a producer that gives no times. */
const NO_TIMESTAMP = -1;
/** Kafka's bounds of a time are whole numbers of 64 bits, this one among them. */
const BEFORE_MAX_MS = 2 ** 63;

export interface RecordError {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

export type PreparedBatch =
  | {
      readonly ok: true;
      readonly records: Buffer;
      readonly header: BatchHeader;
      /** What all records have as their time, where that is the log's; else -1. */
      readonly logAppendTimeMs: number;
    }
  | {
      readonly ok: false;
      readonly errorCode: ErrorCode;
      readonly message: string;
      readonly recordErrors: readonly RecordError[];
    };

export interface ArrivedBatch {
  /** Checked: one whole batch. It may be changed in place. */
  readonly records: Buffer;
  readonly header: BatchHeader;
  /** For the sentences. */
  readonly topic: string;
  readonly partition: number;
  /** The clock, in milliseconds since 1970. */
  readonly nowMs: number;
  /** The most that a batch may have when it is stored. */
  readonly messageBytesMax: number;
}

/**
 * Makes of a batch what the topic's settings want. A topic that sets nothing gets it back as it is, for the price of two
 * comparisons.
 *
 * A producer that calls its times the log's gets them called its own where the topic wants that, and an error otherwise: as in
 * Kafka, which has it this way round.
 *
 * Errors: INVALID_TIMESTAMP (such a producer), CORRUPT_MESSAGE (looked into, where that is needed),
 * INVALID_RECORD (no key in a compacted topic), INVALID_TIMESTAMP (too far from the clock), MESSAGE_TOO_LARGE (as it would be
 * stored).
 */
export function prepareBatch(batch: ArrivedBatch, rules: AppendRules): PreparedBatch {
  const { records, header, nowMs, messageBytesMax } = batch;
  const { compression, logAppendTime } = rules;
  try {
    const saysAppendTime = header.timestampType === 'LogAppendTime';
    if (logAppendTime && saysAppendTime) return refuseTimestampType(header);
    if (mustLookInside(header, rules, nowMs)) {
      const refused = lookInside(batch, rules);
      if (refused !== undefined) return refused;
    }
    const recompresses = compression !== undefined && compression !== header.compression;
    if (!recompresses && !logAppendTime && !saysAppendTime) return { ok: true, records, header, logAppendTimeMs: -1 };
    const rewritten = rewriteBatch(records, header, {
      compression,
      appendTimeMs: logAppendTime ? nowMs : undefined,
      createTime: !logAppendTime,
      uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX,
    });
    if (rewritten.length > messageBytesMax) {
      const message = `the batch has ${rewritten.length} bytes as it is stored, at most ${messageBytesMax} are taken`;
      return refuse(errorCodes.MESSAGE_TOO_LARGE, message);
    }
    const logAppendTimeMs = logAppendTime ? nowMs : -1;
    return { ok: true, records: rewritten, header: readBatchHeader(rewritten, 0), logAppendTimeMs };
  } catch (error) {
    if (error instanceof CorruptBatch || error instanceof UncompressedTooLarge)
      return refuse(errorCodes.CORRUPT_MESSAGE, error.message);
    throw error;
  }
}

/** By the header alone, where it can tell: its largest time binds all records, its base time says nothing of the smallest. */
function mustLookInside({ maxTimestampMs }: BatchHeader, rules: AppendRules, nowMs: number): boolean {
  if (rules.keysNeeded) return true;
  if (rules.logAppendTime) return false;
  return maxTimestampMs > nowMs + rules.timestampAfterMaxMs || rules.timestampBeforeMaxMs < BEFORE_MAX_MS;
}

function lookInside(
  { records, header, topic, partition, nowMs }: ArrivedBatch,
  { keysNeeded, logAppendTime, timestampAfterMaxMs, timestampBeforeMaxMs }: AppendRules,
): PreparedBatch | undefined {
  const latest = logAppendTime ? Infinity : nowMs + timestampAfterMaxMs;
  const earliest = logAppendTime ? -Infinity : nowMs - timestampBeforeMaxMs;
  const errors: RecordError[] = [];
  let count = 0;
  let keysMissing = false;
  scanRecords(records, 0, header, { uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX }, (index, timestampMs, keyBytes) => {
    const keyMissing = keysNeeded && keyBytes < 0;
    const isOutside = timestampMs !== NO_TIMESTAMP && (timestampMs > latest || timestampMs < earliest);
    if (!keyMissing && !isOutside) return;
    keysMissing ||= keyMissing;
    if (++count > RECORD_ERRORS_MAX) return;
    const batchIndexErrorMessage = keyMissing
      ? `Compacted topic cannot accept message without key in topic partition ${topic}-${partition}`
      : `Timestamp ${timestampMs} of message with offset ${index} is out of range. The timestamp should be within [${earliestText(nowMs, timestampBeforeMaxMs)}, ${latest}]`;
    errors.push({ batchIndex: index, batchIndexErrorMessage });
  });
  if (count === 0) return undefined;
  if (!keysMissing) {
    const message = 'One or more records have been rejected due to invalid timestamp';
    return refuse(errorCodes.INVALID_TIMESTAMP, message, errors);
  }
  const told = errors
    .slice(0, RECORD_ERRORS_TOLD)
    .map((error) => `RecordError(batchIndex=${error.batchIndex}, message='${error.batchIndexErrorMessage}')`);
  const message = `One or more records have been rejected due to ${count} record errors in total, and only showing the first three errors at most: [${told.join(', ')}]`;
  return refuse(errorCodes.INVALID_RECORD, message, errors);
}

/** Exact also for Kafka's default, which is beyond what a number can hold. */
function earliestText(nowMs: number, beforeMaxMs: number): string {
  const before = beforeMaxMs >= BEFORE_MAX_MS ? 2n ** 63n - 1n : BigInt(beforeMaxMs);
  return (BigInt(nowMs) - before).toString();
}

function refuseTimestampType({ recordCount }: BatchHeader): PreparedBatch {
  const message = 'One or more records have been rejected due to invalid timestamp';
  const errors = Array.from({ length: Math.min(recordCount, RECORD_ERRORS_MAX) }, (_, batchIndex) => ({
    batchIndex,
    batchIndexErrorMessage: `Invalid timestamp type in message ${batchIndex}. Producer should not set timestamp type to LogAppendTime.`,
  }));
  return refuse(errorCodes.INVALID_TIMESTAMP, message, errors);
}

function refuse(errorCode: ErrorCode, message: string, recordErrors: readonly RecordError[] = []): PreparedBatch {
  return { ok: false, errorCode, message, recordErrors };
}
