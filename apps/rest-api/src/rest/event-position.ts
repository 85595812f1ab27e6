/**
 * Where a follower of a whole stream stands: the next offset of each shard that it follows, as one short text, which is the
 * `id` of every event, and comes back as `Last-Event-ID`.
 *
 *     <first 8 characters of the stream's id> "." <base64url of: version 1, then per shard, in ascending order:
 *     number minus the previous number as a varint, offset as a varint>
 *
 * Shards that are not in it are finished (or were not asked for); their children come in when the last parent ends.
 */
const VERSION = 1;
const STREAM_ID_CHARACTERS = 8;
/** Bits of an offset. */
const OFFSET_BITS_MAX = 63n;
const SHARD_NUMBER_MAX = 0xffffffff;

export type ShardOffsets = ReadonlyMap<number, bigint>;

export function formatEventPosition(streamId: string, offsets: ShardOffsets): string {
  const bytes = [VERSION];
  let previous = 0;
  for (const number of [...offsets.keys()].sort((a, b) => a - b)) {
    pushVarint(bytes, BigInt(number - previous));
    pushVarint(bytes, offsets.get(number) as bigint);
    previous = number;
  }
  return `${streamId.slice(0, STREAM_ID_CHARACTERS)}.${Buffer.from(bytes).toString('base64url')}`;
}

/** `undefined` if the text is no position; `'otherStream'` if it is one of another (or a deleted) stream. */
export function parseEventPosition(streamId: string, text: string): ShardOffsets | 'otherStream' | undefined {
  const match = /^([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]+)$/.exec(text);
  if (match === null) return undefined;
  const bytes = Buffer.from(match[2] as string, 'base64url');
  if (bytes[0] !== VERSION) return undefined;
  if (match[1] !== streamId.slice(0, STREAM_ID_CHARACTERS)) return 'otherStream';
  const offsets = new Map<number, bigint>();
  let previous = -1;
  let at = 1;
  const next = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < OFFSET_BITS_MAX; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const step = next();
    const offset = next();
    if (step === undefined || offset === undefined) return undefined;
    const number = Math.max(previous, 0) + Number(step);
    if (number <= previous || number > SHARD_NUMBER_MAX) return undefined;
    offsets.set(number, offset);
    previous = number;
  }
  return offsets;
}

function pushVarint(bytes: number[], value: bigint): void {
  if (value <= 0x3fffffffn) {
    let small = Number(value);
    for (; small >= 0x80; small >>>= 7) bytes.push((small & 0x7f) | 0x80);
    bytes.push(small);
    return;
  }
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
}
