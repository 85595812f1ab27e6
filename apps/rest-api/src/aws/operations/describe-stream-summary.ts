import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { RECORD_KIB_MAX_DEFAULT } from '../put-members.ts';
import { describeStream } from '../stream-description.ts';
import { describeWarmThroughput } from '../warm-throughput.ts';

/**
 * DescribeStreamSummary: what a stream is, without its shards.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceNotFoundException
 */
export const describeStreamSummary = operation({
  name: 'DescribeStreamSummary',
  input: { StreamName: streamName, StreamARN: streamArn },
  async run(input, context) {
    const { streams, consumers } = context;
    const stream = await streams.existing(input); // 2, 3
    const { mode, recordKiBMax, recordDistribution } = stream.document;
    return {
      StreamDescriptionSummary: {
        ...describeStream(stream, streams.nameShown(stream), streams.arnOf(input, stream)),
        OpenShardCount: stream.openShards.length,
        ConsumerCount: (await consumers.list(stream.id)).length,
        WarmThroughput: await describeWarmThroughput(stream, streams.nameOf(input), context),
        MaxRecordSizeInKiB: recordKiBMax ?? RECORD_KIB_MAX_DEFAULT,
        // Shown of these streams only, as the service does.
        RecordDistributionStrategy: mode === 'ON_DEMAND' ? (recordDistribution ?? 'USER_PARTITION_KEY') : undefined,
      },
    };
  },
});
