/**
 * Offsets inside, sequence numbers outside. AWS's layout has 186 bits, and client libraries take it apart (the KCL
 * checks version and shard in it). From the low end:
 *
 *     4 bits   version, 2
 *    32 bits   shard number
 *    36 bits   append time in seconds
 *     8 bits   zero
 *    64 bits   sequence: our offset
 *     4 bits   the low nibble of the shard number
 *    36 bits   creation time of the shard in seconds
 *     2 bits   2
 *
 * written as a decimal of 56 digits. Within a shard a later record has a larger number, and a child's numbers are
 * larger than its parents', because the creation time leads.
 */
export interface SequenceNumberParts {
  readonly offset: bigint;
  readonly shardNumber: number;
  /** Seconds since 1970. */
  readonly appendTimeSeconds: number;
  /** Seconds since 1970. */
  readonly shardCreatedSeconds: number;
}

const VERSION = 2n;
const TOP = 2n << 184n;
const TIME_MASK = (1n << 36n) - 1n;
/** What the next offset adds, all else equal. */
const OFFSET_STEP = 1n << 80n;

function compose({ offset, shardNumber, appendTimeSeconds, shardCreatedSeconds }: SequenceNumberParts): bigint {
  const shard = BigInt(shardNumber);
  return (
    TOP |
    (BigInt(shardCreatedSeconds) << 148n) |
    ((shard & 0xfn) << 144n) |
    (offset << 80n) |
    (BigInt(appendTimeSeconds) << 36n) |
    (shard << 4n) |
    VERSION
  );
}

export function formatSequenceNumber(parts: SequenceNumberParts): string {
  return compose(parts).toString();
}

/** Sequence numbers of consecutive offsets that were appended together: one composition, then additions. */
export function formatSequenceNumbers(first: SequenceNumberParts, count: number): string[] {
  const numbers = new Array<string>(count);
  let value = compose(first);
  for (let i = 0; i < count; i++) {
    numbers[i] = value.toString();
    value += OFFSET_STEP;
  }
  return numbers;
}

/** Takes a sequence number apart; `undefined` if it does not have this layout. */
export function parseSequenceNumber(text: string): SequenceNumberParts | undefined {
  if (!/^[1-9]\d{0,56}$/.test(text)) return undefined;
  const value = BigInt(text);
  if (value >> 184n !== 2n || (value & 0xfn) !== VERSION) return undefined;
  const shard = (value >> 4n) & 0xffffffffn;
  if (((value >> 72n) & 0xffn) !== 0n || ((value >> 144n) & 0xfn) !== (shard & 0xfn)) return undefined;
  return {
    offset: (value >> 80n) & 0xffffffffffffffffn,
    shardNumber: Number(shard),
    appendTimeSeconds: Number((value >> 36n) & TIME_MASK),
    shardCreatedSeconds: Number((value >> 148n) & TIME_MASK),
  };
}
