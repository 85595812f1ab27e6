const LINE_FEED = 0x0a;

/** One line of the body, without its line feed; `tooLong` instead of its bytes where it passed the bound. */
export type NdjsonLine =
  { readonly number: number; readonly bytes: Buffer } | { readonly number: number; readonly tooLong: true };

/**
 * Cuts a body into lines as its chunks come. Holds at most one unfinished line of `lineBytesMax` bytes; what is longer is
 * passed over up to its end. Lines are numbered from 1; those that are empty or white space are counted and left out.
 */
export class NdjsonLines {
  readonly #lineBytesMax: number;
  #number = 0;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #tooLong = false;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The lines that this chunk completes. Their bytes may lie in the chunk. */
  *push(chunk: Buffer): Generator<NdjsonLine> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end === -1) break;
      const line = this.#complete(chunk.subarray(start, end));
      if (line !== undefined) yield line;
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line, if the body did not end with a line feed. */
  *end(): Generator<NdjsonLine> {
    const line = this.#complete(Buffer.alloc(0));
    if (line !== undefined) yield line;
  }

  #keep(part: Buffer): void {
    if (this.#tooLong) return;
    this.#partBytes += part.length;
    if (this.#partBytes > this.#lineBytesMax) {
      this.#tooLong = true;
      this.#parts = [];
      return;
    }
    this.#parts.push(part);
  }

  #complete(rest: Buffer): NdjsonLine | undefined {
    const number = ++this.#number;
    if (this.#partBytes === 0 && rest.length <= this.#lineBytesMax) {
      return isBlank(rest) ? undefined : { number, bytes: rest };
    }
    this.#keep(rest);
    const tooLong = this.#tooLong;
    const bytes = tooLong ? undefined : Buffer.concat(this.#parts, this.#partBytes);
    this.#parts = [];
    this.#partBytes = 0;
    this.#tooLong = false;
    if (bytes === undefined) return { number, tooLong: true };
    return isBlank(bytes) ? undefined : { number, bytes };
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}
