import { isStreamName, parseShardId, type Shard, type Stream } from '@tailrace/shard-core';
import { z } from 'zod';

/** One stream is one document of at most 1 MiB; a shard takes about 200 bytes of it. */
export const SHARDS_MAX = 1000;
export const RETENTION_HOURS_MAX = 8760;
export const DEFAULT_RETENTION_HOURS = 24;
const HOUR_MS = 60 * 60 * 1000;

export const streamName = z
  .string()
  .refine(isStreamName, 'must be 1 to 249 characters out of a-z, A-Z, 0-9, ".", "_" and "-", and not "." or ".."')
  .meta({ pattern: '^[a-zA-Z0-9._-]{1,249}$', description: 'Name of the stream; for Kafka clients the topic.' });

export const streamPath = z.strictObject({ stream: streamName });

export const shardPath = z.strictObject({
  stream: streamName,
  shardId: z
    .string()
    .refine((text) => parseShardId(text) !== undefined, 'must be a shard id such as shardId-000000000000')
    .meta({ pattern: '^(shardId-)?\\d{1,12}$', description: '`shardId-000000000000`, or only its number: `0`.' }),
});

export const newStreamBody = z
  .strictObject({
    name: streamName,
    shards: z.int().min(1).max(SHARDS_MAX).meta({ description: 'Shards to begin with; for Kafka clients partitions.' }),
    mode: z
      .enum(['PROVISIONED', 'ON_DEMAND'])
      .default('PROVISIONED')
      .meta({ description: 'ON_DEMAND: no write limit per shard.' }),
    retentionHours: z.int().min(1).max(RETENTION_HOURS_MAX).default(DEFAULT_RETENTION_HOURS),
  })
  .meta({ id: 'NewStream' });

const decimal = (description: string) => z.string().meta({ pattern: '^\\d+$', description });

export const shardView = z
  .strictObject({
    shardId: z.string(),
    partition: z.int().meta({ description: 'The Kafka partition that this shard is a part of.' }),
    open: z.boolean().meta({ description: 'Takes records. A closed one was split or merged and can still be read.' }),
    hashKeyRange: z.strictObject({
      start: decimal('The lowest hash key, inclusive.'),
      end: decimal('The highest hash key, inclusive.'),
    }),
    parentShardIds: z.array(z.string()),
    openedAt: z.iso.datetime(),
    closedAt: z.iso.datetime().optional(),
    logStartOffset: decimal('The oldest offset that can be read.'),
    highWatermark: decimal('Readers see offsets below it.'),
    logEndOffset: decimal('The offset that the next record gets.'),
    sizeBytes: z.int().meta({ description: 'Bytes of the batches as stored.' }),
  })
  .meta({ id: 'Shard' });

export const streamView = z
  .strictObject({
    name: z.string(),
    id: z.string().meta({ description: 'The Kafka topic id.' }),
    status: z.enum(['CREATING', 'ACTIVE', 'UPDATING', 'DELETING']),
    mode: z.enum(['PROVISIONED', 'ON_DEMAND']),
    createdAt: z.iso.datetime(),
    retentionHours: z.number(),
    partitionCount: z.int(),
    openShardCount: z.int(),
    shardCount: z.int().meta({ description: 'All shards, the closed ones among them.' }),
  })
  .meta({ id: 'Stream' });

export const streamDetailView = streamView.extend({ shards: z.array(shardView) }).meta({ id: 'StreamDetail' });

export function viewStream(stream: Stream): z.output<typeof streamView> {
  const { name, id, status, mode, createdAtMs, retentionMs } = stream.document;
  return {
    name,
    id,
    status,
    mode,
    createdAt: new Date(createdAtMs).toISOString(),
    retentionHours: retentionMs / HOUR_MS,
    partitionCount: stream.partitions.length,
    openShardCount: stream.openShards.length,
    shardCount: stream.shards.length,
  };
}

export function retentionMsOf(retentionHours: number): number {
  return retentionHours * HOUR_MS;
}

/** The shards that a split or merge of this one opened. */
export function childrenOf(stream: Stream, shard: Shard): Shard[] {
  return stream.shards.filter(
    ({ parent, adjacentParent }) => parent === shard.number || adjacentParent === shard.number,
  );
}

/** The shards that this one came from: none, one (split) or two (merge). */
export function parentsOf(shard: Shard): number[] {
  return [shard.parent, shard.adjacentParent].filter((number) => number !== undefined);
}
