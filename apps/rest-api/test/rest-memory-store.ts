import { BATCH_HEADER_BYTES, patchBaseOffset } from '@tailrace/kafka-protocol';
import {
  type AppendRequest,
  type Documents,
  type Log,
  type Outcome,
  type Refusal,
  type ShardBounds,
  type ShardKey,
  type Store,
  type StoredDocument,
  StoreUnavailable,
} from '@tailrace/shard-core';

interface MemoryShard {
  readonly batches: {
    readonly baseOffset: bigint;
    readonly nextOffset: bigint;
    readonly bytes: Buffer;
    readonly timeMs: number;
  }[];
  start: bigint;
  end: bigint;
  sealed: boolean;
}

/**
 * The log contract in memory, one process, for specs that need to plant faults or hold time still. What the engines
 * do is proved by their own conformance suite, and the end-to-end specs run on a real one.
 */
export class MemoryStore implements Store {
  readonly engine = 'embedded';
  readonly #shards = new Map<ShardKey, MemoryShard>();
  readonly #documents = new Map<string, StoredDocument>();
  readonly #watchers = new Map<(key: string | undefined) => void, string>();
  readonly #waiting = new Set<() => void>();
  #version = 0;
  clock: () => number = Date.now;
  /** While set, everything fails as if the store were away. */
  failure: string | undefined;
  /** Called before each append; the append waits for it. */
  beforeAppend: (request: AppendRequest) => Promise<void> | undefined = () => undefined;
  /** What `health` says. */
  healthy: () => Promise<{ ready: boolean; detail: string }> = () =>
    Promise.resolve({ ready: true, detail: 'in memory' });
  /** Called before each read. */
  beforeRead: (() => void) | undefined;
  /** How often readers came to look. */
  readCount = 0;
  /** How many wait for an append now. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  readonly log: Log = {
    openShard: (key, { startOffset }) => {
      if (!this.#shards.has(key))
        this.#shards.set(key, { batches: [], start: startOffset, end: startOffset, sealed: false });
      return Promise.resolve();
    },
    append: async (request) => {
      this.#check();
      await this.beforeAppend(request);
      this.#check();
      const shard = this.#shards.get(request.shard);
      if (shard === undefined) return refuse({ code: 'shardNotFound', shard: request.shard });
      if (shard.sealed) return refuse({ code: 'shardSealed', shard: request.shard });
      const baseOffset = shard.end;
      const nextOffset = baseOffset + BigInt(request.header.lastOffsetDelta) + 1n;
      const bytes = Buffer.from(request.batch);
      patchBaseOffset(bytes, 0, baseOffset);
      const timeMs = Math.max(this.clock(), shard.batches.at(-1)?.timeMs ?? 0);
      shard.batches.push({ baseOffset, nextOffset, bytes, timeMs });
      shard.end = nextOffset;
      this.#wake();
      return {
        ok: true,
        value: { baseOffset, nextOffset, appendTimeMs: timeMs, logStartOffset: shard.start, duplicate: false },
      };
    },
    read: async (key, fromOffset, { maxBytes, maxBatches = Infinity }) => {
      this.beforeRead?.();
      this.#check();
      this.readCount++;
      const shard = this.#shards.get(key);
      if (shard === undefined) return refuse({ code: 'shardNotFound', shard: key });
      const { start: logStartOffset, end: logEndOffset } = shard;
      if (fromOffset < logStartOffset || fromOffset > logEndOffset) {
        const range = { shard: key, offset: fromOffset, logStartOffset, logEndOffset };
        return refuse({ code: 'offsetOutOfRange', ...range });
      }
      const chunks: Buffer[] = [];
      const appendTimesMs: number[] = [];
      let byteCount = 0;
      let nextOffset = fromOffset;
      for (const batch of shard.batches) {
        if (batch.nextOffset <= fromOffset) continue;
        if (chunks.length > 0 && (byteCount + batch.bytes.length > maxBytes || chunks.length >= maxBatches)) break;
        chunks.push(batch.bytes);
        appendTimesMs.push(batch.timeMs);
        byteCount += batch.bytes.length;
        nextOffset = batch.nextOffset;
      }
      const bounds = boundsOf(shard);
      const value = {
        chunks,
        byteCount,
        batchCount: chunks.length,
        appendTimesMs,
        nextOffset,
        bounds,
        abortedTransactions: [],
        release: () => {},
      };
      return { ok: true, value };
    },
    leaderEpochs: (key) => {
      this.#check();
      const shard = this.#shards.get(key);
      return Promise.resolve(
        shard === undefined
          ? refuse({ code: 'shardNotFound', shard: key })
          : { ok: true, value: [{ leaderEpoch: 0, startOffset: shard.start }] },
      );
    },
    bounds: (key) => {
      this.#check();
      const shard = this.#shards.get(key);
      return Promise.resolve(
        shard === undefined ? refuse({ code: 'shardNotFound', shard: key }) : { ok: true, value: boundsOf(shard) },
      );
    },
    offsetForTime: (key, timestampMs) => {
      this.#check();
      const shard = this.#shards.get(key);
      if (shard === undefined) return Promise.resolve(refuse({ code: 'shardNotFound', shard: key }));
      const batch = shard.batches.find(({ timeMs, nextOffset }) => timeMs >= timestampMs && nextOffset > shard.start);
      const value = batch && { baseOffset: batch.baseOffset, timestampMs: batch.timeMs };
      return Promise.resolve({ ok: true, value });
    },
    maxRecordTimestamp: () => Promise.reject(new Error('not needed here')),
    trim: (key, beforeOffset) => {
      const shard = this.#shards.get(key) as MemoryShard;
      shard.start = beforeOffset;
      return Promise.resolve({ ok: true, value: { logStartOffset: beforeOffset } });
    },
    compact: () => Promise.reject(new Error('not needed here')),
    seal: (key) => {
      const shard = this.#shards.get(key) as MemoryShard;
      shard.sealed = true;
      this.#wake();
      return Promise.resolve({ ok: true, value: { endOffset: shard.end } });
    },
    deleteShards: (keys) => {
      for (const key of keys) this.#shards.delete(key);
      this.#wake();
      return Promise.resolve();
    },
    endTransaction: () => Promise.reject(new Error('not needed here')),
    producers: () => Promise.reject(new Error('not needed here')),
    awaitAppend: (positions, { timeoutMs, signal }) => {
      const there = (): boolean =>
        positions.some(({ shard: key, offset }) => {
          const shard = this.#shards.get(key);
          return shard === undefined || shard.sealed || shard.end > offset;
        });
      if (there()) return Promise.resolve(true);
      if (signal?.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const done = (value: boolean): void => {
          clearTimeout(timer);
          this.#waiting.delete(look);
          signal?.removeEventListener('abort', stop);
          resolve(value);
        };
        const look = (): void => {
          if (there()) done(true);
        };
        const stop = (): void => done(false);
        const timer = setTimeout(stop, timeoutMs);
        this.#waiting.add(look);
        signal?.addEventListener('abort', stop);
      });
    },
  };

  readonly documents: Documents = {
    get: (key) => {
      this.#check();
      return Promise.resolve(this.#documents.get(key));
    },
    write: (writes) => {
      this.#check();
      for (const { key, expected } of writes) {
        const current = this.#documents.get(key);
        const met = expected === 'any' || (expected === 'absent' ? !current : current?.version === expected);
        if (!met) return Promise.resolve({ ok: false, conflict: { key, current } });
      }
      const versions = writes.map(({ key, value }) => {
        const version = ++this.#version;
        if (value === undefined) this.#documents.delete(key);
        else this.#documents.set(key, { key, value, version });
        return version;
      });
      for (const [changed, prefix] of this.#watchers) {
        for (const { key } of writes) if (key.startsWith(prefix)) changed(key);
      }
      return Promise.resolve({ ok: true, versions });
    },
    list: (prefix, { after = '', limit = 10_000 } = {}) => {
      this.#check();
      const all = [...this.#documents.values()].filter(({ key }) => key.startsWith(prefix) && key > after);
      return Promise.resolve(all.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit));
    },
    watch: (prefix, changed) => {
      this.#watchers.set(changed, prefix);
      return Promise.resolve(() => void this.#watchers.delete(changed));
    },
  };

  readonly leases: Store['leases'] = {
    acquire: () => Promise.reject(new Error('not needed here')),
    release: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };

  /** While set, buckets whose names end so are empty for that long. */
  emptyBuckets: { readonly ending: string; readonly waitMs: number } | undefined;

