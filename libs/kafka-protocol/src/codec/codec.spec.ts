import { describe, expect, it } from '@jest/globals';
import { generateValue, roundTrip } from '../testing/generate-value.ts';
import { Random } from '../testing/random.ts';
import { expectSame, outcomeOf } from '../testing/refusal.ts';
import { decode, encode } from './codec.ts';
import {
  array,
  bool,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  nullableArray,
  nullableBytes,
  nullableRecords,
  nullableString,
  nullableStruct,
  records,
  string,
  struct,
  uint16,
  uint32,
  uuid,
} from './field.ts';
import { MalformedFrame, UnsupportedField } from './malformed-frame.ts';
import { message } from './message.ts';
import { COPIED_RECORDS_BYTES_MAX } from './scratch.ts';
import { ZERO_UUID } from './uuid.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const hexOf = (chunks: Buffer[]) => Buffer.concat(chunks).toString('hex');

const everything = message({
  name: 'Everything',
  versions: [0, 3],
  flexibleFrom: 2,
  fields: {
    flag: bool(),
    tiny: int8(),
    small: int16(),
    port: uint16(),
    count: int32(),
    size: uint32(),
    offset: int64(),
    ratio: float64(),
    topicId: uuid({ since: 1, default: ZERO_UUID, ignorable: true }),
    name: string(),
    rack: nullableString({ nullableSince: 1 }),
    data: bytes(),
    userData: nullableBytes(),
    log: records(),
    maybeLog: nullableRecords(),
    numbers: array(int32()),
    names: array(string()),
    offsets: nullableArray(int64()),
    parts: array(
      struct({
        index: int32(),
        inner: struct({ a: int8(), b: string({ since: 1, default: '' }) }),
        old: int16({ until: 1, default: 5 }),
      }),
    ),
    maybe: nullableStruct({ x: int32() }, { since: 1, default: null }),
    hint: string({ since: 2, tag: 1, default: 'none' }),
    limits: struct({ low: int64({ default: -1n }), high: int64({ default: -1n }) }, { since: 2, tag: 0 }),
    extra: nullableArray(int16(), { since: 2, tag: 3, default: null }),
    moved: int32({ tag: 7, taggedSince: 3, default: 9 }),
  },
});

describe('a codec', () => {
  it('reads what it wrote, for every kind of field and every version', () => {
    for (let version = 0; version <= 3; version++) {
      for (let seed = 0; seed < 200; seed++) {
        const value = generateValue(everything, version, new Random(seed));
        expectSame(roundTrip(everything, version, value), value);
      }
    }
  });

  it('refuses every cut of what it wrote', () => {
    for (let version = 0; version <= 3; version++) {
      const whole = Buffer.concat(
        encode(everything, version, generateValue(everything, version, new Random(version)) as never),
      );
      for (let length = 0; length < whole.length; length++) {
        if (outcomeOf(() => decode(everything, version, whole.subarray(0, length))) === 'value')
          throw new Error(`cut to ${length} bytes, v${version} is taken`);
      }
    }
  });

  it('knows the versions that are declared and no others', () => {
    const m = message({ name: 'Young', versions: [2, 3], fields: { a: int8() } });
    for (const version of [-1, 0, 1, 4, 2.5, Number.NaN]) {
      expect(() => encode(m, version, { a: 1 })).toThrow(RangeError);
      expect(() => decode(m, version, hex('01'))).toThrow(RangeError);
    }
  });

  it('refuses names that could not stand in generated code', () => {
    expect(() => message({ name: 'Bad', versions: [0, 0], fields: { 'a; process.exit()': int8() } })).toThrow(
      /is no field name/,
    );
    expect(() =>
      message({ name: 'Bad', versions: [0, 0], fields: { list: array(struct({ 'x y': int8() })) } }),
    ).toThrow(/is no field name/);
  });
});

describe('a number', () => {
  it('is big-endian and signed as declared', () => {
    const m = message({
      name: 'Numbers',
      versions: [0, 0],
      fields: { a: int8(), b: int16(), c: uint16(), d: int32(), e: uint32(), f: int64(), g: bool() },
    });
    const value = { a: -2, b: -3, c: 0xfffe, d: -4, e: 0xffff_fffd, f: -5n, g: true };
    const wire = 'fe fffd fffe fffffffc fffffffd fffffffffffffffb 01'.replaceAll(' ', '');
    expect(hexOf(encode(m, 0, value))).toBe(wire);
    expect(decode(m, 0, hex(wire))).toEqual(value);
  });

  it.each([0n, 1n, -1n, 0xffff_ffffn, 0x1_0000_0000n, -0x1_0000_0000n, (1n << 63n) - 1n, -(1n << 63n)])(
    'of 64 bits is exact: %s',
    (offset) => {
      const m = message({ name: 'Offset', versions: [0, 0], fields: { offset: int64() } });
      const wire = Buffer.alloc(8);
      wire.writeBigInt64BE(offset);
      expect(encode(m, 0, { offset })).toEqual([wire]);
      expect(decode(m, 0, wire)).toEqual({ offset });
    },
  );
});

