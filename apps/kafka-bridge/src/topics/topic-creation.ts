import {
  DEFAULT_RETENTION_MS,
  isStreamName,
  type Outcome,
  SHARDS_KEPT_MAX,
  type Stream,
  type StreamCatalog,
  STREAM_NAME_CHARACTERS_MAX,
} from '@tailrace/shard-core';
import { isInternalTopic } from './internal-topics.ts';

/** Most partitions that one topic may be made with: as many as its document has room for. */
export const PARTITIONS_MAX = SHARDS_KEPT_MAX;
/** Most partitions that one request may make or ask for in all, as in Kafka: more are refused before any is made. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;
export const TOO_MANY_PARTITIONS = 'Excessively large number of partitions per request.';
/** Kafka keeps records for seven days unless told otherwise. */
export const TOPIC_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

export interface NewTopic {
  readonly name: string;
  readonly partitionCount: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** Makes the stream behind a topic of a Kafka client: without the per-shard write limits. Refuses: streamNameReserved, streamExists. */
export function createTopic(catalog: StreamCatalog, topic: NewTopic): Promise<Outcome<Stream>> {
  const retention = topic.configs['retention.ms'];
  return catalog.create({
    name: topic.name,
    shardCount: topic.partitionCount,
    mode: 'ON_DEMAND',
    origin: 'kafka',
    retentionMs: retention === undefined ? TOPIC_RETENTION_MS : retentionMsOfConfig(retention),
    configs: topic.configs,
  });
}

/**
 * The topic of that name, made if it is missing. It is there before the client hears of it: kafkajs gives up on
 * UNKNOWN_TOPIC_OR_PARTITION, which Kafka answers while it is still busy. `undefined`: no legal name, a
 * reserved one, or that of an internal topic, which comes into being otherwise.
 */
export async function findOrCreateTopic(
  catalog: StreamCatalog,
  name: string,
  partitionCount: number,
): Promise<Stream | undefined> {
  const known = await catalog.find(name);
  if (known !== undefined) return known;
  if (!isStreamName(name) || isInternalTopic(name)) return undefined;
  const created = await createTopic(catalog, { name, partitionCount, configs: {} });
  // Somebody else was faster: theirs will do.
  return created.ok ? created.value : catalog.find(name);
}

/** What `retention.ms` says, in milliseconds. -1 is Kafka's word for "for ever". */
export function retentionMsOfConfig(config: string): number {
  const retentionMs = Number(config);
  return retentionMs < 0 ? Number.MAX_SAFE_INTEGER : retentionMs;
}

/** How long a stream keeps records for which nobody has said it: its door's default. */
export function retentionMsByOrigin(origin: 'kinesis' | 'kafka'): number {
  return origin === 'kafka' ? TOPIC_RETENTION_MS : DEFAULT_RETENTION_MS;
}

/** Why a name cannot be a new topic's where accounts and regions are kept apart. */
export function explainReserved(name: string): string {
  return `Topic name is invalid: '${name}' is reserved for a stream of another account or region, which CreateStream makes`;
}

/** Why a name cannot be a topic's, in Kafka's words. */
export function explainName(name: string): string {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed';
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`;
  if (name.length > STREAM_NAME_CHARACTERS_MAX) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${STREAM_NAME_CHARACTERS_MAX}`;
  }
  return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
}
