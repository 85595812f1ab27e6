/** Major types of RFC 8949, section 3.1, in the upper three bits of an item's first byte. */
export const CBOR = {
  unsigned: 0x00,
  negative: 0x20,
  bytes: 0x40,
  text: 0x60,
  array: 0x80,
  map: 0xa0,
  tag: 0xc0,
  simple: 0xe0,
} as const;

/** "Epoch-based date/time", section 3.4.2; in the AWS protocol it counts whole milliseconds, not seconds. */
export const TIME_TAG = 1;

/** The longest head of an item: its first byte and eight of a number. */
export const HEAD_BYTES_MAX = 9;
const UINT32_RANGE = 0x1_0000_0000;
const FIRST_BYTES = 4_096;

/** Writes items one after another into a buffer that grows. */
export class CborWriter {
  #target = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  /** What has been written; the writer is not used after that. */
  finish(): Buffer {
    return this.#target.subarray(0, this.#length);
  }

  /** Of so many members, each a text and a value. */
  beginMap(members: number): void {
    this.#head(CBOR.map, members);
  }

  beginArray(items: number): void {
    this.#head(CBOR.array, items);
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.#head(CBOR.text, bytes);
    this.#reserve(bytes);
    // ASCII, mostly: there it is the faster of the two.
    if (bytes === value.length) this.#target.write(value, this.#length, bytes, 'latin1');
    else this.#target.write(value, this.#length, bytes, 'utf8');
    this.#length += bytes;
  }

  bytes(value: Buffer): void {
    this.#head(CBOR.bytes, value.length);
    this.#reserve(value.length);
    this.#length += value.copy(this.#target, this.#length);
  }

  number(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (value >= 0) this.#head(CBOR.unsigned, value);
      else this.#head(CBOR.negative, -1 - value);
      return;
    }
    this.#reserve(HEAD_BYTES_MAX);
    this.#target[this.#length] = CBOR.simple | 27;
    this.#target.writeDoubleBE(value, this.#length + 1);
    this.#length += HEAD_BYTES_MAX;
  }

  boolean(value: boolean): void {
    this.#head(CBOR.simple, value ? 21 : 20);
  }

  /** Since 1970. */
  timeMs(ms: number): void {
    this.#head(CBOR.tag, TIME_TAG);
    this.number(Math.round(ms));
  }

  #head(major: number, argument: number): void {
    this.#reserve(HEAD_BYTES_MAX);
    this.#length = writeHead(this.#target, this.#length, major, argument);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#target.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#target.length * 2));
    this.#target.copy(larger, 0, 0, this.#length);
    this.#target = larger;
  }
}

/** Writes an item's head, in its shortest form, and answers where it ends. `argument`: whole, at most 2^53. */
export function writeHead(target: Buffer, position: number, major: number, argument: number): number {
  if (argument < 24) {
    target[position] = major | argument;
    return position + 1;
  }
  if (argument < 0x100) {
    target[position] = major | 24;
    target[position + 1] = argument;
    return position + 2;
  }
  if (argument < 0x1_0000) {
    target[position] = major | 25;
    target[position + 1] = argument >>> 8;
    target[position + 2] = argument;
    return position + 3;
  }
  if (argument < UINT32_RANGE) {
    target[position] = major | 26;
    return target.writeUInt32BE(argument, position + 1);
  }
  target[position] = major | 27;
  target.writeUInt32BE(Math.floor(argument / UINT32_RANGE), position + 1);
  return target.writeUInt32BE(argument % UINT32_RANGE, position + 5);
}

/** The same as text of one character a byte, to be joined with other such text. */
export function headText(major: number, argument: number): string {
  const head = Buffer.allocUnsafe(HEAD_BYTES_MAX);
  return head.toString('latin1', 0, writeHead(head, 0, major, argument));
}

/** A text item of ASCII, as text of one character a byte. */
export function asciiItem(value: string): string {
  return headText(CBOR.text, value.length) + value;
}
