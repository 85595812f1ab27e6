import { CBOR, TIME_TAG } from './cbor-writer.ts';

/** Lists and structures within one another. The deepest request of the service model has four. */
export const DEPTH_MAX = 32;
/** Items of one request. PutRecords of 500 records has 4,000; this bounds what a body of empty lists makes of itself. */
export const ITEMS_MAX = 262_144;

const INDEFINITE = -1;
const BREAK = 0xff;
const UINT32_RANGE = 0x1_0000_0000;

/** Names of members that came lately, so that each is not made anew for every record of a request. */
const KNOWN_NAMES = 256;
const KNOWN_NAME_BYTES_MAX = 32;
const knownNames = new Array<{ readonly text: string; readonly bytes: Buffer } | undefined>(KNOWN_NAMES);

/** Not well-formed CBOR, or more of it than is taken. */
class Malformed extends Error {}

/**
 * Reads one item of CBOR (RFC 8949) that fills all of `body`; `undefined` if there is none, or it is deeper than
 * DEPTH_MAX or has more than ITEMS_MAX items.
 *
 * Byte strings become views of `body`, text strings, lists, structures (with text keys), numbers, booleans and null what
 * they are; a moment (tag 1) a Date: of whole milliseconds, as the AWS protocol writes it, or, where it is a float, of
 * seconds. Other tags are passed over. Integers beyond 2^53 lose their last digits.
 */
export function readCbor(body: Buffer): unknown {
  const reader = new CborReader(body);
  try {
    const value = reader.item(0);
    return reader.atEnd ? value : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

class CborReader {
  readonly #body: Buffer;
  #position = 0;
  #items = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get atEnd(): boolean {
    return this.#position === this.#body.length;
  }

  item(depth: number): unknown {
    if (depth > DEPTH_MAX || ++this.#items > ITEMS_MAX) throw new Malformed();
    const first = this.#byte();
    const major = first & 0xe0;
    if (major === CBOR.simple) return this.#simple(first & 0x1f);
    const argument = this.#argument(first & 0x1f);
    switch (major) {
      case CBOR.unsigned:
        if (argument === INDEFINITE) throw new Malformed();
        return argument;
      case CBOR.negative:
        if (argument === INDEFINITE) throw new Malformed();
        return -1 - argument;
      case CBOR.bytes:
        return argument === INDEFINITE ? this.#chunks(CBOR.bytes) : this.#view(argument);
      case CBOR.text:
        if (argument === INDEFINITE) return this.#chunks(CBOR.text).toString('utf8');
        return this.#text(argument);
      case CBOR.array:
        return this.#array(argument, depth);
      case CBOR.map:
        return this.#map(argument, depth);
      default:
        if (argument === INDEFINITE) throw new Malformed();
        return argument === TIME_TAG ? this.#time() : this.item(depth + 1);
    }
  }

  #array(length: number, depth: number): unknown[] {
    const array: unknown[] = [];
    if (length === INDEFINITE) {
      while (!this.#atBreak()) array.push(this.item(depth + 1));
      return array;
    }
    // An item takes a byte at least: a length that lies allocates nothing.
    if (length > this.#left) throw new Malformed();
    for (let i = 0; i < length; i++) array.push(this.item(depth + 1));
    return array;
  }

  #map(members: number, depth: number): object {
    const map: Record<string, unknown> = {};
    if (members === INDEFINITE) {
      while (!this.#atBreak()) this.#member(map, depth);
      return map;
    }
    if (members * 2 > this.#left) throw new Malformed();
    for (let i = 0; i < members; i++) this.#member(map, depth);
    return map;
  }

  #member(map: Record<string, unknown>, depth: number): void {
    const name = this.#name();
    const value = this.item(depth + 1);
    if (name === '__proto__') Object.defineProperty(map, name, { value, enumerable: true, configurable: true });
    else map[name] = value;
  }

  #name(): string {
    const first = this.#byte();
    if ((first & 0xe0) !== CBOR.text) throw new Malformed();
    const length = this.#argument(first & 0x1f);
    if (length === INDEFINITE) return this.#chunks(CBOR.text).toString('utf8');
    if (length === 0 || length > KNOWN_NAME_BYTES_MAX || length > this.#left) return this.#text(length);
    const body = this.#body;
    const start = this.#position;
    const end = start + length;
    const slot = (length * 31 + (body[start] as number) + (body[end - 1] as number) * 7) % KNOWN_NAMES;
    const known = knownNames[slot];
    if (known !== undefined && known.bytes.length === length && same(known.bytes, body, start)) {
      this.#position = end;
      return known.text;
    }
    const text = this.#text(length);
    knownNames[slot] = { text, bytes: Buffer.from(body.subarray(start, end)) };
    return text;
  }

  #simple(info: number): boolean | number | null {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      // Null, and undefined.
      case 22:
      case 23:
        return null;
      case 25:
        return halfFloat(this.#unsigned(2));
      case 26:
        return this.#body.readFloatBE(this.#skip(4));
      case 27:
        return this.#body.readDoubleBE(this.#skip(8));
      default:
        throw new Malformed();
    }
  }

  #time(): Date {
    const isFloat = ((this.#body[this.#position] ?? 0) & 0xe0) === CBOR.simple;
    const value = this.item(DEPTH_MAX);
    if (typeof value !== 'number') throw new Malformed();
    return new Date(isFloat ? Math.round(value * 1000) : value);
  }

  /** The pieces of a string of indefinite length, each of definite length. */
  #chunks(major: number): Buffer {
    const pieces: Buffer[] = [];
    while (!this.#atBreak()) {
      if (++this.#items > ITEMS_MAX) throw new Malformed();
      const first = this.#byte();
      if ((first & 0xe0) !== major) throw new Malformed();
      const length = this.#argument(first & 0x1f);
      if (length === INDEFINITE) throw new Malformed();
      pieces.push(this.#view(length));
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  #text(length: number): string {
    const start = this.#skip(length);
    return this.#body.toString('utf8', start, start + length);
  }

  #view(length: number): Buffer {
    const start = this.#skip(length);
    return this.#body.subarray(start, start + length);
  }

  #atBreak(): boolean {
    if (this.#body[this.#position] !== BREAK) return false;
    this.#position++;
    return true;
  }

  #argument(info: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#byte();
      case 25:
        return this.#unsigned(2);
      case 26:
        return this.#unsigned(4);
      case 27:
        return this.#unsigned(4) * UINT32_RANGE + this.#unsigned(4);
      case 31:
        return INDEFINITE;
      default:
        throw new Malformed();
    }
  }

  #unsigned(bytes: 2 | 4): number {
    const start = this.#skip(bytes);
    return bytes === 2 ? this.#body.readUInt16BE(start) : this.#body.readUInt32BE(start);
  }

  #byte(): number {
    return this.#body[this.#skip(1)] as number;
  }

  /** Where so many bytes begin that are there. */
  #skip(bytes: number): number {
    if (bytes > this.#left) throw new Malformed();
    const start = this.#position;
    this.#position += bytes;
    return start;
  }

  get #left(): number {
    return this.#body.length - this.#position;
  }
}

function same(bytes: Buffer, body: Buffer, start: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== body[start + i]) return false;
  return true;
}

/** IEEE 754 binary16, which no method of Buffer reads. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