describe('a string', () => {
  const old = message({ name: 'Old', versions: [0, 0], fields: { s: string() } });
  const compact = message({ name: 'Compact', versions: [0, 0], flexibleFrom: 0, fields: { s: string() } });

  it('has a length of two bytes, or a varint of length + 1 in flexible versions', () => {
    expect(hexOf(encode(old, 0, { s: 'ab' }))).toBe('00026162');
    expect(hexOf(encode(compact, 0, { s: 'ab' }))).toBe('03616200');
  });

  it.each([0, 1, 12, 13, 24, 25, 126, 127, 128, 16_381, 16_382, 16_383, 16_384, 32_767])(
    'of %i bytes keeps its text',
    (length) => {
      for (const letter of ['x', 'é']) {
        const s = letter.repeat(Math.floor(length / Buffer.byteLength(letter)));
        expect(roundTrip(old, 0, { s })).toEqual({ s });
        expect(roundTrip(compact, 0, { s })).toEqual({ s });
      }
    },
  );

  it('of more than 32,767 bytes fits flexible versions alone', () => {
    const s = 'x'.repeat(32_768);
    expect(() => encode(old, 0, { s })).toThrow(RangeError);
    expect(roundTrip(compact, 0, { s })).toEqual({ s });
  });

  it('that explains an error is cut between two characters to what fits', () => {
    const fields = { errorMessage: nullableString() };
    const explained = message({ name: 'Explained', versions: [0, 1], flexibleFrom: 1, fields });
    const cut = (errorMessage: string) =>
      (roundTrip(explained, 0, { errorMessage }) as { errorMessage: string }).errorMessage;
    expect(cut('x'.repeat(70_000))).toBe('x'.repeat(32_767));
    expect(cut('x'.repeat(32_767))).toBe('x'.repeat(32_767));
    expect(cut('é'.repeat(20_000))).toBe('é'.repeat(16_383));
    expect(cut(`x${'𝄞'.repeat(10_000)}`)).toBe(`x${'𝄞'.repeat(8_191)}`);
    expect(roundTrip(explained, 0, { errorMessage: null })).toEqual({ errorMessage: null });
    expect(roundTrip(explained, 1, { errorMessage: 'x'.repeat(70_000) })).toEqual({ errorMessage: 'x'.repeat(70_000) });
  });

  it('may be null only where it is declared so', () => {
    expect(() => decode(old, 0, hex('ffff'))).toThrow('Old v0: s at byte 2: null is not allowed');
    expect(() => decode(compact, 0, hex('0000'))).toThrow(/null is not allowed/);
    expect(() => decode(old, 0, hex('fffe'))).toThrow(/length -2/);
    const since = message({ name: 'Since', versions: [0, 1], fields: { s: nullableString({ nullableSince: 1 }) } });
    expect(() => decode(since, 0, hex('ffff'))).toThrow(MalformedFrame);
    expect(() => encode(since, 0, { s: null })).toThrow(RangeError);
    expect(roundTrip(since, 1, { s: null })).toEqual({ s: null });
  });
});

describe('a length', () => {
  it('that points past the end is refused where it stands', () => {
    const old = message({ name: 'Old', versions: [0, 0], fields: { s: string() } });
    const data = message({ name: 'Data', versions: [0, 1], flexibleFrom: 1, fields: { list: array(bytes()) } });
    expect(() => decode(old, 0, hex('0005 6162'))).toThrow('Old v0: s at byte 2: needs 5 bytes, 2 are left');
    expect(() => decode(data, 0, hex('00000001 7fffffff aa'))).toThrow(
      'Data v0: list at byte 8: needs 2147483647 bytes, 1 are left',
    );
    expect(() => decode(data, 1, hex('02 ffffffff0f aa'))).toThrow(
      'Data v1: list at byte 6: needs 4294967294 bytes, 1 are left',
    );
  });

  it('may not leave its tagged field, even where the frame goes on', () => {
    const m = message({ name: 'Fenced', versions: [0, 0], flexibleFrom: 0, fields: { s: string({ tag: 0 }) } });
    expect(() => decode(m, 0, hex('01 00 02 05 61 62636465'))).toThrow(
      'Fenced v0: s at byte 4: needs 4 bytes, 1 are left',
    );
  });
});

