import { isStreamName, type Outcome, type Stream, type StreamCatalog } from '@tailrace/shard-core';

/** Most partitions that one topic may be made with. */
export const PARTITIONS_MAX = 10_000;
/** Kafka keeps records for seven days unless told otherwise. */
export const TOPIC_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

export interface NewTopic {
  readonly name: string;
  readonly partitionCount: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** Makes the stream behind a topic of a Kafka client: without the per-shard write limits. Refuses: streamExists. */
export function createTopic(catalog: StreamCatalog, topic: NewTopic): Promise<Outcome<Stream>> {
  return catalog.create({
    name: topic.name,
    shardCount: topic.partitionCount,
    mode: 'ON_DEMAND',
    origin: 'kafka',
    retentionMs: retentionMsOf(topic.configs['retention.ms']),
    configs: topic.configs,
  });
}

/**
 * The topic of that name, made if it is missing. It is there before the client hears of it: kafkajs gives up on
 * UNKNOWN_TOPIC_OR_PARTITION, which Kafka answers while it is still busy. `undefined`: no legal name.
 */
export async function findOrCreateTopic(
  catalog: StreamCatalog,
  name: string,
  partitionCount: number,
): Promise<Stream | undefined> {
  const known = await catalog.find(name);
  if (known !== undefined) return known;
  if (!isStreamName(name)) return undefined;
  const created = await createTopic(catalog, { name, partitionCount, configs: {} });
  // Somebody else was faster: theirs will do.
  return created.ok ? created.value : catalog.find(name);
}

/** -1 is Kafka's word for "for ever". */
function retentionMsOf(config: string | undefined): number {
  if (config === undefined) return TOPIC_RETENTION_MS;
  const retentionMs = Number(config);
  return retentionMs < 0 ? Number.MAX_SAFE_INTEGER : retentionMs;
}
