import type { Registry } from 'prom-client';
import { DURATION_BUCKETS_SECONDS, meters } from './metrics.ts';
import type { DurationHistogram } from './metrics.ts';

type Labels = Record<string, string | number>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** The series, where it is not the family's name (`…_bucket`, `…_sum`, `…_count`). */
  readonly metricName?: string;
}

/** One metric family as prom-client's registry asks for it: it calls `get()` at each scrape and prints what it gets. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  get(): Promise<Omit<Family, 'get'> & { readonly values: readonly Sample[] }>;
}

/** Puts our families into a registry. They read the numbers of `meters` when they are scraped. */
export function registerFamilies(registry: Registry): void {
  const families = [
    counter('tailrace_records_in_total', 'Records that came in.', () => perDoor((door) => door.recordsIn)),
    counter('tailrace_bytes_in_total', 'Bytes of the records that came in.', () => perDoor((door) => door.bytesIn)),
    counter('tailrace_records_out_total', 'Records that went out.', () => perDoor((door) => door.recordsOut)),
    counter('tailrace_bytes_out_total', 'Bytes of the records that went out.', () => perDoor((door) => door.bytesOut)),
    counter('tailrace_throttled_total', 'Requests and records refused or delayed by a quota.', () =>
      perDoor((door) => door.throttled),
    ),
    family('tailrace_connections', 'gauge', 'Open connections.', () => perDoor((door) => door.connections)),
    counter('tailrace_requests_total', 'Requests answered, by HTTP status or Kafka error code.', requestCodes),
    family(
      'tailrace_request_duration_seconds',
      'histogram',
      'Time from a whole request to its whole answer; long polls wait in it.',
      (name) =>
        [...meters.requests.values()].flatMap(({ door, operation, duration }) =>
          histogramSamples(name, { door, operation }, duration),
        ),
    ),
    family(
      'tailrace_append_duration_seconds',
      'histogram',
      'Time of an append in the log, waiting for its group and for replicas included.',
      (name) => [...meters.logs.values()].flatMap(({ engine, append }) => histogramSamples(name, { engine }, append)),
    ),
    family('tailrace_read_duration_seconds', 'histogram', 'Time of a read from the log.', (name) =>
      [...meters.logs.values()].flatMap(({ engine, read }) => histogramSamples(name, { engine }, read)),
    ),
    family('tailrace_subscriptions', 'gauge', 'Open subscriptions of consumers with enhanced fan-out to shards.', () =>
      single(meters.subscriptions.open),
    ),
    family('tailrace_tail_cache_bytes', 'gauge', 'Bytes of batches that the tail cache holds.', () =>
      single(meters.tailCache.bytes),
    ),
    counter('tailrace_tail_cache_hits_total', 'Reads answered from the tail cache.', () =>
      single(meters.tailCache.hits),
    ),
    counter('tailrace_tail_cache_misses_total', 'Reads that had to go to the engine.', () =>
      single(meters.tailCache.misses),
    ),
  ];
  // The registry's type wants its own classes; what it uses of them is `name` and `get()`.
  for (const entry of families) registry.registerMetric(entry as never);
}

function family(name: string, type: Family['type'], help: string, values: (name: string) => Sample[]): Family {
  return { name, help, type, get: () => Promise.resolve({ name, help, type, values: values(name) }) };
}

function counter(name: string, help: string, values: () => Sample[]): Family {
  return family(name, 'counter', help, values);
}

function perDoor(value: (door: (typeof meters.traffic)['http']) => number): Sample[] {
  return Object.values(meters.traffic).map((door) => ({ labels: { door: door.door }, value: value(door) }));
}

function single(value: number): Sample[] {
  return [{ labels: {}, value }];
}

function requestCodes(): Sample[] {
  return [...meters.requests.values()].flatMap(({ door, operation, codes }) =>
    [...codes].map(([code, { count }]) => ({ labels: { door, operation, code }, value: count })),
  );
}

function histogramSamples(name: string, labels: Labels, histogram: DurationHistogram): Sample[] {
  const samples: Sample[] = [];
  let cumulative = 0;
  histogram.counts.forEach((count, bucket) => {
    cumulative += count;
    const le = DURATION_BUCKETS_SECONDS[bucket] ?? '+Inf';
    samples.push({ labels: { ...labels, le }, value: cumulative, metricName: `${name}_bucket` });
  });
  samples.push({ labels, value: histogram.sumSeconds, metricName: `${name}_sum` });
  samples.push({ labels, value: cumulative, metricName: `${name}_count` });
  return samples;
}
