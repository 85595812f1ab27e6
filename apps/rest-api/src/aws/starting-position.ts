import { parseSequenceNumber, type Shard, shardIdOf, type Store, type Stream } from '@tailrace/shard-core';
import { invalidArgument, resourceNotFound } from './aws-error.ts';
import type { NamedStream, NamedStreams } from './named-streams.ts';
import { refusalError, type RefusalPlace } from './refusal-errors.ts';
import { sequenceNumberOf } from './shard-description.ts';

/** The service counts shards in 31 bits. */
const SHARD_NUMBER_MAX = 2_147_483_647;
/** In the order in which the service prints the set. */
export const POSITION_TYPES = [
  'AFTER_SEQUENCE_NUMBER',
  'LATEST',
  'AT_TIMESTAMP',
  'AT_SEQUENCE_NUMBER',
  'TRIM_HORIZON',
] as const;

/** From where in a shard to read, as GetShardIterator and SubscribeToShard are asked. */
export interface StartingPosition {
  readonly type: (typeof POSITION_TYPES)[number];
  readonly sequenceNumber: string | undefined;
  /** Milliseconds since 1970. */
  readonly timestampMs: number | undefined;
}

/** The named shard of a stream. Throws ResourceNotFoundException. */
export async function existingShard(
  shardId: string,
  named: NamedStream,
  streams: NamedStreams,
): Promise<{ readonly stream: Stream; readonly shard: Shard }> {
  const { streamName, account } = named;
  const number = shardNumberIn(shardId);
  if (number === undefined) {
    throw resourceNotFound(`Could not find shard ${shardId} in stream ${streamName} under account ${account}.`);
  }
  const stream = await streams.find(named);
  const shard = stream?.shard(number);
  if (stream === undefined || shard === undefined) {
    throw resourceNotFound(
      `Shard ${shardIdOf(number)} in stream ${streamName} under account ${account} does not exist`,
    );
  }
  return { stream, shard };
}

/** The service looks at what follows the first hyphen, or at the whole where there is none. */
function shardNumberIn(id: string): number | undefined {
  const digits = id.split('-')[1] || id;
  if (!/^\d+$/.test(digits)) return undefined;
  const number = Number(digits);
  return number <= SHARD_NUMBER_MAX ? number : undefined;
}

/**
 * The offset of the first record to read. LATEST is fixed here. `operation` is named in texts. Throws
 * InvalidArgumentException, what the log refuses, and StoreUnavailable.
 */
export async function startOffset(
  { type, sequenceNumber, timestampMs }: StartingPosition,
  shard: Shard,
  { operation, ...place }: RefusalPlace & { readonly operation: string },
  { log }: Store,
  nowMs: number,
): Promise<bigint> {
  const wantsNumber = type === 'AT_SEQUENCE_NUMBER' || type === 'AFTER_SEQUENCE_NUMBER';
  const misfit = wantsNumber ? sequenceNumber === undefined : sequenceNumber !== undefined && type !== 'AT_TIMESTAMP';
  if (misfit) {
    throw invalidArgument(
      'Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or ' +
        '(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified ' +
        `${type} and ${sequenceNumber === undefined ? 'no' : 'also a'} StartingSequenceNumber.`,
    );
  }
  if (wantsNumber) return offsetOfNumber(sequenceNumber as string, type, shard, { operation, ...place });
  const bounds = await log.bounds(shard.key);
  if (!bounds.ok) throw refusalError(bounds.refusal, place);
  // Behind it, records of a transaction that is open would be passed over, though they appear later.
  const { logStartOffset, lastStableOffset } = bounds.value;
  if (type === 'TRIM_HORIZON') return logStartOffset;
  if (type === 'LATEST') return lastStableOffset;
  if (timestampMs === undefined) {
    throw invalidArgument(
      'Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.',
    );
  }
  if (timestampMs > nowMs) {
    throw invalidArgument(
      'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. ' +
        `timestampInMillis: ${timestampMs}, currentTimestampInMillis: ${nowMs}`,
    );
  }
  const found = await log.offsetForTime(shard.key, timestampMs, 'append');
  if (!found.ok) throw refusalError(found.refusal, place);
  // Whatever is appended from now on is later than a time that has passed: nothing is missed from here on.
  return found.value?.baseOffset ?? lastStableOffset;
}

/**
 * The number of the place before the record at `offset`, which need not exist yet: larger than the number of any record
 * before, smaller than that of any from there on, because no record was appended in 1970. Reading AT and AFTER it begins
 * at `offset` alike, also when nothing has been read at all.
 */
export function placeBefore(shard: Shard, offset: bigint): string {
  return sequenceNumberOf(shard, offset, PLACE_TIME_MS);
}

const PLACE_TIME_MS = 0;

function offsetOfNumber(
  text: string,
  type: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER',
  shard: Shard,
  { operation, streamName, account }: RefusalPlace & { readonly operation: string },
): bigint {
  const parts = parseSequenceNumber(text);
  const where = `used in ${operation} on shard ${shard.shardId} in stream ${streamName} under account ${account}`;
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
  const { offset, appendTimeSeconds } = parts;
  return type === 'AT_SEQUENCE_NUMBER' || appendTimeSeconds === PLACE_TIME_MS ? offset : offset + 1n;
}
