import { readBatchHeader } from '@tailrace/kafka-protocol';
import { type Outcome, StoreUnavailable } from '../contract/refusal.ts';
import type { Appended, AppendRequest, BatchVerdict, CompactRequest, Log, LogSlice } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { KeyRing } from './key-ring.ts';
import { holdsSealed, isSealed, keyIdsOf, openChunk, sealBatch, sealedOverheadBytes } from './sealed-batch.ts';

export interface EncryptionOptions {
  readonly keyRing: KeyRing;
  /** The key under which what is written to a shard is sealed now; `undefined`: it is stored as it comes. */
  readonly keyOf: (shard: ShardKey) => string | undefined;
  /** Reads again what is known of a shard's stream. Where other processes may change it. */
  readonly refresh?: (shard: ShardKey) => Promise<void>;
  /** Whether a batch of the shard may lie sealed. Too often `true` costs time; too seldom gives out sealed bytes. */
  readonly mayBeSealed: (shard: ShardKey) => boolean;
  /** Is told of each batch that is sealed. */
  readonly onSealed?: (keyId: string) => void;
}

/**
 * A log whose records lie encrypted where their stream asks for it. Batches are sealed before the engine sees them and
 * opened before a reader does, so neither engines nor doors know of it; headers stay readable, and with them offsets,
 * times and the sequences of producers. Control batches, which engines write themselves, hold no data and stay plain.
 */
export function encryptedLog(log: Log, options: EncryptionOptions): Log {
  const { keyRing, keyOf, refresh, mayBeSealed, onSealed } = options;

  function opened(shard: ShardKey, outcome: Outcome<LogSlice>): Outcome<LogSlice> {
    // After the read: what it brings may have been sealed while it was under way.
    if (!outcome.ok || outcome.value.batchCount === 0 || !mayBeSealed(shard)) return outcome;
    const slice = outcome.value;
    if (!slice.chunks.some(holdsSealed)) return outcome;
    try {
      const chunks = slice.chunks.map((chunk) => openChunk(chunk, shard, keyRing));
      return {
        ok: true,
        value: {
          ...slice,
          chunks: chunks.map(({ chunk }) => chunk),
          byteCount: chunks.reduce((sum, { chunk }) => sum + chunk.length, 0),
          sealed: chunks.flatMap(({ sealed }) => sealed),
          release() {},
        },
      };
    } finally {
      // All of it has been copied.
      slice.release();
    }
  }

  /** Runs up to the engine's append without a break: appends of one shard land in the order in which they were started. */
  async function appendSealed(request: AppendRequest, keyId: string): Promise<Outcome<Appended>> {
    const { batch, shard } = request;
    const sealed = sealBatch(batch, shard, keyId, keyRing);
    onSealed?.(keyId);
    const outcome = await log.append({ ...request, ...sealed });
    if (outcome.ok || outcome.refusal.code !== 'batchTooLarge') return outcome;
    // In the caller's bytes: what sealing adds is our affair.
    const maxBytes = outcome.refusal.maxBytes - sealedOverheadBytes(keyId);
    return { ok: false, refusal: { ...outcome.refusal, bytes: batch.length, maxBytes } };
  }

  /** The stream has been encrypted, and this process has not heard of it. */
  async function appendAsToldNow(request: AppendRequest): Promise<Outcome<Appended>> {
    await refresh?.(request.shard);
    const keyId = keyOf(request.shard);
    if (keyId !== undefined) return appendSealed(request, keyId);
    throw new StoreUnavailable(`the encryption of ${request.shard} is being changed; nothing was written`);
  }

  /** Plain, as far as this process knows. Where others may know better, the engine has the last word. */
  function appendPlain(request: AppendRequest): Promise<Outcome<Appended>> {
    const appending = log.append(request);
    if (refresh === undefined) return appending;
    return appending.then((outcome) =>
      outcome.ok || outcome.refusal.code !== 'encryptionRequired' ? outcome : appendAsToldNow(request),
    );
  }

  /**
   * Judged as they came. What is written anew is sealed under the key that is in force now, also where it lay plain from before the
   * stream was encrypted; where there is none any more, as it lay. Control batches hold no data.
   */
  async function judgeSealed(slice: LogSlice, { shard, judge }: CompactRequest): Promise<readonly BatchVerdict[]> {
    const holds = mayBeSealed(shard) && slice.chunks.some(holdsSealed);
    const keyNow = keyOf(shard);
    if (!holds && keyNow === undefined) return judge(slice);
    const keyIds = holds ? slice.chunks.flatMap(keyIdsOf) : [];
    const outcome = opened(shard, { ok: true, value: slice });
    const verdicts = await judge((outcome as { readonly value: LogSlice }).value);
    return verdicts.map((verdict, i) => {
      const keyId = keyNow ?? keyIds[i];
      if (typeof verdict === 'string' || keyId === undefined || readBatchHeader(verdict, 0).isControl) return verdict;
      const { batch } = sealBatch(verdict, shard, keyId, keyRing);
      onSealed?.(keyId);
      return batch;
    });
  }

  return {
    append(request) {
      const { shard, header } = request;
      if (isSealed(header)) throw new RangeError('a batch that is sealed already');
      if (header.isControl) return log.append(request);
      const keyId = keyOf(shard);
      return keyId === undefined ? appendPlain(request) : appendSealed(request, keyId);
    },
    // A marker is no data.
    endTransaction: (request) => log.endTransaction(request),
    producers: (shard) => log.producers(shard),
    read: (shard, fromOffset, limits) => log.read(shard, fromOffset, limits).then((outcome) => opened(shard, outcome)),
    openShard: (shard, openOptions) => log.openShard(shard, openOptions),
    bounds: (shard) => log.bounds(shard),
    leaderEpochs: (shard) => log.leaderEpochs(shard),
    offsetForTime: (shard, timestampMs, by) => log.offsetForTime(shard, timestampMs, by),
    maxRecordTimestamp: (shard) => log.maxRecordTimestamp(shard),
    trim: (shard, beforeOffset) => log.trim(shard, beforeOffset),
    compact: (request) => log.compact({ ...request, judge: (slice) => judgeSealed(slice, request) }),
    seal: (shard) => log.seal(shard),
    ...(log.requireEncryption && {
      requireEncryption: (shard, required) => (log as Required<Log>).requireEncryption(shard, required),
    }),
    deleteShards: (shards) => log.deleteShards(shards),
    awaitAppend: (positions, awaitOptions) => log.awaitAppend(positions, awaitOptions),
  };
}
