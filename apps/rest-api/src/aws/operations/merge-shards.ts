import { mergeShards as merge } from '@tailrace/shard-core';
import { shardId, streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { refusalError } from '../refusal-errors.ts';
import { reshardableStream, shardNumberIn } from '../reshardable-stream.ts';
import { required } from '../wire/shapes.ts';

/**
 * MergeShards: merges two open shards whose hash ranges touch. Their child takes records when it answers.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException (stream)
 * 4 ResourceInUseException  5 ValidationException (an ON_DEMAND stream)  6 ResourceNotFoundException (shards)
 * 7 InvalidArgumentException (a closed shard, then not adjacent)  8 LimitExceededException
 */
export const mergeShards = operation({
  name: 'MergeShards',
  input: {
    ShardToMerge: required(shardId),
    AdjacentShardToMerge: required(shardId),
    StreamName: streamName,
    StreamARN: streamArn,
  },
  async run(input, context) {
    const { stream, place } = await reshardableStream(input, context); // 2, 3, 4, 5
    const shard = shardNumberIn(stream, input.ShardToMerge, place); // 6
    const adjacent = shardNumberIn(stream, input.AdjacentShardToMerge, place); // 6
    const outcome = await merge(context.catalog, stream.name, shard, adjacent);
    if (!outcome.ok) throw refusalError(outcome.refusal, place); // 4, 7, 8
    return undefined;
  },
});
