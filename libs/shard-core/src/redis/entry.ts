/**
 * One entry of a shard's stream, as XRANGE answers it with Buffers: `[id, [name, value, …]]`. The fields stand in the
 * order in which lua/append-batch.lua writes them, so they are taken by place.
 */
export interface Entry {
  readonly base: number;
  readonly next: number;
  readonly appendTimeMs: number;
  readonly sizeBytes: number;
  /** Largest record timestamp of the batch, in ms. */
  readonly timestampMs: number;
  /** `undefined`: the batch lies beside the stream, under its base offset. */
  readonly batch: Buffer | undefined;
}

type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

export function readEntries(reply: unknown): Entry[] {
  return (reply as readonly RawEntry[]).map(readEntry);
}

function readEntry([id, fields]: RawEntry): Entry {
  const dash = id.indexOf(0x2d);
  const next = parseDigits(id, 0, dash);
  const batch = fields[9] as Buffer;
  return {
    base: next - parseDigits(fields[1] as Buffer, 0, (fields[1] as Buffer).length),
    next,
    appendTimeMs: parseDigits(id, dash + 1, id.length),
    sizeBytes: parseDigits(fields[3] as Buffer, 0, (fields[3] as Buffer).length),
    // −1 when the records have no timestamp.
    timestampMs: Number((fields[5] as Buffer).toString('latin1')),
    batch: batch.length === 0 ? undefined : batch,
  };
}

/** Cheaper than a string in between, and exact to 2^53. */
function parseDigits(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (bytes[at] as number) - 0x30;
  return value;
}
