import { encodeBatch, readBatchHeader, type RecordDraft, type RecordHeader } from '@tailrace/kafka-protocol';
import { requirementOfPut } from '@tailrace/replication';
import {
  type Appended,
  type Outcome,
  type Shard,
  SHARDS_KEPT_MAX,
  type Store,
  StoreUnavailable,
  type Stream,
} from '@tailrace/shard-core';
import {
  LINKS_PER_SPAN_MAX,
  logger,
  logMetrics,
  type offSpan,
  setLogTransfer,
  tracing,
  withLogSpan,
} from '@tailrace/telemetry';
import type { IngestRecord, IngestRefusal, PutOutcome } from './put-outcome.ts';

/** What travels as one append at most; a single record may be larger and then goes alone. */
export const BATCH_BYTES_MAX = 1024 * 1024;
export const BATCH_RECORDS_MAX = 10_000;
/** What may wait for one shard; beyond it records are refused (`overloaded`), so that a slow disk does not fill memory. */
export const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Appends of one shard that are under way at once. With two, the next batch is encoded and written while the engine
 * syncs the last; they land in the order in which they were started.
 */
export const APPENDS_IN_FLIGHT_MAX = 2;
/** How often a record follows splits and merges: a change of the shard count makes hundreds of them in a row. */
export const REROUTES_MAX = SHARDS_KEPT_MAX;
/** Lengths, deltas and the header count of a record: what it takes beside key and value, at most. */
const RECORD_FRAME_BYTES = 32;

/** While the store is away, every append fails: one line a second says so. */
const STORE_WARNING_INTERVAL_MS = 1_000;
let lastWarningMs = -Infinity;

/** Where the outcomes of one request gather: settled once, when the last one is known. */
export interface PutSink {
  settle(index: number, outcome: PutOutcome): void;
  /** The caller's span: parent of the append's, and what the record's trace headers name. */
  readonly span: typeof offSpan;
}

/** A record that waits for its append. It is its own draft, so that encoding a batch allocates nothing per record. */
export class PendingRecord implements RecordDraft {
  readonly record: IngestRecord;
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[] | undefined;
  readonly timestampMs: number;
  readonly sink: PutSink;
  /** Its place in the request. */
  readonly index: number;
  readonly sizeBytes: number;
  /** What it is stored as, where that is not itself: the records that it holds. */
  readonly parts: readonly RecordDraft[] | undefined;
  /** How often it was sent to another shard, because its own had been split or merged. */
  reroutes = 0;
  /** Until when it may be sent to yet another one, by `performance.now()`; set when it is for the first time. */
  reroutedUntilMs = Infinity;

  constructor(
    record: IngestRecord,
    headers: readonly RecordHeader[] | undefined,
    timestampMs: number,
    sink: PutSink,
    index: number,
    parts?: readonly RecordDraft[],
  ) {
    this.record = record;
    this.parts = parts;
    this.key = record.partitionKey ?? record.key ?? null;
    this.value = record.data;
    this.headers = headers;
    this.timestampMs = timestampMs;
    this.sink = sink;
    this.index = index;
    let sizeBytes = RECORD_FRAME_BYTES + (this.key?.length ?? 0) + (this.value?.length ?? 0);
    if (headers !== undefined) {
      for (const { key, value } of headers) sizeBytes += key.length + (value?.length ?? 0) + RECORD_FRAME_BYTES;
    }
    // Headers of the parts are few and small.
    if (parts !== undefined) sizeBytes += (parts.length - 1) * RECORD_FRAME_BYTES;
    this.sizeBytes = sizeBytes;
  }
}

export interface ShardWriterDependencies {
  readonly store: Store;
  readonly minInsyncReplicas: number;
  /** The shard is sealed or gone: finds another one for these records. */
  reroute(stream: Stream, shard: Shard, records: readonly PendingRecord[], refusal: IngestRefusal): void;
  /** Nothing waits and nothing is under way: the writer can be forgotten. */
  drained(writer: ShardWriter): void;
}

/**
 * Natural batching for one shard: while an append is under way, the next records gather; then they go as one batch.
 * Nobody lingers for company: a record that finds the shard idle goes at once.
 */
export class ShardWriter {
  readonly shard: Shard;
  readonly #stream: Stream;
  readonly #dependencies: ShardWriterDependencies;
  #queue: PendingRecord[] = [];
  #queuedBytes = 0;
  #inFlight = 0;
  /** Some record that came this way is stored as others. */
  #hasParts = false;

  constructor(stream: Stream, shard: Shard, dependencies: ShardWriterDependencies) {
    this.#stream = stream;
    this.shard = shard;
    this.#dependencies = dependencies;
  }

