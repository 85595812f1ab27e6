import { parseSequenceNumber, type Shard, shardIdOf, type Store } from '@tailrace/shard-core';
import { invalidArgument, resourceNotFound } from '../aws-error.ts';
import { endDryRun } from '../dry-run.ts';
import { dryRun, sequenceNumber, shardId, streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { refusalError, type RefusalPlace } from '../refusal-errors.ts';
import { sealIterator } from '../shard-iterator.ts';
import { required, string, timestamp } from '../wire/shapes.ts';

/** The service counts shards in 31 bits. */
const SHARD_NUMBER_MAX = 2_147_483_647;

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
    ShardIteratorType: required(
      string({
        values: ['AFTER_SEQUENCE_NUMBER', 'LATEST', 'AT_TIMESTAMP', 'AT_SEQUENCE_NUMBER', 'TRIM_HORIZON'],
      }),
    ),
    StartingSequenceNumber: sequenceNumber,
    StreamName: streamName,
    Timestamp: timestamp(),
    StreamARN: streamArn,
    DryRun: dryRun,
  },
  async run(input, { streams, catalog, store, tokens, clock }) {
    const named = streams.nameOf(input); // 2
    const place: RefusalPlace = named;
    const number = shardNumberIn(input.ShardId);
    if (number === undefined) {
      throw resourceNotFound(
        `Could not find shard ${input.ShardId} in stream ${named.streamName} under account ${named.account}.`, // 3
      );
    }
    const stream = await catalog.find(named.streamName);
    const shard = stream?.shard(number);
    if (stream === undefined || shard === undefined) {
      throw resourceNotFound(
        `Shard ${shardIdOf(number)} in stream ${named.streamName} under account ${named.account} does not exist`, // 3
      );
    }
    const offset = await startOffset(input, shard, place, store, clock()); // 4, 6
    endDryRun(input.DryRun); // 5
    return {
      ShardIterator: sealIterator(tokens, {
        streamId: stream.id,
        streamName: stream.name,
        shardNumber: number,
        offset,
        issuedAtMs: clock(),
      }),
    };
  },
});

/** The service looks at what follows the first hyphen, or at the whole where there is none. */
function shardNumberIn(id: string): number | undefined {
  const digits = id.split('-')[1] || id;
  if (!/^\d+$/.test(digits)) return undefined;
  const number = Number(digits);
  return number <= SHARD_NUMBER_MAX ? number : undefined;
}

interface Position {
  readonly ShardIteratorType: string;
  readonly StartingSequenceNumber?: string;
  readonly Timestamp?: number;
}

async function startOffset(
  { ShardIteratorType: type, StartingSequenceNumber: number, Timestamp }: Position,
  shard: Shard,
  place: RefusalPlace,
  { log }: Store,
  nowMs: number,
): Promise<bigint> {
  const wantsNumber = type === 'AT_SEQUENCE_NUMBER' || type === 'AFTER_SEQUENCE_NUMBER';
  const misfit = wantsNumber ? number === undefined : number !== undefined && type !== 'AT_TIMESTAMP';
  if (misfit) {
    throw invalidArgument(
      'Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or ' +
        '(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified ' +
        `${type} and ${number === undefined ? 'no' : 'also a'} StartingSequenceNumber.`,
    );
  }
  if (wantsNumber) {
    const offset = offsetOfNumber(number as string, shard, place);
    return type === 'AT_SEQUENCE_NUMBER' ? offset : offset + 1n;
  }
  const bounds = await log.bounds(shard.key);
  if (!bounds.ok) throw refusalError(bounds.refusal, place);
  const { logStartOffset, highWatermark } = bounds.value;
  if (type === 'TRIM_HORIZON') return logStartOffset;
  if (type === 'LATEST') return highWatermark;
  if (Timestamp === undefined) {
    throw invalidArgument(
      'Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.',
    );
  }
  if (Timestamp > nowMs) {
    throw invalidArgument(
      'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. ' +
        `timestampInMillis: ${Timestamp}, currentTimestampInMillis: ${nowMs}`,
    );
  }
  const found = await log.offsetForTime(shard.key, Timestamp, 'append');
  if (!found.ok) throw refusalError(found.refusal, place);
  // Whatever is appended from now on is later than a time that has passed: nothing is missed from the watermark on.
  return found.value?.baseOffset ?? highWatermark;
}

function offsetOfNumber(text: string, shard: Shard, { streamName, account }: RefusalPlace): bigint {
  const parts = parseSequenceNumber(text);
  const where = `used in GetShardIterator on shard ${shard.shardId} in stream ${streamName} under account ${account}`;
  if (parts === undefined) throw invalidArgument(`StartingSequenceNumber ${text} ${where} is invalid.`);
  if (parts.shardNumber !== shard.number) {
    throw invalidArgument(
      `Invalid StartingSequenceNumber. It encodes ${shardIdOf(parts.shardNumber)}, ` +
        `while it was used in a call to a shard with ${shard.shardId}`,
    );
  }
  if (parts.shardCreatedSeconds !== Math.floor(shard.openedAtMs / 1000)) {
    throw invalidArgument(
      `StartingSequenceNumber ${text} ${where} is invalid because it did not come from this stream.`,
    );
  }
  return parts.offset;
}
