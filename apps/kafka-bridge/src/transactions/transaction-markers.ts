import type { Log, Partition, Refusal, Shard, Stream, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { ProducerIdentity } from './transaction-transitions.ts';
import type { TransactionTopic } from './transaction-document.ts';

/** What a transaction's end writes into each of its partitions. */
export interface Marker extends ProducerIdentity {
  readonly coordinatorEpoch: number;
  readonly commit: boolean;
}

export interface TransactionMarkersOptions {
  readonly log: Pick<Log, 'endTransaction'>;
  readonly catalog: Pick<StreamCatalog, 'find' | 'whenResharded'>;
  readonly minInsyncReplicas: number;
  readonly logger: Logger;
}

/** Markers under way at once for one transaction. */
export const MARKERS_IN_FLIGHT_MAX = 256;
/** How long a marker waits for replicas before it is sent again. */
const MARKER_TIMEOUT_MS = 5_000;
/** How often a marker follows its partition into the shard where it goes on. */
const RESHARD_ATTEMPTS_MAX = 4;
/** How long it waits for that shard, while it is being made. */
const RESHARD_WAIT_MS = 5_000;

/** Some partition could not take its marker now; it is to be sent again. */
export class MarkersUnwritten extends Error {
  override readonly name = 'MarkersUnwritten';
}

/** Tells partitions how a transaction ended. */
export class TransactionMarkers {
  readonly #options: TransactionMarkersOptions;

  constructor(options: TransactionMarkersOptions) {
    this.#options = options;
  }

  /**
   * Writes the marker into every partition that is still there; what was deleted needs none. Throws StoreUnavailable and
   * `MarkersUnwritten`: some partitions may have it then, and get it again.
   */
  async write(marker: Marker, topics: readonly TransactionTopic[]): Promise<void> {
    const targets: { readonly stream: Stream; readonly index: number }[] = [];
    for (const { name, topicId, partitions } of topics) {
      const stream = await this.#options.catalog.find(name);
      if (stream === undefined || stream.id !== topicId) continue;
      for (const index of partitions) targets.push({ stream, index });
    }
    for (let from = 0; from < targets.length; from += MARKERS_IN_FLIGHT_MAX) {
      const part = targets.slice(from, from + MARKERS_IN_FLIGHT_MAX);
      const refusals = await Promise.all(part.map(({ stream, index }) => this.writeOne(marker, stream, index)));
      refusals.forEach((refusal, i) => {
        if (refusal !== undefined) this.#judge(refusal, marker, part[i] as (typeof part)[number]);
      });
    }
  }

  /** Writes the marker into one partition, or answers why it could not be written. Throws StoreUnavailable. */
  async writeOne(marker: Marker, stream: Stream, index: number): Promise<Refusal | undefined> {
    const { log, catalog } = this.#options;
    let current: Stream | undefined = stream;
    for (let attempt = 1; ; attempt++) {
      const partition: Partition | undefined = current.partitions[index];
      if (partition === undefined) return undefined;
      const { appendTo }: { appendTo: Shard } = partition;
      const outcome = await log.endTransaction({
        ...marker,
        shard: appendTo.key,
        partition: index,
        acks: 'all',
        minInsyncReplicas: current.minInsyncReplicas(this.#options.minInsyncReplicas),
        timeoutMs: MARKER_TIMEOUT_MS,
      });
      if (outcome.ok) return undefined;
      const { refusal } = outcome;
      if (refusal.code === 'shardNotFound') return undefined;
      if (refusal.code !== 'shardSealed' || attempt === RESHARD_ATTEMPTS_MAX) return refusal;
      const fresh: Stream | undefined = await catalog.whenResharded(current, appendTo, { timeoutMs: RESHARD_WAIT_MS });
      if (fresh === undefined) return undefined;
      current = fresh;
    }
  }

  /** Refused for ever, or only for now? */
  #judge(refusal: Refusal, marker: Marker, { stream, index }: { stream: Stream; index: number }): void {
    if (refusal.code !== 'staleProducerEpoch' && refusal.code !== 'staleCoordinatorEpoch') {
      throw new MarkersUnwritten(`${stream.name}-${index} took no marker: ${refusal.code}`);
    }
    // Somebody has gone on behind this marker, who can only have done so when the partition had it.
    this.#options.logger.warn(
      {
        door: 'kafka',
        stream: stream.name,
        partition: index,
        refusal: refusal.code,
        producerId: marker.producerId.toString(),
      },
      'a marker came late and was left out',
    );
  }
}
