import { type BatchHeader, type BatchRefusal, checkBatch, type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { isSealed } from '@tailrace/shard-core';

/** First version of Produce whose clients may send zstd (KIP-110). */
const ZSTD_SINCE_VERSION = 7;

export type CheckedRecords =
  | { readonly ok: true; readonly header: BatchHeader }
  | { readonly ok: false; readonly errorCode: ErrorCode; readonly message: string };

const refusalErrors = {
  'cut-short': errorCodes.CORRUPT_MESSAGE,
  'unsupported-magic': errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  corrupt: errorCodes.CORRUPT_MESSAGE,
  invalid: errorCodes.INVALID_RECORD,
} as const satisfies Record<BatchRefusal['code'], ErrorCode>;

/**
 * Whether what a producer sent for one partition is exactly one batch that may be stored as it is.
 * In this order: INVALID_RECORD (nothing there), MESSAGE_TOO_LARGE, UNSUPPORTED_FOR_MESSAGE_FORMAT, CORRUPT_MESSAGE,
 * INVALID_RECORD (counts, more than one batch, the log's own attribute, control batches), UNSUPPORTED_COMPRESSION_TYPE.
 */
export function checkRecords(records: Buffer | null, version: number, messageBytesMax: number): CheckedRecords {
  if (records === null || records.length === 0) return refuse(errorCodes.INVALID_RECORD, 'there is no record batch');
  if (records.length > messageBytesMax) {
    return refuse(
      errorCodes.MESSAGE_TOO_LARGE,
      `the batch has ${records.length} bytes, at most ${messageBytesMax} are taken`,
    );
  }
  const checked = checkBatch(records, 0, records.length);
  if (!checked.ok) return refuse(refusalErrors[checked.code], checked.reason);
  const { header } = checked;
  if (header.sizeBytes !== records.length)
    return refuse(errorCodes.INVALID_RECORD, 'there is more than one record batch');
  if (isSealed(header)) return refuse(errorCodes.INVALID_RECORD, 'attribute bit 14 belongs to the log');
  if (header.isControl) return refuse(errorCodes.INVALID_RECORD, 'clients may not write control batches');
  if (header.compression === 'zstd' && version < ZSTD_SINCE_VERSION) {
    return refuse(errorCodes.UNSUPPORTED_COMPRESSION_TYPE, `zstd needs version ${ZSTD_SINCE_VERSION} of the request`);
  }
  return { ok: true, header };
}

function refuse(errorCode: ErrorCode, message: string): CheckedRecords {
  return { ok: false, errorCode, message };
}
