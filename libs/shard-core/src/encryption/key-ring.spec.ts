import { describe, expect, it } from '@jest/globals';
import { KeyRing } from './key-ring.ts';
import { keyRingOf } from './testing/keys.ts';

describe('the key ring', () => {
  const ring = keyRingOf('2026-11', 'old.key');

  it.each([
    ['its id', 'old.key', 'old.key'],
    ['its ARN', 'arn:aws:kms:us-east-1:123456789012:key/old.key', 'old.key'],
    ['its ARN in another partition', 'arn:aws-cn:kms:cn-north-1:123456789012:key/2026-11', '2026-11'],
    ['an alias', 'alias/old.key', 'old.key'],
    ["an alias' ARN", 'arn:aws:kms:us-east-1:123456789012:alias/old.key', 'old.key'],
    ["the service's alias: the first", 'alias/aws/kinesis', '2026-11'],
    ["the ARN of the service's alias", 'arn:aws:kms:us-east-1:123456789012:alias/aws/kinesis', '2026-11'],
  ])('finds a key by %s', (_how, name, id) => {
    expect(ring.find(name)).toEqual({ ok: true, id });
  });

  it.each([
    ['an id that it does not have', 'other', 'unknown'],
    ['an alias that it does not have', 'alias/other', 'unknown'],
    ['the ARN of another', 'arn:aws:kms:us-east-1:123456789012:key/other', 'unknown'],
    ['spaces', 'a key', 'malformed'],
    ['a path', 'key/old.key', 'malformed'],
    ['the ARN of something else', 'arn:aws:s3:::old.key', 'malformed'],
    ['an ARN without an account', 'arn:aws:kms:us-east-1::key/old.key', 'malformed'],
    ['an alias of nothing', 'alias/', 'malformed'],
  ])('says what is wrong with %s', (_what, name, code) => {
    expect(ring.find(name)).toEqual({ ok: false, code });
  });

  it('without keys knows no key, also not the first', () => {
    expect(keyRingOf().find('alias/aws/kinesis')).toEqual({ ok: false, code: 'unknown' });
  });

  it.each([
    ['an id that is none', [{ id: 'a/b', bytes: Buffer.alloc(32) }], '"a/b" is no id'],
    ['an id that is too long', [{ id: 'a'.repeat(129), bytes: Buffer.alloc(32) }], 'is no id'],
    ['a key of another length', [{ id: 'a', bytes: Buffer.alloc(31) }], 'has 31 bytes, not 32'],
    ['two keys of one id', [1, 2].map((byte) => ({ id: 'a', bytes: Buffer.alloc(32, byte) })), 'two encryption keys a'],
  ])('refuses %s', (_what, keys, message) => {
    expect(() => new KeyRing(keys)).toThrow(message);
  });

  it('takes the longest id', () => {
    expect(new KeyRing([{ id: 'a'.repeat(128), bytes: Buffer.alloc(32) }]).ids).toEqual(['a'.repeat(128)]);
  });
});
