import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@tailrace/testkit';
import { AwsError } from '../aws-error.ts';
import { cborCodec } from './cbor-codec.ts';
import { DEPTH_MAX, ITEMS_MAX, readCbor } from './cbor-reader.ts';
import { readInput } from './read-input.ts';
import { blob, integer, list, string, structure, textMap, timestamp } from './shapes.ts';
import type { WireValue } from './wire-codec.ts';

const read = (hex: string): unknown => readCbor(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const written = (value: { readonly [member: string]: WireValue }): string => cborCodec.encode(value).toString('hex');

describe('readCbor', () => {
  // RFC 8949, appendix A.
  it.each([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', 18_446_744_073_709_552_000],
    ['20', -1],
    ['3903e7', -1000],
    ['3bffffffffffffffff', -18_446_744_073_709_552_000],
    ['f90000', 0],
    ['f93c00', 1],
    ['f93e00', 1.5],
    ['f97bff', 65_504],
    ['f90001', 5.960464477539063e-8],
    ['f90400', 0.00006103515625],
    ['f9c400', -4],
    ['f97c00', Infinity],
    ['f9fc00', -Infinity],
    ['f97e00', NaN],
    ['fa47c35000', 100_000],
    ['fa7f7fffff', 3.4028234663852886e38],
    ['fb3ff199999999999a', 1.1],
    ['fbc010666666666666', -4.1],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['f7', null],
    ['60', ''],
    ['6161', 'a'],
    ['62c3bc', 'ü'],
    ['64f0908591', '𐅑'],
    ['40', Buffer.alloc(0)],
    ['4401020304', Buffer.from([1, 2, 3, 4])],
    ['5f42010243030405ff', Buffer.from([1, 2, 3, 4, 5])],
    ['5fff', Buffer.alloc(0)],
    ['7f657374726561646d696e67ff', 'streaming'],
    // A character that is cut in two by the pieces of a text.
    ['7f61c361bcff', 'ü'],
    ['80', []],
    ['83010203', [1, 2, 3]],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['a0', {}],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['bf6346756ef563416d7421ff', { Fun: true, Amt: -2 }],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
    ['a16161c1 1b0000018bcfe56800', { a: new Date(1_700_000_000_000) }],
    ['c1fb41d452d9ec200000', new Date(1_363_896_240_500)],
    // Tags that mean nothing here.
    ['d818456449455446', Buffer.from('dIETF')],
    ['c11a514b67b0', new Date(1_363_896_240)],
  ])('reads %s', (hex, value) => {
    expect(read(hex)).toEqual(value);
  });

  it.each([
    ['', 'nothing'],
    ['0000', 'something behind it'],
    ['1c', 'a reserved length'],
    ['1f', 'a number of indefinite length'],
    ['3f', 'a negative one'],
    ['df00', 'a tag of indefinite length'],
    ['ff', 'a break alone'],
    ['f8ff', 'an unknown simple value'],
    ['fc', 'a reserved simple value'],
    ['a16161ff', 'a break for a value'],
    ['9f01', 'a list without an end'],
    ['bf6161ff', 'a name without a value'],
    ['bf616101', 'a map without an end'],
    ['a10102', 'a name that is a number'],
    ['a1416101', 'a name that is bytes'],
    ['5f6161ff', 'a piece of text among bytes'],
    ['5f5f4101ffff', 'pieces within pieces'],
    ['c16161', 'a time that is a text'],
    ['9bffffffffffffffff', 'a list that says it is endless'],
    ['bbffffffffffffffff', 'a map that says it is endless'],
    ['5bffffffffffffffff', 'bytes that say they are endless'],
    ['7b7fffffffffffffff', 'text that says it is endless'],
    ['9a00ffffff', 'a list longer than its request'],
  ])('refuses %s: %s', (hex) => {
    expect(read(hex)).toBeUndefined();
  });

  it('reads as deep as it says, and no deeper', () => {
    const nested = (depth: number): string => '81'.repeat(depth) + '00';
    expect(read(nested(DEPTH_MAX))).toBeDefined();
    expect(read(nested(DEPTH_MAX + 1))).toBeUndefined();
    expect(read('c6'.repeat(100_000) + '00')).toBeUndefined();
    expect(read('9f'.repeat(100_000))).toBeUndefined();
  });

  it('reads as many items as it says, and no more', () => {
    const many = (items: number): Buffer =>
      Buffer.concat([Buffer.from([0x9f]), Buffer.alloc(items - 1), Buffer.from([0xff])]);
    expect(readCbor(many(ITEMS_MAX))).toHaveLength(ITEMS_MAX - 1);
    expect(readCbor(many(ITEMS_MAX + 1))).toBeUndefined();
    const pieces = Buffer.concat([Buffer.from([0x5f]), Buffer.alloc(ITEMS_MAX, 0x40), Buffer.from([0xff])]);
    expect(readCbor(pieces)).toBeUndefined();
  });

  it('gives bytes as views of the request', () => {
    const body = Buffer.from('a16444617461 43010203'.replaceAll(' ', ''), 'hex');
    const { Data } = readCbor(body) as { Data: Buffer };
    body[body.length - 1] = 9;
    expect(Data).toEqual(Buffer.from([1, 2, 9]));
  });

  it('takes the name __proto__ for a name', () => {
    const value = read('a1695f5f70726f746f5f5f a1616101'.replaceAll(' ', '')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
  });

  it('tells names apart that share a place in its memory of names', () => {
    // Equal in length, first and last byte.
    expect(read('a2 63616263 01 63617863 02')).toEqual({ abc: 1, axc: 2 });
    expect(read('a2 63616263 01 63617863 02')).toEqual({ abc: 1, axc: 2 });
  });

  it('refuses every beginning of a request, and survives any byte of it being another', () => {
    const whole = Buffer.from(
      written({ StreamName: 'süß', Records: [{ Data: Buffer.from([0, 255]), When: new Date(5) }] }),
      'hex',
    );
    for (let end = 0; end < whole.length; end++) expect(readCbor(whole.subarray(0, end))).toBeUndefined();
    const random = seededRandom(11);
    for (let i = 0; i < 20_000; i++) {
      const mutated = Buffer.from(whole);
      for (let flips = 0; flips < 3; flips++) {
        mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256);
      }
      readCbor(mutated);
    }
    for (let i = 0; i < 20_000; i++) {
      readCbor(Buffer.from(Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 256))));
    }
  });
});

