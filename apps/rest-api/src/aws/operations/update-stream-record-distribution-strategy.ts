import type { StreamDocument } from '@tailrace/shard-core';
import { invalidArgument } from '../aws-error.ts';
import { recordDistributionStrategy, streamArn } from '../members.ts';
import { operation } from '../operation.ts';
import { required } from '../wire/shapes.ts';

/**
 * UpdateStreamRecordDistributionStrategy: whether the records of an ON_DEMAND stream go where their partition keys say, or
 * (`AUTO`) to its shards in turn. Records that are there stay where they are.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamRecordDistributionStrategy.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 InvalidArgumentException (AUTO for a PROVISIONED stream)
 */
export const updateStreamRecordDistributionStrategy = operation({
  name: 'UpdateStreamRecordDistributionStrategy',
  input: { StreamARN: required(streamArn), RecordDistributionStrategy: required(recordDistributionStrategy) },
  async run({ StreamARN, RecordDistributionStrategy: strategy }, { streams }) {
    await streams.change({ StreamARN }, (document) => withStrategy(document, strategy)); // 2, 3, 4, 5
    return undefined;
  },
});

function withStrategy(document: StreamDocument, strategy: 'AUTO' | 'USER_PARTITION_KEY'): StreamDocument {
  if (strategy === 'AUTO') {
    checkAutoAllowed(document.mode); // 5
    return { ...document, recordDistribution: 'AUTO' };
  }
  const { recordDistribution: _auto, ...rest } = document;
  return rest;
}

/** Throws InvalidArgumentException. */
export function checkAutoAllowed(mode: StreamDocument['mode']): void {
  if (mode === 'ON_DEMAND') return;
  throw invalidArgument('RecordDistributionStrategy AUTO is only supported for streams in ON_DEMAND mode.');
}
