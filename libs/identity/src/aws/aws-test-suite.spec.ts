import { createHmac, hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { canonicalRequest, type SignedRequest } from './canonical-request.ts';
import { SignatureVerifier } from './signature-verifier.ts';
import { deriveSigningKey } from './signing-keys.ts';

/**
 * AWS's published signatures: the example of its documentation (GET iam ListUsers), and its Signature Version 4 test suite.
 * All are of one moment, key and region.
 */
const accessKeyId = 'AKIDEXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const time = '20150830T123600Z';
const clock = () => Date.UTC(2015, 7, 30, 12, 36, 0);

function verifierOf(service: string): SignatureVerifier<string> {
  return new SignatureVerifier({
    findSigner: (id) => (id === accessKeyId ? { secret, identity: 'the example' } : undefined),
    service,
    clock,
  });
}

function signed(
  service: string,
  { method, target, raw }: { method: string; target: string; raw: readonly (readonly [string, string])[] },
  signedHeaders: string,
  signature: string,
): SignedRequest {
  const all: (readonly [string, string])[] = [
    ...raw,
    ['X-Amz-Date', time],
    [
      'Authorization',
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20150830/us-east-1/${service}/aws4_request, ` +
        `SignedHeaders=${signedHeaders}, Signature=${signature}`,
    ],
  ];
  const headers: Record<string, string> = {};
  // As node joins them.
  for (const [name, value] of all) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return { method, target, headers, rawHeaders: all.flat() };
}

describe("the example of AWS's documentation", () => {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host: 'iam.amazonaws.com',
    'x-amz-date': time,
  };
  const target = '/?Action=ListUsers&Version=2010-05-08';
  const text = 'content-type;host;x-amz-date';
  const canonical = canonicalRequest(
    { method: 'GET', target, headers },
    { names: text.split(';'), text },
    hash('sha256', '', 'hex'),
  );

  it('has the published canonical request', () => {
    expect(hash('sha256', canonical, 'hex')).toBe('f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59');
  });

  it('has the published signing key', () => {
    const key = deriveSigningKey(secret, { date: '20150830', region: 'us-east-1', service: 'iam' });
    expect(key.export().toString('hex')).toBe('c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9');
  });

  it('has the published signature', () => {
    const key = deriveSigningKey(secret, { date: '20150830', region: 'us-east-1', service: 'iam' });
    const stringToSign = `AWS4-HMAC-SHA256\n${time}\n20150830/us-east-1/iam/aws4_request\n${hash('sha256', canonical, 'hex')}`;
    expect(createHmac('sha256', key).update(stringToSign).digest('hex')).toBe(
      '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    );
  });

  it('is let in', () => {
    const request = signed(
      'iam',
      {
        method: 'GET',
        target,
        raw: [
          ['Content-Type', headers['content-type']],
          ['Host', headers.host],
        ],
      },
      text,
      '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    );
    expect(verifierOf('iam').verify(request, Buffer.alloc(0))).toEqual({
      ok: true,
      identity: 'the example',
      accessKeyId,
      region: 'us-east-1',
    });
  });
});

describe("AWS's test suite", () => {
  const host = ['Host', 'example.amazonaws.com'] as const;
  const plain = 'host;x-amz-date';
  const vanilla = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31';
  interface Vector {
    readonly method?: string;
    readonly target?: string;
    readonly raw?: readonly (readonly [string, string])[];
    readonly signedHeaders?: string;
    readonly body?: string;
    readonly signature: string;
  }
  const vectors: readonly [string, Vector][] = [
    ['get-vanilla', { signature: vanilla }],
    [
      'get-vanilla-empty-query-key',
      {
        target: '/?Param1=value1',
        signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
      },
    ],
    [
      'get-vanilla-query-order-key-case',
      {
        target: '/?Param2=value2&Param1=value1',
        signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
      },
    ],
    [
      'get-vanilla-query-unreserved',
      {
        target: `/?${'-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz='.repeat(2).slice(0, -1)}`,
        signature: '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
      },
    ],
    [
      'get-unreserved',
      {
        target: '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
        signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
      },
    ],
    [
      // Three bytes, as node hands them over.
      'get-utf8',
      { target: '/\u00e1\u0088\u00b4', signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85' },
    ],
    [
      'get-space',
      { target: '/example space/', signature: '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741' },
    ],
    ['get-relative', { target: '/example/..', signature: vanilla }],
    ['get-relative-relative', { target: '/example1/example2/../..', signature: vanilla }],
    ['get-slash', { target: '//', signature: vanilla }],
    ['get-slash-dot-slash', { target: '/./', signature: vanilla }],
    [
      'get-slashes',
      { target: '//example//', signature: '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84' },
    ],
    [
      'get-header-key-duplicate',
      {
        raw: [
          ['My-Header1', 'value2'],
          ['My-Header1', 'value2'],
          ['My-Header1', 'value1'],
        ],
        signedHeaders: 'host;my-header1;x-amz-date',
        signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
      },
    ],
    [
      'get-header-value-order',
      {
        raw: [
          ['My-Header1', 'value4'],
          ['My-Header1', 'value1'],
          ['My-Header1', 'value3'],
          ['My-Header1', 'value2'],
        ],
        signedHeaders: 'host;my-header1;x-amz-date',
        signature: '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
      },
    ],
    [
      'get-header-value-trim',
      {
        raw: [
          ['My-Header1', ' value1'],
          ['My-Header2', ' "a   b   c"'],
        ],
        signedHeaders: 'host;my-header1;my-header2;x-amz-date',
        signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
      },
    ],
    ['post-vanilla', { method: 'POST', signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b' }],
    [
      'post-vanilla-query',
      {
        method: 'POST',
        target: '/?Param1=value1',
        signature: '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
      },
    ],
    [
      'post-header-value-case',
      {
        method: 'POST',
        raw: [['My-Header1', 'VALUE1']],
        signedHeaders: 'host;my-header1;x-amz-date',
        signature: 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
      },
    ],
    [
      'post-x-www-form-urlencoded',
      {
        method: 'POST',
        raw: [['Content-Type', 'application/x-www-form-urlencoded']],
        signedHeaders: 'content-type;host;x-amz-date',
        body: 'Param1=value1',
        signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
      },
    ],
  ];

  it.each(vectors)('%s is let in', (_name, vector) => {
    const { method = 'GET', target = '/', raw = [], signedHeaders = plain, body = '', signature } = vector;
    const request = signed('service', { method, target, raw: [host, ...raw] }, signedHeaders, signature);
    expect(verifierOf('service').verify(request, Buffer.from(body))).toEqual({
      ok: true,
      identity: 'the example',
      accessKeyId,
      region: 'us-east-1',
    });
  });
});
