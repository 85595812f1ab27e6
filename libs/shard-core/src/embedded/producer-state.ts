import type { BatchHeader } from '@tailrace/kafka-protocol';
import type { ProducerState } from '../contract/log.ts';
import type { Refusal } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';

/** Kafka's number: a producer may have five requests in flight, so any of the last five may come again. */
const REMEMBERED_BATCHES = 5;
/** Sequences count from 0 to 2^31 − 1 and begin again. */
const SEQUENCES = 2 ** 31;
const NO_COORDINATOR = -1;
const NOWHERE: readonly ShardKey[] = [];

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
  /** The sequence with which the producer came into sight, if that was not 0: what lies before it never was here. */
  readonly began: number | undefined;
  /** Of the newest marker; -1 when there was none. */
  readonly coordinatorEpoch: number;
  /** Shards in which it had a transaction open when its partition went on here: the marker that comes ends it there too. */
  readonly openIn: readonly ShardKey[];
}

export type SequenceCheck =
  | { readonly kind: 'next' }
  | { readonly kind: 'duplicate'; readonly batch: ProducerBatch }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const NEXT: SequenceCheck = { kind: 'next' };

/**
 * Whether a producer's batch is the one that must come next, as Kafka's ProducerStateManager sees it; in this order:
 * staleProducerEpoch, a repetition among the last five, outOfOrderSequence, duplicateSequence. A producer of which
 * nothing is known may begin anywhere (it may have been forgotten), unless an earlier batch of it is known to have failed.
 * Clients take duplicateSequence for success, so it is said only of what was here.
 */
export function checkSequence(known: Producer | undefined, header: BatchHeader, mustBeginWith?: number): SequenceCheck {
  const { producerId, producerEpoch: epoch, baseSequence: sequence } = header;
  if (known === undefined) {
    if (mustBeginWith === undefined || sequence === mustBeginWith) return NEXT;
    return refused({ code: 'outOfOrderSequence', producerId, expected: mustBeginWith, got: sequence });
  }
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
  const isNewer = distance(expected, sequence) < SEQUENCES / 2;
  const wasNeverHere = known.began !== undefined && distance(sequence, expected) > distance(known.began, expected);
  return isNewer || wasNeverHere
    ? refused({ code: 'outOfOrderSequence', producerId, expected, got: sequence })
    : refused({ code: 'duplicateSequence', producerId, sequence });
}

/** How many sequences lie from the one to the other, counted upwards. */
function distance(from: number, to: number): number {
  return (to - from + SEQUENCES) % SEQUENCES;
}

function refused(refusal: Refusal): SequenceCheck {
  return { kind: 'refused', refusal };
}

/** Whether a marker may end the producer's transaction. Refuses: staleProducerEpoch, staleCoordinatorEpoch. */
export function checkMarker(
  known: Producer | undefined,
  { producerId, producerEpoch: epoch }: Pick<BatchHeader, 'producerId' | 'producerEpoch'>,
  coordinatorEpoch: number,
): Refusal | undefined {
  if (known === undefined) return undefined;
  if (epoch < known.epoch) return { code: 'staleProducerEpoch', producerId, epoch, current: known.epoch };
  if (coordinatorEpoch >= known.coordinatorEpoch) return undefined;
  return { code: 'staleCoordinatorEpoch', producerId, coordinatorEpoch, current: known.coordinatorEpoch };
}

/** What is known of the producer once the batch is appended; of a marker once it has ended a transaction, in all shards. */
export function producerAfter(
  known: Producer | undefined,
  header: BatchHeader,
  baseOffset: number,
  appendTimeMs: number,
  markerEpoch = NO_COORDINATOR,
): Producer {
  const { producerEpoch: epoch, baseSequence: sequence } = header;
  const sameEpoch = known !== undefined && known.epoch === epoch;
  const before = sameEpoch ? known.batches : [];
  const coordinatorEpoch = known?.coordinatorEpoch ?? NO_COORDINATOR;
  if (sequence < 0) {
    const began = sameEpoch ? known.began : undefined;
    const newest = Math.max(coordinatorEpoch, markerEpoch);
    return { epoch, batches: before, appendTimeMs, began, coordinatorEpoch: newest, openIn: NOWHERE };
  }
  const recordCount = header.lastOffsetDelta + 1;
  const batch = { sequence, recordCount, baseOffset, appendTimeMs };
  const kept = before.length < REMEMBERED_BATCHES ? before : before.slice(1);
  const began = known === undefined ? sequence || undefined : sameEpoch ? stillBegan(known.began, sequence) : undefined;
  const openIn = known?.openIn ?? NOWHERE;
  return { epoch, batches: [...kept, batch], appendTimeMs, began, coordinatorEpoch, openIn };
}

