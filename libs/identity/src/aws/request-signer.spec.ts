import { describe, expect, it } from '@jest/globals';
import { sdkSigner } from '../testing/sdk-signer.ts';
import { signRequest } from './request-signer.ts';
import { SignatureVerifier } from './signature-verifier.ts';

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const region = 'eu-west-1';
const nowMs = Date.UTC(2026, 4, 6, 7, 8, 9, 876);
const headers = {
  host: '127.0.0.1:4567',
  'content-type': 'application/x-amz-json-1.1',
  'x-amz-target': 'Kinesis_20131202.ListStreams',
};
const request = { method: 'POST', target: '/', headers, body: '{"Limit":10,"a":"é"}' };
const verifier = new SignatureVerifier({
  findSigner: (id) =>
    id === credentials.accessKeyId ? { secret: credentials.secretAccessKey, identity: 'me' } : undefined,
  clock: () => nowMs,
});

describe('a signed request', () => {
  it.each([
    ['as clients send it', request],
    ['without a body', { ...request, body: '' }],
    ['with a path and a query', { ...request, target: '/a%20b/c?z=1&a=%C3%A9&a=0&empty' }],
    ['with uneven headers', { ...request, headers: { ...headers, 'x-note': '  a   b  ' } }],
  ])('is let in %s', (_, sent) => {
    const signed = signRequest(sent, { credentials, region, nowMs });
    const body = Buffer.from(sent.body);
    expect(verifier.verify({ ...sent, headers: signed }, body)).toEqual({
      ok: true,
      identity: 'me',
      accessKeyId: credentials.accessKeyId,
      region,
    });
    const changed = verifier.verify({ ...sent, headers: signed }, Buffer.concat([body, Buffer.from(' ')]));
    expect(changed).toMatchObject({ ok: false, type: 'InvalidSignatureException' });
    const elsewhere = verifier.verify({ ...sent, headers: { ...signed, host: 'example.org' } }, body);
    expect(elsewhere).toMatchObject({ ok: false, type: 'InvalidSignatureException' });
  });

  it.each([undefined, 'a-token'])(
    "has the signature that AWS's own library makes (session token %s)",
    async (sessionToken) => {
      const ours = signRequest(request, { credentials: { ...credentials, sessionToken }, region, nowMs });
      const signer = sdkSigner({
        accessKeyId: credentials.accessKeyId,
        secret: credentials.secretAccessKey,
        region,
        ...(sessionToken !== undefined && { sessionToken }),
      });
      // That library signs the body's hash as a header as well.
      const { headers: theirs } = await signer.sign(
        {
          protocol: 'http:',
          hostname: '127.0.0.1',
          port: 4567,
          method: 'POST',
          path: '/',
          query: {},
          headers,
          body: request.body,
        },
        { signingDate: new Date(nowMs), unsignableHeaders: new Set(['x-amz-content-sha256']) },
      );
      expect(ours['authorization']).toBe(theirs['authorization']);
      expect(ours['x-amz-date']).toBe(theirs['x-amz-date']);
    },
  );

  it('does not hide its session token, which this service refuses', () => {
    const signed = signRequest(request, { credentials: { ...credentials, sessionToken: 'a-token' }, region, nowMs });
    expect(verifier.verify({ ...request, headers: signed }, Buffer.from(request.body))).toMatchObject({
      ok: false,
      type: 'UnrecognizedClientException',
    });
  });
});
