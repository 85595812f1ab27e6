import { parseShardId } from '@tailrace/shard-core';
import { invalidArgument } from '../aws-error.ts';
import { pageLimit, shardId, streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { describeShard } from '../shard-description.ts';
import { describeStream as describe } from '../stream-description.ts';

/** The service never shows more shards at once here, whatever is asked for; ListShards does. */
const SHARDS_PER_PAGE_MAX = 100;

/**
 * DescribeStream: what a stream is, and its shards in pages.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStream.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceNotFoundException
 */
export const describeStream = operation({
  name: 'DescribeStream',
  input: { Limit: pageLimit, ExclusiveStartShardId: shardId, StreamName: streamName, StreamARN: streamArn },
  async run(input, { streams }) {
    const stream = await streams.existing(input); // 2, 3
    const { ExclusiveStartShardId, Limit = SHARDS_PER_PAGE_MAX } = input;
    const behind = ExclusiveStartShardId === undefined ? -1 : parseShardId(ExclusiveStartShardId);
    if (behind === undefined) {
      throw invalidArgument(`ExclusiveStartShardId ${ExclusiveStartShardId} is not the id of a shard.`); // 2
    }
    const rest = stream.shards.filter(({ number }) => number > behind);
    const page = rest.slice(0, Math.min(Limit, SHARDS_PER_PAGE_MAX));
    return {
      StreamDescription: {
        ...describe(stream, streams.nameShown(stream), streams.arnOf(input, stream)),
        Shards: page.map(describeShard),
        HasMoreShards: page.length < rest.length,
      },
    };
  },
});
