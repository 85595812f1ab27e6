import { readBatchHeader, patchBaseOffset } from '@tailrace/kafka-protocol';
import type {
  Appended,
  AppendRequest,
  Documents,
  Lease,
  Leases,
  Log,
  Outcome,
  ShardBounds,
  ShardKey,
  Store,
  StoredDocument,
  TokenBuckets,
} from '@tailrace/shard-core';

interface Entry {
  readonly batch: Buffer;
  readonly baseOffset: bigint;
  readonly nextOffset: bigint;
  readonly appendTimeMs: number;
}

interface ShardLog {
  readonly entries: Entry[];
  start: bigint;
  end: bigint;
  sealed: boolean;
}

/** A store in memory: what specs of the doors need of the contract, and handles by which they can break it. */
export interface MemoryStore extends Store {
  /** Runs before each append; what it throws or answers is the append's outcome. */
  beforeAppend: ((request: AppendRequest) => Promise<Outcome<Appended> | undefined>) | undefined;
  /** All appends, in the order in which they were made. */
  readonly appends: readonly { readonly shard: ShardKey; readonly recordCount: number }[];
}

export function memoryStore(clock: () => number = Date.now): MemoryStore {
  const shards = new Map<ShardKey, ShardLog>();
  const appends: { shard: ShardKey; recordCount: number }[] = [];
  const notFound = (shard: ShardKey) => ({ ok: false, refusal: { code: 'shardNotFound', shard } }) as const;
  const boundsOf = (log: ShardLog): ShardBounds => ({
    logStartOffset: log.start,
    highWatermark: log.end,
    logEndOffset: log.end,
    lastStableOffset: log.end,
    sealed: log.sealed,
    leaderEpoch: 0,
    sizeBytes: log.entries.reduce((sum, { batch }) => sum + batch.length, 0),
  });

  const log: Log = {
    openShard(shard, { startOffset }) {
      if (!shards.has(shard)) shards.set(shard, { entries: [], start: startOffset, end: startOffset, sealed: false });
      return Promise.resolve();
    },
    async append(request) {
      const early = await store.beforeAppend?.(request);
      if (early !== undefined) return early;
      const { shard } = request;
      const found = shards.get(shard);
      if (found === undefined) return notFound(shard);
      if (found.sealed) return { ok: false, refusal: { code: 'shardSealed', shard } };
      const batch = Buffer.from(request.batch);
      const baseOffset = found.end;
      patchBaseOffset(batch, 0, baseOffset);
      const nextOffset = baseOffset + BigInt(request.header.lastOffsetDelta) + 1n;
      const last = found.entries.at(-1)?.appendTimeMs ?? 0;
      const appendTimeMs = Math.max(clock(), last);
      found.entries.push({ batch, baseOffset, nextOffset, appendTimeMs });
      found.end = nextOffset;
      appends.push({ shard, recordCount: request.header.recordCount });
      return {
        ok: true,
        value: { baseOffset, nextOffset, appendTimeMs, logStartOffset: found.start, duplicate: false },
      };
    },
    read(shard, fromOffset, { maxBytes, maxBatches = Infinity }) {
      const found = shards.get(shard);
      if (found === undefined) return Promise.resolve(notFound(shard));
      if (fromOffset < found.start || fromOffset > found.end) {
        const { start: logStartOffset, end: logEndOffset } = found;
        const refusal = { code: 'offsetOutOfRange', shard, offset: fromOffset, logStartOffset, logEndOffset } as const;
        return Promise.resolve({ ok: false, refusal });
      }
      const taken: Entry[] = [];
      let byteCount = 0;
      for (const entry of found.entries) {
        if (entry.nextOffset <= fromOffset) continue;
        if (taken.length > 0 && (byteCount + entry.batch.length > maxBytes || taken.length >= maxBatches)) break;
        taken.push(entry);
        byteCount += entry.batch.length;
      }
      return Promise.resolve({
        ok: true,
        value: {
          chunks: taken.length === 0 ? [] : [Buffer.concat(taken.map(({ batch }) => batch))],
          byteCount,
          batchCount: taken.length,
          appendTimesMs: taken.map(({ appendTimeMs }) => appendTimeMs),
          nextOffset: taken.at(-1)?.nextOffset ?? fromOffset,
          bounds: boundsOf(found),
          abortedTransactions: [],
          release() {},
        },
      });
    },
    bounds(shard) {
      const found = shards.get(shard);
      return Promise.resolve(found === undefined ? notFound(shard) : { ok: true, value: boundsOf(found) });
    },
    leaderEpochs(shard) {
      const found = shards.get(shard);
      const value = [{ leaderEpoch: 0, startOffset: found?.start ?? 0n }];
      return Promise.resolve(found === undefined ? notFound(shard) : { ok: true, value });
    },
    offsetForTime(shard, timestampMs) {
      const found = shards.get(shard);
      if (found === undefined) return Promise.resolve(notFound(shard));
      const entry = found.entries.find(({ appendTimeMs }) => appendTimeMs >= timestampMs);
      const value = entry && { baseOffset: entry.baseOffset, timestampMs: entry.appendTimeMs };
      return Promise.resolve({ ok: true, value });
    },
    maxRecordTimestamp(shard) {
      const entry = shards.get(shard)?.entries.at(-1);
      if (entry === undefined) return Promise.resolve({ ok: true, value: undefined });
      const timestampMs = readBatchHeader(entry.batch, 0).maxTimestampMs;
      return Promise.resolve({ ok: true, value: { baseOffset: entry.baseOffset, timestampMs } });
    },
    trim(shard, beforeOffset) {
      const found = shards.get(shard);
      if (found === undefined) return Promise.resolve(notFound(shard));
      found.start = beforeOffset > found.start ? beforeOffset : found.start;
      return Promise.resolve({ ok: true, value: { logStartOffset: found.start } });
    },
    compact: () => Promise.reject(new Error('not needed here')),
    seal(shard) {
      const found = shards.get(shard);
      if (found === undefined) return Promise.resolve(notFound(shard));
      found.sealed = true;
      return Promise.resolve({ ok: true, value: { endOffset: found.end } });
    },
    deleteShards(keys) {
      for (const key of keys) shards.delete(key);
      return Promise.resolve();
    },
    endTransaction: () => Promise.reject(new Error('the memory store has no transactions')),
    producers: () => Promise.reject(new Error('the memory store has no producers')),
    awaitAppend: () => Promise.reject(new Error('the memory store does not wait')),
  };

  const store: MemoryStore = {
    engine: 'embedded',
    log,
    documents: memoryDocuments(),
    leases: memoryLeases(clock),
    tokenBuckets: memoryTokenBuckets(clock),
    beforeAppend: undefined,
    appends,
    health: () => Promise.resolve({ ready: true, detail: 'in memory' }),
    close: () => Promise.resolve(),
  };
  return store;
}

