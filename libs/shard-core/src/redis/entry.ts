/**
 * One entry of a shard's stream, as XRANGE answers it with Buffers: `[id, [facts, batch]]`. lua/append-batch.lua says what
 * they hold.
 */
export interface Entry {
  readonly base: number;
  readonly next: number;
  readonly appendTimeMs: number;
  readonly sizeBytes: number;
  /** Largest record timestamp of the batch, in ms. */
  readonly timestampMs: number;
  /** `undefined`: the batch lies beside the stream. */
  readonly batch: Buffer | undefined;
  /** What its key there ends in. */
  readonly payload: string | undefined;
}

type RawEntry = readonly [id: Buffer, field: readonly [facts: Buffer, batch: Buffer]];

const SPACE = 0x20;
const DASH = 0x2d;

export function readEntries(reply: unknown): Entry[] {
  return (reply as readonly RawEntry[]).map(readEntry);
}

function readEntry([id, [facts, batch]]: RawEntry): Entry {
  const dash = id.indexOf(DASH);
  const next = parseDigits(id, 0, dash);
  const taken = facts.indexOf(SPACE);
  const size = facts.indexOf(SPACE, taken + 1);
  const timestamp = facts.indexOf(SPACE, size + 1);
  const base = next - parseDigits(facts, 0, taken);
  return {
    base,
    next,
    appendTimeMs: parseDigits(id, dash + 1, id.length),
    sizeBytes: parseDigits(facts, taken + 1, size),
    timestampMs: parseDigits(facts, size + 1, timestamp),
    batch: batch.length === 0 ? undefined : batch,
    payload: batch.length === 0 ? payloadName(facts, timestamp, base) : undefined,
  };
}

/** A batch that compaction has written anew has a name of its own: there may be readers yet for what was there before. */
function payloadName(facts: Buffer, timestamp: number, base: number): string {
  const largest = facts.indexOf(SPACE, timestamp + 1);
  return largest < 0 ? String(base) : facts.toString('latin1', largest + 1);
}

/** Cheaper than a string in between, and exact to 2^53. */
function parseDigits(bytes: Buffer, from: number, to: number): number {
  // −1 when the records have no timestamp.
  if (bytes[from] === DASH) return -parseDigits(bytes, from + 1, to);
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (bytes[at] as number) - 0x30;
  return value;
}