describe('an error', () => {
  it('names message, version, field and position', () => {
    const m = message({
      name: 'Deep',
      versions: [0, 0],
      fields: { a: int32(), list: array(struct({ b: int16(), c: int64() })) },
    });
    const wire = hex('00000001 00000001 0002 0000000000000007');
    expect(decode(m, 0, wire)).toEqual({ a: 1, list: [{ b: 2, c: 7n }] });
    wire.writeInt32BE(2, 4);
    expect(() => decode(m, 0, Buffer.concat([wire, hex('0003 00000000000000')]))).toThrow(
      'Deep v0: list at byte 8: 2 elements of at least 10 bytes, 19 bytes are left',
    );
    const run = message({
      name: 'Run',
      versions: [0, 0],
      fields: { a: int32(), inner: struct({ b: int16(), c: int64() }) },
    });
    expect(() => decode(run, 0, hex('00000001 0002 00000000000000'))).toThrow(
      'Run v0: inner.c at byte 6: needs 8 bytes, 7 are left',
    );
    try {
      decode(run, 0, hex('00000001 00'));
    } catch (error) {
      expect(error).toMatchObject({ name: 'MalformedFrame', messageName: 'Run v0', field: 'inner.b', position: 4 });
    }
    expect.assertions(4);
  });

  it('tells of bytes that are left over', () => {
    const m = message({ name: 'Short', versions: [0, 0], fields: { a: int8() } });
    expect(() => decode(m, 0, hex('0102'))).toThrow('Short v0: end at byte 1: 1 bytes are left over');
  });
});

describe('a count', () => {
  const m = message({
    name: 'Counted',
    versions: [0, 1],
    flexibleFrom: 1,
    fields: { list: array(struct({ id: int64(), name: string() })) },
  });

  it('of more elements than could follow is refused before memory is taken for them', () => {
    const before = process.memoryUsage().heapUsed;
    expect(() => decode(m, 0, hex('7fffffff 0000'))).toThrow(
      'Counted v0: list at byte 4: 2147483647 elements of at least 10 bytes, 2 bytes are left',
    );
    expect(() => decode(m, 1, hex('ffffffff0f 00'))).toThrow(/4294967294 elements/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000);
  });

  it('is taken where its elements just fit, and refused one byte earlier', () => {
    const two = hex('00000002 0000000000000001 0000 0000000000000002 0000');
    expect(decode(m, 0, two).list).toEqual([{ id: 1n, name: '' }, { id: 2n, name: '' }]); // prettier-ignore
    expect(() => decode(m, 0, two.subarray(0, -1))).toThrow(/2 elements of at least 10 bytes, 19 bytes are left/);
  });

  it('as a varint has at most 32 bits', () => {
    expect(() => decode(m, 1, hex('ffffffff1f'))).toThrow(/a varint of more than 32 bits/);
    expect(() => decode(m, 1, hex('8080808080'))).toThrow(/a varint of more than 32 bits/);
    expect(() => decode(m, 1, hex('8080'))).toThrow(/the frame ends within a varint/);
  });
});

describe('a tagged field', () => {
  const m = message({
    name: 'Tagged',
    versions: [0, 1],
    flexibleFrom: 1,
    fields: {
      leader: struct({ id: int32({ default: -1 }), epoch: int32({ default: -1 }) }, { since: 1, tag: 2 }),
      cluster: nullableString({ since: 1, tag: 0, default: null }),
    },
  });

  it('is written only where it differs from its default, in ascending order', () => {
    expect(hexOf(encode(m, 1, {}))).toBe('00');
    expect(hexOf(encode(m, 1, { cluster: null, leader: { id: -1 } }))).toBe('00');
    expect(hexOf(encode(m, 1, { leader: { id: 3 }, cluster: 'c' }))).toBe(
      '02 00 02 02 63 02 09 00000003 ffffffff 00'.replaceAll(' ', ''),
    );
  });

  it('has its default where it is absent', () => {
    expect(decode(m, 1, hex('00'))).toEqual({ leader: { id: -1, epoch: -1 }, cluster: null });
  });

  it('must fill its size exactly', () => {
    expect(() => decode(m, 1, hex('01 00 03 02 63 00'))).toThrow(/1 bytes of the tagged field are left over/);
    expect(() => decode(m, 1, hex('01 02 04 00000003 ffffffff 00'))).toThrow(/leader\.epoch/);
  });

  it('that is not known is kept in its place', () => {
    const wire = '04 00 02 02 63 01 01 aa 02 09 00000003 00000004 00 7f 02 bbcc'.replaceAll(' ', '');
    const value = decode(m, 1, hex(wire));
    expect(value.unknownTags).toEqual([
      { tag: 1, data: hex('aa') },
      { tag: 127, data: hex('bbcc') },
    ]);
    expect(hexOf(encode(m, 1, value))).toBe(wire);
  });

  it('count is held against what is left', () => {
    expect(() => decode(m, 1, hex('ffffffff0f 00 00'))).toThrow(/4294967295 tags, 2 bytes are left/);
  });

  it('of more than 127 bytes has a longer size', () => {
    for (const length of [124, 125, 126, 127, 16_380, 16_381, 16_382, 70_000]) {
      const value = { leader: { id: -1, epoch: -1 }, cluster: 'c'.repeat(length) };
      expect(roundTrip(m, 1, value)).toEqual(value);
    }
  });
});

