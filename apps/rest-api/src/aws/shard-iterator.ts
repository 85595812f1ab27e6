import { AwsError, invalidArgument } from './aws-error.ts';
import type { SealedTokens } from './sealed-tokens.ts';

/** The service's own lifetime of an iterator. It can be used any number of times until then. */
export const ITERATOR_LIFETIME_MS = 300_000;
const PURPOSE = 'shard-iterator';
const STREAM_ID_BYTES = 16;
/** Stream id, shard number, offset, time of issue; behind them the stream's name, for texts. */
const NAME_START = STREAM_ID_BYTES + 4 + 8 + 8;

/** A place in a shard from which to read, as it travels in a token. */
export interface ShardIterator {
  /** 22 base64url characters. */
  readonly streamId: string;
  readonly streamName: string;
  readonly shardNumber: number;
  /** The next record to read has this offset or a later one. */
  readonly offset: bigint;
  /** Milliseconds since 1970. */
  readonly issuedAtMs: number;
}

export function sealIterator(tokens: SealedTokens, iterator: ShardIterator): string {
  const nameBytes = Buffer.byteLength(iterator.streamName, 'latin1');
  const contents = Buffer.allocUnsafe(NAME_START + nameBytes);
  contents.write(iterator.streamId, 0, STREAM_ID_BYTES, 'base64url');
  contents.writeUInt32BE(iterator.shardNumber, STREAM_ID_BYTES);
  contents.writeBigInt64BE(iterator.offset, STREAM_ID_BYTES + 4);
  contents.writeDoubleBE(iterator.issuedAtMs, STREAM_ID_BYTES + 12);
  contents.write(iterator.streamName, NAME_START, 'latin1');
  return tokens.seal(PURPOSE, contents);
}

/** Throws InvalidArgumentException for what is no iterator of ours, ExpiredIteratorException for an old one. */
export function openIterator(tokens: SealedTokens, token: string, nowMs: number): ShardIterator {
  const iterator = peekIterator(tokens, token);
  if (iterator === undefined) throw invalidArgument('Invalid ShardIterator.');
  const { issuedAtMs } = iterator;
  if (nowMs - issuedAtMs > ITERATOR_LIFETIME_MS) {
    throw new AwsError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${serviceTime(issuedAtMs)} while right now it is ` +
        `${serviceTime(nowMs)} which is further in the future than the tolerated delay of ` +
        `${ITERATOR_LIFETIME_MS} milliseconds.`,
    );
  }
  return iterator;
}

/** However old it is; `undefined` for what is none. */
export function peekIterator(tokens: SealedTokens, token: string): ShardIterator | undefined {
  const contents = tokens.open(PURPOSE, token);
  if (contents === undefined || contents.length < NAME_START) return undefined;
  return {
    streamId: contents.toString('base64url', 0, STREAM_ID_BYTES),
    shardNumber: contents.readUInt32BE(STREAM_ID_BYTES),
    offset: contents.readBigInt64BE(STREAM_ID_BYTES + 4),
    issuedAtMs: contents.readDoubleBE(STREAM_ID_BYTES + 12),
    streamName: contents.toString('latin1', NAME_START),
  };
}

/** `Thu Jan 22 01:22:02 UTC 2015` */
function serviceTime(ms: number): string {
  const [weekday, day, month, year, time] = new Date(ms).toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}
