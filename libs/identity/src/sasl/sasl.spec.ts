import { createHmac, hash, pbkdf2Sync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { openStore, type Store } from '@tailrace/shard-core';
import { temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { credentialOfSaltedPassword, type ScramCredential } from '../users/scram-credential.ts';
import { Users } from '../users/users.ts';
import { OAuthBearerExchange } from './oauth-bearer-exchange.ts';
import { PlainExchange } from './plain-exchange.ts';
import { ScramExchange } from './scram-exchange.ts';
import { openTokenVerifier, TOKEN_BYTES_MAX, type TokenVerifierOptions } from './token-verifier.ts';

let directory: TemporaryDirectory;
let store: Store;
let users: Users;

/** The example of RFC 7677, 3. */
const rfc = {
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  iterations: 4096,
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

function rfcCredential(): ScramCredential {
  const salted = pbkdf2Sync('pencil', rfc.salt, rfc.iterations, 32, 'sha256');
  return credentialOfSaltedPassword('SCRAM-SHA-256', salted, rfc);
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  store = await openStore({
    store: 'embedded',
    dataDir: join(directory.path, 'data'),
    durability: 'relaxed',
    redisUrl: '',
    minInsyncReplicas: 0,
  });
  users = await Users.open(store.documents);
  expect(await users.change('user', [{ mechanism: 'SCRAM-SHA-256', credential: rfcCredential() }])).toEqual({
    ok: true,
  });
});
afterAll(async () => {
  await users.close();
  await store.close();
  await directory.remove();
});

describe('SCRAM', () => {
  const begin = () => new ScramExchange('SCRAM-SHA-256', users, () => rfc.serverNonce);
  const step = (exchange: ScramExchange, text: string) => {
    const answer = exchange.step(Buffer.from(text));
    return 'message' in answer ? { ...answer, message: answer.message.toString() } : answer;
  };

  it('takes the course of RFC 7677', () => {
    const exchange = begin();
    expect(step(exchange, rfc.first)).toEqual({ kind: 'challenge', message: rfc.serverFirst });
    expect(step(exchange, rfc.final)).toEqual({
      kind: 'done',
      message: rfc.serverFinal,
      authenticated: { userName: 'user' },
    });
  });

  it.each([
    ['another nonce', rfc.final.replace('k0,p', 'k1,p')],
    ['a shorter nonce', rfc.final.replace(/r=[^,]*/, 'r=rOprNGfwEbeRWgbNEkqO')],
    ['another channel binding', rfc.final.replace('biws', 'eSws')],
    ['a proof of other bytes', rfc.final.replace('dHzb', 'dHzc')],
    ['a cut proof', `${rfc.final.slice(0, -8)}=`],
    ['no proof', rfc.final.slice(0, rfc.final.indexOf(',p='))],
    ['nothing', ''],
  ])('refuses %s', (_what, final) => {
    const exchange = begin();
    step(exchange, rfc.first);
    expect(step(exchange, final)).toMatchObject({ kind: 'failed' });
  });

  /** A last message with the proof that somebody who knows the password gives for it. */
  const proved = (withoutProof: string): string => {
    const salted = pbkdf2Sync('pencil', rfc.salt, rfc.iterations, 32, 'sha256');
    const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const signed = `${rfc.first.slice(3)},${rfc.serverFirst},${withoutProof}`;
    const signature = hmac(hash('sha256', clientKey, 'buffer'), signed);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)));
    return `${withoutProof},p=${proof.toString('base64')}`;
  };
  const clientNonce = 'rOprNGfwEbeRWgbNEkqO';

  it('takes the nonce of librdkafka before 2.6.1, which has the part of the client twice', () => {
    const exchange = begin();
    step(exchange, rfc.first);
    const final = proved(`c=biws,r=${clientNonce}${clientNonce}${rfc.serverNonce}`);
    expect(step(exchange, final)).toMatchObject({ kind: 'done' });
  });

  it.each([
    ['nonce', `c=biws,r=${clientNonce}`],
    ['nonce', `c=biws,r=x${clientNonce}${rfc.serverNonce}`],
    ['channel binding', `c=eSws,r=${clientNonce}${rfc.serverNonce}`],
  ])('refuses another %s, however well it is proved', (_what, withoutProof) => {
    const exchange = begin();
    step(exchange, rfc.first);
    expect(step(exchange, proved(withoutProof))).toMatchObject({ kind: 'failed' });
  });

  it('refuses every proof in which a single bit is another', () => {
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
    for (let bit = 0; bit < proof.length * 8; bit++) {
      const other = Buffer.from(proof);
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
      const exchange = begin();
      step(exchange, rfc.first);
      const final = rfc.final.replace(/p=.*/, `p=${other.toString('base64')}`);
      expect(step(exchange, final)).toMatchObject({ kind: 'failed' });
    }
  });

  it.each([
    'p=tls-unique,,n=user,r=abc',
    'n,a=other,n=user,r=abc',
    'n,,m=ext,n=user,r=abc',
    'n,,n=u=41,r=abc',
    'n,,n=user',
    'user',
    '',
    'n,,n=user,r=a b',
  ])('refuses to begin with %p', (first) => {
    expect(step(begin(), first)).toMatchObject({ kind: 'failed' });
  });

  it('looks the same to somebody who is not there, each time and in each process', async () => {
    const first = 'n,,n=nobody,r=abc';
    const another = await Users.open(store.documents);
    const answers = [users, users, another].map((known) =>
      step(new ScramExchange('SCRAM-SHA-256', known, () => 'x'), first),
    );
    expect(answers[0]).toMatchObject({
      kind: 'challenge',
      message: expect.stringMatching(/^r=abcx,s=[A-Za-z0-9+/]{32},i=4096$/),
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    await another.close();
  });
});

describe('messages of nobody', () => {
  it('are refused, never thrown about, by SCRAM and OAUTHBEARER', async () => {
    const tokens = await openTokenVerifier({ keys: 'unsecured' });
    const right = [rfc.first, rfc.final, 'n,,\x01auth=Bearer abc.def.\x01\x01', '\x01'].map((text) =>
      Buffer.from(text),
    );
    let seed = 3;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    for (let i = 0; i < 4_000; i++) {
      const bytes = Buffer.from(right[random(right.length)] as Buffer);
      for (let change = random(4); change >= 0 && bytes.length > 0; change--) bytes[random(bytes.length)] = random(256);
      const message = random(3) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
      const scram = new ScramExchange('SCRAM-SHA-256', users, () => rfc.serverNonce);
      if (random(2) === 0) scram.step(Buffer.from(rfc.first));
      expect(scram.step(message).kind).not.toBe(message.equals(Buffer.from(rfc.final)) ? 'challenge' : 'done');
      expect((await new OAuthBearerExchange(tokens).step(message)).kind).not.toBe('done');
    }
  });
});

describe('PLAIN', () => {
  const step = (text: string) => new PlainExchange(users).step(Buffer.from(text));

  it('takes the password behind what SCRAM keeps of it, with or without the same authorization id', async () => {
    for (const text of ['\0user\0pencil', 'user\0user\0pencil']) {
      expect(await step(text)).toMatchObject({ kind: 'done', authenticated: { userName: 'user' } });
    }
  });

  it.each([
    '\0user\0pencils',
    '\0user\0',
    '\0\0pencil',
    '\0nobody\0pencil',
    'other\0user\0pencil',
    'user\0pencil',
    '',
    '\0user\0pencil\0',
    `\0user\0${'x'.repeat(1_025)}`,
  ])('refuses %p', async (text) => {
    expect(await step(text)).toMatchObject({ kind: 'failed' });
  });
});

describe('OAUTHBEARER', () => {
  const issuer = 'https://idp.example.org';
  const audience = 'streams';
  const now = Date.UTC(2026, 10, 23);
  const seconds = now / 1000;
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let jwks: string;
  const options = (more: Partial<TokenVerifierOptions> = {}): TokenVerifierOptions => ({
    keys: { path: join(directory.path, 'jwks.json') },
    issuer,
    audiences: [audience],
    clock: () => now,
    ...more,
  });
  const claims = (more: Record<string, unknown> = {}) => ({
    iss: issuer,
    aud: audience,
    sub: 'alice',
    exp: seconds + 600,
    ...more,
  });
  const sign = (payload: Record<string, unknown>, { kid = 'k1', key = keys.privateKey, alg = 'RS256' } = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key);
  const message = (token: string, authorizationId = '') =>
    Buffer.from(`n,${authorizationId && `a=${authorizationId}`},\x01host=h\x01port=1\x01auth=Bearer ${token}\x01\x01`);
  const run = async (token: string, more: Partial<TokenVerifierOptions> = {}, authorizationId = '') =>
    new OAuthBearerExchange(await openTokenVerifier(options(more))).step(message(token, authorizationId));

  beforeAll(async () => {
    keys = await generateKeyPair('RS256', { extractable: true });
    jwks = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'RS256' }] });
    writeFileSync(join(directory.path, 'jwks.json'), jwks);
  });

  it('takes a token of the issuer, until it expires', async () => {
    const authenticated = { userName: 'alice', expiresAtMs: now + 600_000 };
    expect(await run(await sign(claims()))).toMatchObject({ kind: 'done', authenticated });
    expect(await run(await sign(claims({ aud: ['x', audience] })), {}, 'alice')).toMatchObject({
      kind: 'done',
      authenticated,
    });
    // Clocks may be half a minute apart.
    expect(await run(await sign(claims({ exp: seconds - 29 })))).toMatchObject({ kind: 'done' });
    const byClaim = await run(await sign(claims({ client: 'shop' })), { principalClaim: 'client' });
    expect(byClaim).toMatchObject({ kind: 'done', authenticated: { userName: 'shop' } });
  });

  it.each([
    ['expired', { exp: seconds - 31 }],
    ['without an end', { exp: undefined }],
    ['not valid yet', { nbf: seconds + 31 }],
    ['of another issuer', { iss: 'https://other' }],
    ['for another audience', { aud: 'other' }],
    ['without an audience', { aud: undefined }],
    ['of nobody', { sub: undefined }],
    ['of a number', { sub: 7 }],
  ])('refuses a token %s, and fails once the client has read so', async (_what, more) => {
    const exchange = new OAuthBearerExchange(await openTokenVerifier(options()));
    const answer = await exchange.step(message(await sign(claims(more))));
    expect(answer).toEqual({ kind: 'challenge', message: Buffer.from('{"status":"invalid_token"}') });
    expect(await exchange.step(Buffer.from('\x01'))).toMatchObject({
      kind: 'failed',
      reason: '{"status":"invalid_token"}',
    });
  });

  it('refuses what somebody else signed, or nobody, or with our public key for a secret', async () => {
    const other = await generateKeyPair('RS256');
    expect(await run(await sign(claims(), { key: other.privateKey }))).toMatchObject({ kind: 'challenge' });
    expect(await run(await sign(claims(), { kid: 'k9' }))).toMatchObject({ kind: 'challenge' });
    expect(await run(new UnsecuredJWT(claims()).encode())).toMatchObject({ kind: 'challenge' });
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg: 'HS256', kid: 'k1' })}.${encode(claims())}`;
    const mac = createHmac('sha256', JSON.stringify((JSON.parse(jwks) as { keys: unknown[] }).keys[0]))
      .update(signed)
      .digest('base64url');
    expect(await run(`${signed}.${mac}`)).toMatchObject({ kind: 'challenge' });
    expect(await run('a'.repeat(TOKEN_BYTES_MAX + 1))).toMatchObject({ kind: 'challenge' });
  });

  it('refuses another authorization id, and messages that are none', async () => {
    expect(await run(await sign(claims()), {}, 'bob')).toMatchObject({ kind: 'failed' });
    const token = await sign(claims());
    for (const text of [
      '',
      'n,,',
      `n,,\x01auth=Basic ${token}\x01\x01`,
      `n,,\x01auth=Bearer ${token}\x01`,
      `y,,\x01auth=Bearer ${token}\x01\x01`,
    ]) {
      const exchange = new OAuthBearerExchange(await openTokenVerifier(options()));
      expect(await exchange.step(Buffer.from(text))).toMatchObject({ kind: 'failed' });
    }
  });

  it('takes up keys that the issuer has put in place of others', async () => {
    let clockMs = now;
    const verifier = await openTokenVerifier(options({ clock: () => clockMs }));
    const renewed = await generateKeyPair('ES256', { extractable: true });
    const token = await sign(claims(), { kid: 'k2', key: renewed.privateKey, alg: 'ES256' });
    writeFileSync(
      join(directory.path, 'jwks.json'),
      JSON.stringify({ keys: [{ ...(await exportJWK(renewed.publicKey)), kid: 'k2', alg: 'ES256' }] }),
    );
    expect(await verifier.verify(token)).toMatchObject({ ok: false });
    clockMs += 30_000;
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
    writeFileSync(join(directory.path, 'jwks.json'), jwks);
  });

  it('fetches keys from a URL', async () => {
    const server = createServer((_request, response) =>
      response.setHeader('content-type', 'application/json').end(jwks),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`);
    expect(await run(await sign(claims()), { keys: { url } })).toMatchObject({ kind: 'done' });
    server.closeAllConnections();
    server.close();
  });

  it('takes tokens that nobody signed only where that is asked for, and looks at their claims all the same', async () => {
    const keysOfNobody = { keys: 'unsecured' } as const;
    expect(await run(new UnsecuredJWT(claims()).encode(), keysOfNobody)).toMatchObject({ kind: 'done' });
    expect(await run(new UnsecuredJWT(claims({ exp: seconds - 60 })).encode(), keysOfNobody)).toMatchObject({
      kind: 'challenge',
    });
    expect(await run(new UnsecuredJWT(claims({ iss: 'x' })).encode(), keysOfNobody)).toMatchObject({
      kind: 'challenge',
    });
  });

  it('says so when the file of the keys is missing or none', async () => {
    await expect(openTokenVerifier(options({ keys: { path: join(directory.path, 'missing.json') } }))).rejects.toThrow(
      'ENOENT',
    );
    writeFileSync(join(directory.path, 'none.json'), '[]');
    await expect(openTokenVerifier(options({ keys: { path: join(directory.path, 'none.json') } }))).rejects.toThrow(
      'malformed',
    );
  });
});
