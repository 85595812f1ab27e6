import type { Stream, StreamCatalog } from '@tailrace/shard-core';
import { CONSUMER_OFFSETS_TOPIC } from '../../topics/internal-topics.ts';
import { createTopic } from '../../topics/topic-creation.ts';

/** Kafka's offsets.topic.num.partitions. Fixed: a group's place in the topic is reckoned from it. */
export const OFFSETS_PARTITIONS = 50;

/** As Kafka's brokers make it. */
const CONFIGS = {
  'cleanup.policy': 'compact',
  'compression.type': 'producer',
  'segment.bytes': String(100 * 1024 * 1024),
} as const;

/** The partition in which a group is written: Java's hash of its id, made positive, as Kafka reckons it. */
export function offsetsPartitionOf(groupId: string): number {
  let hash = 0;
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(31, hash) + groupId.charCodeAt(i)) | 0;
  // The smallest of all has no positive twin, and counts as 0.
  return hash === -0x8000_0000 ? 0 : Math.abs(hash) % OFFSETS_PARTITIONS;
}

/** The topic, made if it is missing. `undefined`: somebody deleted it at the same moment. Throws StoreUnavailable. */
export async function findOrCreateOffsetsTopic(catalog: StreamCatalog): Promise<Stream | undefined> {
  const known = await catalog.find(CONSUMER_OFFSETS_TOPIC);
  if (known !== undefined) return known;
  const topic = { name: CONSUMER_OFFSETS_TOPIC, partitionCount: OFFSETS_PARTITIONS, configs: CONFIGS };
  const created = await createTopic(catalog, topic);
  return created.ok ? created.value : catalog.find(CONSUMER_OFFSETS_TOPIC);
}
