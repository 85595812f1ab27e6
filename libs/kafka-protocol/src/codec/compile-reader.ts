import { type Field, type Fields, isCarried, isNullable, isTagged, type ScalarKind } from './field.ts';
import { MalformedFrame } from './malformed-frame.ts';
import { isFlexible, type Message } from './message.ts';
import { readText } from './text.ts';
import { readUuid, ZERO_UUID } from './uuid.ts';

/**
 * Reads one message from `source`, between `position` and `end`. `at.position` is where the message ended.
 * Throws MalformedFrame.
 */
export type Reader = (source: Buffer, position: number, end: number, at: { position: number }) => unknown;

export const SCALAR_BYTES: Readonly<Record<ScalarKind, number>> = {
  bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4, int64: 8, float64: 8, uuid: 16,
}; // prettier-ignore

export function scalarBytes(field: Field): number | undefined {
  return (SCALAR_BYTES as Readonly<Record<string, number | undefined>>)[field.kind];
}

/** The reader for one version, compiled at first use. Throws RangeError outside the declared versions. */
export function readerOf(declaration: Message, version: number): Reader {
  return (declaration.readers[version] ??= compileReader(declaration, version));
}

// An int64 is assembled from two halves in shared memory: 5 ns, where `BigInt(high) << 32n | …` takes 60.
const halves = new Int32Array(2);
const whole = new BigInt64Array(halves.buffer);
const doubles = new Float64Array(halves.buffer);
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const LOW = LITTLE_ENDIAN ? 0 : 1;
const HIGH = 1 - LOW;

const NO_BYTES = Buffer.alloc(0);

function readFloat64(source: Buffer, position: number): number {
  halves[HIGH] = source.readInt32BE(position);
  halves[LOW] = source.readInt32BE(position + 4);
  return doubles[0] as number;
}

/** A varint of more than one byte, of at most 32 bits. */
function readLongUvarint(
  source: Buffer,
  start: number,
  end: number,
  at: { position: number },
  owner: string,
  field: string,
): number {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    if (start + i >= end) throw new MalformedFrame(owner, field, start, 'the frame ends within a varint');
    const byte = source[start + i] as number;
    if (i === 4 && byte > 0x0f) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      at.position = start + i + 1;
      return value;
    }
  }
  throw new MalformedFrame(owner, field, start, 'a varint of more than 32 bits');
}

/** Generate, as JavaScript text, one function that reads exactly this version, with every struct and loop written out. */
function compileReader(declaration: Message, version: number): Reader {
  const [first, last] = declaration.versions;
  if (!Number.isInteger(version) || version < first || version > last) {
    throw new RangeError(`${declaration.name} has versions ${first} to ${last}, not ${version}`);
  }
  const generator = new ReaderGenerator(declaration, version);
  const body = generator.generate();
  const owner = `${declaration.name} v${version}`;
  const fail = (field: string, position: number, reason: string): never => {
    throw new MalformedFrame(owner, field, position, reason);
  };
  /** A run of fixed-size fields does not fit: name the first one that is cut. */
  const short = (run: number, position: number, end: number): never => {
    let at = position;
    for (const [field, size] of generator.runs[run] as FixedRun) {
      if (at + size > end) return fail(field, at, `needs ${size} bytes, ${Math.max(0, end - at)} are left`);
      at += size;
    }
    throw new Error(`${owner}: run ${run} fits after all`);
  };
  const missing = (field: string, position: number, end: number, size: number): never =>
    fail(field, position, `needs ${size} bytes, ${Math.max(0, end - position)} are left`);
  const uvarint = (source: Buffer, position: number, end: number, at: { position: number }, field: string): number =>
    readLongUvarint(source, position, end, at, owner, field);
  const compile = new Function(
    'fail', 'short', 'missing', 'uvarint', 'text', 'uuid', 'float64', 'halves', 'whole', 'noBytes',
    `'use strict';\nreturn function read_${declaration.name}_v${version}(b, p, end, at) {\n${body}\n};`,
  ); // prettier-ignore
  return compile(fail, short, missing, uvarint, readText, readUuid, readFloat64, halves, whole, NO_BYTES) as Reader;
}

