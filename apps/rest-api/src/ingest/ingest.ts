import { hash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseHashKey } from '@tailrace/hashing';
import type { RecordDraft, RecordHeader } from '@tailrace/kafka-protocol';
import type { Decision, ShardLimits } from '@tailrace/quota';
import {
  EXPLICIT_HASH_KEY_HEADER,
  type Shard,
  type ShardKey,
  type Store,
  StoreUnavailable,
  type Stream,
  type StreamCatalog,
  subRecordsOf,
} from '@tailrace/shard-core';
import { logger, offSpan, traceHeadersOf, TRACEPARENT, trafficMetrics } from '@tailrace/telemetry';
import type { IngestRecord, IngestRefusal, PutOutcome } from './put-outcome.ts';
import {
  fail,
  PendingRecord,
  type PutSink,
  REROUTES_MAX,
  ShardWriter,
  type ShardWriterDependencies,
} from './shard-writer.ts';

type Span = PutSink['span'];

const HASH_KEY_BYTES = 16;
/** How long a record follows splits and merges, all of them together. */
const RESHARD_TIMEOUT_MS = 20_000;
/** Between two tries of records whose shard the stream has and the store has not: nothing tells when that changes. */
export const MISSING_SHARD_PAUSE_MS = 100;

export interface IngestDependencies {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly limits: ShardLimits;
  /** Copies that an acknowledgement needs where the stream sets none. */
  readonly minInsyncReplicas?: number;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /** How long records whose shard was just closed wait for the shards that take over. */
  readonly reshardTimeoutMs?: number;
}

/** Collects the outcomes of several records in request order, and resolves once. */
class ManySink implements PutSink {
  readonly span: Span;
  readonly #outcomes: PutOutcome[];
  readonly #done: (outcomes: PutOutcome[]) => void;
  #missing: number;

  constructor(count: number, span: Span, done: (outcomes: PutOutcome[]) => void) {
    this.#outcomes = new Array<PutOutcome>(count);
    this.#missing = count;
    this.span = span;
    this.#done = done;
  }

  settle(index: number, outcome: PutOutcome): void {
    this.#outcomes[index] = outcome;
    if (--this.#missing === 0) this.#done(this.#outcomes);
  }
}

class OneSink implements PutSink {
  readonly span: Span;
  readonly #done: (outcome: PutOutcome) => void;

  constructor(span: Span, done: (outcome: PutOutcome) => void) {
    this.span = span;
    this.#done = done;
  }

  settle(_index: number, outcome: PutOutcome): void {
    this.#done(outcome);
  }
}

/**
 * The way in for records that come by HTTP: route, take from the quota, batch, append. Everything that goes wrong with
 * a record is its outcome; the promises do not reject.
 */
export class Ingest {
  readonly #catalog: StreamCatalog;
  readonly #limits: ShardLimits;
  readonly #clock: () => number;
  readonly #reshardTimeoutMs: number;
  readonly #writers = new Map<ShardKey, ShardWriter>();
  readonly #writing: ShardWriterDependencies;
  readonly #traffic = trafficMetrics('http');

  constructor({
    store,
    catalog,
    limits,
    minInsyncReplicas = 1,
    clock = Date.now,
    reshardTimeoutMs = RESHARD_TIMEOUT_MS,
  }: IngestDependencies) {
    this.#catalog = catalog;
    this.#limits = limits;
    this.#clock = clock;
    this.#reshardTimeoutMs = reshardTimeoutMs;
    this.#writing = {
      store,
      minInsyncReplicas,
      reroute: (stream, shard, records, refusal) => void this.#reroute(stream, shard, records, refusal),
      drained: (writer) => this.#writers.delete(writer.shard.key),
    };
  }

