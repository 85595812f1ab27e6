import type { Log, ShardBounds } from '../contract/log.ts';
import type { Store } from '../contract/store.ts';
import { type LeasedSweepOptions, startLeasedSweep } from './leased-sweep.ts';
import type { Shard, ShardDocument, Stream, StreamDocument } from './stream.ts';
import type { StreamCatalog } from './stream-catalog.ts';

/** How often old records are looked for. The service promises hours; a minute late is on time. */
export const RETENTION_INTERVAL_MS = 60_000;
const LEASE = 'retention';

/**
 * How long a stream keeps records, in milliseconds; `undefined`: for ever. `retention.ms` (−1: for ever) goes first. A topic that
 * is compacted and not cleaned by age keeps the newest record of each key for ever.
 */
export function retentionMsOf(stream: Stream): number | undefined {
  if (!dropsOldRecords(stream)) return undefined;
  const configured = stream.document.configs['retention.ms'];
  if (configured === undefined) return stream.document.retentionMs;
  return Number(configured) < 0 ? undefined : Number(configured);
}

/** How many bytes of each partition a stream keeps; `undefined`: as many as there are. */
export function retentionBytesOf(stream: Stream): number | undefined {
  const configured = Number(stream.document.configs['retention.bytes'] ?? -1);
  return configured < 0 || !dropsOldRecords(stream) ? undefined : configured;
}

/** `cleanup.policy` has `delete` in it, or is not set. */
function dropsOldRecords({ document: { configs } }: Stream): boolean {
  const policy = configs['cleanup.policy'];
  return policy === undefined || policy.split(',').some((word) => word.trim() === 'delete');
}

/** Shards that cannot be looked at, in one sweep, before it ends: so many are not damaged, the store is away. */
const FAILURES_MAX = 16;

/**
 * Forgets records that are older than their stream keeps them, one shard after the other. Answers how many shards it cut.
 * A shard that cannot be looked at holds up no other: what was wrong with the first such one is thrown at the end.
 */
export async function trimExpired(store: Store, streams: Iterable<Stream>, nowMs: number): Promise<number> {
  let cut = 0;
  const failures: unknown[] = [];
  for (const stream of streams) {
    const retentionMs = retentionMsOf(stream);
    if (retentionMs === undefined) continue;
    for (const shard of stream.shards) {
      try {
        if (await trimShard(store, shard, nowMs - retentionMs)) cut += 1;
      } catch (error) {
        failures.push(error);
        if (failures.length === FAILURES_MAX) throw failures[0];
      }
    }
  }
  if (failures.length > 0) throw failures[0];
  return cut;
}

/** What is read of a shard's oldest batches in one sweep, to see how many bytes they have. */
export const SIZED_BYTES_MAX = 64 * 1024 * 1024;
const SIZED_SLICE_BYTES = 4 * 1024 * 1024;

/**
 * Forgets the oldest batches of partitions that are larger than their stream's `retention.bytes`; at least that many stay, as
 * far as the engine's own figures are right. What is beyond `SIZED_BYTES_MAX` is judged by what was seen before it; a sweep that
 * forgot too little is followed by the next. Answers how many shards it cut.
 */
export async function trimOversized(
  { log }: Store,
  streams: Iterable<Stream>,
  sizedBytesMax = SIZED_BYTES_MAX,
): Promise<number> {
  let cut = 0;
  for (const stream of streams) {
    const retentionBytes = retentionBytesOf(stream);
    if (retentionBytes === undefined) continue;
    for (const { chain } of stream.partitions) {
      const links = await boundsOf(log, chain);
      let excess = links.reduce((sum, { bounds }) => sum + bounds.sizeBytes, 0) - retentionBytes;
      for (const { shard, bounds } of links) {
        if (excess <= 0) break;
        const { sizeBytes, logStartOffset, highWatermark } = bounds;
        // All of it is too much; only so can the newest link, whose size grows meanwhile, be forgotten as a whole.
        const before =
          sizeBytes <= excess ? highWatermark : await offsetBehind(log, shard, bounds, excess, sizedBytesMax);
        excess -= sizeBytes;
        if (before > logStartOffset && (await log.trim(shard.key, before)).ok) cut += 1;
      }
    }
  }
  return cut;
}

interface SizedShard {
  readonly shard: Shard;
  readonly bounds: ShardBounds;
}

async function boundsOf(log: Log, chain: readonly Shard[]): Promise<SizedShard[]> {
  const sized: SizedShard[] = [];
  for (const shard of chain) {
    const outcome = await log.bounds(shard.key);
    if (outcome.ok) sized.push({ shard, bounds: outcome.value });
  }
  return sized;
}

