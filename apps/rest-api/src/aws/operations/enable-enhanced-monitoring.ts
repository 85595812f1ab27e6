import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { changeMetrics, shardLevelMetrics } from '../shard-level-metrics.ts';
import { required } from '../wire/shapes.ts';

/**
 * EnableEnhancedMonitoring: names metrics that are wanted for each shard; `ALL` is every one.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_EnableEnhancedMonitoring.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 ResourceInUseException
 */
export const enableEnhancedMonitoring = operation({
  name: 'EnableEnhancedMonitoring',
  input: { ShardLevelMetrics: required(shardLevelMetrics), StreamName: streamName, StreamARN: streamArn },
  run: (input, { streams }) => changeMetrics(input, input.ShardLevelMetrics, true, streams), // 2, 3, 4
});
