import type { BatchHeader } from '@tailrace/kafka-protocol';
import { parseShardKey, type ShardKey } from './contract/shard-key.ts';

/** Producers of which a failure is remembered; the oldest is forgotten first. */
export const FAILED_APPENDS_MAX = 10_000;
/** Longer than clients try to send a batch (`delivery.timeout.ms`, 2 minutes unless set). */
export const FAILED_APPENDS_MS = 5 * 60 * 1000;

interface Failed {
  readonly epoch: number;
  readonly sequence: number;
  readonly atMs: number;
}

/**
 * Idempotent producers whose append met a failing store, or was refused where it would have been taken in order, with the
 * first sequence that was. A shard that knows nothing of a
 * producer takes any sequence from it; but a batch behind one that just failed must wait for that one. Costs nothing until
 * a store fails or a shard is closed.
 */
export class FailedAppends {
  readonly #clock: () => number;
  /** The oldest first. By stream, because a shard may be split between the two batches. */
  readonly #failed = new Map<string, Failed>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** The append of this batch threw StoreUnavailable, or was refused and comes again. Failures of one producer are told in the order of its sequences. */
  add(
    shard: ShardKey,
    { producerId, producerEpoch: epoch, baseSequence: sequence }: BatchHeader,
    partition: number,
  ): void {
    if (producerId < 0n || sequence < 0) return;
    const now = this.#clock();
    const name = nameOf(shard, producerId, partition);
    const earlier = this.#failed.get(name);
    if (earlier !== undefined && earlier.epoch >= epoch && now - earlier.atMs < FAILED_APPENDS_MS) return;
    this.#failed.delete(name);
    this.#failed.set(name, { epoch, sequence, atMs: now });
    for (const [oldest, { atMs }] of this.#failed) {
      if (this.#failed.size <= FAILED_APPENDS_MAX && now - atMs < FAILED_APPENDS_MS) break;
      this.#failed.delete(oldest);
    }
  }

  /** With which sequence a producer must begin in a shard that knows nothing of it; `undefined`: with any. */
  mustBeginWith(shard: ShardKey, { producerId, producerEpoch }: BatchHeader, partition: number): number | undefined {
    if (this.#failed.size === 0) return undefined;
    const failed = this.#failed.get(nameOf(shard, producerId, partition));
    if (failed === undefined || failed.epoch !== producerEpoch) return undefined;
    return this.#clock() - failed.atMs < FAILED_APPENDS_MS ? failed.sequence : undefined;
  }
}

function nameOf(shard: ShardKey, producerId: bigint, partition: number): string {
  return `${parseShardKey(shard).streamId}/${partition}/${producerId}`;
}
