import { defaultExpression, scalarBytes } from './compile-reader.ts';
import { type Field, type Fields, isCarried, isNullable, isTagged, type ScalarKind, type UnknownTag } from './field.ts';
import { UnsupportedField } from './malformed-frame.ts';
import { isFlexible, type Message } from './message.ts';
import { recordsBytes, type Scratch } from './scratch.ts';
import { writeText } from './text.ts';
import { writeUuid } from './uuid.ts';

/**
 * Writes one message into the scratch behind `position`; returns the position behind it.
 * Throws UnsupportedField for a value that the version cannot carry, RangeError for one that its field cannot.
 */
export type Writer = (scratch: Scratch, position: number, draft: unknown) => number;

/** The writer for one version, compiled at first use. Throws RangeError outside the declared versions. */
export function writerOf(declaration: Message, version: number): Writer {
  return (declaration.writers[version] ??= compileWriter(declaration, version));
}

const NO_BYTES = Buffer.alloc(0);

/** Longest string with an old-style 16-bit length. */
const SHORT_STRING_BYTES_MAX = 0x7fff;

/** What messages call the text that says what was wrong. */
const EXPLANATION = 'errorMessage';

/** Largest number of bytes of an unsigned varint of 32 bits. */
const UVARINT_BYTES_MAX = 5;

function putUvarint(target: Buffer, position: number, value: number): number {
  while (value > 0x7f) {
    target[position++] = (value & 0x7f) | 0x80;
    value = Math.floor(value / 128);
  }
  target[position++] = value;
  return position;
}

function putString(target: Buffer, position: number, text: string): number {
  const size = writeText(target, position + 2, text);
  if (size > SHORT_STRING_BYTES_MAX)
    throw new RangeError(`a string of ${size} bytes, at most ${SHORT_STRING_BYTES_MAX} fit`);
  target[position] = size >> 8;
  target[position + 1] = size;
  return position + 2 + size;
}

/** An explanation quotes what the client has sent, which may be as long as a string can be: it is cut, rather than lost. */
function putExplanation(target: Buffer, position: number, text: string): number {
  const written = writeText(target, position + 2, text);
  let size = Math.min(written, SHORT_STRING_BYTES_MAX);
  // Not through a character.
  if (size < written) while (((target[position + 2 + size] as number) & 0xc0) === 0x80) size--;
  target[position] = size >> 8;
  target[position + 1] = size;
  return position + 2 + size;
}

function putCompactString(target: Buffer, position: number, text: string): number {
  // One byte of length is the common case; the text moves where it turns out to be longer.
  const size = writeText(target, position + 1, text);
  if (size < 0x7f) {
    target[position] = size + 1;
    return position + 1 + size;
  }
  return putSizeBefore(target, position, position + 1 + size, size + 1);
}

/** Put a varint at `position`, where one byte was left for it, and move what lies behind it up to `end`. */
function putSizeBefore(target: Buffer, position: number, end: number, value: number): number {
  const extra = value < 0x80 ? 0 : value < 0x4000 ? 1 : value < 0x200000 ? 2 : value < 0x10000000 ? 3 : 4;
  if (extra > 0) target.copyWithin(position + 1 + extra, position + 1, end);
  putUvarint(target, position, value);
  return end + extra;
}

/** Unknown tags from index `from` with a number below `limit`; returns the position behind them. */
function putUnknownTags(
  scratch: Scratch,
  position: number,
  tags: readonly UnknownTag[],
  above: number,
  limit: number,
): number {
  for (const { tag, data } of tags) {
    if (tag <= above || tag >= limit) continue;
    const room = 2 * UVARINT_BYTES_MAX + data.length;
    if (position + room > scratch.bytes.length) scratch.grow(position, room);
    position = putUvarint(scratch.bytes, position, tag);
    position = putUvarint(scratch.bytes, position, data.length);
    scratch.bytes.set(data, position);
    position += data.length;
  }
  return position;
}

function compileWriter(declaration: Message, version: number): Writer {
  const [first, last] = declaration.versions;
  if (!Number.isInteger(version) || version < first || version > last) {
    throw new RangeError(`${declaration.name} has versions ${first} to ${last}, not ${version}`);
  }
  const body = new WriterGenerator(declaration, version).generate();
  const unsupported = (field: string): never => {
    throw new UnsupportedField(`${declaration.name} v${version}: ${field} cannot be carried, and may not be dropped`);
  };
  const refuseNull = (field: string): never => {
    throw new RangeError(`${declaration.name} v${version}: ${field} may not be null`);
  };
  const compile = new Function(
    'unsupported', 'refuseNull', 'uvarint', 'string', 'explanation', 'compactString', 'uuid', 'sizeBefore', 'unknownTags', 'recordsBytes', 'noBytes',
    `'use strict';\nreturn function write_${declaration.name}_v${version}(s, p, m) {\nlet b = s.bytes, d = s.view;\n${body}\nreturn p;\n};`,
  ); // prettier-ignore
  return compile(
    unsupported, refuseNull, putUvarint, putString, putExplanation, putCompactString, writeUuid, putSizeBefore, putUnknownTags, recordsBytes, NO_BYTES,
  ) as Writer; // prettier-ignore
}