/** The offset behind the oldest batches that together have at most so many bytes. */
async function offsetBehind(
  log: Log,
  shard: Shard,
  bounds: ShardBounds,
  bytesMax: number,
  sizedBytesMax: number,
): Promise<bigint> {
  const { logStartOffset, highWatermark, sizeBytes } = bounds;
  let offset = logStartOffset;
  let seen = 0;
  while (seen < Math.min(bytesMax, sizedBytesMax)) {
    const outcome = await log.read(shard.key, offset, { maxBytes: Math.min(SIZED_SLICE_BYTES, bytesMax - seen) });
    if (!outcome.ok) return offset;
    const { byteCount, nextOffset } = outcome.value;
    outcome.value.release();
    // The first batch is read whole, also where it is too large to go.
    if (byteCount === 0 || seen + byteCount > bytesMax) return offset;
    seen += byteCount;
    offset = nextOffset;
  }
  // The rest by the denser of what was seen and of all there is, so that rather too little goes.
  const bytesPerOffset = Math.max(
    seen / Number(offset - logStartOffset),
    sizeBytes / Number(highWatermark - logStartOffset),
  );
  return offset + BigInt(Math.max(0, Math.floor((bytesMax - seen) / bytesPerOffset)));
}

/**
 * Drops closed shards of which everything is gone: their records are trimmed away, and as much time has passed since they
 * were closed as the stream keeps records. Answers how many.
 */
export async function dropExpiredShards(
  store: Store,
  catalog: StreamCatalog,
  streams: Iterable<Stream>,
  nowMs: number,
): Promise<number> {
  let dropped = 0;
  for (const stream of streams) {
    const retentionMs = retentionMsOf(stream);
    if (retentionMs === undefined) continue;
    const expired = new Set<number>();
    for (const { number, key, closedAtMs } of stream.shards) {
      if (closedAtMs === undefined || closedAtMs > nowMs - retentionMs) continue;
      const bounds = await store.log.bounds(key);
      if (bounds.ok && bounds.value.logStartOffset === bounds.value.logEndOffset) expired.add(number);
    }
    if (expired.size === 0) continue;
    const outcome = await catalog.decide(stream.name, ({ id, document }) =>
      id === stream.id ? { ok: true, value: withoutExpired(document, expired) } : undefined,
    );
    if (outcome.ok) dropped += expired.size;
  }
  return dropped;
}

/**
 * A partition that no open shard continues has its place in the end of its last link: that one stays, with an empty log,
 * out of sight, until the partition goes on. Every other place is in the shard that goes on from it.
 */
function withoutExpired(document: StreamDocument, expired: ReadonlySet<number>): StreamDocument {
  const lastLinks = new Map<number, number>();
  for (const { number, partition } of document.shards) {
    lastLinks.set(partition, Math.max(number, lastLinks.get(partition) ?? 0));
  }
  const shards = document.shards.flatMap((shard): ShardDocument[] => {
    if (!expired.has(shard.number) && shard.expired === undefined) return [shard];
    return lastLinks.get(shard.partition) === shard.number ? [{ ...shard, expired: true }] : [];
  });
  return { ...document, shards };
}

async function trimShard({ log }: Store, shard: Shard, olderThanMs: number): Promise<boolean> {
  const bounds = await log.bounds(shard.key);
  if (!bounds.ok || bounds.value.logStartOffset === bounds.value.highWatermark) return false;
  const kept = await log.offsetForTime(shard.key, olderThanMs, 'append');
  if (!kept.ok) return false;
  const start = kept.value?.baseOffset ?? bounds.value.highWatermark;
  if (start <= bounds.value.logStartOffset) return false;
  return (await log.trim(shard.key, start)).ok;
}

/** Trims for as long as the process lives; answers a function that ends it. */
export function startRetention(
  store: Store,
  catalog: StreamCatalog,
  { holder, intervalMs = RETENTION_INTERVAL_MS, clock = Date.now, onError }: LeasedSweepOptions,
): () => Promise<void> {
  return startLeasedSweep(store.leases, LEASE, { holder, intervalMs, onError }, async () => {
    const streams = catalog.names().flatMap((name) => catalog.peek(name) ?? []);
    await trimExpired(store, streams, clock()).catch(onError);
    await trimOversized(store, streams).catch(onError);
    await catalog.sweepGarbage().catch(onError);
    await dropExpiredShards(store, catalog, streams, clock());
  });
}
