import { type Field, type Fields, isCarried, isNullable, isTagged } from '../codec/field.ts';
import { isFlexible, type Message } from '../codec/message.ts';
import { decode, encode } from '../codec/codec.ts';
import type { Random } from './random.ts';

const TEXTS = [
  '',
  'a',
  'orders',
  'grüße',
  '日本語',
  '🚂🚃',
  'x'.repeat(24),
  'x'.repeat(25),
  'y'.repeat(126),
  'y'.repeat(127),
  'z'.repeat(300),
];
const INT64S = [
  0n,
  1n,
  -1n,
  0x7fff_ffffn,
  -0x8000_0000n,
  0xffff_ffffn,
  1n << 53n,
  -(1n << 53n) - 1n,
  (1n << 63n) - 1n,
  -(1n << 63n),
];

/** A value for every field that the version carries; the others have their defaults, as a reader returns them. */
export function generateValue(declaration: Message, version: number, random: Random): Record<string, unknown> {
  return generateStruct(declaration.fields, version, isFlexible(declaration, version), random);
}

function generateStruct(fields: Fields, version: number, flexible: boolean, random: Random): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const isAbsent = !isCarried(field, version) || (isTagged(field, version) && random.below(3) === 0);
    value[name] = isAbsent ? defaultOf(field) : generateField(field, version, flexible, random);
  }
  if (flexible && random.below(8) === 0) {
    // Numbers below, between and above those that are known.
    const known = new Set(Object.values(fields).map((field) => field.options.tag));
    const tags = [0, 1, 2, 3, 4, 127, 128, 0xffff_fffe].filter((tag) => !known.has(tag) && random.below(2) === 0);
    if (tags.length > 0)
      value['unknownTags'] = tags.map((tag) => ({ tag, data: random.bytes(random.oneOf([0, 1, 130])) }));
  }
  return value;
}

function generateField(field: Field, version: number, flexible: boolean, random: Random): unknown {
  if (isNullable(field, version) && random.below(3) === 0) return null;
  switch (field.kind) {
    case 'bool':
      return random.below(2) === 1;
    case 'int8':
      return random.below(0x100) - 0x80;
    case 'int16':
      return random.below(0x1_0000) - 0x8000;
    case 'uint16':
      return random.below(0x1_0000);
    case 'int32':
      return random.uint32() | 0;
    case 'uint32':
      return random.uint32();
    case 'int64':
      return random.below(2) === 0 ? random.oneOf(INT64S) : random.bytes(8).readBigInt64BE(0);
    case 'float64':
      return random.uint32() / 7;
    case 'uuid':
      return random.bytes(16).toString('base64url');
    case 'string':
      return random.oneOf(TEXTS);
    case 'bytes':
    case 'records':
      return random.bytes(random.oneOf([0, 1, 100, 200]));
    case 'array': {
      const { element } = field;
      if (element === undefined) throw new Error('an array without an element');
      return Array.from({ length: random.below(4) }, () => generateField(element, version, flexible, random));
    }
    case 'struct':
      return generateStruct(field.fields as Fields, version, flexible, random);
  }
}

/** Worked out here a second time, so that the reader's own idea of a default is checked. */
export function defaultOf(field: Field): unknown {
  const given = field.options.default;
  if (given !== undefined) return given;
  switch (field.kind) {
    case 'bool':
      return false;
    case 'int64':
      return 0n;
    case 'uuid':
      return Buffer.alloc(16).toString('base64url');
    case 'string':
      return '';
    case 'bytes':
    case 'records':
      return Buffer.alloc(0);
    case 'array':
      return [];
    case 'struct':
      return Object.fromEntries(
        Object.entries(field.fields as Fields).map(([name, member]) => [name, defaultOf(member)]),
      );
    default:
      return 0;
  }
}

/** Encodes and decodes. */
export function roundTrip(declaration: Message, version: number, value: unknown): unknown {
  return decode(declaration, version, Buffer.concat(encode(declaration, version, value as never)));
}
