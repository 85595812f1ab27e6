import { failed, NO_MESSAGE, type SaslExchange, type SaslStep } from './sasl-mechanism.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** `n,[a=name],^Akey=value^A…^A`; one of the keys is `auth`. */
const CLIENT_FIRST = /^n,(?:a=((?:[^,=\x01]|=2C|=3D)+))?,\x01((?:[A-Za-z]+=[^\x01]*\x01)+)\x01$/;
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
/** How a client says that it has read why its token is refused. */
const ACKNOWLEDGED = 0x01;
const REFUSED = '{"status":"invalid_token"}';

/**
 * SASL OAUTHBEARER: the client shows a token of an OAuth provider. A refusal is told in a message of its own, which the client
 * acknowledges before the exchange fails. https://www.rfc-editor.org/rfc/rfc7628
 */
export class OAuthBearerExchange implements SaslExchange {
  readonly #tokens: TokenVerifier;
  #refusedBecause: string | undefined;

  constructor(tokens: TokenVerifier) {
    this.#tokens = tokens;
  }

  async step(message: Buffer): Promise<SaslStep> {
    if (this.#refusedBecause !== undefined) {
      return message.length === 1 && message[0] === ACKNOWLEDGED
        ? failed(REFUSED, this.#refusedBecause)
        : failed('Unexpected message after a refused token', this.#refusedBecause);
    }
    const parts = CLIENT_FIRST.exec(message.toString('latin1'));
    if (parts === null) return failed('Invalid OAUTHBEARER client first message');
    const [, authorizationId, pairs] = parts as unknown as [string, string | undefined, string];
    const auth = pairs.split('\x01').find((pair) => pair.startsWith('auth='));
    const token = auth === undefined ? undefined : BEARER.exec(auth.slice('auth='.length))?.[1];
    if (token === undefined) return failed('Invalid OAUTHBEARER client first message: it has no bearer token');
    const verdict = await this.#tokens.verify(token);
    if (!verdict.ok) {
      this.#refusedBecause = verdict.problem;
      return { kind: 'challenge', message: Buffer.from(REFUSED) };
    }
    const { authenticated } = verdict;
    const asked = authorizationId && Buffer.from(authorizationId, 'latin1').toString('utf8');
    if (asked !== undefined && asked.replaceAll('=2C', ',').replaceAll('=3D', '=') !== authenticated.userName) {
      return failed(
        "Authentication failed: Client requested an authorization id that is different from the token's principal name",
      );
    }
    return { kind: 'done', message: NO_MESSAGE, authenticated };
  }
}
