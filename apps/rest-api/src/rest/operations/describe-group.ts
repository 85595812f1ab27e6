import { isGroupId, type Partition, type Shard, shardForOffset, type Store, offsetInShard } from '@tailrace/shard-core';
import { z } from 'zod';
import { placeBefore } from '../../aws/starting-position.ts';
import { committedBy } from '../group-position.ts';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { operation } from '../operation.ts';
import { problemOfRefusal, streamNotFound } from '../problem.ts';
import { noParameters } from '../query-schema.ts';
import { streamName } from '../stream-schema.ts';

const decimal = (description: string) => z.string().meta({ pattern: '^\\d+$', description });

const positionView = z
  .strictObject({
    partition: z.int(),
    committedOffset: decimal('The next offset that the group will read.'),
    committedAt: z.iso.datetime(),
    metadata: z.string().meta({ description: 'What the consumer left with it; mostly empty.' }),
    lag: decimal('Offsets from there to the end of the partition.'),
    shardId: z.string().meta({ description: 'The shard in which the partition goes on from there.' }),
    sequenceNumber: z.string().meta({
      description:
        'That place in the shard, for GetShardIterator and SubscribeToShard of the AWS API, AT_SEQUENCE_NUMBER and ' +
        'AFTER_SEQUENCE_NUMBER alike, and for `from=seq:`. There need not be a record yet.',
    }),
  })
  .meta({ id: 'GroupPosition' });

/** Shows what a group of Kafka consumers has committed for a stream, in the words of both doors. Errors: 400, 404. */
export const describeGroup = operation({
  id: 'describeGroup',
  method: 'get',
  route: '/v1/streams/{stream}/groups/{group}',
  tag: 'streams',
  summary: 'Show how far a group of Kafka consumers is',
  path: z.strictObject({
    stream: streamName,
    group: z
      .string()
      .refine(isGroupId, 'must be a group id of at most 640 bytes, escaped')
      .meta({ description: 'The `group.id` of the consumers.' }),
  }),
  query: noParameters,
  answers: {
    200: {
      description: 'One position for each partition for which the group has committed an offset.',
      content: {
        [JSON_MEDIA_TYPE]: {
          schema: z.strictObject({ stream: z.string(), group: z.string(), positions: z.array(positionView) }),
        },
      },
    },
  },
  problems: [400, 404, 503],
  async run({ path }, { catalog, store }) {
    const stream = await catalog.findPublic(path.stream);
    if (stream === undefined) throw streamNotFound(path.stream);
    const committed = await committedBy(path.group, stream, store);
    const positions = await Promise.all(
      [...committed].flatMap(async ([index, { offset, committedAtMs, metadata }]) => {
        const partition = stream.partitions[index];
        if (partition === undefined) return [];
        const shard = shardForOffset(partition, offset);
        const end = await endOf(partition, store);
        return {
          partition: index,
          committedOffset: String(offset),
          committedAt: new Date(committedAtMs).toISOString(),
          metadata,
          lag: String(end > offset ? end - offset : 0n),
          shardId: shard.shardId,
          sequenceNumber: placeBefore(shard, offsetInShard(shard, offset)),
        };
      }),
    );
    const inOrder = positions.flat().sort((a, b) => a.partition - b.partition);
    return {
      status: 200,
      headers: { 'Cache-Control': 'no-store' },
      json: { stream: stream.name, group: path.group, positions: inOrder },
    };
  },
});

async function endOf({ chain }: Partition, { log }: Store): Promise<bigint> {
  const last = chain.at(-1) as Shard;
  const bounds = await log.bounds(last.key);
  if (!bounds.ok) throw problemOfRefusal(bounds.refusal);
  return bounds.value.highWatermark;
}