describe('a field that the version does not carry', () => {
  const m = message({
    name: 'Grown',
    versions: [0, 1],
    fields: {
      a: int8(),
      strict: int32({ since: 1, default: -1 }),
      loose: string({ since: 1, default: '', ignorable: true }),
    },
  });

  it('has its default when read', () => {
    expect(decode(m, 0, hex('07'))).toEqual({ a: 7, strict: -1, loose: '' });
  });

  it('may be given its default, or be ignorable; otherwise it is refused', () => {
    expect(hexOf(encode(m, 0, { a: 7, strict: -1, loose: 'dropped' }))).toBe('07');
    expect(() => encode(m, 0, { a: 7, strict: 3 })).toThrow(UnsupportedField);
  });
});

describe('records', () => {
  const m = message({
    name: 'Log',
    versions: [0, 1],
    flexibleFrom: 1,
    fields: { before: int32(), list: array(struct({ index: int32(), log: nullableRecords() })), after: int32() },
  });
  const draft = (...logs: (Buffer | readonly Buffer[] | null)[]) => ({
    before: 1,
    list: logs.map((log, index) => ({ index, log })),
    after: 2,
  });
  const at = Buffer.alloc(COPIED_RECORDS_BYTES_MAX, 1);
  const above = Buffer.alloc(COPIED_RECORDS_BYTES_MAX + 1, 2);

  it('are copied into one chunk up to the limit, and are chunks of their own above it', () => {
    expect(encode(m, 0, draft(at)).length).toBe(1);
    const chunks = encode(m, 0, draft(above));
    expect(chunks.length).toBe(3);
    expect(chunks[1]).toBe(above);
  });

  it('in pieces give the bytes that they give in one', () => {
    const logs = [above, null, at, Buffer.alloc(0), above];
    const pieces = [
      [above.subarray(0, 1), above.subarray(1, 4500), above.subarray(4500)],
      null,
      [at.subarray(0, 9), at.subarray(9)],
      [],
      [above],
    ];
    for (const version of [0, 1]) {
      const whole = Buffer.concat(encode(m, version, draft(...logs)));
      expect(hexOf(encode(m, version, draft(...pieces)))).toBe(whole.toString('hex'));
      expect(decode(m, version, whole).list.map(({ log }) => log)).toEqual(logs);
    }
  });

  it('end the message without an empty chunk', () => {
    const last = message({ name: 'Last', versions: [0, 0], fields: { log: records() } });
    expect(encode(last, 0, { log: above }).map(({ length }) => length)).toEqual([4, above.length]);
  });

  it('are read as a view of the frame', () => {
    const whole = Buffer.concat(encode(m, 0, draft(at)));
    const log = decode(m, 0, whole).list[0]?.log;
    expect(log?.buffer).toBe(whole.buffer);
  });

  it('of a message that failed half way do not turn up in the next', () => {
    expect(() => encode(m, 0, { before: 1, list: [{ index: 0, log: above }, undefined as never], after: 2 })).toThrow(
      TypeError,
    );
    expect(hexOf(encode(m, 0, draft()))).toBe('000000010000000000000002');
  });
});

describe('a large message', () => {
  it('grows beyond the first scratch and leaves what came before as it was', () => {
    const m = message({ name: 'Large', versions: [0, 0], fields: { names: array(string()), data: bytes() } });
    const value = { names: Array.from({ length: 40_000 }, (_, i) => `name-${i}`), data: Buffer.alloc(3_000_000, 9) };
    const first = encode(m, 0, value)[0] as Buffer;
    const copy = Buffer.from(first);
    encode(m, 0, { names: ['other'], data: Buffer.alloc(2_000_000) });
    expect(first.equals(copy)).toBe(true);
    expectSame(decode(m, 0, first).names, value.names);
  });
});
