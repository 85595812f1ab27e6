const ENTRIES_MIN = 256;

/**
 * Which entries lie in a segment one behind the other: of each its CRC and where it ends, eight bytes together. So what recovery
 * must know of a segment at once is a small part of it, however small its entries are.
 */
export class EntryList {
  #crcs = new Uint32Array(ENTRIES_MIN);
  #ends = new Uint32Array(ENTRIES_MIN);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Where the last one ends; 0: there is none. */
  get end(): number {
    return this.#length === 0 ? 0 : (this.#ends[this.#length - 1] as number);
  }

  /** The CRC of the last one, if there is one. */
  get crc(): number | undefined {
    return this.#length === 0 ? undefined : this.#crcs[this.#length - 1];
  }

  /** `end` fits into 32 bits: a segment is no larger than its bound and one batch. */
  add(crc: number, end: number): void {
    if (this.#length === this.#crcs.length) {
      this.#crcs = grown(this.#crcs);
      this.#ends = grown(this.#ends);
    }
    this.#crcs[this.#length] = crc;
    this.#ends[this.#length] = end;
    this.#length++;
  }

  /** Forgets all behind the last one that has this CRC; `false`, and nothing changes, when there is none. */
  cutBehind(crc: number): boolean {
    const at = this.#crcs.subarray(0, this.#length).lastIndexOf(crc);
    if (at < 0) return false;
    this.#length = at + 1;
    return true;
  }
}

function grown(before: Uint32Array): Uint32Array<ArrayBuffer> {
  const after = new Uint32Array(before.length * 2);
  after.set(before);
  return after;
}
