import { isInternalStream, type StreamSettings } from '@tailrace/shard-core';
import { invalidArgument } from '../aws-error.ts';
import {
  maxRecordSizeInKiB,
  recordDistributionStrategy,
  streamModeDetails,
  streamName,
  tags,
  warmThroughputMiBps,
} from '../members.ts';
import { refuseTooManyShards } from '../open-shard-limit.ts';
import { operation } from '../operation.ts';
import { refusalError } from '../refusal-errors.ts';
import { withTags } from '../tags.ts';
import { checkWarmThroughput, shardsFor } from '../warm-throughput.ts';
import { integer, required } from '../wire/shapes.ts';
import { checkAutoAllowed } from './update-stream-record-distribution-strategy.ts';

/**
 * CreateStream: makes a stream, which is ACTIVE at once.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
 * 1 ValidationException  2 InvalidArgumentException (members that do not go together, tags, a name
 * that is reserved)  3 ResourceInUseException
 * 4 LimitExceededException
 */
export const createStream = operation({
  name: 'CreateStream',
  input: {
    ShardCount: integer({ min: 1, max: 100_000 }),
    StreamName: required(streamName),
    StreamModeDetails: streamModeDetails,
    Tags: tags,
    WarmThroughputMiBps: warmThroughputMiBps,
    MaxRecordSizeInKiB: maxRecordSizeInKiB,
    RecordDistributionStrategy: recordDistributionStrategy,
  },
  async run(input, context) {
    const { StreamName, StreamModeDetails, ShardCount, WarmThroughputMiBps: warm } = input;
    const { catalog, caller, places, streams } = context;
    const place = streams.nameOf({ StreamName });
    const name = places.keptName(caller, StreamName);
    const owner = places.ownerOf(caller);
    const mode = StreamModeDetails?.StreamMode ?? 'PROVISIONED';
    if (mode === 'PROVISIONED') {
      if (ShardCount === undefined) {
        throw invalidArgument('ShardCount must be specified for a stream in PROVISIONED mode.'); // 2
      }
      if (warm !== undefined) {
        throw invalidArgument('WarmThroughputMiBps cannot be specified for a stream in PROVISIONED mode.'); // 2
      }
    } else if (ShardCount !== undefined) {
      throw invalidArgument('ShardCount cannot be specified for a stream in ON_DEMAND mode.'); // 2
    }
    if (input.RecordDistributionStrategy === 'AUTO') checkAutoAllowed(mode); // 2
    const streamTags = input.Tags && withTags({}, input.Tags, place); // 2
    if (warm !== undefined) await checkWarmThroughput(warm, caller, context); // 2, 4
    if (owner === undefined && catalog.isReserved(name)) {
      throw refusalError({ code: 'streamNameReserved', stream: name }, place); // 2
    }
    if (isInternalStream(name) || (await catalog.find(name)) !== undefined) {
      throw refusalError({ code: 'streamExists', stream: name }, place); // 3
    }
    const shardCount = ShardCount ?? shardsFor(warm ?? 0);
    refuseTooManyShards(shardCount, caller, context); // 4
    const settings: StreamSettings = {
      ...(streamTags && { tags: streamTags }),
      ...(warm !== undefined && { warmThroughputMiBps: warm }),
      ...(input.MaxRecordSizeInKiB !== undefined && { recordKiBMax: input.MaxRecordSizeInKiB }),
      ...(input.RecordDistributionStrategy === 'AUTO' && { recordDistribution: 'AUTO' }),
    };
    const created = await catalog.create({
      name,
      shardCount,
      mode,
      origin: 'kinesis',
      settings,
      ...(owner && { owner }),
    });
    if (!created.ok) throw refusalError(created.refusal, place); // 3, where another process was faster
    return undefined;
  },
});