  /** Appends one record. With tracing on, it carries the trace context of `span`. */
  put(stream: Stream, record: IngestRecord, span: Span = offSpan): Promise<PutOutcome> {
    return new Promise((done) => {
      this.#traffic.received(1, payloadBytes(record));
      const shard = routeOf(stream, record);
      const pending = pendingOf(stream, record, this.#clock(), new OneSink(span, done), 0);
      if (!this.#limits.enabled || !stream.writeLimited) {
        this.#enqueue(stream, shard, pending).flush();
        return;
      }
      void this.#takeAndPut(stream, shard, pending);
    });
  }

  /** Appends records; outcomes in request order. Those of one shard land in request order. */
  putMany(stream: Stream, records: readonly IngestRecord[], span: Span = offSpan): Promise<PutOutcome[]> {
    if (records.length === 0) return Promise.resolve([]);
    let bytes = 0;
    for (const record of records) bytes += payloadBytes(record);
    this.#traffic.received(records.length, bytes);
    return new Promise((done) => {
      const sink = new ManySink(records.length, span, done);
      if (this.#limits.enabled && stream.writeLimited) {
        void this.#putManyWithinLimits(stream, records, sink);
        return;
      }
      const now = this.#clock();
      const touched = new Set<ShardWriter>();
      for (let i = 0; i < records.length; i++) {
        const record = records[i] as IngestRecord;
        const pending = pendingOf(stream, record, now, sink, i);
        touched.add(this.#enqueue(stream, routeOf(stream, record), pending));
      }
      for (const writer of touched) writer.flush();
    });
  }

  #enqueue(stream: Stream, shard: Shard, pending: PendingRecord): ShardWriter {
    let writer = this.#writers.get(shard.key);
    if (writer === undefined) {
      writer = new ShardWriter(stream, shard, this.#writing);
      this.#writers.set(shard.key, writer);
    }
    writer.add(pending);
    return writer;
  }

  async #takeAndPut(stream: Stream, shard: Shard, pending: PendingRecord): Promise<void> {
    try {
      this.#decided(stream, shard, pending, await this.#limits.takeWrite(shard.key, 1, payloadBytes(pending.record)));
    } catch (error) {
      fail([pending], unavailable(error));
    }
  }

  #decided(stream: Stream, shard: Shard, pending: PendingRecord, decision: Decision): void {
    if (decision.ok) {
      this.#enqueue(stream, shard, pending).flush();
      return;
    }
    this.#traffic.throttled++;
    fail([pending], { code: 'throttled', shard, retryAfterMs: decision.retryAfterMs });
  }

  async #putManyWithinLimits(stream: Stream, records: readonly IngestRecord[], sink: ManySink): Promise<void> {
    const now = this.#clock();
    const byShard = new Map<Shard, PendingRecord[]>();
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as IngestRecord;
      const shard = routeOf(stream, record);
      const pending = pendingOf(stream, record, now, sink, i);
      const group = byShard.get(shard);
      if (group === undefined) byShard.set(shard, [pending]);
      else group.push(pending);
    }
    await Promise.all(Array.from(byShard, ([shard, group]) => this.#putGroup(stream, shard, group)));
  }

  async #putGroup(stream: Stream, shard: Shard, group: readonly PendingRecord[]): Promise<void> {
    let decisions: readonly Decision[];
    try {
      const sizes = group.map(({ record }) => payloadBytes(record));
      decisions = await this.#limits.takeWrites(shard.key, sizes);
    } catch (error) {
      fail(group, unavailable(error));
      return;
    }
    for (let i = 0; i < group.length; i++) {
      const decision = decisions[i] as Decision;
      if (decision.ok) {
        this.#enqueue(stream, shard, group[i] as PendingRecord);
      } else {
        this.#traffic.throttled++;
        fail([group[i] as PendingRecord], { code: 'throttled', shard, retryAfterMs: decision.retryAfterMs });
      }
    }
    this.#writers.get(shard.key)?.flush();
  }

  /**
   * The shard was split or merged: waits for the shards that take over and sends the records there. One that meets closed
   * shards for too long is refused in the end.
   */
  async #reroute(
    stale: Stream,
    shard: Shard,
    records: readonly PendingRecord[],
    refusal: IngestRefusal,
  ): Promise<void> {
    const begin = performance.now();
    let lastUntilMs = begin;
    for (const pending of records) {
      if (pending.reroutes === 0) pending.reroutedUntilMs = begin + this.#reshardTimeoutMs;
      lastUntilMs = Math.max(lastUntilMs, pending.reroutedUntilMs);
    }
    let stream: Stream | undefined;
    try {
      stream =
        refusal.code === 'shardSealed'
          ? await this.#catalog.whenResharded(stale, shard, { timeoutMs: lastUntilMs - begin })
          : await this.#catalog.refresh(stale.name);
    } catch (error) {
      fail(records, unavailable(error));
      return;
    }
    const isMissing = refusal.code === 'shardNotFound' && stream?.openShards.some(({ key }) => key === shard.key);
    if (isMissing) await delay(MISSING_SHARD_PAUSE_MS);
    const now = performance.now();
    const touched = new Set<ShardWriter>();
    let lost = 0;
    for (const pending of records) {
      if (stream === undefined || stream.id !== stale.id) {
        fail([pending], { code: 'streamNotFound', stream: stale.name });
      } else if (pending.reroutes >= REROUTES_MAX || now >= pending.reroutedUntilMs) {
        lost++;
        fail([pending], refusal);
      } else {
        pending.reroutes++;
        touched.add(this.#enqueue(stream, routeOf(stream, pending.record), pending));
      }
    }
    if (lost > 0) {
      const at = { door: 'http', stream: stale.name, shard: shard.shardId, records: lost } as const;
      logger.warn(at, 'records met closed shards for too long: clients are told to try again');
    }
    for (const writer of touched) writer.flush();
  }
}

