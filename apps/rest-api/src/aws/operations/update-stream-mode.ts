import { type StreamDocument, updateShardCount } from '@tailrace/shard-core';
import { AwsError, invalidArgument } from '../aws-error.ts';
import { streamArn, streamModeDetails, warmThroughputMiBps } from '../members.ts';
import { refuseTooManyShards } from '../open-shard-limit.ts';
import { operation } from '../operation.ts';
import { recentChanges } from '../recent-changes.ts';
import { refusalError } from '../refusal-errors.ts';
import { checkWarmThroughput, shardsFor } from '../warm-throughput.ts';
import { required } from '../wire/shapes.ts';

/** Within 24 hours, while limits are on. */
export const MODE_CHANGES_MAX = 2;

/**
 * UpdateStreamMode: from a number of shards that one sets to one that follows the traffic, and back. An ON_DEMAND stream
 * has no per-shard write limits. The mode that a stream has already is no fault and no change.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream; warm throughput of a PROVISIONED stream or
 * without a commitment)  3 LimitExceededException (warm throughput)  4 ResourceNotFoundException
 * 5 ResourceInUseException  6 LimitExceededException (more than twice in 24 hours)
 */
export const updateStreamMode = operation({
  name: 'UpdateStreamMode',
  input: {
    StreamARN: required(streamArn),
    StreamModeDetails: required(streamModeDetails),
    WarmThroughputMiBps: warmThroughputMiBps,
  },
  async run(input, context) {
    const { streams, catalog, limits, clock } = context;
    const { StreamARN, StreamModeDetails, WarmThroughputMiBps: warm } = input;
    const mode = StreamModeDetails.StreamMode;
    const place = streams.nameOf({ StreamARN }); // 2
    if (warm !== undefined) {
      if (mode === 'PROVISIONED') {
        throw invalidArgument('WarmThroughputMiBps cannot be specified for a stream in PROVISIONED mode.'); // 2
      }
      await checkWarmThroughput(warm, place, context); // 2, 3
    }
    const before = await streams.change({ StreamARN }, (document) => {
      if (document.mode === mode) return undefined;
      const changes = recentChanges(document.modeChangesMs, clock());
      if (limits.enabled && changes.length >= MODE_CHANGES_MAX) {
        throw new AwsError(
          'LimitExceededException',
          `Stream ${place.streamName} under account ${place.account} has changed its mode ${changes.length} times ` +
            `within 24 hours. Limit: ${MODE_CHANGES_MAX}.`,
        ); // 6
      }
      const changed = { ...inMode(document, mode), modeChangesMs: [...changes, clock()] };
      return warm === undefined ? changed : { ...changed, warmThroughputMiBps: warm };
    }); // 4, 5
    const open = before.openShards.length;
    if (warm !== undefined && before.document.mode !== mode && shardsFor(warm) > open) {
      refuseTooManyShards(shardsFor(warm) - open, place, context);
      const scaled = await updateShardCount(catalog, before.name, shardsFor(warm));
      if (!scaled.ok) throw refusalError(scaled.refusal, place);
    }
    return undefined;
  },
});

/** What only ON_DEMAND streams have goes with the mode. */
function inMode(document: StreamDocument, mode: StreamDocument['mode']): StreamDocument {
  if (mode === 'ON_DEMAND') return { ...document, mode };
  const { warmThroughputMiBps: _warm, recordDistribution: _distribution, ...rest } = document;
  return { ...rest, mode };
}
