import { type Shard, shardIdOf, type ShardBounds, type Store } from '@tailrace/shard-core';
import type { z } from 'zod';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { operation } from '../operation.ts';
import { problemOfRefusal, streamNotFound } from '../problem.ts';
import { noParameters } from '../query-schema.ts';
import { parentsOf, type shardView, streamDetailView, streamPath, viewStream } from '../stream-schema.ts';

/** Shows a stream with its shards, their ranges and bounds. Errors: 400, 404. */
export const describeStream = operation({
  id: 'describeStream',
  method: 'get',
  route: '/v1/streams/{stream}',
  tag: 'streams',
  summary: 'Show a stream and its shards',
  path: streamPath,
  query: noParameters,
  answers: {
    200: {
      description: 'The stream. A shard that was closed by a split or merge is listed while it can be read.',
      content: { [JSON_MEDIA_TYPE]: { schema: streamDetailView } },
    },
  },
  problems: [400, 404, 503],
  async run({ path }, { catalog, store }) {
    const stream = await catalog.findPublic(path.stream);
    if (stream === undefined) throw streamNotFound(path.stream);
    const shards = await Promise.all(
      stream.shards.map(async (shard) => viewShard(shard, await boundsOf(store, shard))),
    );
    return { status: 200, json: { ...viewStream(stream), shards } };
  },
});

async function boundsOf(store: Store, shard: Shard): Promise<ShardBounds> {
  const outcome = await store.log.bounds(shard.key);
  if (!outcome.ok) throw problemOfRefusal(outcome.refusal);
  return outcome.value;
}

function viewShard(shard: Shard, bounds: ShardBounds): z.output<typeof shardView> {
  return {
    shardId: shard.shardId,
    partition: shard.partition,
    open: shard.closedAtMs === undefined,
    hashKeyRange: { start: String(shard.hashRange.start), end: String(shard.hashRange.end) },
    parentShardIds: parentsOf(shard).map(shardIdOf),
    openedAt: new Date(shard.openedAtMs).toISOString(),
    ...(shard.closedAtMs === undefined ? {} : { closedAt: new Date(shard.closedAtMs).toISOString() }),
    logStartOffset: String(bounds.logStartOffset),
    highWatermark: String(bounds.highWatermark),
    logEndOffset: String(bounds.logEndOffset),
    sizeBytes: bounds.sizeBytes,
  };
}
