import { describe, expect, it } from '@jest/globals';
import { AwsError } from '../aws-error.ts';
import { jsonCodec } from './json-codec.ts';
import { readInput } from './read-input.ts';
import { blob, boolean, integer, list, required, string, structure, textMap, timestamp } from './shapes.ts';

const members = {
  Name: required(string({ min: 1, max: 5, pattern: '[a-z]+' })),
  Kind: string({ values: ['ONE', 'TWO'] }),
  Count: integer({ min: 1, max: 10 }),
  Flag: boolean(),
  When: timestamp(),
  Data: blob({ max: 3 }),
  Items: list({ min: 1, max: 2, memberText: 'Item@1', of: structure({ Key: required(string({ max: 2 })) }) }),
  Inner: structure({ Type: required(string({ max: 2 })) }),
  Tags: textMap({ min: 1, max: 2, keyLength: { min: 1, max: 3 }, valueLength: { min: 0, max: 3 } }),
};

function read(raw: object): unknown {
  try {
    return readInput(members, raw, jsonCodec);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return `${error.type}: ${error.message}`;
  }
}

describe('readInput', () => {
  it('reads every kind of member', () => {
    const raw = {
      Name: 'abc',
      Kind: 'TWO',
      Count: 3.7,
      Flag: false,
      When: 1.5,
      Data: 'AP8=',
      Items: [{ Key: 'k' }],
      Inner: { Type: 't' },
      Tags: { a: '' },
    };
    expect(read(raw)).toEqual({ ...raw, Count: 3, When: 1500, Data: Buffer.from([0, 255]) });
  });

  it('passes over members that it does not know, and takes null for absent', () => {
    expect(read({ Name: 'abc', Other: [1], Count: null, Tags: { a: null, b: 'c' } })).toEqual({
      Name: 'abc',
      Tags: { b: 'c' },
    });
  });

  it.each([
    [{ Name: true }, 'class java.lang.Boolean can not be converted to an String'],
    [{ Name: 1 }, 'class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String'],
    [{ Name: [] }, 'Start of list found where not expected'],
    [{ Name: {} }, 'Start of structure or map found where not expected.'],
    [{ Count: '1' }, 'class java.lang.String can not be converted to an Integer'],
    [{ Count: true }, 'class java.lang.Boolean can not be converted to an Integer'],
    [{ Count: [] }, 'Start of list found where not expected'],
    [{ Flag: 'yes' }, "'YES' can not be converted to an Boolean"],
    [{ Flag: 0 }, 'class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an Boolean'],
    [{ When: 'now' }, 'class java.lang.String can not be converted to milliseconds since epoch'],
    [{ When: false }, 'class java.lang.Boolean can not be converted to milliseconds since epoch'],
    [{ Data: 1 }, 'class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to a Blob'],
    [{ Data: {} }, 'Start of structure or map found where not expected.'],
    [
      { Data: 'abc' },
      "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
    ],
    [{ Data: 'ab$d' }, "'ab$d' can not be converted to a Blob: Invalid Base64 character: '$'"],
    [{ Data: 'ab-_' }, "'ab-_' can not be converted to a Blob: Invalid Base64 character: '-'"],
    [{ Data: 'a=bc' }, "'a=bc' can not be converted to a Blob: Invalid Base64 character: '='"],
    [{ Data: 'a===' }, "'a===' can not be converted to a Blob: Invalid Base64 character: '='"],
    [{ Data: 'ab c' }, "'ab c' can not be converted to a Blob: Invalid Base64 character: ' '"],
    [{ Data: 'AB==' }, "'AB==' can not be converted to a Blob: Invalid last non-pad Base64 character dectected"],
    [{ Data: 'AAB=' }, "'AAB=' can not be converted to a Blob: Invalid last non-pad Base64 character dectected"],
    [{ Items: 'x' }, 'Expected list or null'],
    [{ Items: {} }, 'Start of structure or map found where not expected.'],
    [{ Items: ['x'] }, 'Expected null'],
    [{ Items: [[]] }, 'Start of list found where not expected'],
    [{ Inner: 3 }, 'Expected null'],
    [{ Inner: [] }, 'Start of list found where not expected'],
    [{ Tags: 'x' }, 'Expected map or null'],
    [{ Tags: [] }, 'Start of list found where not expected'],
    [{ Tags: { a: true } }, 'class java.lang.Boolean can not be converted to an String'],
    // A wrong type counts before any limit.
    [
      { Name: '', Count: 0, Inner: { Type: 9 } },
      'class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String',
    ],
  ])('refuses %j', (raw, message) => {
    expect(read({ Name: 'abc', ...raw })).toBe(`SerializationException: ${message}`);
  });

  const fault = (value: string, path: string, constraint: string) =>
    `Value ${value} at '${path}' failed to satisfy constraint: Member must ${constraint}`;

  it.each([
    [{}, [fault('null', 'name', 'not be null')]],
    [
      { Name: '' },
      [
        fault("''", 'name', 'satisfy regular expression pattern: [a-z]+'),
        fault("''", 'name', 'have length greater than or equal to 1'),
      ],
    ],
    [{ Name: 'abcdef' }, [fault("'abcdef'", 'name', 'have length less than or equal to 5')]],
    [{ Name: 'a', Kind: 'SIX' }, [fault("'SIX'", 'kind', 'satisfy enum value set: [ONE, TWO]')]],
    [{ Name: 'a', Count: 0 }, [fault("'0'", 'count', 'have value greater than or equal to 1')]],
    [{ Name: 'a', Count: 11 }, [fault("'11'", 'count', 'have value less than or equal to 10')]],
    [{ Name: 'a', Count: 1e20 }, [fault("'2147483647'", 'count', 'have value less than or equal to 10')]],
    [
      { Name: 'a', Data: 'AAAAAA==' },
      [fault("'java.nio.HeapByteBuffer[pos=0 lim=4 cap=4]'", 'data', 'have length less than or equal to 3')],
    ],
    [{ Name: 'a', Items: [] }, [fault("'[]'", 'items', 'have length greater than or equal to 1')]],
    [
      { Name: 'a', Items: [{ Key: 'k' }, {}, { Key: '\u0000ab' }] },
      [
        fault("'[Item@1, Item@1, Item@1]'", 'items', 'have length less than or equal to 2'),
        fault('null', 'items.2.member.key', 'not be null'),
        fault("'\u0000ab'", 'items.3.member.key', 'have length less than or equal to 2'),
      ],
    ],
    [{ Name: 'a', Items: [null] }, [fault('null', 'items.1.member', 'not be null')]],
    [{ Name: 'a', Inner: {} }, [fault('null', 'inner.type', 'not be null')]],
    [{ Name: 'a', Tags: {} }, [fault("'{}'", 'tags', 'have length greater than or equal to 1')]],
    [
      { Name: 'a', Tags: { four: 'x' } },
      [
        "Value '{four=x}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: " +
          '[Member must have length less than or equal to 3, Member must have length greater than or equal to 1]',
      ],
    ],
  ])('names the faults of %j', (raw, faults) => {
    const count = `${faults.length} validation error${faults.length > 1 ? 's' : ''}`;
    expect(read(raw)).toBe(`ValidationException: ${count} detected: ${faults.join('; ')}`);
  });

  it('looks for no pattern in what is far too long', () => {
    const slow = { Arn: string({ max: 20, pattern: 'a.*:b:.*:c' }) };
    const raw = { Arn: `a${':b:'.repeat(100_000)}` };
    const started = performance.now();
    expect(() => readInput(slow, raw, jsonCodec)).toThrow(
      /^1 validation error detected: Value .* at 'arn' failed to satisfy constraint: Member must have length less/,
    );
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('stops after ten faults', () => {
    const many = { Name: required(list({ of: string({ max: 1 }) })) };
    const raw = { Name: Array.from({ length: 30 }, () => 'long') };
    expect(() => readInput(many, raw, jsonCodec)).toThrow(/^10 validation errors detected: /);
  });
});
