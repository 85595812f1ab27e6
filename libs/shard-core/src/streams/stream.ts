import { type HashRange, ShardRouter } from '@tailrace/hashing';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import type { StreamOwner } from './owned-name.ts';
import { shardIdOf } from './shard-id.ts';

/** A topic setting: `true` or `false`. */
export const DEAGGREGATE_CONFIG = 'tailrace.kpl.deaggregate';

/** What the service writes for clients to read. The Kafka door shows them; at the HTTP door there are no such streams. */
const INTERNAL_STREAMS: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state']);

export function isInternalStream(name: string): boolean {
  return INTERNAL_STREAMS.has(name);
}

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
  /**
   * Where the partition's link before this one ended, if that is below `startOffset`: the offsets between were never
   * written, and who reads there goes on at `startOffset`. Kept here because that link may be gone by then.
   */
  readonly continuesFrom?: string;
  /** Set when the shard has been closed by a split or merge. */
  readonly endOffset?: string;
  readonly openedAtMs: number;
  readonly closedAtMs?: number;
  /**
   * All its records are gone for good, and the shard with them; its empty log stays as the place at which its dormant
   * partition ended.
   */
  readonly expired?: true;
}

/** A split or merge that has begun. Its children get the numbers from `firstChild` on, which also names it. */
export type ReshardIntent =
  | {
      readonly kind: 'split';
      readonly shard: number;
      /** Where the upper child begins; decimal. */
      readonly newStartingHashKey: string;
      readonly firstChild: number;
    }
  | { readonly kind: 'merge'; readonly shard: number; readonly adjacentShard: number; readonly firstChild: number }
  /** Many splits as one step, each of another shard: children in the order of the splits, two by two. */
  | {
      readonly kind: 'splits';
      readonly splits: readonly { readonly shard: number; readonly newStartingHashKey: string }[];
      readonly firstChild: number;
    };

/** A change of the number of open shards that is under way, one split or merge after the other. */
export type ScalingIntent =
  | {
      readonly kind: 'shards';
      readonly targetShardCount: number;
      /** Where the wanted hash ranges begin, all but the lowest; decimal, in order. */
      readonly boundaries: readonly string[];
      /** Shards that are open at once on the way, at least and at most. */
      readonly openShardsMin: number;
      readonly openShardsMax: number;
    }
  /** Nothing but splits of the largest ranges, as many as can be with each step, until there are so many partitions. */
  | { readonly kind: 'partitions'; readonly partitionCount: number };

/** What is set of a stream beside its shards. Absent: the service's default. */
export interface StreamSettings {
  readonly tags?: Readonly<Record<string, string>>;
  /** Data of the largest record that may be put, in KiB; 1,024 unless set. */
  readonly recordKiBMax?: number;
  /** `AUTO`: records go to the open shards in turn, whatever their partition key. */
  readonly recordDistribution?: 'AUTO';
  /** What an ON_DEMAND stream is to be ready for at once: it keeps one open shard for each MiB/s. */
  readonly warmThroughputMiBps?: number;
  /** Names of metrics, as Kinesis has them. */
  readonly shardLevelMetrics?: readonly string[];
}

/** The key of an encrypted stream: its id in the key ring, and the name by which it was asked for. */
export interface StreamEncryption {
  readonly key: string;
  readonly keyId: string;
}

/** What is kept of a stream: one document, so that every change of it is one step. */
export interface StreamDocument extends StreamSettings {
  /** The UUID as 22 base64url characters; also the Kafka topic id. */
  readonly id: string;
  readonly name: string;
  readonly status: StreamStatus;
  readonly mode: StreamMode;
  /** The door that made it. */
  readonly origin: 'kinesis' | 'kafka';
  /** Another account or region than the home, to which it belongs: `name` is its `ownedName`. */
  readonly owner?: StreamOwner;
  readonly createdAtMs: number;
  readonly retentionMs: number;
  readonly shards: readonly ShardDocument[];
  /** Topic settings by Kafka's names (`min.insync.replicas`, …): only those that were set. */
  readonly configs: Readonly<Record<string, string>>;
  /** Whoever finds one of these for a while completes it: its process has died. The status is UPDATING meanwhile. */
  readonly resharding?: ReshardIntent;
  readonly scaling?: ScalingIntent;
  /** When its mode, and its shard count as a whole, were changed within the last day. */
  readonly modeChangesMs?: readonly number[];
  readonly shardCountChangesMs?: readonly number[];
  /** What is written now is encrypted; absent: it is stored as it comes. */
  readonly encryption?: StreamEncryption;
  /** Its logs are being told that encryption has begun, or is about to end. The status is UPDATING meanwhile. */
  readonly encryptionChange?: 'start' | 'stop';
  /** Some of its records may lie encrypted, whether or not encryption is on now. Stays for ever. */
  readonly wasEncrypted?: true;
  /** When encryption was turned on, and off, within the last day. */
  readonly encryptionStartsMs?: readonly number[];
  readonly encryptionStopsMs?: readonly number[];
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
  /** From here on its partition is read in this shard, at or below `startOffset` (see `offsetInShard`). */
  readonly continuesFrom: bigint;
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
  /** Open ones and closed ones, in order of their numbers; not those that have expired. */
  readonly shards: readonly Shard[];
  readonly openShards: readonly Shard[];
  readonly partitions: readonly Partition[];
  /** Finds the open shard for a partition key or hash key. */
  readonly router: ShardRouter<Shard>;
  /** Aggregated records that are put are stored as the records in them. */
  readonly deaggregates: boolean;
  readonly #byNumber: ReadonlyMap<number, Shard>;
  readonly #links: readonly Shard[];

