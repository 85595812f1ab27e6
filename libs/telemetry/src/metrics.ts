/**
 * The metrics of both doors and the log. What a hot path touches are plain numbers behind a handle that is resolved once
 * (`requestMetrics('kafka', 'Produce')`); prom-client is loaded by the metrics server and reads them when scraped. Its own
 * histogram hashes labels on every observation and loads in 80 ms; ours costs a few nanoseconds and nothing at start-up.
 *
 * Labels are bounded: doors, operations, engines and codes come from tables in the code, never from a caller; each family
 * keeps at most `SERIES_PER_FAMILY_MAX` handles and each handle `CODES_PER_OPERATION_MAX` codes, the rest is counted under
 * `other`. No stream, shard or client names.
 */
export type Door = 'http' | 'kafka';

export const SERIES_PER_FAMILY_MAX = 256;
export const CODES_PER_OPERATION_MAX = 32;
const OTHER = 'other';

/** Upper bounds in seconds, inclusive: 0.1 ms (an answer from the tail cache) to 10 s (a long poll at its end). */
export const DURATION_BUCKETS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Counts of durations by bucket. One per label set. */
export class DurationHistogram {
  /** One more than there are bounds: the last one counts what is above them all. Not cumulative. */
  readonly counts = new Float64Array(DURATION_BUCKETS_SECONDS.length + 1);
  sumSeconds = 0;

  observe(seconds: number): void {
    // Sixteen bounds: from the low end, because that is where nearly everything falls.
    let bucket = 0;
    while (bucket < DURATION_BUCKETS_SECONDS.length && seconds > DURATION_BUCKETS_SECONDS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sumSeconds += seconds;
  }
}

/** One operation of one door. */
export class RequestMetrics {
  readonly door: Door;
  readonly operation: string;
  readonly duration = new DurationHistogram();
  readonly codes = new Map<string | number, { count: number }>();

  constructor(door: Door, operation: string) {
    this.door = door;
    this.operation = operation;
  }

  /** Counts a request that is answered. `code`: HTTP status, or Kafka error code by name or number; 200 or 0 for success. */
  observe(seconds: number, code: string | number): void {
    this.duration.observe(seconds);
    let entry = this.codes.get(code);
    if (entry === undefined) {
      entry = bounded(this.codes, code, CODES_PER_OPERATION_MAX, () => ({ count: 0 }));
    }
    entry.count++;
  }
}

/** What moved through one door. */
export class TrafficMetrics {
  readonly door: Door;
  recordsIn = 0;
  bytesIn = 0;
  recordsOut = 0;
  bytesOut = 0;
  /** Requests or records refused or delayed by a quota. */
  throttled = 0;
  /** Open connections. */
  connections = 0;

  constructor(door: Door) {
    this.door = door;
  }

  /** `byteCount`: as the door received it (Kafka: batches, HTTP: data and partition keys). */
  received(recordCount: number, byteCount: number): void {
    this.recordsIn += recordCount;
    this.bytesIn += byteCount;
  }

  sent(recordCount: number, byteCount: number): void {
    this.recordsOut += recordCount;
    this.bytesOut += byteCount;
  }
}

/** One engine's log. */
export class LogMetrics {
  readonly engine: string;
  readonly append = new DurationHistogram();
  readonly read = new DurationHistogram();

  constructor(engine: string) {
    this.engine = engine;
  }
}

export class TailCacheMetrics {
  bytes = 0;
  hits = 0;
  misses = 0;
}

/** SubscribeToShard. */
export class SubscriptionMetrics {
  /** Subscriptions that this process serves now. */
  open = 0;
}

const requests = new Map<string, RequestMetrics>();
const logs = new Map<string, LogMetrics>();

/** The one set of numbers of this process. Read by the exposition; doors write through the handles. */
export const meters = {
  requests: requests as ReadonlyMap<string, RequestMetrics>,
  logs: logs as ReadonlyMap<string, LogMetrics>,
  traffic: { http: new TrafficMetrics('http'), kafka: new TrafficMetrics('kafka') } satisfies Record<
    Door,
    TrafficMetrics
  >,
  tailCache: new TailCacheMetrics(),
  subscriptions: new SubscriptionMetrics(),
};

/** The handle of an operation: resolve it once, keep it. The same names give the same handle. */
export function requestMetrics(door: Door, operation: string): RequestMetrics {
  const key = `${door} ${operation}`;
  return (
    requests.get(key) ??
    bounded(requests, key, SERIES_PER_FAMILY_MAX, (overflow) => new RequestMetrics(door, overflow ? OTHER : operation))
  );
}

export function trafficMetrics(door: Door): TrafficMetrics {
  return meters.traffic[door];
}

export function logMetrics(engine: string): LogMetrics {
  return (
    logs.get(engine) ??
    bounded(logs, engine, SERIES_PER_FAMILY_MAX, (overflow) => new LogMetrics(overflow ? OTHER : engine))
  );
}

export function tailCacheMetrics(): TailCacheMetrics {
  return meters.tailCache;
}

export function subscriptionMetrics(): SubscriptionMetrics {
  return meters.subscriptions;
}

/** Adds an entry, or answers the one for everything past the bound. */
function bounded<K extends string | number, V>(
  map: Map<K | string, V>,
  key: K,
  max: number,
  make: (overflow: boolean) => V,
): V {
  const overflow = map.size >= max;
  const kept = overflow ? OTHER : key;
  let entry = map.get(kept);
  if (entry === undefined) {
    entry = make(overflow);
    map.set(kept, entry);
  }
  return entry;
}
