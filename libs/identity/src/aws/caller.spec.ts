import { describe, expect, it } from '@jest/globals';
import { callerOf } from './caller.ts';

const defaults = { region: 'us-east-1', account: '000000000000' };
const header = (credential: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=00`,
});
const query = (credential: string) => `/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Date=x`;

describe('callerOf', () => {
  it.each([
    ['no credentials', {}, '/', defaults],
    ['a header that is none', { authorization: 'Bearer abc' }, '/', defaults],
    [
      'an access key',
      header('AKIDEXAMPLE/20260506/eu-west-1/kinesis/aws4_request'),
      '/',
      { ...defaults, region: 'eu-west-1' },
    ],
    [
      'an access key of twelve digits',
      header('111122223333/20260506/eu-west-1/kinesis/aws4_request'),
      '/',
      { region: 'eu-west-1', account: '111122223333' },
    ],
    [
      'the scope behind other parameters',
      { authorization: 'AWS4-HMAC-SHA256 Signature=00, Credential=111122223333/x/ap-south-1/kinesis/aws4_request' },
      '/',
      { region: 'ap-south-1', account: '111122223333' },
    ],
    ['thirteen digits', header('1111222233334/20260506/eu-west-1/k/a'), '/', { ...defaults, region: 'eu-west-1' }],
    [
      'a presigned request',
      {},
      query('111122223333%2F20260506%2Feu-west-1%2Fkinesis%2Faws4_request'),
      { region: 'eu-west-1', account: '111122223333' },
    ],
    [
      'a presigned request with slashes',
      {},
      query('AKID/20260506/eu-west-1/kinesis/aws4_request'),
      { ...defaults, region: 'eu-west-1' },
    ],
    ['a presigned request that names nobody', {}, query(''), defaults],
  ])('reads %s', (_what, headers, target, caller) => {
    expect(callerOf(headers, target)).toEqual(caller);
    // Once more, from what was kept.
    expect(callerOf(headers, target)).toEqual(caller);
  });
});