/** Half way round, "before it began" would begin to mean what comes next; and what is that old does not come again. */
function stillBegan(began: number | undefined, sequence: number): number | undefined {
  return began !== undefined && distance(began, sequence) < SEQUENCES / 2 ? began : undefined;
}

/** What a marker makes of a producer in another Kafka partition than its own. */
export interface FencedProducer {
  readonly partition: number;
  readonly before: Producer;
  readonly after: Producer;
}

export const NOTHING_FENCED: readonly FencedProducer[] = [];

function fencedBy(known: Producer, { epoch, appendTimeMs, coordinatorEpoch }: Producer): Producer {
  return { epoch, batches: [], appendTimeMs, began: undefined, coordinatorEpoch, openIn: known.openIn };
}

/** Producers of one Kafka partition: those of durable appends, and over them those of appends under way. */
class Lane {
  /** The one that was silent longest comes first. */
  readonly durable = new Map<bigint, Producer>();
  readonly underWay = new Map<bigint, Producer>();
}

/** One producer in a checkpoint; the producer id is decimal text, a batch takes four numbers. */
type SavedProducer = readonly [
  producerId: string,
  epoch: number,
  appendTimeMs: number,
  batches: readonly number[],
  partition?: number,
  began?: number | null,
  coordinatorEpoch?: number,
  openIn?: readonly string[],
];

/**
 * The producers of one shard, by Kafka partition: a producer has sequences of its own in each, and a shard that was merged
 * of two gets those of both. What is under way lies over what is durable, so that two batches that a producer sent one
 * behind the other both pass.
 */
export class ProducerTable {
  readonly #lanes = new Map<number, Lane>();

  get(producerId: bigint, partition = 0): Producer | undefined {
    const lane = this.#lanes.get(partition);
    return lane?.underWay.get(producerId) ?? lane?.durable.get(producerId);
  }

  /** An append has been let in. */
  begin(producerId: bigint, producer: Producer, partition = 0): void {
    this.#lane(partition).underWay.set(producerId, producer);
  }

