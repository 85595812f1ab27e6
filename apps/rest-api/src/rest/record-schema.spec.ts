import { describe, expect, it } from '@jest/globals';
import { DATA_BYTES_MAX, recordBody } from './record-schema.ts';
import { validate } from './validation.ts';

const key256 = 'ü'.repeat(256);

describe('a record to be written', () => {
  it.each<[string, unknown, unknown]>([
    ['text', { data: 'ü' }, { key: null, data: Buffer.from('ü') }],
    ['bytes', { dataBase64: 'AAE=' }, { key: null, data: Buffer.from([0, 1]) }],
    ['no bytes', { dataBase64: '' }, { key: null, data: Buffer.alloc(0) }],
    ['JSON', { json: { b: 1, a: [null] } }, { key: null, data: Buffer.from('{"b":1,"a":[null]}') }],
    ['a JSON null', { json: null }, { key: null, data: Buffer.from('null') }],
    ['a tombstone', { partitionKey: 'k', data: null }, { partitionKey: 'k', data: null }],
    ['a key at the bound', { partitionKey: key256, data: '' }, { partitionKey: key256, data: Buffer.alloc(0) }],
    [
      'a key of 256 characters outside the basic plane',
      { partitionKey: '😀'.repeat(256), data: '' },
      expect.anything(),
    ],
    ['a key of bytes', { keyBase64: '/w==', data: '' }, { key: Buffer.from([255]), data: Buffer.alloc(0) }],
    [
      'the largest hash key',
      { explicitHashKey: String(2n ** 128n - 1n), data: '' },
      { key: null, explicitHashKey: String(2n ** 128n - 1n), data: Buffer.alloc(0) },
    ],
    [
      'headers as an object',
      { data: '', headers: { a: '1', b: null } },
      {
        key: null,
        data: Buffer.alloc(0),
        headers: [
          { key: 'a', value: Buffer.from('1') },
          { key: 'b', value: null },
        ],
      },
    ],
    [
      'headers as a list',
      {
        data: '',
        headers: [
          { name: 'a', valueBase64: '/w==' },
          { name: 'a', value: null },
        ],
      },
      {
        key: null,
        data: Buffer.alloc(0),
        headers: [
          { key: 'a', value: Buffer.from([255]) },
          { key: 'a', value: null },
        ],
      },
    ],
  ])('may be %s', (_name, body, record) => {
    expect(validate(recordBody, body)).toEqual({ ok: true, value: record });
  });

  it('may hold a value at the bound, in every form', () => {
    const bytes = Buffer.alloc(DATA_BYTES_MAX, 'x');
    for (const body of [
      { data: bytes.toString() },
      { dataBase64: bytes.toString('base64') },
      { json: 'x'.repeat(DATA_BYTES_MAX - 2) },
    ]) {
      expect(validate(recordBody, body).ok).toBe(true);
    }
  });

  it.each<[string, unknown, string]>([
    ['no object', 'x', ''],
    ['null', null, ''],
    ['a list', [], ''],
    ['nothing in it', {}, ''],
    ['two values', { data: 'x', json: 1 }, ''],
    ['a value of another type', { data: 1 }, '/data'],
    ['half a surrogate pair', { data: '\ud800' }, '/data'],
    ['a text past the bound', { data: 'x'.repeat(DATA_BYTES_MAX + 1) }, '/data'],
    ['bytes past the bound', { dataBase64: Buffer.alloc(DATA_BYTES_MAX + 1).toString('base64') }, '/dataBase64'],
    ['JSON past the bound', { json: 'x'.repeat(DATA_BYTES_MAX - 1) }, '/json'],
    ['base64 without padding', { dataBase64: 'AAE' }, '/dataBase64'],
    ['base64 for addresses', { dataBase64: '_-==' }, '/dataBase64'],
    ['base64 with a line break', { dataBase64: 'AAE=\n' }, '/dataBase64'],
    ['an empty key', { partitionKey: '', data: '' }, '/partitionKey'],
    ['a key past the bound', { partitionKey: `${key256}x`, data: '' }, '/partitionKey'],
    ['two keys', { partitionKey: 'a', keyBase64: '', data: '' }, ''],
    ['a hash key past the bound', { explicitHashKey: String(2n ** 128n), data: '' }, '/explicitHashKey'],
    ['a hash key with a leading zero', { explicitHashKey: '01', data: '' }, '/explicitHashKey'],
    ['a hash key that is a number', { explicitHashKey: 1, data: '' }, '/explicitHashKey'],
    ['a header without a value', { data: '', headers: [{ name: 'a' }] }, '/headers/0'],
    ['a header that is a number', { data: '', headers: { a: 1 } }, '/headers'],
    ['65 headers', { data: '', headers: Array.from({ length: 65 }, () => ({ name: 'a', value: '' })) }, '/headers'],
    ['an unknown member', { data: '', 'a/b~': 1 }, '/a~1b~0'],
  ])('may not be %s', (_name, body, pointer) => {
    const result = validate(recordBody, body);
    expect(result.ok ? 'taken' : result.errors.map((error) => error.pointer)).toEqual([pointer]);
  });
});
