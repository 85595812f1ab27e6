import { describe, expect, it } from '@jest/globals';
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
      },
    });
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