/** Where the next record of a stream whose records go to its shards in turn will go. One for all: it only has to move. */
let nextTurn = 0;

function routeOf(stream: Stream, record: IngestRecord): Shard {
  const { router, openShards } = stream;
  if (stream.document.recordDistribution === 'AUTO') {
    nextTurn = (nextTurn + 1) % openShards.length;
    return openShards[nextTurn] as Shard;
  }
  if (record.explicitHashKey !== undefined) {
    const hashKey = parseHashKey(record.explicitHashKey);
    if (hashKey === undefined) throw new RangeError(`${record.explicitHashKey} is no hash key`);
    return router.forHashKey(hashKey);
  }
  if (record.partitionKey !== undefined) return router.forPartitionKey(record.partitionKey);
  // Bytes hash as the partition key that they would be; no key at all goes anywhere.
  const digest = record.key ? hash('md5', record.key, 'hex') : randomBytes(HASH_KEY_BYTES).toString('hex');
  return router.forHashKey(BigInt(`0x${digest}`));
}

function pendingOf(
  stream: Stream,
  record: IngestRecord,
  timestampMs: number,
  sink: PutSink,
  index: number,
): PendingRecord {
  const parts = stream.deaggregates ? partsOf(record, timestampMs, sink.span) : undefined;
  return new PendingRecord(record, headersOf(record, sink.span), timestampMs, sink, index, parts);
}

/** The records that an aggregated one is stored as: in its place, one behind the other. `undefined`: it is none. */
function partsOf(record: IngestRecord, timestampMs: number, span: Span): readonly RecordDraft[] | undefined {
  return subRecordsOf(record.data)?.map(({ partitionKey, explicitHashKey, data }) => ({
    key: partitionKey,
    value: data,
    headers: headersOf({ partitionKey, explicitHashKey, data, headers: record.headers }, span),
    timestampMs,
  }));
}

/** What counts against the limits: data and partition key. */
function payloadBytes({ partitionKey, key, data }: IngestRecord): number {
  return (data?.length ?? 0) + (partitionKey === undefined ? (key?.length ?? 0) : Buffer.byteLength(partitionKey));
}

function headersOf(record: IngestRecord, span: Span): readonly RecordHeader[] | undefined {
  const trace = traceHeadersOf(span);
  if (record.explicitHashKey === undefined) {
    if (trace.length === 0) return record.headers;
    if (record.headers === undefined) return trace;
  }
  const headers: RecordHeader[] = record.headers === undefined ? [] : [...record.headers];
  if (record.explicitHashKey !== undefined) {
    headers.push({ key: EXPLICIT_HASH_KEY_HEADER, value: Buffer.from(record.explicitHashKey, 'latin1') });
  }
  // A trace context that the record brings itself stays as it is.
  if (!headers.some(({ key }) => key === TRACEPARENT)) headers.push(...trace);
  return headers;
}

function unavailable(error: unknown): IngestRefusal {
  if (!(error instanceof StoreUnavailable)) throw error;
  return { code: 'storeUnavailable', message: error.message };
}
