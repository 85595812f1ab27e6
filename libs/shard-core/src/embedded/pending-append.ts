import type { BatchHeader, EndTransactionMarker } from '@tailrace/kafka-protocol';
import type { FencedProducer, Producer } from './producer-state.ts';
import type { ShardState } from './shard-state.ts';

/** An append that was let in: its offset is given, and it waits to become durable. */
export interface PendingAppend {
  readonly shard: ShardState;
  /** The caller's memory. `undefined`: nothing to write, only to wait for what was let in before. */
  readonly batch: Buffer | undefined;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly appendTimeMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: bigint;
  /** The Kafka partition to which the producer sent it. */
  readonly partition: number;
  readonly producer: Producer | undefined;
  /** What was known of the producer before. */
  readonly producerBefore: Producer | undefined;
  /** What it does to the producer's transaction in this shard. */
  readonly transaction: 'none' | 'write' | 'commit' | 'abort';
  /** Whether that transaction was open before, by what was let in. */
  readonly transactionBefore: boolean;
  /** Of a marker: what it fences in other Kafka partitions. */
  readonly fenced: readonly FencedProducer[];
  /** Where the entry lies, when it has been written. */
  position: number;
  /** Called once the append is durable and its shard says so, with its offsets; or with why not. */
  readonly done: (error: Error | undefined, baseOffset: bigint, nextOffset: bigint) => void;
}

/** What a batch of an idempotent producer does to its transaction. */
export function transactionOf(
  header: BatchHeader,
  marker: EndTransactionMarker | undefined,
): PendingAppend['transaction'] {
  if (!header.isTransactional) return 'none';
  if (!header.isControl) return 'write';
  if (marker === undefined) return 'none';
  return marker.commits ? 'commit' : 'abort';
}