function memoryDocuments(): Documents {
  const documents = new Map<string, StoredDocument>();
  const watchers = new Set<{ prefix: string; changed: (key: string | undefined) => void }>();
  let version = 0;
  return {
    get: (key) => Promise.resolve(documents.get(key)),
    write(writes) {
      for (const { key, expected } of writes) {
        const current = documents.get(key);
        const fits =
          expected === 'any' || (expected === 'absent' ? current === undefined : current?.version === expected);
        if (!fits) return Promise.resolve({ ok: false, conflict: { key, current } });
      }
      const versions = writes.map(({ key, value }) => {
        version++;
        if (value === undefined) documents.delete(key);
        else documents.set(key, { key, value, version });
        for (const { prefix, changed } of watchers) if (key.startsWith(prefix)) setImmediate(changed, key);
        return version;
      });
      return Promise.resolve({ ok: true, versions });
    },
    list(prefix, { after = '', limit = 10_000 } = {}) {
      const keys = [...documents.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      return Promise.resolve(keys.slice(0, limit).map((key) => documents.get(key) as StoredDocument));
    },
    watch(prefix, changed) {
      const watcher = { prefix, changed };
      watchers.add(watcher);
      return Promise.resolve(() => watchers.delete(watcher));
    },
  };
}

function memoryLeases(clock: () => number): Leases {
  const leases = new Map<string, { lease: Lease; endsAtMs: number }>();
  let leaseEpoch = 0;
  return {
    acquire(name, holder, ttlMs, value = '') {
      const current = leases.get(name);
      const inForce = current !== undefined && current.endsAtMs > clock();
      if (inForce && current.lease.holder !== holder) return Promise.resolve({ held: false, lease: current.lease });
      if (!inForce) leaseEpoch++;
      const lease = { name, holder, value, leaseEpoch: inForce ? current.lease.leaseEpoch : leaseEpoch };
      leases.set(name, { lease, endsAtMs: clock() + ttlMs });
      return Promise.resolve({ held: true, lease });
    },
    release(name, holder) {
      if (leases.get(name)?.lease.holder === holder) leases.delete(name);
      return Promise.resolve();
    },
    list(prefix) {
      const inForce = [...leases.values()].filter(({ endsAtMs }) => endsAtMs > clock());
      return Promise.resolve(inForce.map(({ lease }) => lease).filter(({ name }) => name.startsWith(prefix)));
    },
  };
}

export function memoryTokenBuckets(clock: () => number): TokenBuckets {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(name, { ratePerSecond, capacity, min, max }) {
      const now = clock();
      const bucket = buckets.get(name) ?? { tokens: capacity, atMs: now };
      bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.atMs) * ratePerSecond) / 1000);
      bucket.atMs = now;
      buckets.set(name, bucket);
      const granted = bucket.tokens < Math.min(min, capacity) ? 0 : Math.min(Math.floor(bucket.tokens), max);
      bucket.tokens -= granted;
      const waitMs = granted > 0 ? 0 : ((Math.min(min, capacity) - bucket.tokens) / ratePerSecond) * 1000;
      return Promise.resolve({ granted, waitMs });
    },
    giveBack(name, tokens, { capacity }) {
      const bucket = buckets.get(name);
      if (bucket !== undefined) bucket.tokens = Math.min(capacity, bucket.tokens + tokens);
      return Promise.resolve();
    },
  };
}