/** Fixed-size fields that follow each other and are checked against the end of the frame once. */
type FixedRun = readonly (readonly [path: string, size: number])[];

/** Smallest number of bytes that a value can take, by which a count is refused before anything is allocated for it. */
export function leastBytes(field: Field, version: number, flexible: boolean): number {
  const fixed = scalarBytes(field);
  if (fixed !== undefined) return fixed;
  if (field.kind === 'struct') {
    if (isNullable(field, version)) return 1;
    let sum = flexible ? 1 : 0;
    for (const member of Object.values(field.fields as Fields)) {
      if (isCarried(member, version) && !isTagged(member, version)) sum += leastBytes(member, version, flexible);
    }
    return sum;
  }
  if (flexible) return 1;
  return field.kind === 'string' ? 2 : 4;
}

/** The value that stands for a field which is not on the wire, as JavaScript text. */
export function defaultExpression(field: Field): string {
  const given = field.options.default;
  if (given === null) return 'null';
  if (field.kind === 'struct') {
    const members = Object.entries(field.fields as Fields).map(
      ([name, member]) => `${name}: ${defaultExpression(member)}`,
    );
    return `{ ${members.join(', ')} }`;
  }
  if (field.kind === 'array') return '[]';
  if (field.kind === 'bytes' || field.kind === 'records') return 'noBytes';
  if (field.kind === 'int64') return `${(given as bigint | undefined) ?? 0n}n`;
  if (field.kind === 'bool') return String((given as boolean | undefined) ?? false);
  if (field.kind === 'uuid') return JSON.stringify(given ?? ZERO_UUID);
  if (field.kind === 'string') return JSON.stringify(given ?? '');
  return String((given as number | undefined) ?? 0);
}

class ReaderGenerator {
  readonly runs: FixedRun[] = [];
  readonly #declaration: Message;
  readonly #version: number;
  readonly #flexible: boolean;
  readonly #lines: string[] = [];
  #names = 0;

  constructor(declaration: Message, version: number) {
    this.#declaration = declaration;
    this.#version = version;
    this.#flexible = isFlexible(declaration, version);
  }

  generate(): string {
    const top = this.#struct(this.#declaration.fields, '', 'end');
    this.#emit(`at.position = p;`, `return ${top};`);
    return this.#lines.join('\n');
  }

