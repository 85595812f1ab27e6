import { readFile } from 'node:fs/promises';
import type { JSONWebKeySet, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import type { Authenticated } from './sasl-mechanism.ts';

/** How far the clocks of a token's issuer and ours may be apart; Kafka's sasl.oauthbearer.clock.skew.seconds. */
export const TOKEN_CLOCK_SKEW_SECONDS = 30;
/** A longer one is not looked into. */
export const TOKEN_BYTES_MAX = 64 * 1024;
/** Only with a key of two halves: a shared secret would let the verifier sign, and `none` anybody. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** A token that names an unknown key makes us look for new keys, no oftener than this. */
const KEYS_COOLDOWN_MS = 30_000;
const KEYS_TIMEOUT_MS = 5_000;
const KEYS_AGE_MS_MAX = 10 * 60_000;

export interface TokenVerifierOptions {
  /** The issuer's keys (JWKS): the path of a file, or a URL; `unsecured`: tokens without a signature, for development alone. */
  readonly keys: { readonly path: string } | { readonly url: URL } | 'unsecured';
  /** The claim `iss`, if it is checked. */
  readonly issuer?: string | undefined;
  /** One of which the claim `aud` must name, if it is checked. */
  readonly audiences?: readonly string[] | undefined;
  /** The claim that names the user. */
  readonly principalClaim?: string | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export type TokenVerdict =
  | { readonly ok: true; readonly authenticated: Authenticated & { readonly expiresAtMs: number } }
  /** A sentence for the log. */
  | { readonly ok: false; readonly problem: string };

/** Says whose a token is, and until when. */
export interface TokenVerifier {
  verify(token: string): Promise<TokenVerdict>;
}

/** Throws where the file of the keys cannot be read or holds none. A URL is asked when the first token comes. */
export async function openTokenVerifier({
  keys,
  issuer,
  audiences,
  principalClaim = 'sub',
  clock = Date.now,
}: TokenVerifierOptions): Promise<TokenVerifier> {
  // Loaded by those alone who take tokens.
  const jose = await import('jose');
  const checks = (): JWTVerifyOptions => ({
    algorithms: ALGORITHMS,
    requiredClaims: ['exp', principalClaim],
    clockTolerance: TOKEN_CLOCK_SKEW_SECONDS,
    currentDate: new Date(clock()),
    ...(issuer !== undefined && { issuer }),
    ...(audiences !== undefined && { audience: [...audiences] }),
  });
  const keyOf =
    keys === 'unsecured'
      ? undefined
      : 'url' in keys
        ? jose.createRemoteJWKSet(keys.url, {
            timeoutDuration: KEYS_TIMEOUT_MS,
            cooldownDuration: KEYS_COOLDOWN_MS,
            cacheMaxAge: KEYS_AGE_MS_MAX,
          })
        : await keysOfFile(keys.path, jose, clock);
  return {
    async verify(token) {
      if (token.length > TOKEN_BYTES_MAX) return { ok: false, problem: 'the token is too long' };
      try {
        const { payload } =
          keyOf === undefined
            ? jose.UnsecuredJWT.decode(token, checks())
            : await jose.jwtVerify(token, keyOf, checks());
        const userName = payload[principalClaim];
        if (typeof userName !== 'string' || userName === '') {
          return { ok: false, problem: `the token's claim ${principalClaim} names nobody` };
        }
        return { ok: true, authenticated: { userName, expiresAtMs: (payload.exp as number) * 1000 } };
      } catch (error) {
        // Whatever is wrong with a token or with where its keys are: nobody is let in by it.
        return { ok: false, problem: (error as Error).message };
      }
    },
  };
}

/** Read anew when a token names a key that is not there: an issuer's keys change. */
async function keysOfFile(path: string, jose: typeof import('jose'), clock: () => number): Promise<JWTVerifyGetKey> {
  const read = async () => jose.createLocalJWKSet(JSON.parse(await readFile(path, 'utf8')) as JSONWebKeySet);
  let known = await read();
  let readAtMs = clock();
  return async (header, token) => {
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSNoMatchingKey) || clock() - readAtMs < KEYS_COOLDOWN_MS) throw error;
      readAtMs = clock();
      known = await read();
      return known(header, token);
    }
  };
}
