import { serializationException, validationException } from '../aws-error.ts';
import type { InputOf, IntegerShape, ListShape, MapShape, Members, Shape, StringShape } from './shapes.ts';
import { javaClass, refuseCollection } from './type-texts.ts';
import { isStructure, type WireCodec } from './wire-codec.ts';

/** The service names so many faults of a request and then stops looking. */
const VALIDATION_ERRORS_MAX = 10;
const INT32_MAX = 2_147_483_647;
/**
 * Of what is longer than that, and longer than its member may be, only the latter is told: it is the model's largest bound
 * of a member with a pattern, and some patterns take time with the square of the length (24 s for 180 KB).
 */
const PATTERN_CHARACTERS_MAX = 2048;

/**
 * Turns a decoded request into an operation's input, in one pass. A value of a wrong type is a SerializationException,
 * whatever else is wrong; limits that are not kept are gathered into one ValidationException. Members that the
 * operation does not know are passed over, `null` counts as absent.
 */
export function readInput<M extends Members>(members: M, raw: object, codec: WireCodec): InputOf<M> {
  const faults: string[] = [];
  const input = readMembers(members, raw as Readonly<Record<string, unknown>>, '', codec, faults);
  if (faults.length > 0) {
    throw validationException(
      `${faults.length} validation error${faults.length > 1 ? 's' : ''} detected: ${faults.join('; ')}`,
    );
  }
  return input as InputOf<M>;
}

function readMembers(
  members: Members,
  raw: Readonly<Record<string, unknown>>,
  path: string,
  codec: WireCodec,
  faults: string[],
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const name in members) {
    const shape = members[name] as Shape;
    const value = raw[name];
    if (value === undefined || value === null) {
      if (shape.required) note(faults, path + lowerFirst(name), undefined, 'Member must not be null');
    } else {
      input[name] = readValue(shape, value, path, name, codec, faults);
    }
  }
  return input;
}

function readValue(
  shape: Shape,
  value: unknown,
  path: string,
  name: string,
  codec: WireCodec,
  faults: string[],
): unknown {
  switch (shape.kind) {
    case 'string':
      if (typeof value !== 'string') return refuse(value, 'an String');
      if (!stringFits(shape, value)) noteString(faults, shape, value, path + lowerFirst(name));
      return value;
    case 'blob': {
      const bytes = codec.readBlob(value);
      if (shape.max !== undefined && bytes.length > shape.max) {
        const text = `java.nio.HeapByteBuffer[pos=0 lim=${bytes.length} cap=${bytes.length}]`;
        noteTooLong(faults, path + lowerFirst(name), text, shape.max);
      }
      return bytes;
    }
    case 'integer':
      return readInteger(shape, value, path + lowerFirst(name), faults);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      if (typeof value === 'string') {
        throw serializationException(`'${value.toUpperCase()}' can not be converted to an Boolean`);
      }
      return refuse(value, 'an Boolean');
    case 'timestamp':
      return codec.readTimestampMs(value);
    case 'list':
      return readList(shape, value, path + lowerFirst(name), codec, faults);
    case 'map':
      return readMap(shape, value, path + lowerFirst(name), faults);
    case 'structure':
      if (Array.isArray(value)) refuseCollection(value);
      if (!isStructure(value)) throw serializationException('Expected null');
      return readMembers(shape.members, value as Record<string, unknown>, `${path}${lowerFirst(name)}.`, codec, faults);
  }
}

function readInteger({ min, max }: IntegerShape, value: unknown, path: string, faults: string[]): unknown {
  // CBOR has numbers that are none.
  if (typeof value !== 'number' || Number.isNaN(value)) return refuse(value, 'an Integer');
  const whole = Math.max(Math.min(Math.floor(value), INT32_MAX), -INT32_MAX - 1);
  if (min !== undefined && whole < min) {
    note(faults, path, String(whole), `Member must have value greater than or equal to ${min}`);
  }
  if (max !== undefined && whole > max) {
    note(faults, path, String(whole), `Member must have value less than or equal to ${max}`);
  }
  return whole;
}