  #emit(...lines: string[]): void {
    this.#lines.push(...lines);
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** Emits the reading of a struct; returns the name of the variable that holds it. */
  #struct(fields: Fields, path: string, end: string): string {
    const values = new Map<string, string>();
    const tagged: [string, Field][] = [];
    let run: [name: string, field: Field][] = [];
    const flush = (): void => {
      if (run.length > 0) this.#fixedRun(run, path, end, values);
      run = [];
    };
    for (const [name, field] of Object.entries(fields)) {
      if (isTagged(field, this.#version)) {
        tagged.push([name, field]);
      } else if (!isCarried(field, this.#version)) {
        values.set(name, defaultExpression(field));
      } else if (scalarBytes(field) !== undefined) {
        run.push([name, field]);
      } else {
        flush();
        values.set(name, this.#value(field, join(path, name), end));
      }
    }
    flush();
    const unknown = this.#flexible ? this.#tags(tagged, path, end, values) : undefined;
    const result = this.#name('s');
    const members = Object.keys(fields).map((name) => `${name}: ${values.get(name)}`);
    this.#emit(`const ${result} = { ${members.join(', ')} };`);
    if (unknown !== undefined) this.#emit(`if (${unknown} !== undefined) ${result}.unknownTags = ${unknown};`);
    return result;
  }

  #fixedRun(run: readonly [string, Field][], path: string, end: string, values: Map<string, string>): void {
    const sizes = run.map(([name, field]) => [join(path, name), scalarBytes(field) as number] as const);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    this.#emit(`if (p + ${total} > ${end}) short(${this.runs.length}, p, ${end});`);
    this.runs.push(sizes);
    let offset = 0;
    for (const [index, [name, field]] of run.entries()) {
      values.set(name, this.#scalar(field, offset));
      offset += (sizes[index] as readonly [string, number])[1];
    }
    this.#emit(`p += ${total};`);
  }

  /** Emits the reading of a scalar `offset` bytes after `p`; its bytes are known to be there. */
  #scalar(field: Field, offset: number): string {
    const name = this.#name('v');
    const at = (i: number): string => (offset + i === 0 ? 'b[p]' : `b[p + ${offset + i}]`);
    const int32 = (i: number): string => `(${at(i)} << 24) | (${at(i + 1)} << 16) | (${at(i + 2)} << 8) | ${at(i + 3)}`;
    const expressions: Readonly<Record<ScalarKind, string>> = {
      bool: `${at(0)} !== 0`,
      int8: `(${at(0)} << 24) >> 24`,
      int16: `((${at(0)} << 24) | (${at(1)} << 16)) >> 16`,
      uint16: `(${at(0)} << 8) | ${at(1)}`,
      int32: int32(0),
      uint32: `(${int32(0)}) >>> 0`,
      int64: 'whole[0]',
      float64: `float64(b, p + ${offset})`,
      uuid: `uuid(b, p + ${offset})`,
    };
    if (field.kind === 'int64') this.#emit(`halves[${HIGH}] = ${int32(0)};`, `halves[${LOW}] = ${int32(4)};`);
    this.#emit(`const ${name} = ${expressions[field.kind as ScalarKind]};`);
    return name;
  }

  #value(field: Field, path: string, end: string): string {
    if (scalarBytes(field) !== undefined) {
      const values = new Map<string, string>();
      this.#fixedRun([['', field]], path, end, values);
      return values.get('') as string;
    }
    if (field.kind === 'struct') return this.#structValue(field, path, end);
    if (field.kind === 'array') return this.#array(field, path, end);
    return this.#blob(field, path, end);
  }

