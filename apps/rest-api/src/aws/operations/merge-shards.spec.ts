import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, itRefusesUpdating, ON_DEMAND, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';

const id = (shard: number): string => `shardId-${String(shard).padStart(12, '0')}`;
const merge = (a: number, b: number) => ({ StreamName: 's', ShardToMerge: id(a), AdjacentShardToMerge: id(b) });

describe('MergeShards', () => {
  it('closes both shards and opens one over their range, which takes records at once', async () => {
    const { call, ok } = await withStream({ ShardCount: 3 });
    expect(await call('MergeShards', merge(0, 1))).toEqual({
      statusCode: 200,
      contentType: 'application/x-amz-json-1.1',
      body: '',
    });
    const { Shards } = await ok<{ Shards: object[] }>('ListShards', {
      StreamName: 's',
      ShardFilter: { Type: 'AT_LATEST' },
    });
    expect(Shards).toMatchObject([
      { ShardId: id(2) },
      { ShardId: id(3), ParentShardId: id(0), AdjacentParentShardId: id(1), HashKeyRange: { StartingHashKey: '0' } },
    ]);
    const put = { StreamName: 's', Data: '', PartitionKey: 'k', ExplicitHashKey: '0' };
    expect(await ok('PutRecord', put)).toMatchObject({ ShardId: id(3) });
  });

  it('refuses (1) a request that names no shards', async () => {
    const { call } = await withStream();
    expect(await call('MergeShards', {})).toEqual(
      validationError(['null', 'shardToMerge', NOT_NULL], ['null', 'adjacentShardToMerge', NOT_NULL]),
    );
  });

  itRefusesStreams('MergeShards', { ShardToMerge: '0', AdjacentShardToMerge: '1' });
  itRefusesUpdating('MergeShards', merge(0, 1), { ShardCount: 2 });

  it('refuses (5) an ON_DEMAND stream', async () => {
    const { call } = await withStream(ON_DEMAND);
    expect(await call('MergeShards', merge(0, 1))).toEqual(
      awsError('ValidationException', `Request is invalid. Stream s under account ${ACCOUNT} is in On-Demand mode.`),
    );
  });

  it.each([
    [7, 8, 7],
    [0, 8, 8],
  ])('refuses (6) shards %d and %d', async (a, b, missing) => {
    const { call } = await withStream({ ShardCount: 2 });
    expect(await call('MergeShards', merge(a, b))).toEqual(
      awsError(
        'ResourceNotFoundException',
        `Could not find shard ${id(missing)} in stream s under account ${ACCOUNT}.`,
      ),
    );
  });

  it('refuses (7) shards that do not touch, and closed ones', async () => {
    const { call, ok } = await withStream({ ShardCount: 3 });
    for (const [a, b] of [
      [0, 2],
      [1, 1],
    ] as const) {
      expect(await call('MergeShards', merge(a, b))).toEqual(
        awsError(
          'InvalidArgumentException',
          `Shards ${id(a)} and ${id(b)} in stream s under account ${ACCOUNT} ` +
            'are not an adjacent pair of shards eligible for merging',
        ),
      );
    }
    await ok('MergeShards', merge(0, 1));
    expect(await call('MergeShards', merge(1, 2))).toEqual(
      awsError(
        'InvalidArgumentException',
        `Shard ${id(1)} in stream s under account ${ACCOUNT} has already been merged or split, ` +
          'and thus is not eligible for merging or splitting.',
      ),
    );
  });
});
