import { randomBytes } from 'node:crypto';
import {
  type BatchOptions,
  batchSizeAt,
  checkStoredBatch,
  decodeBatch,
  encodeBatch,
  filterBatch,
  readBatchHeader,
} from '@tailrace/kafka-protocol';
import type { AppendRequest, Appended, BatchVerdict, Compacted, Log, LogSlice } from '../contract/log.ts';
import type { Outcome } from '../contract/refusal.ts';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';

const UNCOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

export interface MakeBatchOptions {
  /** Of all records, in milliseconds since 1970. */
  readonly timestampMs?: number;
  readonly producer?: BatchOptions['producer'];
  readonly compression?: BatchOptions['compression'];
  readonly isTransactional?: boolean;
}

/** A batch of records with these values and no keys. */
export function makeBatch(values: readonly (string | Buffer)[], options: MakeBatchOptions = {}): Buffer {
  const { timestampMs = 1_700_000_000_000, producer, compression, isTransactional = false } = options;
  const records = values.map((value) => ({
    key: null,
    value: typeof value === 'string' ? Buffer.from(value) : value,
    timestampMs,
  }));
  return encodeBatch(records, { ...(producer && { producer }), ...(compression && { compression }), isTransactional });
}

/** Of a stream that nobody else has. */
export function newShardKey(shardNumber = 0): ShardKey {
  return shardKey(randomBytes(16).toString('base64url'), shardNumber);
}

export async function openNewShard(log: Log, startOffset = 0n): Promise<ShardKey> {
  const shard = newShardKey();
  await log.openShard(shard, { startOffset });
  return shard;
}

export function appendRequest(shard: ShardKey, batch: Buffer, overrides: Partial<AppendRequest> = {}): AppendRequest {
  const header = readBatchHeader(batch, 0);
  return { shard, batch, header, acks: 'all', minInsyncReplicas: 1, timeoutMs: 5_000, ...overrides };
}

/** Appends a batch with these values. */
export function append(
  log: Log,
  shard: ShardKey,
  values: readonly (string | Buffer)[],
  options: MakeBatchOptions = {},
): Promise<Outcome<Appended>> {
  return log.append(appendRequest(shard, makeBatch(values, options)));
}

/** The value, where a refusal would be a failure. */
export function accepted<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new Error(
    `refused: ${JSON.stringify(outcome.refusal, (_, field: unknown) => (typeof field === 'bigint' ? `${field}n` : field))}`,
  );
}

export interface ReadRecord {
  readonly offset: bigint;
  readonly value: string;
}

/** The records of a slice, each batch checked on the way: size, checksum, base offset. */
export function recordsOf(slice: LogSlice): ReadRecord[] {
  const records: ReadRecord[] = [];
  let byteCount = 0;
  let batchCount = 0;
  let next = slice.nextOffset;
  for (const chunk of slice.chunks) {
    for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at)) {
      const checked = checkStoredBatch(chunk, at, chunk.length);
      if (!checked.ok) throw new Error(`byte ${at} of a chunk: ${checked.reason}`);
      for (const record of decodeBatch(chunk, at, checked.header, { uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX })) {
        const offset = checked.header.baseOffset + BigInt(record.offsetDelta);
        records.push({ offset, value: record.value?.toString() ?? '' });
      }
      next = checked.header.baseOffset + BigInt(checked.header.lastOffsetDelta) + 1n;
      byteCount += checked.header.sizeBytes;
      batchCount++;
    }
  }
  if (byteCount !== slice.byteCount) throw new Error(`${byteCount} bytes, the slice says ${slice.byteCount}`);
  if (batchCount !== slice.batchCount) throw new Error(`${batchCount} batches, the slice says ${slice.batchCount}`);
  if (slice.appendTimesMs.length !== batchCount) throw new Error(`${slice.appendTimesMs.length} append times`);
  if (slice.nextOffset !== next) throw new Error(`next offset ${slice.nextOffset}, the last batch ends at ${next}`);
  return records;
}

/** Reads from an offset to the high watermark, slice by slice. */
export async function readAll(
  log: Log,
  shard: ShardKey,
  fromOffset: bigint,
  maxBytes = 1 << 20,
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for (let offset = fromOffset; ;) {
    const slice = accepted(await log.read(shard, offset, { maxBytes }));
    if (slice.batchCount === 0) return records;
    records.push(...recordsOf(slice));
    offset = slice.nextOffset;
    slice.release();
  }
}

export async function readValues(log: Log, shard: ShardKey, fromOffset = 0n): Promise<string[]> {
  return (await readAll(log, shard, fromOffset)).map(({ value }) => value);
}

/** What becomes of a slice when only these offsets stay; control batches stay as they are. */
export function verdictsFor(
  slice: LogSlice,
  stays: (offset: bigint) => boolean,
  staysControl: (offset: bigint) => boolean = () => true,
): BatchVerdict[] {
  const verdicts: BatchVerdict[] = [];
  for (const chunk of slice.chunks) {
    for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at)) {
      const header = readBatchHeader(chunk, at);
      const batch = Buffer.from(chunk.subarray(at, at + header.sizeBytes));
      if (header.isControl) {
        verdicts.push(staysControl(header.baseOffset) ? 'keep' : 'drop');
        continue;
      }
      const retains = ({ offsetDelta }: { readonly offsetDelta: number }) =>
        stays(header.baseOffset + BigInt(offsetDelta));
      const limits = {
        deleteHorizonMs: 0,
        horizonFor: 'tombstones',
        uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX,
      } as const;
      verdicts.push(filterBatch(batch, header, { retains, ...limits }));
    }
  }
  return verdicts;
}

/** Compacts up to `to` so that only these offsets stay. */
export async function compactTo(
  log: Log,
  shard: ShardKey,
  to: bigint,
  stays: (offset: bigint) => boolean,
): Promise<Compacted> {
  return accepted(await log.compact({ shard, to, judge: async (slice) => verdictsFor(slice, stays) }));
}