  #structValue(field: Field, path: string, end: string): string {
    const fields = field.fields as Fields;
    if (!isNullable(field, this.#version)) return this.#struct(fields, path, end);
    const result = this.#name('v');
    this.#emit(
      `let ${result} = null;`,
      `if (p >= ${end}) missing(${quote(path)}, p, ${end}, 1);`,
      // In the tagged section a null is told by 0, elsewhere by -1.
      isTagged(field, this.#version) ? `if (b[p++] !== 0) {` : `if (b[p++] < 128) {`,
    );
    this.#emit(`${result} = ${this.#struct(fields, path, end)};`, `}`);
    return result;
  }

  /** Emits the reading of a length: the variable is -1 for null. */
  #length(field: Field, path: string, end: string): string {
    const length = this.#name('n');
    if (this.#flexible) {
      this.#emit(`let ${length} = 0;`);
      this.#uvarint(length, path, end);
      this.#emit(`${length}--;`);
    } else {
      const size = field.kind === 'string' ? 2 : 4;
      this.#emit(`if (p + ${size} > ${end}) missing(${quote(path)}, p, ${end}, ${size});`);
      this.#emit(
        size === 2
          ? `const ${length} = ((b[p] << 24) | (b[p + 1] << 16)) >> 16;`
          : `const ${length} = (b[p] << 24) | (b[p + 1] << 16) | (b[p + 2] << 8) | b[p + 3];`,
        `p += ${size};`,
      );
    }
    const least = isNullable(field, this.#version) ? -1 : 0;
    this.#emit(
      `if (${length} < ${least}) fail(${quote(path)}, p, ${least === 0 ? `${length} === -1 ? 'null is not allowed' : ` : ''}'length ' + ${length});`,
    );
    return length;
  }

  /** Emits `variable = varint`, one byte in line, longer ones by a call. */
  #uvarint(variable: string, path: string, end: string): void {
    this.#emit(
      `if (p >= ${end}) missing(${quote(path)}, p, ${end}, 1);`,
      `if (b[p] < 128) ${variable} = b[p++]; else { ${variable} = uvarint(b, p, ${end}, at, ${quote(path)}); p = at.position; }`,
    );
  }

  #blob(field: Field, path: string, end: string): string {
    const length = this.#length(field, path, end);
    const result = this.#name('v');
    this.#emit(
      `let ${result} = null;`,
      `if (${length} >= 0) {`,
      `if (${length} > ${end} - p) missing(${quote(path)}, p, ${end}, ${length});`,
      field.kind === 'string'
        ? `${result} = text(b, p, p += ${length});`
        : `${result} = b.subarray(p, p += ${length});`,
      `}`,
    );
    return result;
  }

  #array(field: Field, path: string, end: string): string {
    const element = field.element as Field;
    const length = this.#length(field, path, end);
    // An element without bytes would let a count of two thousand million through; no message has one.
    const least = leastBytes(element, this.#version, this.#flexible);
    if (least === 0)
      throw new Error(`${this.#declaration.name}: an element of ${path} has no bytes in version ${this.#version}`);
    const result = this.#name('v');
    const index = this.#name('i');
    this.#emit(
      `let ${result} = null;`,
      `if (${length} >= 0) {`,
      `if (${length} * ${least} > ${end} - p) fail(${quote(path)}, p, ${length} + ' elements of at least ${least} bytes, ' + (${end} - p) + ' bytes are left');`,
      `${result} = new Array(${length});`,
      `for (let ${index} = 0; ${index} < ${length}; ${index}++) {`,
    );
    if (scalarBytes(element) !== undefined) {
      // All elements were seen to be there by the check of the count.
      this.#emit(`${result}[${index}] = ${this.#scalar(element, 0)};`, `p += ${least};`);
    } else {
      this.#emit(`${result}[${index}] = ${this.#value(element, path, end)};`);
    }
    this.#emit(`}`, `}`);
    return result;
  }

  /** Emits the reading of the tagged section; returns the variable with the tags that are not known. */
  #tags(tagged: readonly [string, Field][], path: string, end: string, values: Map<string, string>): string {
    const unknown = this.#name('u');
    const where = quote(join(path, 'tags'));
    const count = this.#name('n');
    this.#emit(`let ${unknown};`);
    for (const [name] of tagged) {
      const variable = this.#name('t');
      values.set(name, variable);
      this.#emit(`let ${variable};`);
    }
    // Nearly every section is one zero byte.
    this.#emit(`if (p < ${end} && b[p] === 0) p++; else {`);
    const [tag, size, stop, index] = [this.#name('k'), this.#name('z'), this.#name('e'), this.#name('i')];
    this.#emit(`let ${count} = 0, ${tag} = 0, ${size} = 0;`);
    this.#uvarint(count, join(path, 'tags'), end);
    this.#emit(
      `if (${count} * 2 > ${end} - p) fail(${where}, p, ${count} + ' tags, ' + (${end} - p) + ' bytes are left');`,
    );
    this.#emit(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`);
    this.#uvarint(tag, join(path, 'tags'), end);
    this.#uvarint(size, join(path, 'tags'), end);
    this.#emit(
      `if (${size} > ${end} - p) missing(${where}, p, ${end}, ${size});`,
      `const ${stop} = p + ${size};`,
      `switch (${tag}) {`,
    );
    for (const [name, field] of tagged) {
      this.#emit(`case ${field.options.tag}: {`);
      this.#emit(`${values.get(name)} = ${this.#value(field, join(path, name), stop)};`);
      this.#emit(
        `if (p !== ${stop}) fail(${quote(join(path, name))}, p, (${stop} - p) + ' bytes of the tagged field are left over');`,
        `break;`,
        `}`,
      );
    }
    this.#emit(
      `default: (${unknown} ??= []).push({ tag: ${tag}, data: b.subarray(p, ${stop}) }); p = ${stop};`,
      `}`,
      `}`,
      `}`,
    );
    for (const [name, field] of tagged) {
      this.#emit(`if (${values.get(name)} === undefined) ${values.get(name)} = ${defaultExpression(field)};`);
    }
    return unknown;
  }
}

function join(path: string, name: string): string {
  return path === '' ? name : name === '' ? path : `${path}.${name}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
