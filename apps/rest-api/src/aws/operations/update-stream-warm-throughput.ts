import { updateShardCount } from '@tailrace/shard-core';
import { invalidArgument } from '../aws-error.ts';
import { streamArn, streamName, warmThroughputMiBps } from '../members.ts';
import { refuseTooManyShards } from '../open-shard-limit.ts';
import { operation } from '../operation.ts';
import { refusalError } from '../refusal-errors.ts';
import { checkWarmThroughput, shardsFor, warmThroughputOf } from '../warm-throughput.ts';
import { required } from '../wire/shapes.ts';

/**
 * UpdateStreamWarmThroughput: how much an ON_DEMAND stream is to be ready for at once. It gets an open shard for each
 * MiB/s, in the background; with less than before it keeps those that it has, until they are merged for want of traffic.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamWarmThroughput.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 InvalidArgumentException (a PROVISIONED stream; no commitment of the account)
 * 5 LimitExceededException (above 10 GiB/s; shards of the account and of one stream)  6 ResourceInUseException
 */
export const updateStreamWarmThroughput = operation({
  name: 'UpdateStreamWarmThroughput',
  input: { WarmThroughputMiBps: required(warmThroughputMiBps), StreamName: streamName, StreamARN: streamArn },
  async run(input, context) {
    const { streams, catalog } = context;
    const warm = input.WarmThroughputMiBps;
    const place = streams.nameOf(input); // 2
    const stream = await streams.existing(input); // 3
    if (stream.document.mode !== 'ON_DEMAND') {
      throw invalidArgument(
        `Stream ${place.streamName} under account ${place.account} is in PROVISIONED mode, which has no warm throughput.`,
      ); // 4
    }
    await checkWarmThroughput(warm, place, context); // 4, 5
    const additional = shardsFor(warm) - stream.openShards.length;
    if (additional > 0) {
      refuseTooManyShards(additional, place, context); // 5
      const scaled = await updateShardCount(catalog, stream.name, shardsFor(warm), () => ({
        warmThroughputMiBps: warm,
      }));
      if (!scaled.ok) throw refusalError(scaled.refusal, place); // 5, 6
    } else {
      await streams.change(input, (document) => ({ ...document, warmThroughputMiBps: warm })); // 6
    }
    return {
      StreamARN: streams.arnOf(input, stream),
      StreamName: place.streamName,
      WarmThroughput: { ...warmThroughputOf(stream), TargetMiBps: warm },
    };
  },
});
