import { endDryRun } from '../dry-run.ts';
import { dryRun, sequenceNumber, shardId, streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { sealIterator } from '../shard-iterator.ts';
import { existingShard, POSITION_TYPES, startOffset } from '../starting-position.ts';
import { required, string, timestamp } from '../wire/shapes.ts';

/**
 * GetShardIterator: a place in a shard from which to read, valid for five minutes.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 InvalidArgumentException (type and position)  5 DryRunOperationException  6 InternalFailure
 */
export const getShardIterator = operation({
  name: 'GetShardIterator',
  input: {
    ShardId: required(shardId),
    ShardIteratorType: required(string({ values: POSITION_TYPES })),
    StartingSequenceNumber: sequenceNumber,
    StreamName: streamName,
    Timestamp: timestamp(),
    StreamARN: streamArn,
    DryRun: dryRun,
  },
  async run(input, { streams, store, tokens, clock }) {
    const named = streams.nameOf(input); // 2
    const place = { ...named, operation: 'GetShardIterator' };
    const { stream, shard } = await existingShard(input.ShardId, named, streams); // 3
    const position = {
      type: input.ShardIteratorType,
      sequenceNumber: input.StartingSequenceNumber,
      timestampMs: input.Timestamp,
    };
    const offset = await startOffset(position, shard, place, store, clock()); // 4, 6
    endDryRun(input.DryRun); // 5
    return {
      ShardIterator: sealIterator(tokens, {
        streamId: stream.id,
        streamName: named.streamName,
        shardNumber: shard.number,
        offset,
        issuedAtMs: clock(),
      }),
    };
  },
});
