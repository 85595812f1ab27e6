import { decode, encode } from '../codec/codec.ts';
import type { Draft, Message, Of } from '../codec/message.ts';

/** A kind of record that a group coordinator writes into `__consumer_offsets`: what its key says, and what its value says. */
export interface CoordinatorRecord<Key extends Message = Message, Value extends Message = Message> {
  /** Stands before the key. */
  readonly type: number;
  readonly key: Key;
  readonly value: Value;
}

const NUMBER_BYTES = 2;
/** Keys have one version only: another one would be another key. */
const KEY_VERSION = 0;

export function coordinatorRecord<Key extends Message, Value extends Message>(
  type: number,
  key: Key,
  value: Value,
): CoordinatorRecord<Key, Value> {
  return { type, key, value };
}

export function encodeCoordinatorKey<Key extends Message>(
  { type, key }: CoordinatorRecord<Key>,
  draft: Draft<Key>,
): Buffer {
  return Buffer.concat([int16(type), ...encode(key, KEY_VERSION, draft)]);
}

export function encodeCoordinatorValue<Value extends Message>(
  { value }: CoordinatorRecord<Message, Value>,
  version: number,
  draft: Draft<Value>,
): Buffer {
  return Buffer.concat([int16(version), ...encode(value, version, draft)]);
}

/** The number before a key, by which its kind is known; `undefined` of what is too short to have one. */
export function coordinatorRecordType(key: Buffer): number | undefined {
  return key.length < NUMBER_BYTES ? undefined : key.readInt16BE(0);
}

/** Throws MalformedFrame. */
export function decodeCoordinatorKey<Key extends Message>({ key }: CoordinatorRecord<Key>, bytes: Buffer): Of<Key> {
  return decode(key, KEY_VERSION, bytes.subarray(NUMBER_BYTES));
}

/** Throws MalformedFrame, also for a version that is not known here. */
export function decodeCoordinatorValue<Value extends Message>(
  { value }: CoordinatorRecord<Message, Value>,
  bytes: Buffer,
): Of<Value> {
  return decode(value, bytes.readInt16BE(0), bytes.subarray(NUMBER_BYTES));
}

function int16(number: number): Buffer {
  const bytes = Buffer.alloc(NUMBER_BYTES);
  bytes.writeInt16BE(number);
  return bytes;
}
