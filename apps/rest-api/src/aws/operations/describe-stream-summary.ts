import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { describeStream } from '../stream-description.ts';

/**
 * DescribeStreamSummary: what a stream is, without its shards.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceNotFoundException
 */
export const describeStreamSummary = operation({
  name: 'DescribeStreamSummary',
  input: { StreamName: streamName, StreamARN: streamArn },
  async run(input, { streams }) {
    const stream = await streams.existing(input); // 2, 3
    return {
      StreamDescriptionSummary: {
        ...describeStream(stream, streams.arnOf(input, stream)),
        OpenShardCount: stream.openShards.length,
        ConsumerCount: 0,
      },
    };
  },
});