  /** Queues a record, or refuses it at once. `flush` sends what has been queued. */
  add(pending: PendingRecord): void {
    if (this.#queuedBytes + pending.sizeBytes > QUEUE_BYTES_MAX) {
      const { shard } = this;
      const refusal: IngestRefusal = {
        code: 'overloaded',
        shard,
        queuedBytes: this.#queuedBytes,
        maxBytes: QUEUE_BYTES_MAX,
      };
      pending.sink.settle(pending.index, { ok: false, refusal });
      return;
    }
    this.#hasParts ||= pending.parts !== undefined;
    this.#queue.push(pending);
    this.#queuedBytes += pending.sizeBytes;
  }

  flush(): void {
    while (this.#queue.length > 0 && this.#inFlight < APPENDS_IN_FLIGHT_MAX) this.#send(this.#cut());
    if (this.#queue.length === 0 && this.#inFlight === 0) this.#dependencies.drained(this);
  }

  /** Takes from the head of the queue what fits into one batch: at least one record. */
  #cut(): PendingRecord[] {
    const queue = this.#queue;
    if (this.#queuedBytes <= BATCH_BYTES_MAX && queue.length <= BATCH_RECORDS_MAX) {
      this.#queue = [];
      this.#queuedBytes = 0;
      return queue;
    }
    let count = 0;
    let bytes = 0;
    while (count < queue.length && count < BATCH_RECORDS_MAX) {
      const { sizeBytes } = queue[count] as PendingRecord;
      if (count > 0 && bytes + sizeBytes > BATCH_BYTES_MAX) break;
      bytes += sizeBytes;
      count++;
    }
    this.#queuedBytes -= bytes;
    return queue.splice(0, count);
  }

  #send(records: PendingRecord[]): void {
    this.#inFlight++;
    const batch = encodeBatch(this.#hasParts ? records.flatMap((record) => record.parts ?? record) : records);
    const started = performance.now();
    this.#append(batch, records).then(
      (outcome) => {
        logMetrics(this.#dependencies.store.engine).append.observe((performance.now() - started) / 1000);
        this.#settle(records, outcome);
        this.#landed();
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        fail(records, { code: 'storeUnavailable', message });
        this.#report(error);
        this.#landed();
      },
    );
  }

  #report(error: unknown): void {
    const fields = { door: 'http', stream: this.#stream.name, shard: this.shard.shardId, err: error } as const;
    if (!(error instanceof StoreUnavailable)) {
      logger.error(fields, 'an append failed by a bug');
      return;
    }
    const now = performance.now();
    if (now - lastWarningMs < STORE_WARNING_INTERVAL_MS) return;
    lastWarningMs = now;
    logger.warn(fields, 'the store is unavailable: appends fail, and clients are told to try again');
  }

  #landed(): void {
    this.#inFlight--;
    this.flush();
  }

  #append(batch: Buffer, records: readonly PendingRecord[]): Promise<Outcome<Appended>> {
    const { store, minInsyncReplicas } = this.#dependencies;
    const request = {
      shard: this.shard.key,
      batch,
      header: readBatchHeader(batch, 0),
      ...requirementOfPut({ minInsyncReplicas: this.#stream.minInsyncReplicas(minInsyncReplicas) }),
    };
    if (!tracing.enabled) return store.log.append(request);
    const { span, others, requestCount } = requestsOf(records);
    return withLogSpan('append', store.engine, this.#stream.name, this.shard.shardId, span, (logSpan) => {
      setLogTransfer(logSpan, { recordCount: records.length, byteCount: batch.length, groupSize: requestCount });
      if (others.length > 0) logSpan.addLinks(others.map((other) => ({ context: other.spanContext() })));
      return store.log.append(request);
    });
  }

  #settle(records: readonly PendingRecord[], outcome: Outcome<Appended>): void {
    if (outcome.ok) {
      const { shard } = this;
      const { baseOffset, appendTimeMs } = outcome.value;
      let delta = 0;
      for (let i = 0; i < records.length; i++) {
        const { sink, index, parts } = records[i] as PendingRecord;
        sink.settle(index, { ok: true, value: { shard, offset: baseOffset + BigInt(delta), appendTimeMs } });
        delta += parts?.length ?? 1;
      }
      return;
    }
    const { refusal } = outcome;
    if (refusal.code === 'shardSealed' || refusal.code === 'shardNotFound') {
      this.#dependencies.reroute(this.#stream, this.shard, records, refusal);
    } else {
      fail(records, refusal);
    }
  }
}

const NO_SPANS: readonly PutSink['span'][] = [];

/** The span under which an append belongs: that of the first request that is sampled, if any is. It links to the others. */
function requestsOf(records: readonly PendingRecord[]) {
  const { span } = (records[0] as PendingRecord).sink;
  if (records.length === 1) return { span, others: NO_SPANS, requestCount: 1 };
  const spans = new Set(records.map(({ sink }) => sink.span));
  const [sampled = span, ...others] = [...spans].filter((each) => each.isRecording());
  return { span: sampled, others: others.slice(0, LINKS_PER_SPAN_MAX), requestCount: spans.size };
}

export function fail(records: readonly PendingRecord[], refusal: IngestRefusal): void {
  for (const { sink, index } of records) sink.settle(index, { ok: false, refusal });
}