  readonly tokenBuckets: Store['tokenBuckets'] = {
    take: (bucket, { max }) =>
      Promise.resolve(
        this.emptyBuckets !== undefined && bucket.endsWith(this.emptyBuckets.ending)
          ? { granted: 0, waitMs: this.emptyBuckets.waitMs }
          : { granted: max, waitMs: 0 },
      ),
    giveBack: () => Promise.resolve(),
  };

  health(): Promise<{ ready: boolean; detail: string }> {
    return this.healthy();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Damages a stored batch from a byte on (from the end, if negative), as its producer may have written it. */
  garble(key: ShardKey, batchIndex: number, from: number = BATCH_HEADER_BYTES): void {
    const bytes = this.#shards.get(key)?.batches[batchIndex]?.bytes;
    bytes?.subarray(from).fill(0xff);
  }

  #check(): void {
    if (this.failure !== undefined) throw new StoreUnavailable(this.failure);
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}

function refuse(refusal: Refusal): Outcome<never> {
  return { ok: false, refusal };
}

function boundsOf({ start, end, sealed, batches }: MemoryShard): ShardBounds {
  return {
    logStartOffset: start,
    highWatermark: end,
    logEndOffset: end,
    lastStableOffset: end,
    sealed,
    leaderEpoch: 0,
    sizeBytes: batches.reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}
