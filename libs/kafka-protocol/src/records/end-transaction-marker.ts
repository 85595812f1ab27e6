import { BATCH_HEADER_BYTES, type BatchHeader } from './batch-header.ts';
import { decodeBatch } from './decode-batch.ts';

/** How a transaction ended, as its marker tells (`encodeEndTransactionMarker` writes such batches). */
export interface EndTransactionMarker {
  readonly commits: boolean;
  readonly coordinatorEpoch: number;
}

/** Key types of control records. */
const ABORT = 0;
const COMMIT = 1;
/** A version and a type. */
const KEY_BYTES_MIN = 4;
/** A version and the coordinator's epoch. */
const VALUE_BYTES_MIN = 6;
/** A marker has one small record; nobody compresses it. */
const MARKER_BYTES_MAX = BATCH_HEADER_BYTES + 256;

/** What the control batch at `position` says; `undefined` when it ends no transaction. All its bytes are there. Throws CorruptBatch. */
export function readEndTransactionMarker(
  buffer: Buffer,
  position: number,
  header: BatchHeader,
): EndTransactionMarker | undefined {
  if (!header.isControl || header.sizeBytes > MARKER_BYTES_MAX) return undefined;
  const [record] = decodeBatch(buffer, position, header, { uncompressedBytesMax: MARKER_BYTES_MAX, recordsMax: 1 });
  const { key, value } = record ?? {};
  if (!key || key.length < KEY_BYTES_MIN || !value || value.length < VALUE_BYTES_MIN) return undefined;
  const type = key.readInt16BE(2);
  if (type !== ABORT && type !== COMMIT) return undefined;
  return { commits: type === COMMIT, coordinatorEpoch: value.readInt32BE(2) };
}
