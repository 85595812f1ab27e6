import { describe, expect, it } from '@jest/globals';
import { ON_DEMAND, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, awsHarness, START_MS } from '../../../test/aws-harness.ts';

describe('DescribeStreamSummary', () => {
  it('shows the stream without its shards', async () => {
    const { ok } = await awsHarness();
    await ok('CreateStream', { StreamName: 's', ShardCount: 2 });
    expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toEqual({
      StreamDescriptionSummary: {
        StreamName: 's',
        StreamARN: `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`,
        StreamStatus: 'ACTIVE',
        StreamModeDetails: { StreamMode: 'PROVISIONED' },
        RetentionPeriodHours: 24,
        StreamCreationTimestamp: START_MS / 1000,
        EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
        EncryptionType: 'NONE',
        OpenShardCount: 2,
        ConsumerCount: 0,
        MaxRecordSizeInKiB: 1024,
      },
    });
  });

  it('shows of an ON_DEMAND stream what only those have, and counts consumers', async () => {
    const { ok } = await withStream(ON_DEMAND);
    await ok('RegisterStreamConsumer', { StreamARN: STREAM_ARN, ConsumerName: 'c' });
    const summary = async () =>
      (await ok<{ StreamDescriptionSummary: object }>('DescribeStreamSummary', { StreamName: 's' }))
        .StreamDescriptionSummary;
    const expected = {
      StreamName: 's',
      StreamARN: STREAM_ARN,
      StreamStatus: 'ACTIVE',
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
      RetentionPeriodHours: 24,
      StreamCreationTimestamp: START_MS / 1000,
      EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
      EncryptionType: 'NONE',
      OpenShardCount: 4,
      ConsumerCount: 1,
      MaxRecordSizeInKiB: 1024,
      RecordDistributionStrategy: 'USER_PARTITION_KEY',
    };
    expect(await summary()).toEqual(expected);
    await ok('UpdateAccountSettings', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } });
    expect(await summary()).toEqual({ ...expected, WarmThroughput: { TargetMiBps: 4, CurrentMiBps: 4 } });
  });

  it('refuses a request without a stream, and one for a stream that is not there', async () => {
    const { call } = await awsHarness();
    expect(await call('DescribeStreamSummary', {})).toEqual(
      awsError('InvalidArgumentException', 'Either StreamName or StreamARN should be provided.'),
    );
    expect(await call('DescribeStreamSummary', { StreamName: 'none' })).toEqual(
      awsError('ResourceNotFoundException', `Stream none under account ${ACCOUNT} not found.`),
    );
  });
});
