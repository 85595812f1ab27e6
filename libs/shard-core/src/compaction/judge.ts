import {
  type BatchHeader,
  deleteHorizonMsOf,
  filterBatch,
  readBatchHeader,
  readEndTransactionMarker,
  visitSpans,
} from '@tailrace/kafka-protocol';
import { isAborted } from '../contract/aborted-transactions.ts';
import type { BatchVerdict, LogSlice } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { COMPACTION_HELD_KEY_BYTES_MAX, COMPACTION_UNCOMPRESSED_BYTES_MAX } from './bounds.ts';
import { tellUnreadable } from './dirty-keys.ts';
import { KeyOffsets } from './key-offsets.ts';
import type { Pace } from './pace.ts';
import { batchesOf, type SliceBatch } from './slice-batches.ts';

export interface JudgeOptions {
  /** The newest offset of each key that was written since the last round. */
  readonly keys: KeyOffsets;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly pace: Pace;
  /** Memory for the keys of batches that stay unjudged. */
  readonly heldKeyBytesMax?: number;
}

/**
 * Decides what stays of a partition, which it sees from the first batch of its first shard on, in order (as Kafka's log cleaner):
 *
 * - Of a record, whether a newer one of its key is known; without a key it goes, for nothing could ever take its place.
 * - A tombstone stays for `deleteRetentionMs` after its batch was first seen here. The batch itself says until when (its delete horizon).
 *   And as long as a record before it may have its key that was not judged: that one would be the newest again.
 * - Records of aborted transactions go.
 * - A marker stays for as long as a record of its transaction does, and as long as a tombstone behind that.
 */
export class Judge {
  readonly #options: JudgeOptions;
  /** Producers of which something has stayed since their last marker. */
  readonly #withRecords = new Set<bigint>();
  /** Keys of records that stay because nobody judges them. */
  readonly #held: KeyOffsets;
  /** There are more than there is room for, or some are not known. */
  #holdsAll = false;
  /** When there will next be something to drop for its age. */
  nextHorizonMs: number | undefined;

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#held = new KeyOffsets(options.heldKeyBytesMax ?? COMPACTION_HELD_KEY_BYTES_MAX);
  }

  /** A verdict for each batch of the slice. */
  async judge(shard: ShardKey, slice: LogSlice): Promise<readonly BatchVerdict[]> {
    const verdicts: BatchVerdict[] = [];
    for (const batch of batchesOf(slice)) {
      verdicts.push(this.#verdict(shard, slice, batch));
      await this.#options.pace.took(batch.header.sizeBytes);
    }
    return verdicts;
  }

  /** A batch that stays without being judged, and there is more behind it. */
  hold(shard: ShardKey, header: BatchHeader, batch: Buffer): void {
    this.#noteTransaction(header);
    if (header.isControl || this.#holdsAll) return;
    if (this.#held.count + header.recordCount > this.#held.keysMax) {
      this.#holdsAll = true;
      return;
    }
    const limits = { uncompressedBytesMax: COMPACTION_UNCOMPRESSED_BYTES_MAX };
    try {
      visitSpans(batch, 0, header, limits, ({ keyStart, keyBytes }, source) => {
        if (keyStart >= 0) this.#held.put(source.subarray(keyStart, keyStart + keyBytes), 0);
      });
    } catch (error) {
      tellUnreadable(error, shard, header);
      this.#holdsAll = true;
    }
  }

  #noteTransaction(header: BatchHeader): void {
    if (!header.isTransactional) return;
    if (header.isControl) this.#withRecords.delete(header.producerId);
    else this.#withRecords.add(header.producerId);
  }

  #verdict(shard: ShardKey, slice: LogSlice, { header, chunk, position }: SliceBatch): BatchVerdict {
    if (!header.isControl && isAborted(slice, header)) return 'drop';
    const { nowMs, deleteRetentionMs } = this.#options;
    const batch = chunk.subarray(position, position + header.sizeBytes);
    const horizonMs = deleteHorizonMsOf(header);
    const isOver = horizonMs !== undefined && horizonMs <= nowMs;
    let isNeeded = true;
    if (header.isControl) {
      const isMarker = readEndTransactionMarker(batch, 0, header) !== undefined;
      isNeeded = !isMarker || this.#withRecords.has(header.producerId);
      this.#noteTransaction(header);
      if (isNeeded) return 'keep';
      if (isOver) return 'drop';
    }
    let verdict: BatchVerdict;
    try {
      verdict = filterBatch(batch, header, {
        retains: isNeeded ? this.#retains(Number(header.baseOffset), isOver) : () => true,
        deleteHorizonMs: nowMs + deleteRetentionMs,
        horizonFor: isNeeded ? 'tombstones' : 'any',
        uncompressedBytesMax: COMPACTION_UNCOMPRESSED_BYTES_MAX,
      });
    } catch (error) {
      tellUnreadable(error, shard, header);
      verdict = 'keep';
      this.#holdsAll = true;
    }
    if (verdict !== 'drop' && !header.isControl) this.#noteTransaction(header);
    this.#noteHorizon(verdict, horizonMs);
    return verdict;
  }

  #retains(base: number, isOver: boolean): Parameters<typeof filterBatch>[2]['retains'] {
    const { keys } = this.#options;
    return ({ keyStart, keyBytes, offsetDelta, isTombstone }, source) => {
      if (keyStart < 0) return false;
      const key = source.subarray(keyStart, keyStart + keyBytes);
      if (isTombstone && isOver && !this.#holds(key)) return false;
      const newest = keys.get(key);
      return newest === undefined || newest <= base + offsetDelta;
    };
  }

  #holds(key: Buffer): boolean {
    return this.#holdsAll || this.#held.get(key) !== undefined;
  }

  #noteHorizon(verdict: BatchVerdict, beforeMs: number | undefined): void {
    let horizonMs = verdict === 'drop' ? undefined : beforeMs;
    if (typeof verdict !== 'string' && beforeMs === undefined) {
      horizonMs = deleteHorizonMsOf(readBatchHeader(verdict, 0));
    }
    // What is past has been dropped just now.
    if (horizonMs === undefined || horizonMs < this.#options.nowMs) return;
    this.nextHorizonMs = Math.min(horizonMs, this.nextHorizonMs ?? Infinity);
  }
}
