import { type HashRange, ShardRouter } from '@tailrace/hashing';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import { shardIdOf } from './shard-id.ts';

export type StreamMode = 'PROVISIONED' | 'ON_DEMAND';
export type StreamStatus = 'CREATING' | 'DELETING' | 'ACTIVE' | 'UPDATING';

/** What is kept of a shard. Offsets and hash keys are decimal text, because JSON has no such integers. */
export interface ShardDocument {
  readonly number: number;
  readonly hashRange: { readonly start: string; readonly end: string };
  readonly parent?: number;
  readonly adjacentParent?: number;
  /** The Kafka partition that this shard is a link of. */
  readonly partition: number;
  readonly startOffset: string;
  /** Set when the shard has been closed by a split or merge. */
  readonly endOffset?: string;
  readonly openedAtMs: number;
  readonly closedAtMs?: number;
}

/** What is kept of a stream: one document, so that every change of it is one step. */
export interface StreamDocument {
  /** The UUID as 22 base64url characters; also the Kafka topic id. */
  readonly id: string;
  readonly name: string;
  readonly status: StreamStatus;
  readonly mode: StreamMode;
  /** The door that made it. A topic made by a Kafka client has no per-shard write limit unless one is set. */
  readonly origin: 'kinesis' | 'kafka';
  readonly createdAtMs: number;
  readonly retentionMs: number;
  readonly shards: readonly ShardDocument[];
  /** Topic settings by Kafka's names (`min.insync.replicas`, …): only those that were set. */
  readonly configs: Readonly<Record<string, string>>;
}

export interface Shard {
  readonly key: ShardKey;
  readonly number: number;
  /** `shardId-000000000000` */
  readonly shardId: string;
  readonly hashRange: HashRange;
  readonly parent: number | undefined;
  readonly adjacentParent: number | undefined;
  readonly partition: number;
  readonly startOffset: bigint;
  readonly endOffset: bigint | undefined;
  readonly openedAtMs: number;
  readonly closedAtMs: number | undefined;
}

/** A Kafka partition: the chain of shards that it has been, the oldest first. */
export interface Partition {
  readonly index: number;
  readonly chain: readonly Shard[];
  /** Where appends go: the open end of the chain; of a dormant partition, the shard that took over its range. */
  readonly appendTo: Shard;
}

/** A stream, taken apart for use. Immutable: a change makes a new one. */
export class Stream {
  readonly document: StreamDocument;
  readonly version: number;
  readonly shards: readonly Shard[];
  readonly openShards: readonly Shard[];
  readonly partitions: readonly Partition[];
  /** Finds the open shard for a partition key or hash key. */
  readonly router: ShardRouter<Shard>;
  readonly #byNumber: ReadonlyMap<number, Shard>;

  constructor(document: StreamDocument, version: number) {
    this.document = document;
    this.version = version;
    this.shards = document.shards.map((shard) => ({
      key: shardKey(document.id, shard.number),
      number: shard.number,
      shardId: shardIdOf(shard.number),
      hashRange: { start: BigInt(shard.hashRange.start), end: BigInt(shard.hashRange.end) },
      parent: shard.parent,
      adjacentParent: shard.adjacentParent,
      partition: shard.partition,
      startOffset: BigInt(shard.startOffset),
      endOffset: shard.endOffset === undefined ? undefined : BigInt(shard.endOffset),
      openedAtMs: shard.openedAtMs,
      closedAtMs: shard.closedAtMs,
    }));
    this.#byNumber = new Map(this.shards.map((shard) => [shard.number, shard]));
    this.openShards = this.shards.filter((shard) => shard.closedAtMs === undefined);
    this.router = new ShardRouter(this.openShards);
    const partitionCount = 1 + this.shards.reduce((largest, shard) => Math.max(largest, shard.partition), -1);
    this.partitions = Array.from({ length: partitionCount }, (_, index) => {
      const chain = this.shards.filter((shard) => shard.partition === index).sort((a, b) => a.number - b.number);
      const last = chain.at(-1) as Shard;
      // A dormant partition's range belongs to the open shard that holds the range's start now.
      return {
        index,
        chain,
        appendTo: last.closedAtMs === undefined ? last : this.router.forHashKey(last.hashRange.start),
      };
    });
  }

  get id(): string {
    return this.document.id;
  }

  get name(): string {
    return this.document.name;
  }

  shard(shardNumber: number): Shard | undefined {
    return this.#byNumber.get(shardNumber);
  }

  /** Copies that an `acks: 'all'` append needs; the deployment's default when the stream sets none. */
  minInsyncReplicas(deploymentDefault: number): number {
    const configured = this.document.configs['min.insync.replicas'];
    return configured === undefined ? deploymentDefault : Number(configured);
  }

  /** Whether the per-shard write limits (1 MiB/s, 1,000 records/s) bind this stream. */
  get writeLimited(): boolean {
    return this.document.mode === 'PROVISIONED' && this.document.origin === 'kinesis';
  }
}

/** The link of a partition's chain that holds an offset: the last one that starts at or before it, else the first. */
export function shardForOffset(partition: Partition, offset: bigint): Shard {
  const { chain } = partition;
  for (let i = chain.length - 1; i > 0; i--) {
    const shard = chain[i] as Shard;
    if (offset >= shard.startOffset) return shard;
  }
  return chain[0] as Shard;
}
