import { ON_DEMAND_STREAMS_MAX, OPEN_SHARDS_MAX, openShardCount } from '../open-shard-limit.ts';
import { operation } from '../operation.ts';

/**
 * DescribeLimits: how many shards and ON_DEMAND streams there are, and may be.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeLimits.html
 * No errors of its own.
 */
export const describeLimits = operation({
  name: 'DescribeLimits',
  input: {},
  run({}, { catalog }) {
    const onDemand = catalog.names().filter((name) => catalog.peek(name)?.document.mode === 'ON_DEMAND');
    return Promise.resolve({
      ShardLimit: OPEN_SHARDS_MAX,
      OpenShardCount: openShardCount(catalog),
      OnDemandStreamCount: onDemand.length,
      OnDemandStreamCountLimit: ON_DEMAND_STREAMS_MAX,
    });
  },
});
