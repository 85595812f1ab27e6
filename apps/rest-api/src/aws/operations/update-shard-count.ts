import { updateShardCount as update } from '@tailrace/shard-core';
import { AwsError } from '../aws-error.ts';
import { streamArn, streamName } from '../members.ts';
import { refuseTooManyShards } from '../open-shard-limit.ts';
import { operation } from '../operation.ts';
import { recentChanges } from '../recent-changes.ts';
import { refusalError } from '../refusal-errors.ts';
import { reshardableStream } from '../reshardable-stream.ts';
import { integer, required, string } from '../wire/shapes.ts';

/** Within 24 hours, while limits are on. */
export const SHARD_COUNT_CHANGES_MAX = 10;
/** How many times more or fewer shards one call may lead to, while limits are on. */
const SCALING_FACTOR_MAX = 2;

/**
 * UpdateShardCount: brings a stream to another number of open shards of equal size, by splits and merges in the
 * background, during which it is UPDATING and takes and gives records.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 ValidationException (an ON_DEMAND stream)
 * 6 LimitExceededException (double, half, ten times in 24 hours, shards of the account, shards of the stream)
 */
export const updateShardCount = operation({
  name: 'UpdateShardCount',
  input: {
    TargetShardCount: required(integer({ min: 1 })),
    ScalingType: required(string({ values: ['UNIFORM_SCALING'] })),
    StreamName: streamName,
    StreamARN: streamArn,
  },
  async run(input, context) {
    const { catalog, limits, clock, streams } = context;
    const { stream, place } = await reshardableStream(input, context); // 2, 3, 4, 5
    const target = input.TargetShardCount;
    const open = stream.openShards.length;
    const changes = recentChanges(stream.document.shardCountChangesMs, clock());
    if (limits.enabled) {
      checkScaling(open, target); // 6
      if (changes.length >= SHARD_COUNT_CHANGES_MAX) {
        throw limitExceeded(
          `Stream ${place.streamName} under account ${place.account} has changed its shard count ${changes.length} times ` +
            `within 24 hours. Limit: ${SHARD_COUNT_CHANGES_MAX}.`,
        ); // 6
      }
    }
    refuseTooManyShards(target - open, place, context); // 6
    const decided = await update(catalog, stream.name, target, () => ({ shardCountChangesMs: [...changes, clock()] }));
    if (!decided.ok) throw refusalError(decided.refusal, place); // 3, 4, 6
    return {
      StreamName: place.streamName,
      CurrentShardCount: open,
      TargetShardCount: target,
      StreamARN: streams.arnOf(input, stream),
    };
  },
});

function checkScaling(open: number, target: number): void {
  const counts = `Current open shard count: ${open}, Target shard count: ${target}`;
  if (target > open * SCALING_FACTOR_MAX) {
    throw limitExceeded(`UpdateShardCount cannot scale up over double your current open shard count. ${counts}`);
  }
  if (target < open / SCALING_FACTOR_MAX) {
    throw limitExceeded(`UpdateShardCount cannot scale down below half your current open shard count. ${counts}`);
  }
}

function limitExceeded(message: string): AwsError {
  return new AwsError('LimitExceededException', message);
}
