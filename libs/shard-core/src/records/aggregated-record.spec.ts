import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@tailrace/testkit';
import { SUB_RECORDS_MAX, subRecordsOf } from './aggregated-record.ts';

/** Made by the Python module aws_kinesis_agg 1.2.3 (awslabs/kinesis-aggregation); compat/kpl makes others anew. */
const BY_AWSLABS = Buffer.from(
  'f3899ac20a0566697273740a077a77656920c3a412273137303134313138333436303436393233313733313638373330333731353838343130' +
    '353732381a0708001a036f6e651a0808011a047a7765691a08080010001a0200ff6ffa960d03d050ed8ed34af650e0942d',
  'hex',
);

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]);
const bytesField = (number: number, bytes: Buffer | string) =>
  Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(Buffer.byteLength(bytes))]), Buffer.from(bytes)]);
const intField = (number: number, value: number) => Buffer.from([...varint(number * 8), ...varint(value)]);
const framed = (...fields: Buffer[]) => {
  const message = Buffer.concat(fields);
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, createHash('md5').update(message).digest()]);
};

const good = bytesField(3, Buffer.concat([intField(1, 0), bytesField(3, 'v')]));

describe('an aggregated record', () => {
  it('of the makers of the format holds what was put into it', () => {
    expect(subRecordsOf(BY_AWSLABS)).toEqual([
      { partitionKey: 'first', explicitHashKey: undefined, data: Buffer.from('one') },
      { partitionKey: 'zwei ä', explicitHashKey: undefined, data: Buffer.from('zwei') },
      { partitionKey: 'first', explicitHashKey: String(1n << 127n), data: Buffer.from([0, 255]) },
    ]);
  });

  it('may have fields that we do not know, and tags', () => {
    const record = Buffer.concat([intField(1, 0), bytesField(3, 'v'), bytesField(4, 'tag'), intField(9, 300)]);
    const fixed = Buffer.concat([Buffer.from([0x49]), Buffer.alloc(8), Buffer.from([0x55]), Buffer.alloc(4)]);
    expect(subRecordsOf(framed(fixed, bytesField(3, record), bytesField(1, 'k'), bytesField(15, 'new')))).toEqual([
      { partitionKey: 'k', explicitHashKey: undefined, data: Buffer.from('v') },
    ]);
  });

  it('may be as many as are taken', () => {
    const records = Buffer.alloc(good.length * SUB_RECORDS_MAX, good);
    expect(subRecordsOf(framed(bytesField(1, 'k'), records))).toHaveLength(SUB_RECORDS_MAX);
  });

  it.each([
    ['a tombstone', null],
    ['nothing', Buffer.alloc(0)],
    ['the magic alone', Buffer.from('f3899ac2', 'hex')],
    ['another magic', Buffer.concat([Buffer.from([1]), BY_AWSLABS.subarray(1)])],
    ['a digest that does not fit', Buffer.concat([BY_AWSLABS.subarray(0, -1), Buffer.from([0])])],
    ['no records', framed(bytesField(1, 'k'))],
    ['a record whose key is not there', framed(good)],
    [
      'a record whose hash key is not there',
      framed(bytesField(1, 'k'), bytesField(3, Buffer.concat([intField(1, 0), intField(2, 1), bytesField(3, 'v')]))),
    ],
    ['a record without data', framed(bytesField(1, 'k'), bytesField(3, intField(1, 0)))],
    ['a hash key that is none', framed(bytesField(1, 'k'), bytesField(2, '-1'), good)],
    ['a field that is cut short', framed(bytesField(1, 'k'), good, Buffer.from([0x1a, 5, 1]))],
    ['a group, which nobody makes', framed(bytesField(1, 'k'), good, Buffer.from([0x1b]))],
    ['a number without an end', framed(bytesField(1, 'k'), good, Buffer.alloc(12, 0xff))],
    ['one record too many', framed(bytesField(1, 'k'), Buffer.alloc(good.length * (SUB_RECORDS_MAX + 1), good))],
  ])('is not %s', (_what, data) => {
    expect(subRecordsOf(data)).toBeUndefined();
  });

  it('is anything or not, but never a failure', () => {
    const random = seededRandom(11);
    for (let i = 0; i < 3_000; i++) {
      const message = Buffer.from(BY_AWSLABS.subarray(4, -16));
      for (let changes = 0; changes < 3; changes++) {
        message[Math.floor(random() * message.length)] = Math.floor(random() * 256);
      }
      expect(Array.isArray(subRecordsOf(framed(message)) ?? [])).toBe(true);
    }
  });
});