  /**
   * A marker has been let in: what comes behind it in other partitions is held to its epoch, as if it were durable. Each of the
   * answer is to be committed, or undone, with it.
   */
  beginFence(producerId: bigint, marker: Producer, partition: number): readonly FencedProducer[] {
    if (this.#lanes.size <= 1) return NOTHING_FENCED;
    const fenced: FencedProducer[] = [];
    for (const [other, { durable, underWay }] of this.#lanes) {
      const before = underWay.get(producerId) ?? durable.get(producerId);
      if (other === partition || before === undefined || before.epoch >= marker.epoch) continue;
      const after = fencedBy(before, marker);
      underWay.set(producerId, after);
      fenced.push({ partition: other, before, after });
    }
    return fenced;
  }

  /** It is durable. */
  commit(producerId: bigint, producer: Producer, partition = 0): void {
    const { durable, underWay } = this.#lane(partition);
    durable.delete(producerId);
    durable.set(producerId, producer);
    if (underWay.get(producerId) === producer) underWay.delete(producerId);
  }

  /** It failed; `previous` is what `get` had answered before it. Failed appends are undone from the newest on. */
  undo(producerId: bigint, previous: Producer | undefined, partition = 0): void {
    const { durable, underWay } = this.#lane(partition);
    const lasting = durable.get(producerId);
    // Fenced meanwhile by a marker of another partition: what was known before it does not come back.
    const isFenced = lasting !== undefined && previous !== undefined && lasting.epoch > previous.epoch;
    if (previous === undefined || previous === lasting || isFenced) underWay.delete(producerId);
    else underWay.set(producerId, previous);
  }

  /** A marker is found in the log: it fences the producer's older epochs in every partition. */
  fence(producerId: bigint, marker: Producer): void {
    for (const { durable } of this.#lanes.values()) {
      const known = durable.get(producerId);
      if (known === undefined || known.epoch >= marker.epoch) continue;
      durable.delete(producerId);
      durable.set(producerId, fencedBy(known, marker));
    }
  }

  /**
   * Forgets those that have been silent since before `silentSinceMs`, and the most silent ones above `max`. Not those of
   * which a marker is awaited.
   */
  expire(silentSinceMs: number, max: number, hasOpenTransaction: (producerId: bigint) => boolean): void {
    for (const { durable } of this.#lanes.values()) {
      let excess = durable.size - max;
      for (const [producerId, { appendTimeMs, openIn }] of durable) {
        if (excess <= 0 && appendTimeMs >= silentSinceMs) break;
        excess--;
        if (openIn.length === 0 && !hasOpenTransaction(producerId)) durable.delete(producerId);
      }
    }
  }

  get size(): number {
    let size = 0;
    for (const { durable } of this.#lanes.values()) size += durable.size;
    return size;
  }

  /** Takes over what another shard knows of a partition; `from` is that shard's key, if it has transactions open. */
  takeOver(other: ProducerTable, partition: number, openIn: (producerId: bigint) => ShardKey | undefined): void {
    const { durable } = this.#lane(partition);
    for (const [producerId, producer] of other.#lanes.get(partition)?.durable ?? []) {
      const shard = openIn(producerId);
      durable.set(producerId, shard === undefined ? producer : { ...producer, openIn: [...producer.openIn, shard] });
    }
  }

  /** The durable part, as the contract tells it. */
  states(transactionStartOf: (producerId: bigint) => number | undefined): ProducerState[] {
    const states: ProducerState[] = [];
    for (const [partition, { durable }] of this.#lanes) {
      for (const [producerId, { epoch, batches, appendTimeMs, coordinatorEpoch }] of durable) {
        const last = batches.at(-1);
        const start = transactionStartOf(producerId);
        states.push({
          producerId,
          partition,
          producerEpoch: epoch,
          lastSequence: last === undefined ? -1 : (last.sequence + last.recordCount - 1) % SEQUENCES,
          lastTimestampMs: appendTimeMs,
          coordinatorEpoch,
          currentTransactionStartOffset: start === undefined ? undefined : BigInt(start),
        });
      }
    }
    return states;
  }

  /** The durable part, for a checkpoint. */
  save(): SavedProducer[] {
    const saved: SavedProducer[] = [];
    for (const [partition, { durable }] of this.#lanes) {
      for (const [producerId, { epoch, batches, appendTimeMs, began, coordinatorEpoch, openIn }] of durable) {
        const fields = batches.flatMap((batch) => [
          batch.sequence,
          batch.recordCount,
          batch.baseOffset,
          batch.appendTimeMs,
        ]);
        saved.push([
          String(producerId),
          epoch,
          appendTimeMs,
          fields,
          partition,
          began ?? null,
          coordinatorEpoch,
          openIn,
        ]);
      }
    }
    return saved;
  }

  load(saved: readonly SavedProducer[]): void {
    for (const [producerId, epoch, appendTimeMs, fields, partition = 0, began, coordinatorEpoch, openIn] of saved) {
      const batches: ProducerBatch[] = [];
      for (let i = 0; i < fields.length; i += 4) {
        const [sequence, recordCount, baseOffset, time] = fields.slice(i) as [number, number, number, number];
        batches.push({ sequence, recordCount, baseOffset, appendTimeMs: time });
      }
      this.#lane(partition).durable.set(BigInt(producerId), {
        epoch,
        batches,
        appendTimeMs,
        began: began ?? undefined,
        coordinatorEpoch: coordinatorEpoch ?? NO_COORDINATOR,
        openIn: (openIn as readonly ShardKey[] | undefined) ?? NOWHERE,
      });
    }
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) this.#lanes.set(partition, (lane = new Lane()));
    return lane;
  }
}