class WriterGenerator {
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
    this.#struct(this.#declaration.fields, 'm', '');
    return this.#lines.join('\n');
  }

  #emit(...lines: string[]): void {
    this.#lines.push(...lines);
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** Emits the check that `size` more bytes fit. */
  #room(size: string): void {
    this.#emit(`if (p + ${size} > b.length) { s.grow(p, ${size}); b = s.bytes; d = s.view; }`);
  }

  #struct(fields: Fields, from: string, path: string): void {
    const tagged: [name: string, field: Field, value: string][] = [];
    let run: [field: Field, value: string][] = [];
    const flush = (): void => {
      if (run.length > 0) this.#fixedRun(run);
      run = [];
    };
    for (const [name, field] of Object.entries(fields)) {
      const where = path === '' ? name : `${path}.${name}`;
      if (!isCarried(field, this.#version)) {
        if (field.options.ignorable !== true) this.#refuseUncarried(field, `${from}.${name}`, where);
        continue;
      }
      const isInTags = isTagged(field, this.#version);
      const value = this.#load(field, `${from}.${name}`, isInTags);
      if (isInTags) tagged.push([name, field, value]);
      else if (scalarBytes(field) !== undefined) run.push([field, value]);
      else {
        flush();
        this.#value(field, value, where);
      }
    }
    flush();
    if (this.#flexible) this.#tags(tagged, from, path);
  }

  /** Emits the loading of a member, and its default where it may be left out. */
  #load(field: Field, expression: string, isInTags: boolean): string {
    const name = this.#name('v');
    this.#emit(`let ${name} = ${expression};`);
    // A tagged field stays undefined: it is not written.
    if (!isInTags && (field.options.default !== undefined || field.options.tag !== undefined)) {
      this.#emit(`if (${name} === undefined) ${name} = ${defaultExpression(field)};`);
    }
    return name;
  }

  #refuseUncarried(field: Field, expression: string, path: string): void {
    const name = this.#name('v');
    this.#emit(
      `const ${name} = ${expression};`,
      `if (${name} !== undefined && !(${isDefault(field, name)})) unsupported(${JSON.stringify(path)});`,
    );
  }

  #fixedRun(run: readonly [Field, string][]): void {
    const total = run.reduce((sum, [field]) => sum + (scalarBytes(field) as number), 0);
    this.#room(String(total));
    let offset = 0;
    for (const [field, value] of run) {
      this.#scalar(field, value, offset);
      offset += scalarBytes(field) as number;
    }
    this.#emit(`p += ${total};`);
  }

  #scalar(field: Field, value: string, offset: number): void {
    const at = offset === 0 ? 'p' : `p + ${offset}`;
    const statements: Readonly<Record<ScalarKind, string>> = {
      bool: `b[${at}] = ${value} ? 1 : 0;`,
      int8: `b[${at}] = ${value};`,
      int16: `d.setInt16(${at}, ${value});`,
      uint16: `d.setUint16(${at}, ${value});`,
      int32: `d.setInt32(${at}, ${value});`,
      uint32: `d.setUint32(${at}, ${value});`,
      int64: `d.setBigInt64(${at}, ${value});`,
      float64: `d.setFloat64(${at}, ${value});`,
      uuid: `uuid(b, ${at}, ${value});`,
    };
    this.#emit(statements[field.kind as ScalarKind]);
  }

  #value(field: Field, value: string, path: string): void {
    if (scalarBytes(field) !== undefined) return this.#fixedRun([[field, value]]);
    const isStruct = field.kind === 'struct';
    if (isStruct && !field.nullable) return this.#struct(field.fields as Fields, value, path);
    if (field.nullable) {
      this.#emit(`if (${value} === null) {`);
      if (isNullable(field, this.#version)) this.#null(field);
      else this.#emit(`refuseNull(${JSON.stringify(path)});`);
      this.#emit(`} else {`);
    }
    if (isStruct) {
      if (isNullable(field, this.#version)) {
        this.#room('1');
        this.#emit(`b[p++] = 1;`);
      }
      this.#struct(field.fields as Fields, value, path);
    } else if (field.kind === 'string') {
      this.#room(`(${value}.length * 3 + ${UVARINT_BYTES_MAX})`);
      const short = path.endsWith(EXPLANATION) ? 'explanation' : 'string';
      this.#emit(`p = ${this.#flexible ? 'compactString' : short}(b, p, ${value});`);
    } else if (field.kind === 'array') {
      this.#array(field, value, path);
    } else {
      this.#bytes(field, value);
    }
    if (field.nullable) this.#emit(`}`);
  }

  #null(field: Field): void {
    if (field.kind === 'struct') {
      this.#room('1');
      this.#emit(`b[p++] = 255;`);
    } else if (this.#flexible) {
      this.#room('1');
      this.#emit(`b[p++] = 0;`);
    } else if (field.kind === 'string') {
      this.#room('2');
      this.#emit(`d.setInt16(p, -1);`, `p += 2;`);
    } else {
      this.#room('4');
      this.#emit(`d.setInt32(p, -1);`, `p += 4;`);
    }
  }

  /** Emits a length of bytes or elements. */
  #length(value: string): void {
    if (this.#flexible) {
      this.#room(String(UVARINT_BYTES_MAX));
      this.#emit(`if (${value} < 127) b[p++] = ${value} + 1; else p = uvarint(b, p, ${value} + 1);`);
    } else {
      this.#room('4');
      this.#emit(`d.setInt32(p, ${value});`, `p += 4;`);
    }
  }

  #bytes(field: Field, value: string): void {
    if (field.kind === 'records') {
      const size = this.#name('n');
      this.#emit(`const ${size} = recordsBytes(${value});`);
      this.#length(size);
      this.#emit(`p = s.putRecords(p, ${value});`, `b = s.bytes; d = s.view;`);
      return;
    }
    this.#length(`${value}.length`);
    this.#room(`${value}.length`);
    this.#emit(`b.set(${value}, p);`, `p += ${value}.length;`);
  }

  #array(field: Field, value: string, path: string): void {
    const element = field.element as Field;
    const index = this.#name('i');
    const member = this.#name('v');
    this.#length(`${value}.length`);
    const size = scalarBytes(element);
    if (size !== undefined) this.#room(`${value}.length * ${size}`);
    this.#emit(
      `for (let ${index} = 0; ${index} < ${value}.length; ${index}++) {`,
      `const ${member} = ${value}[${index}];`,
    );
    if (size !== undefined) {
      this.#scalar(element, member, 0);
      this.#emit(`p += ${size};`);
    } else {
      this.#value(element, member, path);
    }
    this.#emit(`}`);
  }

  /** Emits the tagged section: known and unknown tags in ascending order. */
  #tags(tagged: readonly (readonly [name: string, field: Field, value: string])[], from: string, path: string): void {
    const unknown = this.#name('u');
    const count = this.#name('n');
    const ascending = [...tagged].sort((a, b) => (a[1].options.tag as number) - (b[1].options.tag as number));
    this.#emit(
      `const ${unknown} = ${from}.unknownTags;`,
      `let ${count} = ${unknown} === undefined ? 0 : ${unknown}.length;`,
    );
    const present: string[] = [];
    for (const [, field, value] of ascending) {
      const flag = this.#name('h');
      present.push(flag);
      this.#emit(
        `const ${flag} = ${value} !== undefined && !(${isDefault(field, value)});`,
        `if (${flag}) ${count}++;`,
      );
    }
    this.#room(String(UVARINT_BYTES_MAX));
    this.#emit(`if (${count} === 0) b[p++] = 0; else {`, `p = uvarint(b, p, ${count});`);
    let above = -1;
    for (const [position, [name, field, value]] of ascending.entries()) {
      const tag = field.options.tag as number;
      this.#unknown(unknown, above, tag);
      const start = this.#name('o');
      this.#emit(`if (${present[position]}) {`);
      this.#room(String(2 * UVARINT_BYTES_MAX));
      this.#emit(`p = uvarint(b, p, ${tag});`, `const ${start} = p++;`);
      if (holdsRecords(field)) throw new Error(`${this.#declaration.name}: ${name} holds records in a tagged field`);
      this.#value(field, value, path === '' ? name : `${path}.${name}`);
      this.#room(String(UVARINT_BYTES_MAX));
      this.#emit(`p = sizeBefore(b, ${start}, p, p - ${start} - 1);`, `}`);
      above = tag;
    }
    this.#unknown(unknown, above, Infinity);
    this.#emit(`}`);
  }

  #unknown(unknown: string, above: number, limit: number): void {
    this.#emit(
      `if (${unknown} !== undefined) { p = unknownTags(s, p, ${unknown}, ${above}, ${limit}); b = s.bytes; d = s.view; }`,
    );
  }
}

/** Whether the value is the default, as JavaScript text. `value` is not undefined. */
function isDefault(field: Field, value: string): string {
  const given = field.options.default;
  if (given === null) return `${value} === null`;
  const notNull = field.nullable ? `${value} !== null && ` : '';
  if (field.kind === 'array' || field.kind === 'bytes') return `${notNull}${value}.length === 0`;
  if (field.kind === 'records') return `${notNull}recordsBytes(${value}) === 0`;
  if (field.kind === 'struct') {
    const members = Object.entries(field.fields as Fields).map(([name, member]) => {
      const inner = `${value}.${name}`;
      return `(${inner} === undefined || (${isDefault(member, inner)}))`;
    });
    return `${notNull}${members.join(' && ')}`;
  }
  return `${value} === ${defaultExpression(field)}`;
}

function holdsRecords(field: Field): boolean {
  if (field.kind === 'records') return true;
  if (field.element !== undefined && holdsRecords(field.element)) return true;
  return Object.values(field.fields ?? {}).some(holdsRecords);
}