describe('cborCodec', () => {
  it('writes what the Java libraries read, and leaves out what is absent', () => {
    expect(written({})).toBe('a0');
    expect(written({ a: undefined, b: 'x' })).toBe('a161626178');
    expect(written({ Data: Buffer.from([0, 255]) })).toBe('a1644461746142 00ff'.replace(' ', ''));
    // Tag 1, and whole milliseconds in eight bytes.
    expect(written({ t: new Date(1_700_000_000_123) })).toBe('a16174c11b0000018bcfe5687b');
    expect(written({ a: [true, false, -1, 24, 1.5] })).toBe(
      'a1616185f5f420 1818 fb3ff8000000000000'.replaceAll(' ', ''),
    );
  });

  it.each([0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, 2 ** 53 - 1, -1, -25, -65_537])(
    'reads the number %d back',
    (n) => {
      expect(cborCodec.decode(cborCodec.encode({ n }) as Buffer)).toEqual({ n });
    },
  );

  it.each([0, 23, 24, 255, 256, 4_095, 4_096, 65_536, 1_000_000])('reads text and bytes of %d back', (length) => {
    const value = { text: 'ü'.repeat(length / 2) + 'x'.repeat(length % 2), bytes: Buffer.alloc(length, 7) };
    expect(cborCodec.decode(cborCodec.encode(value) as Buffer)).toEqual(value);
  });

  it.each(['80', '01', '6161', 'f6', '4101', 'c100'])('takes no request that is no structure: %s', (hex) => {
    expect(cborCodec.decode(Buffer.from(hex, 'hex'))).toBeUndefined();
  });

  const members = {
    Name: string(),
    Data: blob({ max: 4 }),
    When: timestamp(),
    Count: integer(),
    Inner: structure({ A: string() }),
    Items: list({ of: string() }),
    Tags: textMap({ keyLength: { min: 1, max: 9 }, valueLength: { min: 0, max: 9 } }),
  };
  const input = (hex: string): unknown => {
    try {
      return readInput(members, cborCodec.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex')) as object, cborCodec);
    } catch (error) {
      if (error instanceof AwsError) return `${error.type}: ${error.message}`;
      throw error;
    }
  };
  const when = 'a1 645768656e';

  it.each([
    ['whole milliseconds under tag 1', `${when} c1 1b0000018bcfe5687b`, 1_700_000_000_123],
    ['a double of seconds under tag 1', `${when} c1 fb41d954fc4007df3b`, 1_700_000_000_123],
    ['whole milliseconds alone', `${when} 1b0000018bcfe5687b`, 1_700_000_000_123],
    ['a double of seconds alone', `${when} fb41d954fc4007df3b`, 1_700_000_000_123],
  ])('reads a time of %s', (_what, hex, ms) => {
    expect(input(hex)).toEqual({ When: ms });
  });

  const number = 'com.amazon.coral.value.json.numbers.TruncatingBigNumber';
  it.each([
    ['a1 6444617461 63616263', 'class java.lang.String can not be converted to a Blob'],
    ['a1 6444617461 01', `class ${number} can not be converted to a Blob`],
    ['a1 6444617461 80', 'Start of list found where not expected'],
    ['a1 6444617461 a0', 'Start of structure or map found where not expected.'],
    ['a1 644e616d65 4161', 'class java.nio.HeapByteBuffer can not be converted to an String'],
    ['a1 644e616d65 c101', 'class java.util.Date can not be converted to an String'],
    ['a1 65436f756e74 f97e00', `class ${number} can not be converted to an Integer`],
    [`${when} 6161`, 'class java.lang.String can not be converted to milliseconds since epoch'],
    [`${when} f97e00`, `class ${number} can not be converted to milliseconds since epoch`],
    [`${when} c1f97e00`, 'class java.util.Date can not be converted to milliseconds since epoch'],
    [`${when} c11bffffffffffffffff`, 'class java.util.Date can not be converted to milliseconds since epoch'],
    ['a1 65496e6e6572 4161', 'Expected null'],
    ['a1 654974656d73 4161', 'Expected list or null'],
    ['a1 6454616773 4161', 'Expected map or null'],
    ['a1 6454616773 c101', 'Expected map or null'],
  ])('refuses %s', (hex, message) => {
    expect(input(hex)).toBe(`SerializationException: ${message}`);
  });

  it('names faults of limits as in JSON', () => {
    expect(input('a1 6444617461 450000000000')).toBe(
      "ValidationException: 1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=5 cap=5]' at 'data' " +
        'failed to satisfy constraint: Member must have length less than or equal to 4',
    );
  });
});
