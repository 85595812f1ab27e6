import { describe, expect, it } from '@jest/globals';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  least,
  longest,
  most,
  NOT_NULL,
  shortest,
  STREAM_NAME_PATTERN,
  validationError,
} from '../../../test/aws-harness.ts';
import { ON_DEMAND } from '../../../test/aws-cases.ts';
import { OPEN_SHARDS_MAX } from '../open-shard-limit.ts';

const long = 'a'.repeat(129);

describe('CreateStream', () => {
  it('makes a stream that is ACTIVE at once, and answers with an empty body', async () => {
    const { call, ok } = await awsHarness();
    expect(await call('CreateStream', { StreamName: 'orders', ShardCount: 3 })).toEqual({
      statusCode: 200,
      contentType: 'application/x-amz-json-1.1',
      body: '',
    });
    expect(await ok('DescribeStreamSummary', { StreamName: 'orders' })).toMatchObject({
      StreamDescriptionSummary: {
        StreamStatus: 'ACTIVE',
        OpenShardCount: 3,
        StreamModeDetails: { StreamMode: 'PROVISIONED' },
      },
    });
  });

  it('gives an ON_DEMAND stream four shards', async () => {
    const { ok } = await awsHarness();
    await ok('CreateStream', { StreamName: 'od', StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
    expect(await ok('DescribeStreamSummary', { StreamName: 'od' })).toMatchObject({
      StreamDescriptionSummary: { OpenShardCount: 4, StreamModeDetails: { StreamMode: 'ON_DEMAND' } },
    });
  });

  it('keeps what is set of a stream beside its shards', async () => {
    const { ok } = await awsHarness();
    await ok('UpdateAccountSettings', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } });
    await ok('CreateStream', {
      StreamName: 'set',
      ...ON_DEMAND,
      Tags: { team: 'a' },
      WarmThroughputMiBps: 6,
      MaxRecordSizeInKiB: 10_240,
      RecordDistributionStrategy: 'AUTO',
    });
    expect(await ok('DescribeStreamSummary', { StreamName: 'set' })).toMatchObject({
      StreamDescriptionSummary: {
        OpenShardCount: 6,
        WarmThroughput: { TargetMiBps: 6, CurrentMiBps: 6 },
        MaxRecordSizeInKiB: 10_240,
        RecordDistributionStrategy: 'AUTO',
      },
    });
    expect(await ok('ListTagsForStream', { StreamName: 'set' })).toEqual({
      Tags: [{ Key: 'team', Value: 'a' }],
      HasMoreTags: false,
    });
  });

  // In the order in which they are checked.
  it.each([
    ['1', {}, validationError(['null', 'streamName', NOT_NULL])],
    [
      '1',
      { StreamName: '', ShardCount: 0 },
      validationError(
        ["'0'", 'shardCount', least(1)],
        ["''", 'streamName', STREAM_NAME_PATTERN],
        ["''", 'streamName', shortest(1)],
      ),
    ],
    [
      '1',
      { StreamName: long, ShardCount: 100_001 },
      validationError(["'100001'", 'shardCount', most(100_000)], [`'${long}'`, 'streamName', longest(128)]),
    ],
    [
      '1',
      { StreamName: 'a;b', ShardCount: 1, StreamModeDetails: { StreamMode: 'FAST' } },
      validationError(
        ["'a;b'", 'streamName', STREAM_NAME_PATTERN],
        ["'FAST'", 'streamModeDetails.streamMode', 'Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]'],
      ),
    ],
    [
      '2',
      { StreamName: 'there' },
      awsError('InvalidArgumentException', 'ShardCount must be specified for a stream in PROVISIONED mode.'),
    ],
    [
      '2',
      { StreamName: 'there', ShardCount: 1, StreamModeDetails: { StreamMode: 'ON_DEMAND' } },
      awsError('InvalidArgumentException', 'ShardCount cannot be specified for a stream in ON_DEMAND mode.'),
    ],
    [
      '2',
      { StreamName: 'there', ShardCount: 1, WarmThroughputMiBps: 5 },
      awsError('InvalidArgumentException', 'WarmThroughputMiBps cannot be specified for a stream in PROVISIONED mode.'),
    ],
    [
      '2',
      { StreamName: 'there', ShardCount: 1, RecordDistributionStrategy: 'AUTO' },
      awsError(
        'InvalidArgumentException',
        'RecordDistributionStrategy AUTO is only supported for streams in ON_DEMAND mode.',
      ),
    ],
    [
      '2',
      { StreamName: 'there', ShardCount: 1, Tags: { 'aws:a': 'b' } },
      awsError(
        'InvalidArgumentException',
        `Failed to add tags to stream there under account ${ACCOUNT} because some tags start with aws:, which is reserved.`,
      ),
    ],
    [
      '2',
      { StreamName: 'there', ...ON_DEMAND, WarmThroughputMiBps: 5 },
      awsError(
        'InvalidArgumentException',
        `Warm throughput requires that MinimumThroughputBillingCommitment is enabled for account ${ACCOUNT}.`,
      ),
    ],
    [
      '3',
      { StreamName: 'there', ShardCount: 99_999 },
      awsError('ResourceInUseException', `Stream there under account ${ACCOUNT} already exists.`),
    ],
    [
      '4',
      { StreamName: 'huge', ShardCount: OPEN_SHARDS_MAX },
      awsError(
        'LimitExceededException',
        `This request would exceed the shard limit for the account ${ACCOUNT} in us-east-1. Current shard count for ` +
          `the account: 1. Limit: ${OPEN_SHARDS_MAX}. Number of additional shards that would have resulted from this ` +
          `request: ${OPEN_SHARDS_MAX}. Refer to the AWS Service Limits page ` +
          '(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) ' +
          'for current limits and how to request higher limits.',
      ),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call, ok } = await awsHarness();
    await ok('CreateStream', { StreamName: 'there', ShardCount: 1 });
    expect(await call('CreateStream', input)).toEqual(answer);
  });
});