  constructor(document: StreamDocument, version: number) {
    this.document = document;
    this.version = version;
    this.deaggregates = document.configs[DEAGGREGATE_CONFIG]?.toLowerCase() === 'true';
    const links = document.shards.map((shard) => shardOf(document.id, shard));
    this.#links = links;
    this.shards = document.shards.some(({ expired }) => expired)
      ? links.filter((_, index) => document.shards[index]?.expired === undefined)
      : links;
    this.#byNumber = new Map(this.shards.map((shard) => [shard.number, shard]));
    this.openShards = this.shards.filter((shard) => shard.closedAtMs === undefined);
    this.router = new ShardRouter(this.openShards);
    const partitionCount = 1 + links.reduce((largest, shard) => Math.max(largest, shard.partition), -1);
    const chains = Array.from({ length: partitionCount }, (): Shard[] => []);
    for (const shard of [...links].sort((a, b) => a.number - b.number)) chains[shard.partition]?.push(shard);
    this.partitions = chains.map((chain, index) => {
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

  /** Everything that the stream has in the log, also what no reader sees: the places of expired shards. */
  get logKeys(): readonly ShardKey[] {
    return this.#links.map(({ key }) => key);
  }

  /** A split, a merge, a change of the shard count or of encryption is under way. */
  get isResharding(): boolean {
    const { resharding, scaling, encryptionChange } = this.document;
    return resharding !== undefined || scaling !== undefined || encryptionChange !== undefined;
  }

  /** Copies that an `acks: 'all'` append needs; the deployment's default when the stream sets none. */
  minInsyncReplicas(deploymentDefault: number): number {
    const configured = this.document.configs['min.insync.replicas'];
    return configured === undefined ? deploymentDefault : Number(configured);
  }

  /** Whether the per-shard write limits (1 MiB/s, 1,000 records/s) bind this stream; topics are made ON_DEMAND. */
  get writeLimited(): boolean {
    return this.document.mode === 'PROVISIONED';
  }
}

function shardOf(streamId: string, shard: ShardDocument): Shard {
  const startOffset = BigInt(shard.startOffset);
  return {
    key: shardKey(streamId, shard.number),
    number: shard.number,
    shardId: shardIdOf(shard.number),
    hashRange: { start: BigInt(shard.hashRange.start), end: BigInt(shard.hashRange.end) },
    parent: shard.parent,
    adjacentParent: shard.adjacentParent,
    partition: shard.partition,
    startOffset,
    continuesFrom: shard.continuesFrom === undefined ? startOffset : BigInt(shard.continuesFrom),
    endOffset: shard.endOffset === undefined ? undefined : BigInt(shard.endOffset),
    openedAtMs: shard.openedAtMs,
    closedAtMs: shard.closedAtMs,
  };
}

/**
 * The link of a partition's chain in which an offset is read: the last one that goes on from it or from before it, else
 * the first. An offset at or beyond a closed link's end belongs to the next link, also where that starts later; read
 * there from `offsetInShard`.
 */
export function shardForOffset(partition: Partition, offset: bigint): Shard {
  const { chain } = partition;
  for (let i = chain.length - 1; i > 0; i--) {
    const shard = chain[i] as Shard;
    if (offset >= shard.continuesFrom) return shard;
  }
  return chain[0] as Shard;
}

/** Where to read in a shard for an offset of its partition: over the offsets that were never written before its start. */
export function offsetInShard(shard: Shard, offset: bigint): bigint {
  return offset >= shard.continuesFrom && offset < shard.startOffset ? shard.startOffset : offset;
}