function readList(shape: ListShape, value: unknown, path: string, codec: WireCodec, faults: string[]): unknown[] {
  if (!Array.isArray(value)) {
    refuseCollection(value);
    throw serializationException('Expected list or null');
  }
  const { of, min, max } = shape;
  // The list's own faults are named before those of its members.
  if ((min !== undefined && value.length < min) || (max !== undefined && value.length > max)) {
    const text = `[${value.map((member) => shape.memberText ?? String(member)).join(', ')}]`;
    if (min !== undefined && value.length < min) noteTooShort(faults, path, text, min);
    if (max !== undefined && value.length > max) noteTooLong(faults, path, text, max);
  }
  const list = new Array<unknown>(value.length);
  for (let i = 0; i < value.length; i++) {
    const member: unknown = value[i];
    if (of.kind === 'structure' && isStructure(member)) {
      const before = faults.length;
      list[i] = readMembers(of.members, member as Record<string, unknown>, '', codec, faults);
      // The path of a member costs a string, which only a fault needs: read again for its texts.
      if (faults.length > before) {
        faults.length = before;
        readMembers(of.members, member as Record<string, unknown>, `${path}.${i + 1}.member.`, codec, faults);
      }
    } else if (member === null) {
      note(faults, `${path}.${i + 1}.member`, undefined, 'Member must not be null');
    } else {
      list[i] = readValue(of, member, `${path}.${i + 1}.`, 'member', codec, faults);
    }
  }
  return list;
}

function readMap(shape: MapShape, value: unknown, path: string, faults: string[]): Record<string, string> {
  if (Array.isArray(value)) refuseCollection(value);
  if (!isStructure(value)) throw serializationException('Expected map or null');
  const entries: [string, string][] = [];
  for (const [key, entry] of Object.entries(value)) {
    if (entry === null || entry === undefined) continue;
    if (typeof entry !== 'string') refuse(entry, 'an String');
    entries.push([key, entry]);
  }
  const { min, max, keyLength, valueLength } = shape;
  const text = `{${entries.map(([key, entry]) => `${key}=${entry}`).join(', ')}}`;
  if (!entries.every(([key]) => within(key.length, keyLength))) {
    note(faults, path, text, `Map keys must satisfy constraint: ${lengthsText(keyLength)}`);
  }
  if (!entries.every(([, entry]) => within(entry.length, valueLength))) {
    note(faults, path, text, `Map value must satisfy constraint: ${lengthsText(valueLength)}`);
  }
  if (min !== undefined && entries.length < min) noteTooShort(faults, path, text, min);
  if (max !== undefined && entries.length > max) noteTooLong(faults, path, text, max);
  return Object.fromEntries(entries);
}

function within(length: number, { min, max }: { min: number; max: number }): boolean {
  return length >= min && length <= max;
}

function lengthsText({ min, max }: { min: number; max: number }): string {
  return `[Member must have length less than or equal to ${max}, Member must have length greater than or equal to ${min}]`;
}

function stringFits({ min, max, matches, values }: StringShape, value: string): boolean {
  return (
    (min === undefined || value.length >= min) &&
    (max === undefined || value.length <= max) &&
    (matches === undefined || matches.test(value)) &&
    (values === undefined || values.includes(value))
  );
}

function noteString(faults: string[], shape: StringShape, value: string, path: string): void {
  const { min, max, pattern, matches, values } = shape;
  const isFarTooLong = max !== undefined && value.length > Math.max(max, PATTERN_CHARACTERS_MAX);
  if (matches !== undefined && !isFarTooLong && !matches.test(value)) {
    note(faults, path, value, `Member must satisfy regular expression pattern: ${pattern}`);
  }
  if (values !== undefined && !values.includes(value)) {
    note(faults, path, value, `Member must satisfy enum value set: [${values.join(', ')}]`);
  }
  if (min !== undefined && value.length < min) noteTooShort(faults, path, value, min);
  if (max !== undefined && value.length > max) noteTooLong(faults, path, value, max);
}

function noteTooShort(faults: string[], path: string, value: string, min: number): void {
  note(faults, path, value, `Member must have length greater than or equal to ${min}`);
}

function noteTooLong(faults: string[], path: string, value: string, max: number): void {
  note(faults, path, value, `Member must have length less than or equal to ${max}`);
}

function note(faults: string[], path: string, value: string | undefined, constraint: string): void {
  if (faults.length >= VALIDATION_ERRORS_MAX) return;
  const text = value === undefined ? 'null' : `'${value}'`;
  faults.push(`Value ${text} at '${path}' failed to satisfy constraint: ${constraint}`);
}

function refuse(value: unknown, wanted: string): never {
  refuseCollection(value);
  throw serializationException(`class ${javaClass(value)} can not be converted to ${wanted}`);
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
