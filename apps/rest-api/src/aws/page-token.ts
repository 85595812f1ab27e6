import { AwsError, invalidArgument } from './aws-error.ts';
import type { SealedTokens } from './sealed-tokens.ts';

/** The service's own lifetime of a NextToken. */
export const PAGE_TOKEN_LIFETIME_MS = 300_000;

/** Makes the NextToken of a listing; `state` says where to go on. */
export function sealPageToken(tokens: SealedTokens, listing: string, state: object, nowMs: number): string {
  return tokens.seal(listing, Buffer.from(JSON.stringify({ issuedAtMs: nowMs, state }), 'utf8'));
}

/** Throws InvalidArgumentException for what is no token of this listing, ExpiredNextTokenException for an old one. */
export function openPageToken<State>(tokens: SealedTokens, listing: string, token: string, nowMs: number): State {
  const contents = tokens.open(listing, token);
  if (contents === undefined) throw invalidArgument('Invalid NextToken.');
  const { issuedAtMs, state } = JSON.parse(contents.toString('utf8')) as { issuedAtMs: number; state: State };
  if (nowMs - issuedAtMs > PAGE_TOKEN_LIFETIME_MS) {
    throw new AwsError(
      'ExpiredNextTokenException',
      `The NextToken expired: it was made ${nowMs - issuedAtMs} ms ago and is valid for ${PAGE_TOKEN_LIFETIME_MS} ms.`,
    );
  }
  return state;
}

/** What a token of this listing says, however old it is; `undefined` for what is none. */
export function peekPageToken<State>(tokens: SealedTokens, listing: string, token: string): State | undefined {
  const contents = tokens.open(listing, token);
  if (contents === undefined) return undefined;
  return (JSON.parse(contents.toString('utf8')) as { state: State }).state;
}
