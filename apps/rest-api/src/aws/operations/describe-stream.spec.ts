import { describe, expect, it } from '@jest/globals';
import { formatSequenceNumber } from '@tailrace/shard-core';
import { ACCOUNT, awsError, awsHarness, least, longest, START_MS, validationError } from '../../../test/aws-harness.ts';

const long = 'a'.repeat(129);

describe('DescribeStream', () => {
  it('shows the stream and its shards whole', async () => {
    const { ok } = await awsHarness();
    await ok('CreateStream', { StreamName: 's', ShardCount: 2 });
    const seconds = Math.floor(START_MS / 1000);
    const start = (shardNumber: number) =>
      formatSequenceNumber({ offset: 0n, shardNumber, appendTimeSeconds: seconds, shardCreatedSeconds: seconds });
    expect(await ok('DescribeStream', { StreamName: 's' })).toEqual({
      StreamDescription: {
        StreamName: 's',
        StreamARN: `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`,
        StreamStatus: 'ACTIVE',
        StreamModeDetails: { StreamMode: 'PROVISIONED' },
        RetentionPeriodHours: 24,
        StreamCreationTimestamp: START_MS / 1000,
        EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
        EncryptionType: 'NONE',
        Shards: [
          {
            ShardId: 'shardId-000000000000',
            HashKeyRange: { StartingHashKey: '0', EndingHashKey: '170141183460469231731687303715884105727' },
            SequenceNumberRange: { StartingSequenceNumber: start(0) },
          },
          {
            ShardId: 'shardId-000000000001',
            HashKeyRange: {
              StartingHashKey: '170141183460469231731687303715884105728',
              EndingHashKey: '340282366920938463463374607431768211455',
            },
            SequenceNumberRange: { StartingSequenceNumber: start(1) },
          },
        ],
        HasMoreShards: false,
      },
    });
  });

  it('shows shards in pages of at most a hundred', async () => {
    const { ok } = await awsHarness();
    await ok('CreateStream', { StreamName: 's', ShardCount: 101 });
    type Page = { StreamDescription: { Shards: { ShardId: string }[]; HasMoreShards: boolean } };
    const ids = ({ StreamDescription: { Shards } }: Page) => Shards.map(({ ShardId }) => ShardId);
    const first = await ok<Page>('DescribeStream', { StreamName: 's', Limit: 10_000 });
    expect(ids(first)).toHaveLength(100);
    expect(first.StreamDescription.HasMoreShards).toBe(true);
    const second = await ok<Page>('DescribeStream', { StreamName: 's', ExclusiveStartShardId: ids(first).at(-1) });
    expect(ids(second)).toEqual(['shardId-000000000100']);
    expect(second.StreamDescription.HasMoreShards).toBe(false);
    const limited = await ok<Page>('DescribeStream', {
      StreamName: 's',
      Limit: 1,
      ExclusiveStartShardId: 'shardId-000000000007',
    });
    expect(ids(limited)).toEqual(['shardId-000000000008']);
  });

  it.each([
    [
      '1',
      { StreamName: long, Limit: 0, ExclusiveStartShardId: long },
      validationError(
        ["'0'", 'limit', least(1)],
        [`'${long}'`, 'exclusiveStartShardId', longest(128)],
        [`'${long}'`, 'streamName', longest(128)],
      ),
    ],
    ['2', {}, awsError('InvalidArgumentException', 'Either StreamName or StreamARN should be provided.')],
    [
      '3',
      { StreamName: 'none' },
      awsError('ResourceNotFoundException', `Stream none under account ${ACCOUNT} not found.`),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call } = await awsHarness();
    expect(await call('DescribeStream', input)).toEqual(answer);
  });
});
