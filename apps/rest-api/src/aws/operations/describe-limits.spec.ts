import { describe, expect, it } from '@jest/globals';
import { ON_DEMAND, withStream } from '../../../test/aws-cases.ts';

describe('DescribeLimits', () => {
  it('counts open shards and ON_DEMAND streams', async () => {
    const { ok } = await withStream({ ShardCount: 3 });
    const limits = { ShardLimit: 20_000, OnDemandStreamCountLimit: 5_000 };
    expect(await ok('DescribeLimits', {})).toEqual({ ...limits, OpenShardCount: 3, OnDemandStreamCount: 0 });
    await ok('CreateStream', { StreamName: 'od', ...ON_DEMAND });
    expect(await ok('DescribeLimits', {})).toEqual({ ...limits, OpenShardCount: 7, OnDemandStreamCount: 1 });
    const half = String(1n << 125n);
    await ok('SplitShard', { StreamName: 's', ShardToSplit: 'shardId-0', NewStartingHashKey: half });
    expect(await ok('DescribeLimits', {})).toEqual({ ...limits, OpenShardCount: 8, OnDemandStreamCount: 1 });
  });
});
