import { hash } from 'node:crypto';
import { parseHashKey } from '@tailrace/hashing';

/**
 * Many records of a producer that travel as one, in the format of the Kinesis Producer Library:
 * https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
 *
 * | Bytes | |
 * |---|---|
 * | 4 | F3 89 9A C2 |
 * | n | a protocol buffer: 1 table of partition keys, 2 table of explicit hash keys, 3 records, each with 1 the index of its partition key, 2 (optional) that of its hash key, 3 its data, 4 tags |
 * | 16 | MD5 of the protocol buffer |
 */
const MAGIC = 0xf3899ac2;
const MAGIC_BYTES = 4;
const DIGEST_BYTES = 16;
/** A record that says it holds more is taken for one record. Of 1 MiB, a producer can make some 150,000. */
export const SUB_RECORDS_MAX = 250_000;

/** One of the records in an aggregated one. Data is a view of it. */
export interface SubRecord {
  readonly partitionKey: string;
  /** Decimal, below 2^128. */
  readonly explicitHashKey: string | undefined;
  readonly data: Buffer;
}

/** The records in an aggregated one, in their order, at least one; `undefined` for data that is anything else. */
export function subRecordsOf(data: Buffer | null): readonly SubRecord[] | undefined {
  if (data === null || data.length < MAGIC_BYTES + DIGEST_BYTES || data.readUInt32BE(0) !== MAGIC) return undefined;
  const message = data.subarray(MAGIC_BYTES, -DIGEST_BYTES);
  if (!hash('md5', message, 'buffer').equals(data.subarray(-DIGEST_BYTES))) return undefined;
  try {
    return readAggregate(message);
  } catch (error) {
    if (error instanceof NotAggregated) return undefined;
    throw error;
  }
}

class NotAggregated extends Error {}

function readAggregate(message: Buffer): readonly SubRecord[] | undefined {
  const partitionKeys: string[] = [];
  const hashKeys: string[] = [];
  const records: Fields[] = [];
  for (const [number, value] of fieldsOf(message)) {
    if (typeof value === 'number') continue;
    if (number === 1) partitionKeys.push(value.toString('utf8'));
    else if (number === 2) hashKeys.push(value.toString('latin1'));
    else if (number === 3) records.push(fieldsOf(value));
  }
  if (records.length === 0 || records.length > SUB_RECORDS_MAX) return undefined;
  if (hashKeys.some((hashKey) => parseHashKey(hashKey) === undefined)) return undefined;
  return records.map((fields) => readSubRecord(fields, partitionKeys, hashKeys));
}

function readSubRecord(fields: Fields, partitionKeys: readonly string[], hashKeys: readonly string[]): SubRecord {
  let partitionKey: string | undefined;
  let explicitHashKey: string | undefined;
  let data: Buffer | undefined;
  for (const [number, value] of fields) {
    if (number === 1 && typeof value === 'number') partitionKey = partitionKeys[value];
    else if (number === 2 && typeof value === 'number') {
      explicitHashKey = hashKeys[value];
      if (explicitHashKey === undefined) throw new NotAggregated();
    } else if (number === 3 && typeof value !== 'number') data = value;
  }
  if (partitionKey === undefined || data === undefined) throw new NotAggregated();
  return { partitionKey, explicitHashKey, data };
}

/** Field numbers and values of a message, in their order: varints as numbers, what has a length as bytes. */
type Fields = readonly (readonly [number: number, value: number | Buffer])[];

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Throws NotAggregated for bytes that are no message of protocol buffers. */
function fieldsOf(message: Buffer): Fields {
  const fields: (readonly [number, number | Buffer])[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; factor <= Number.MAX_SAFE_INTEGER; factor *= 0x80) {
      const byte = message[at++];
      if (byte === undefined) throw new NotAggregated();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new NotAggregated();
  };
  const bytes = (length: number): Buffer => {
    if (length > message.length - at) throw new NotAggregated();
    return message.subarray(at, (at += length));
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === WIRE.varint) fields.push([number, varint()]);
    else if (wire === WIRE.bytes) fields.push([number, bytes(varint())]);
    else if (wire === WIRE.fixed64) bytes(8);
    else if (wire === WIRE.fixed32) bytes(4);
    else throw new NotAggregated();
  }
  return fields;
}
