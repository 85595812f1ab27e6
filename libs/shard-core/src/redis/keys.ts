import type { ShardKey } from '../contract/shard-key.ts';

/** The keys of one shard: one hash tag, so one slot of a Redis Cluster. */
export interface ShardKeys {
  /** Stream: one entry a batch (lua/append-batch.lua says how). */
  readonly log: string;
  /** Stream: what compaction left of the entries below an offset that `meta` tells. */
  readonly compacted: string;
  /** Stream: what the compaction under way has made ready. */
  readonly compacting: string;
  /** Stream: what the last compaction has replaced, until it is purged. */
  readonly replaced: string;
  /** Hash: bounds and flags. */
  readonly meta: string;
  /** Hash: idempotent producers. */
  readonly producers: string;
  /** Sorted set: open transactions (lua/append-batch.lua). */
  readonly open: string;
  /** Sorted set: aborted transactions. */
  readonly aborted: string;
  /** Hash: transactions that are open in shards before this one. */
  readonly inherited: string;
  /** Strings: `<payload><base offset>`, or what the entry says instead: batches too large to pass through a script. */
  readonly payload: string;
  /** Strings: `<temporary><name>`, such batches on their way. */
  readonly temporary: string;
  /** String: written before a WAIT, so that the connection has something to wait for. */
  readonly barrier: string;
}

/** Names everything that the engine keeps in Redis. `prefix` is `tr:` unless set, so that one Redis can hold several. */
export class Keys {
  readonly prefix: string;
  readonly documents: readonly [values: string, index: string, version: string];
  readonly leases: readonly [held: string, names: string, expiry: string, epoch: string];
  readonly primaries: string;
  /** Channel: what happened to shards. One for all: shards on which nobody waits send nothing. */
  readonly shardChannel: string;
  /** Channel: JSON arrays of the keys of documents that changed. */
  readonly documentChannel: string;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.documents = [`${prefix}{documents}:values`, `${prefix}{documents}:index`, `${prefix}{documents}:version`];
    this.leases = [
      `${prefix}{leases}:held`,
      `${prefix}{leases}:names`,
      `${prefix}{leases}:expiry`,
      `${prefix}{leases}:epoch`,
    ];
    this.primaries = `${prefix}{primaries}`;
    this.shardChannel = `${prefix}shards`;
    this.documentChannel = `${prefix}documents`;
  }

  shard(shard: ShardKey): ShardKeys {
    const tag = `${this.prefix}{${shard}}:`;
    return {
      log: `${tag}log`,
      compacted: `${tag}compacted`,
      compacting: `${tag}compacting`,
      replaced: `${tag}replaced`,
      meta: `${tag}meta`,
      producers: `${tag}producers`,
      open: `${tag}open`,
      aborted: `${tag}aborted`,
      inherited: `${tag}inherited`,
      payload: `${tag}payload:`,
      temporary: `${tag}temporary:`,
      barrier: `${tag}barrier`,
    };
  }

  bucket(name: string): string {
    return `${this.prefix}bucket:{${name}}`;
  }
}
