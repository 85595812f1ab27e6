import type { Producer } from './producer-state.ts';
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
  readonly producer: Producer | undefined;
  /** What was known of the producer before. */
  readonly producerBefore: Producer | undefined;
  /** Where the entry lies, when it has been written. */
  position: number;
  /** Called once the append is durable and its shard says so, with its offsets; or with why not. */
  readonly done: (error: Error | undefined, baseOffset: bigint, nextOffset: bigint) => void;
}
