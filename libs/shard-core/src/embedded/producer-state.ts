import type { BatchHeader } from '@tailrace/kafka-protocol';
import type { ProducerState } from '../contract/log.ts';
import type { Refusal } from '../contract/refusal.ts';

/** Kafka's number: a producer may have five requests in flight, so any of the last five may come again. */
const REMEMBERED_BATCHES = 5;
/** Sequences count from 0 to 2^31 − 1 and begin again. */
const SEQUENCES = 2 ** 31;

/** A batch that an idempotent producer appended. */
export interface ProducerBatch {
  readonly sequence: number;
  readonly recordCount: number;
  readonly baseOffset: number;
  readonly appendTimeMs: number;
}

/** What a shard knows of a producer. Never changed in place, so that a failed append is undone by putting the old one back. */
export interface Producer {
  readonly epoch: number;
  /** The newest at the end; empty when only a control batch has told of this epoch. */
  readonly batches: readonly ProducerBatch[];
  readonly appendTimeMs: number;
}

export type SequenceCheck =
  | { readonly kind: 'next' }
  | { readonly kind: 'duplicate'; readonly batch: ProducerBatch }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const NEXT: SequenceCheck = { kind: 'next' };

/**
 * Whether a producer's batch is the one that must come next, as Kafka's ProducerStateManager sees it; in this order:
 * staleProducerEpoch, a repetition among the last five, outOfOrderSequence, duplicateSequence. A producer of which
 * nothing is known may begin anywhere (KIP-360: its state may have been forgotten).
 */
export function checkSequence(known: Producer | undefined, header: BatchHeader): SequenceCheck {
  if (known === undefined) return NEXT;
  const { producerId, producerEpoch: epoch, baseSequence: sequence } = header;
  if (epoch < known.epoch) {
    return refused({ code: 'staleProducerEpoch', producerId, epoch, current: known.epoch });
  }
  // Markers that end a transaction have no sequence of their own.
  if (sequence < 0) return NEXT;
  const last = known.batches.at(-1);
  if (epoch > known.epoch || last === undefined) {
    return sequence === 0 ? NEXT : refused({ code: 'outOfOrderSequence', producerId, expected: 0, got: sequence });
  }
  const expected = (last.sequence + last.recordCount) % SEQUENCES;
  if (sequence === expected) return NEXT;
  const batch = known.batches.find(
    (earlier) => earlier.sequence === sequence && earlier.recordCount === header.lastOffsetDelta + 1,
  );
  if (batch) return { kind: 'duplicate', batch };
  // Sequences go round, so the shorter way tells older from newer.
  const ahead = (sequence - expected + SEQUENCES) % SEQUENCES;
  return ahead < SEQUENCES / 2
    ? refused({ code: 'outOfOrderSequence', producerId, expected, got: sequence })
    : refused({ code: 'duplicateSequence', producerId, sequence });
}

function refused(refusal: Refusal): SequenceCheck {
  return { kind: 'refused', refusal };
}

/** What is known of the producer once the batch is appended. */
export function producerAfter(
  known: Producer | undefined,
  header: BatchHeader,
  baseOffset: number,
  appendTimeMs: number,
): Producer {
  const { producerEpoch: epoch, baseSequence: sequence } = header;
  const before = known !== undefined && known.epoch === epoch ? known.batches : [];
  if (sequence < 0) return { epoch, batches: before, appendTimeMs };
  const batch = { sequence, recordCount: header.lastOffsetDelta + 1, baseOffset, appendTimeMs };
  const kept = before.length < REMEMBERED_BATCHES ? before : before.slice(1);
  return { epoch, batches: [...kept, batch], appendTimeMs };
}

/**
 * The producers of one shard: those of durable appends, and over them those of appends under way, so that two batches
 * that a producer sent one behind the other both pass.
 */
export class ProducerTable {
  /** The one that was silent longest comes first. */
  readonly #durable = new Map<bigint, Producer>();
  readonly #underWay = new Map<bigint, Producer>();

  get(producerId: bigint): Producer | undefined {
    return this.#underWay.get(producerId) ?? this.#durable.get(producerId);
  }

  /** An append has been let in. */
  begin(producerId: bigint, producer: Producer): void {
    this.#underWay.set(producerId, producer);
  }

  /** It is durable. */
  commit(producerId: bigint, producer: Producer): void {
    this.#durable.delete(producerId);
    this.#durable.set(producerId, producer);
    if (this.#underWay.get(producerId) === producer) this.#underWay.delete(producerId);
  }

  /** It failed; `previous` is what `get` had answered before it. Failed appends are undone from the newest on. */
  undo(producerId: bigint, previous: Producer | undefined): void {
    if (previous === undefined || previous === this.#durable.get(producerId)) this.#underWay.delete(producerId);
    else this.#underWay.set(producerId, previous);
  }

  /** Forgets those that have been silent since before `silentSinceMs`, and the most silent ones above `max`. */
  expire(silentSinceMs: number, max: number): void {
    for (const [producerId, { appendTimeMs }] of this.#durable) {
      if (this.#durable.size <= max && appendTimeMs >= silentSinceMs) return;
      this.#durable.delete(producerId);
    }
  }

  get size(): number {
    return this.#durable.size;
  }

  /** The durable part, as the contract tells it. */
  states(): ProducerState[] {
    return [...this.#durable].map(([producerId, { epoch, batches, appendTimeMs }]) => {
      const last = batches.at(-1);
      return {
        producerId,
        partition: 0,
        producerEpoch: epoch,
        lastSequence: last === undefined ? -1 : (last.sequence + last.recordCount - 1) % SEQUENCES,
        lastTimestampMs: appendTimeMs,
        coordinatorEpoch: -1,
        currentTransactionStartOffset: undefined,
      };
    });
  }

  /** The durable part as JSON text, for a checkpoint. */
  save(): string {
    return JSON.stringify(
      [...this.#durable].map(([producerId, { epoch, batches, appendTimeMs }]) => [
        String(producerId),
        epoch,
        appendTimeMs,
        batches.flatMap((batch) => [batch.sequence, batch.recordCount, batch.baseOffset, batch.appendTimeMs]),
      ]),
    );
  }

  load(text: string): void {
    for (const [producerId, epoch, appendTimeMs, fields] of JSON.parse(text) as [string, number, number, number[]][]) {
      const batches: ProducerBatch[] = [];
      for (let i = 0; i < fields.length; i += 4) {
        const [sequence, recordCount, baseOffset, time] = fields.slice(i) as [number, number, number, number];
        batches.push({ sequence, recordCount, baseOffset, appendTimeMs: time });
      }
      this.#durable.set(BigInt(producerId), { epoch, batches, appendTimeMs });
    }
  }
}
