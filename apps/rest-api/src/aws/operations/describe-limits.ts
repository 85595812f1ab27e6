import { countStreams, ON_DEMAND_STREAMS_MAX, OPEN_SHARDS_MAX } from '../open-shard-limit.ts';
import { operation } from '../operation.ts';

/**
 * DescribeLimits: how many shards and ON_DEMAND streams there are, and may be.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeLimits.html
 * No errors of its own.
 */
export const describeLimits = operation({
  name: 'DescribeLimits',
  input: {},
  run({}, context) {
    const { openShards, onDemandStreams } = countStreams(context.caller, context);
    return Promise.resolve({
      ShardLimit: OPEN_SHARDS_MAX,
      OpenShardCount: openShards,
      OnDemandStreamCount: onDemandStreams,
      OnDemandStreamCountLimit: ON_DEMAND_STREAMS_MAX,
    });
  },
});
