import { splitShard as split } from '@tailrace/shard-core';
import { hashKey, shardId, streamArn, streamName } from '../members.ts';
import { refuseTooManyShards } from '../open-shard-limit.ts';
import { operation } from '../operation.ts';
import { refusalError } from '../refusal-errors.ts';
import { reshardableStream, shardNumberIn } from '../reshardable-stream.ts';
import { required } from '../wire/shapes.ts';

/**
 * SplitShard: splits an open shard in two at a hash key. Both children take records when it answers.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException (stream)
 * 4 ResourceInUseException  5 ValidationException (an ON_DEMAND stream)  6 ResourceNotFoundException (shard)
 * 7 LimitExceededException  8 InvalidArgumentException (a closed shard, then the hash key)
 */
export const splitShard = operation({
  name: 'SplitShard',
  input: {
    NewStartingHashKey: required(hashKey),
    StreamName: streamName,
    ShardToSplit: required(shardId),
    StreamARN: streamArn,
  },
  async run(input, context) {
    const { stream, place } = await reshardableStream(input, context); // 2, 3, 4, 5
    const shardNumber = shardNumberIn(stream, input.ShardToSplit, place); // 6
    refuseTooManyShards(1, place, context); // 7
    const outcome = await split(context.catalog, stream.name, shardNumber, BigInt(input.NewStartingHashKey));
    if (!outcome.ok) throw refusalError(outcome.refusal, place); // 4, 7, 8
    return undefined;
  },
});
