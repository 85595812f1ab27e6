import { createHmac, hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import {
  KinesisClient,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
} from '@aws-sdk/client-kinesis';
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@tailrace/testkit';
import { sdkSigner } from '../testing/sdk-signer.ts';
import type { AwsRefusal } from './aws-refusal.ts';
import { canonicalRequest, type SignedRequest } from './canonical-request.ts';
import { formatBasic, parseRequestTime } from './request-time.ts';
import { KNOWN_HEADERS_MAX, SignatureVerifier, type Signer } from './signature-verifier.ts';
import { deriveSigningKey, SIGNING_KEYS_MAX } from './signing-keys.ts';

const accessKeyId = 'AKIAIOSFODNN7EXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const signedAtMs = Date.UTC(2026, 4, 6, 7, 8, 9);
const signedAt = '20260506T070809Z';
const verified = { ok: true, identity: 'the example', accessKeyId, region: 'eu-west-1' };
const mismatch =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and ' +
  'signing method. Consult the service documentation for details.';

function findSigner(id: string): Signer<string> | undefined {
  return id === accessKeyId ? { secret, identity: 'the example' } : undefined;
}

function verifierAt(nowMs: number, regions?: readonly string[]): SignatureVerifier<string> {
  return new SignatureVerifier({
    findSigner,
    clock: () => nowMs,
    ...(regions !== undefined && { regions: new Set(regions) }),
  });
}

/** A request and its body, to change before it is checked. */
interface Sent {
  method: string;
  target: string;
  headers: IncomingHttpHeaders;
  body: string;
}

interface ToSign {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Record<string, string | string[]>;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const base = { protocol: 'http:', hostname: '127.0.0.1', port: 4567 };
const host = '127.0.0.1:4567';
const json = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.PutRecord' };

async function signInHeader(
  { method = 'POST', path = '/', query = {}, headers = json, body = '{"StreamName":"orders"}' }: ToSign = {},
  credentials: Partial<Parameters<typeof sdkSigner>[0]> = {},
): Promise<Sent> {
  const signed = await sdkSigner({ accessKeyId, secret, ...credentials }).sign(
    { ...base, method, path, query, headers: { host, ...headers }, body },
    { signingDate: new Date(signedAtMs) },
  );
  return { method, target: path + queryText(query), headers: signed.headers, body };
}

async function presign(expiresIn: number, { method = 'POST', path = '/', body = '{}' }: ToSign = {}): Promise<Sent> {
  const signed = await sdkSigner({ accessKeyId, secret }).presign(
    { ...base, method, path, query: {}, headers: { host, ...json }, body },
    { signingDate: new Date(signedAtMs), expiresIn, unhoistableHeaders: new Set(['x-amz-target']) },
  );
  return { method, target: path + queryText(signed.query ?? {}), headers: signed.headers, body };
}

function queryText(query: Readonly<Record<string, string | readonly string[] | null>>): string {
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function check({ body, ...request }: Sent, nowMs = signedAtMs, regions?: readonly string[]) {
  return verifierAt(nowMs, regions).verify(request, Buffer.from(body, 'utf8'));
}

/** Without the part for somebody who debugs. */
function refusalOf(answer: ReturnType<typeof check>): Pick<AwsRefusal, 'type' | 'message'> {
  if (answer.ok) throw new Error('it was let in');
  return { type: answer.type, message: answer.message };
}

describe('requests of real clients', () => {
  it.each<[string, ToSign]>([
    ['a PutRecord', {}],
    ['a body that is empty', { body: '' }],
    ['a body beyond ASCII', { body: '{"PartitionKey":"Größe 物"}' }],
    ['a path to be encoded again', { method: 'GET', path: '/v1/streams/a%20b/records', headers: {}, body: '' }],
    [
      'a query of many kinds',
      { method: 'GET', query: { z: '1', a: ['é/+ ', '0', ''], 'b c': '~-_.' }, headers: {}, body: '' },
    ],
    ['spaces within a header', { headers: { ...json, 'x-amz-note': '  a   b\t c ' } }],
    ['an unsigned payload', { headers: { ...json, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }],
    [
      'a payload hash in a header',
      { headers: { ...json, 'x-amz-content-sha256': hash('sha256', '{"StreamName":"orders"}', 'hex') } },
    ],
  ])('signed by the JavaScript SDK are let in: %s', async (_what, request) => {
    expect(check(await signInHeader(request))).toEqual(verified);
  });

  it('signed by the JavaScript SDK are let in: presigned', async () => {
    expect(check(await presign(900))).toEqual(verified);
  });

  it('as its Kinesis client sends them are let in', async () => {
    const seen: ReturnType<typeof check>[] = [];
    const client = new KinesisClient({
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:4567',
      credentials: { accessKeyId, secretAccessKey: secret },
      maxAttempts: 1,
      requestHandler: {
        handle: ({ method, path, headers, body }: SignedRequest & { path: string; body: Uint8Array }) => {
          seen.push(verifierAt(Date.now()).verify({ method, target: path, headers }, body));
          return Promise.reject(new Error('nobody answers here'));
        },
      },
    });
    const commands = [
      new PutRecordCommand({ StreamName: 'orders', Data: Buffer.alloc(1024, 7), PartitionKey: 'k' }),
      new PutRecordsCommand({ StreamName: 'orders', Records: [{ Data: Buffer.from('a'), PartitionKey: 'k' }] }),
      new ListStreamsCommand({}),
      new RegisterStreamConsumerCommand({
        StreamARN: 'arn:aws:kinesis:eu-west-1:000000000000:stream/s',
        ConsumerName: 'c',
      }),
    ];
    for (const command of commands) {
      await expect(client.send(command as ListStreamsCommand)).rejects.toThrow('nobody answers here');
    }
    expect(seen).toEqual(commands.map(() => verified));
  });

  const botocore = JSON.parse(
    readFileSync(new URL('./__fixtures__/botocore-signed.json', import.meta.url), 'utf8'),
  ) as { requests: (Sent & { name: string })[] };

  it.each(botocore.requests.map((request) => [request.name, request] as const))(
    'signed by botocore are let in, but for session tokens: %s',
    (name, { method, target, headers, body }) => {
      const time = (headers['x-amz-date'] as string | undefined) ?? /X-Amz-Date=(\w+)/.exec(target)?.[1] ?? '';
      const verifier = verifierAt(parseRequestTime(time)?.ms ?? 0);
      const answer = verifier.verify({ method, target, headers }, Buffer.from(body, 'base64'));
      expect(answer).toEqual(
        name === 'a session token'
          ? {
              ok: false,
              type: 'UnrecognizedClientException',
              message: 'The security token included in the request is invalid.',
            }
          : verified,
      );
    },
  );

  it('over HTTP/2 name their host otherwise', async () => {
    const sent = await signInHeader();
    const { host: authority, ...headers } = sent.headers;
    expect(check({ ...sent, headers: { ':authority': authority, ...headers } })).toEqual(verified);
  });

  it('may have spaces or nothing for commas in their header', async () => {
    const sent = await signInHeader();
    const authorization = sent.headers.authorization as string;
    for (const separator of [' ', ',', ',  ']) {
      const changed = authorization.replaceAll(', ', separator);
      expect(check({ ...sent, headers: { ...sent.headers, authorization: changed } })).toEqual(verified);
    }
  });

  it('are let in a second time from what was kept of the first', async () => {
    const verifier = verifierAt(signedAtMs);
    const { body, ...request } = await signInHeader();
    const other = await signInHeader({ body: '{"StreamName":"other"}' });
    expect(verifier.verify(request, Buffer.from(body))).toEqual(verified);
    expect(verifier.verify(other, Buffer.from(other.body))).toEqual(verified);
    expect(verifier.verify(request, Buffer.from(other.body))).toMatchObject({ ok: false, message: mismatch });
  });
});

describe('whatever is signed cannot be changed', () => {
  const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
  const header = (name: string, value: string) => (sent: Sent) => ({
    ...sent,
    headers: { ...sent.headers, [name]: value },
  });
  const inAuthorization = (from: string | RegExp, to: string) => (sent: Sent) => {
    const authorization = (sent.headers.authorization as string).replace(from, to);
    expect(authorization).not.toBe(sent.headers.authorization);
    return { ...sent, headers: { ...sent.headers, authorization } };
  };

  it.each<[string, (sent: Sent) => Sent]>([
    ['the method', (sent) => ({ ...sent, method: 'PUT' })],
    ['the path', (sent) => ({ ...sent, target: '/other?limit=5' })],
    ['a value in the query', (sent) => ({ ...sent, target: '/?limit=6' })],
    ['a name in the query', (sent) => ({ ...sent, target: '/?after=5' })],
    ['one more in the query', (sent) => ({ ...sent, target: '/?limit=5&limit=6' })],
    ['the body', (sent) => ({ ...sent, body: flip(sent.body, 5) })],
    ['one more in the body', (sent) => ({ ...sent, body: `${sent.body} ` })],
    ['the host', header('host', 'elsewhere:4567')],
    ['the operation', header('x-amz-target', 'Kinesis_20131202.DeleteStream')],
    ['the content type', header('content-type', 'application/x-amz-cbor-1.1')],
    ['the payload hash', header('x-amz-content-sha256', 'UNSIGNED-PAYLOAD')],
    ['the time', header('x-amz-date', formatBasic(signedAtMs + 1000))],
    ['the signature', inAuthorization(/Signature=./, 'Signature=x')],
    ['the length of the signature', inAuthorization(/.$/, '')],
    ['a signature in capitals', (sent) => header('authorization', upperSignature(sent))(sent)],
    ['which headers are signed', inAuthorization('content-type;', '')],
    ['the order of signed headers does not count, one more does', inAuthorization('host;', 'host;accept;')],
    ['the region', inAuthorization('eu-west-1', 'eu-west-2')],
  ])('%s', async (_what, change) => {
    const sent = await signInHeader({ query: { limit: '5' } });
    expect(check(sent)).toEqual(verified);
    expect(refusalOf(check(change(sent)))).toEqual({ type: 'InvalidSignatureException', message: mismatch });
  });

  it.each<[string, RegExp | string, string]>([
    ['how long it is good', 'X-Amz-Expires=900', 'X-Amz-Expires=901'],
    ['the time', signedAt, formatBasic(signedAtMs + 1000)],
    ['the region', 'eu-west-1', 'eu-west-2'],
    ['the signature', /X-Amz-Signature=./, 'X-Amz-Signature=x'],
    ['one more in the query', /$/, '&limit=5'],
    ['the signature twice', /$/, `&X-Amz-Algorithm=AWS4-HMAC-SHA256`],
  ])('in a presigned request: %s', async (_what, from, to) => {
    const sent = await presign(900);
    const target = sent.target.replace(from, to);
    expect(target).not.toBe(sent.target);
    expect(refusalOf(check({ ...sent, target }))).toEqual({ type: 'InvalidSignatureException', message: mismatch });
  });

  function upperSignature({ headers }: Sent): string {
    return (headers.authorization as string).replace(/[0-9a-f]{64}$/, (signature) => signature.toUpperCase());
  }

  it('and what was reckoned is told to the log, without the secret', async () => {
    const sent = await signInHeader();
    const answer = check({ ...sent, body: '{}' });
    const detail = (answer as AwsRefusal).detail ?? '';
    expect(detail).toContain("The Canonical String for this request should have been\n'POST\n/\n\ncontent-type:");
    expect(detail).toContain(`'AWS4-HMAC-SHA256\n${signedAt}\n20260506/eu-west-1/kinesis/aws4_request\n`);
    expect(detail).not.toContain(secret);
  });
});

describe('refusals', () => {
  const invalid = 'InvalidSignatureException';
  const incomplete = 'IncompleteSignatureException';
  const credential = `${accessKeyId}/20260506/eu-west-1/kinesis/aws4_request`;
  const plain: Sent = { method: 'POST', target: '/', headers: { host, 'x-amz-date': signedAt }, body: '{}' };
  const withHeader = (authorization: string, more: IncomingHttpHeaders = {}): Sent => ({
    ...plain,
    headers: { ...plain.headers, authorization, ...more },
  });
  const claim = (changed: { algorithm?: string; credential?: string; signedHeaders?: string } = {}) =>
    `${changed.algorithm ?? 'AWS4-HMAC-SHA256'} Credential=${changed.credential ?? credential}, ` +
    `SignedHeaders=${changed.signedHeaders ?? 'host;x-amz-date'}, Signature=${'0'.repeat(64)}`;
  const withQuery = (query: string): Sent => ({ ...plain, target: `/?${query}` });
  const presigned = (changed: Readonly<Record<string, string>> = {}) =>
    withQuery(
      new URLSearchParams({
        'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
        'X-Amz-Credential': credential,
        'X-Amz-Date': signedAt,
        'X-Amz-SignedHeaders': 'host',
        'X-Amz-Signature': '0'.repeat(64),
        ...changed,
      }).toString(),
    );
  const requires = (...names: string[]) =>
    names.map((name) => `Authorization header requires '${name}' parameter. `).join('');
  const requiresTime = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  const digest = (text: string) => hash('sha256', text, 'base64');

  /** In the order in which they are found: each request is also wrong in what is found later. */
  it.each<[string, Sent, string, string]>([
    [
      '1 header and query at once',
      { ...withHeader('x'), target: '/?X-Amz-Algorithm' },
      invalid,
      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    ],
    ['2 no credentials', plain, 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
    ['2 an empty header', withHeader(''), 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
    [
      '3 a parameter without equal-sign',
      withHeader('Bearer abc'),
      incomplete,
      `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${digest('abc')}'.`,
    ],
    [
      '3 nothing but an algorithm',
      { ...withHeader('X'), headers: { authorization: 'X' } },
      incomplete,
      `${requires('Credential', 'Signature', 'SignedHeaders')}${requiresTime}Authorization=X`,
    ],
    [
      '3 only a credential',
      withHeader('AWS4-HMAC-SHA256 Credential=a'),
      incomplete,
      `${requires('Signature', 'SignedHeaders')}Authorization=AWS4-HMAC-SHA256 Credential=a`,
    ],
    [
      '3 a parameter that is empty',
      withHeader('AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders='),
      incomplete,
      `${requires('SignedHeaders')}Authorization=AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=`,
    ],
    [
      '3 no time',
      { ...plain, headers: { host, authorization: claim() } },
      incomplete,
      `${requiresTime}Authorization=${claim()}`,
    ],
    [
      '3 nothing else in the query',
      withQuery('X-Amz-Algorithm='),
      incomplete,
      "AWS query-string parameters must include 'X-Amz-Algorithm'. " +
        "AWS query-string parameters must include 'X-Amz-Credential'. " +
        "AWS query-string parameters must include 'X-Amz-Signature'. " +
        "AWS query-string parameters must include 'X-Amz-SignedHeaders'. " +
        "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
    ],
    [
      '4 a time in another format',
      withHeader(claim({ signedHeaders: 'accept' }), { 'x-amz-date': '2026-05-06T07:08:09Z' }),
      incomplete,
      "Date must be in ISO-8601 'basic format'. Got '2026-05-06T07:08:09Z'. See http://en.wikipedia.org/wiki/ISO_8601",
    ],
    [
      '4 a time that never is',
      withHeader(claim(), { 'x-amz-date': '20261306T070809Z' }),
      incomplete,
      "Date must be in ISO-8601 'basic format'. Got '20261306T070809Z'. See http://en.wikipedia.org/wiki/ISO_8601",
    ],
    ...['0', '-1', 'x', '', '604801', '1e3'].map((expires): [string, Sent, string, string] => [
      `4 X-Amz-Expires of "${expires}"`,
      presigned({ 'X-Amz-Expires': expires, 'X-Amz-Date': '20250101T000000Z' }),
      incomplete,
      'X-Amz-Expires must be a number of seconds between 1 and 604800 (a week).',
    ]),
    [
      '5 too long ago',
      withHeader(claim({ signedHeaders: 'accept' }), { 'x-amz-date': '20260506T070308Z' }),
      invalid,
      'Signature expired: 20260506T070308Z is now earlier than 20260506T070309Z (20260506T070809Z - 5 min.)',
    ],
    [
      '5 in the future',
      withHeader(claim({ signedHeaders: 'accept' }), { 'x-amz-date': '20260506T071310Z' }),
      invalid,
      'Signature not yet current: 20260506T071310Z is still later than 20260506T071309Z (20260506T070809Z + 5 min.)',
    ],
    [
      '5 a presigned request that has had its time',
      presigned({ 'X-Amz-Expires': '3600', 'X-Amz-Date': '20260506T060808Z', 'X-Amz-SignedHeaders': 'accept' }),
      invalid,
      'Signature expired: 20260506T060808Z is now earlier than 20260506T060809Z (20260506T070809Z - 60 min.)',
    ],
    [
      '6 the host is not signed',
      withHeader(claim({ signedHeaders: 'accept', algorithm: 'AWS4-HMAC-SHA512' })),
      invalid,
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      '6 the operation is not signed',
      withHeader(claim({ algorithm: 'AWS4-HMAC-SHA512' }), { 'x-amz-target': 'Kinesis_20131202.PutRecord' }),
      invalid,
      "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      '7 another algorithm',
      withHeader(claim({ algorithm: 'AWS4-HMAC-SHA512', credential: 'a/b' })),
      incomplete,
      "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'.",
    ],
    [
      '8 a credential of four parts; slashes at its end do not count',
      withHeader(claim({ credential: 'a/b/c/d/' })),
      incomplete,
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'",
    ],
    [
      '9 all of the scope',
      withHeader(claim({ credential: 'a/b/c/d/e' })),
      invalid,
      "Credential should be scoped to a valid region, not 'c'. Credential should be scoped to correct service: 'kinesis'. " +
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. " +
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20260506', from '20260506T070809Z'.",
    ],
    [
      '9 another service',
      withHeader(claim({ credential: `nobody/20260506/eu-west-1/dynamodb/aws4_request` })),
      invalid,
      "Credential should be scoped to correct service: 'kinesis'. ",
    ],
    [
      '10 an access key that nobody has',
      withHeader(claim({ credential: 'nobody/20260506/eu-west-1/kinesis/aws4_request' })),
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    ],
    ['11 another signature', withHeader(claim()), invalid, mismatch],
    ['11 another presigned signature', presigned(), invalid, mismatch],
  ])('%s', (_what, sent, type, message) => {
    expect(refusalOf(check(sent, signedAtMs, ['eu-west-1']))).toEqual({ type, message });
  });

  it('12 of a session token come last, for they say that the rest was right', async () => {
    const sent = await signInHeader({}, { sessionToken: 'a-token' });
    const refusal = {
      type: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    };
    expect(refusalOf(check(sent))).toEqual(refusal);
    expect(refusalOf(check({ ...sent, body: '{}' }))).toEqual({ type: invalid, message: mismatch });
  });

  it('of a region come only where regions are given', async () => {
    expect(check(await signInHeader(), signedAtMs, ['eu-west-1'])).toEqual(verified);
    expect(refusalOf(check(await signInHeader(), signedAtMs, ['us-east-1'])).message).toBe(
      "Credential should be scoped to a valid region, not 'eu-west-1'. ",
    );
  });
});

describe('the clock', () => {
  it.each([
    ['five minutes later', 300_000, true],
    ['and a second', 301_000, false],
    ['five minutes before', -300_000, true],
    ['and a second before', -301_000, false],
  ])('may be off by five minutes: %s', async (_what, offMs, right) => {
    expect(check(await signInHeader(), signedAtMs + offMs).ok).toBe(right);
  });

  it.each([
    ['to the second', 604_800, 604_800_000, true],
    ['and one more', 604_800, 604_801_000, false],
    ['also when it is short', 60, 61_000, false],
    ['before', 60, -300_000, true],
    ['too long before', 60, -301_000, false],
  ])('lets a presigned request live as long as it says: %s', async (_what, expiresIn, offMs, right) => {
    expect(check(await presign(expiresIn), signedAtMs + offMs).ok).toBe(right);
  });

  it('gives a presigned request without its own time five minutes', async () => {
    const target = (await presign(60)).target.replace('&X-Amz-Expires=60', '');
    const sent = { method: 'POST', target, headers: { host }, body: '{}' };
    expect(refusalOf(check(sent, signedAtMs + 300_000)).message).toBe(mismatch);
    expect(refusalOf(check(sent, signedAtMs + 301_000)).message).toMatch(/^Signature expired: .* - 5 min\.\)$/);
  });

  it('is read from Date where there is no X-Amz-Date', () => {
    const headers = { host, date: 'Wed, 06 May 2026 07:08:09 GMT' };
    const scope = { date: '20260506', region: 'eu-west-1', service: 'kinesis' };
    const signedHeaders = { names: ['date', 'host'], text: 'date;host' };
    const canonical = canonicalRequest({ method: 'POST', target: '/', headers }, signedHeaders, hash('sha256', '{}'));
    const stringToSign = `AWS4-HMAC-SHA256\n${signedAt}\n20260506/eu-west-1/kinesis/aws4_request\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', deriveSigningKey(secret, scope)).update(stringToSign).digest('hex');
    const authorization =
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260506/eu-west-1/kinesis/aws4_request, ` +
      `SignedHeaders=date;host, Signature=${signature}`;
    const sent: Sent = { method: 'POST', target: '/', headers: { ...headers, authorization }, body: '{}' };
    expect(check(sent)).toEqual(verified);
    expect(refusalOf(check(sent, signedAtMs + 301_000)).message).toBe(
      'Signature expired: 20260506T070809Z is now earlier than 20260506T070810Z (20260506T071310Z - 5 min.)',
    );
  });
});

describe('what is kept', () => {
  it('is bounded: signing keys and headers of many regions', async () => {
    const verifier = verifierAt(signedAtMs);
    const count = Math.max(SIGNING_KEYS_MAX, KNOWN_HEADERS_MAX) + 10;
    let first: Sent | undefined;
    for (let i = 0; i < count; i++) {
      const sent = await signInHeader({}, { region: `region-${i}` });
      first ??= sent;
      if (!verifier.verify(sent, Buffer.from(sent.body)).ok) throw new Error(`region-${i} was refused`);
    }
    expect(verifier.kept).toEqual({ signingKeys: SIGNING_KEYS_MAX, headers: count - KNOWN_HEADERS_MAX });
    expect(verifier.verify(first as Sent, Buffer.from(first?.body as string)).ok).toBe(true);
  });

  it('is nothing of requests that were refused', async () => {
    const verifier = verifierAt(signedAtMs);
    const sent = await signInHeader();
    expect(verifier.verify(sent, Buffer.from('{}')).ok).toBe(false);
    expect(verifier.kept).toEqual({ signingKeys: 0, headers: 0 });
  });

  it('does not outlive the secret it was derived from', async () => {
    let current = secret;
    const verifier = new SignatureVerifier({
      findSigner: () => ({ secret: current, identity: 'the example' }),
      clock: () => signedAtMs,
    });
    const sent = await signInHeader();
    expect(verifier.verify(sent, Buffer.from(sent.body)).ok).toBe(true);
    current = 'another';
    expect(verifier.verify(sent, Buffer.from(sent.body)).ok).toBe(false);
  });
});

describe('garbage', () => {
  const ROUNDS = 5_000;
  const pieces = [
    'AWS4-HMAC-SHA256', ' ', ',', '=', ';', '/', 'Credential=', 'SignedHeaders=', 'Signature=', 'host', 'x-amz-date',
    'constructor', '__proto__', accessKeyId, '20260506', 'eu-west-1', 'kinesis', 'aws4_request', '0'.repeat(64), '%', '%zz',
    '%2F', '&', '?', '+', 'X-Amz-Algorithm=', 'X-Amz-Credential=', 'X-Amz-Date=', signedAt, 'X-Amz-Expires=', '9e9', '\u0000',
    '\u00ff', 'é物', '/'.repeat(100), 'host;'.repeat(50),
  ]; // prettier-ignore

  it('is refused by a name and a sentence, and never crashes', () => {
    const random = seededRandom(20_260_506);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const text = () => Array.from({ length: Math.floor(random() * 12) }, () => pick(pieces)).join('');
    const verifier = verifierAt(signedAtMs);
    const types = new Set<string>();
    for (let i = 0; i < ROUNDS; i++) {
      const headers: IncomingHttpHeaders = {
        host,
        'x-amz-date': random() < 0.8 ? signedAt : text(),
        ...(random() < 0.7 && {
          authorization:
            random() < 0.5
              ? text()
              : `AWS4-HMAC-SHA256 Credential=${random() < 0.3 ? text() : `${random() < 0.5 ? 'nobody' : accessKeyId}/20260506/eu-west-1/kinesis/aws4_request`},` +
                `SignedHeaders=host;${text()}, Signature=${text()}0`,
        }),
        ...(random() < 0.2 && { 'x-amz-content-sha256': text(), cookie: text() }),
      };
      const request: SignedRequest = { method: 'POST', target: `/${text()}`, headers, rawHeaders: [text()] };
      const answer = verifier.verify(request, Buffer.from(text()));
      if (answer.ok) throw new Error(`let in: ${JSON.stringify(request)}`);
      if (answer.message === '') throw new Error(`without a sentence: ${JSON.stringify(request)}`);
      types.add(answer.type);
    }
    expect([...types].sort()).toEqual([
      'IncompleteSignatureException',
      'InvalidSignatureException',
      'MissingAuthenticationTokenException',
      'UnrecognizedClientException',
    ]);
    expect(verifier.kept).toEqual({ signingKeys: 0, headers: 0 });
  });

  it('of great length is refused before it is looked into', () => {
    const long = `AWS4-HMAC-SHA256 ${'Credential=a,'.repeat(2_000)}`;
    const sent: Sent = {
      method: 'POST',
      target: '/',
      headers: { host, 'x-amz-date': signedAt, authorization: long },
      body: '',
    };
    expect(refusalOf(check(sent))).toEqual({
      type: 'IncompleteSignatureException',
      message: 'Authorization header is longer than 16384 characters.',
    });
    const target = `/?X-Amz-Algorithm=${'&a=b'.repeat(5_000)}`;
    expect(refusalOf(check({ ...sent, target, headers: {} }))).toEqual({
      type: 'IncompleteSignatureException',
      message: 'AWS query-string parameters are longer than 16384 characters.',
    });
  });
});
