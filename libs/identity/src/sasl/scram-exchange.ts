import { randomBytes, timingSafeEqual } from 'node:crypto';
import { digest, hmac, SCRAM_HASHES, type ScramCredential, type ScramMechanism } from '../users/scram-credential.ts';
import type { Users } from '../users/users.ts';
import { failed, type SaslExchange, type SaslStep } from './sasl-mechanism.ts';

/** A client's messages are some hundred bytes. */
const MESSAGE_BYTES_MAX = 8_192;
const SERVER_NONCE_BYTES = 18;

/** `gs2-header client-first-message-bare`, the latter `n=name,r=nonce[,extensions]`; `m=` would be an extension that must be known. */
const CLIENT_FIRST =
  /^(([ny]),(?:a=((?:[^,=]|=2C|=3D)+))?,)(n=((?:[^,=]|=2C|=3D)+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s;
/** `c=channel binding,r=nonce[,extensions],p=proof` */
const CLIENT_FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/s;

/**
 * SCRAM: the client proves that it knows the password without sending it, and we that we know its trace.
 * https://www.rfc-editor.org/rfc/rfc5802, without channel binding, as Kafka has it.
 */
export class ScramExchange implements SaslExchange {
  readonly #mechanism: ScramMechanism;
  readonly #users: Users;
  readonly #newNonce: () => string;
  #first: FirstMessages | undefined;

  constructor(mechanism: ScramMechanism, users: Users, newNonce: () => string = randomNonce) {
    this.#mechanism = mechanism;
    this.#users = users;
    this.#newNonce = newNonce;
  }

  step(message: Buffer): SaslStep {
    if (message.length > MESSAGE_BYTES_MAX) return failed('Invalid SCRAM message: it is too long');
    const text = message.toString('utf8');
    return this.#first === undefined ? this.#begin(text) : this.#finish(text, this.#first);
  }

  #begin(text: string): SaslStep {
    const parts = CLIENT_FIRST.exec(text);
    if (parts === null) {
      return failed(
        text.startsWith('p=')
          ? 'Invalid SCRAM client first message: channel binding is not supported'
          : 'Invalid SCRAM client first message',
      );
    }
    const [, gs2Header, , authorizationId, bare, escapedName, clientNonce] = parts as unknown as string[];
    const name = unescapeName(escapedName as string);
    if (authorizationId !== undefined && unescapeName(authorizationId) !== name) {
      return failed('Authentication failed: Client requested an authorization id that is different from username');
    }
    const known = this.#users.find(name)?.credentials.get(this.#mechanism);
    // Who is not there learns so at the end, like everybody else who has no right password.
    const credential = known ?? this.#users.decoy(name, this.#mechanism);
    const nonce = `${clientNonce}${this.#newNonce()}`;
    const serverFirst = `r=${nonce},s=${credential.salt.toString('base64')},i=${credential.iterations}`;
    this.#first = {
      name,
      known: known !== undefined,
      credential,
      clientNonce: clientNonce as string,
      nonce,
      gs2Header: gs2Header as string,
      exchanged: `${bare},${serverFirst}`,
    };
    return { kind: 'challenge', message: Buffer.from(serverFirst, 'utf8') };
  }

  #finish(
    text: string,
    { name, known, credential, clientNonce, nonce, gs2Header, exchanged }: FirstMessages,
  ): SaslStep {
    const parts = CLIENT_FINAL.exec(text);
    if (parts === null) return failed('Invalid SCRAM client final message');
    const [, withoutProof, channelBinding, finalNonce, proofText] = parts as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    // librdkafka before 2.6.1 puts its own nonce before the common one once more. The proof covers it in either case.
    if (finalNonce !== nonce && finalNonce !== clientNonce + nonce) {
      return failed('Invalid client nonce in the final client message');
    }
    if (Buffer.from(channelBinding, 'base64').toString('utf8') !== gs2Header) {
      return failed('Invalid SCRAM client final message: its channel binding differs from the first one');
    }
    const mechanism = this.#mechanism;
    const { storedKey, serverKey } = credential;
    const authMessage = `${exchanged},${withoutProof}`;
    const proof = Buffer.from(proofText, 'base64');
    const clientKey = hmac(mechanism, storedKey, authMessage);
    const rightLength = proof.length === SCRAM_HASHES[mechanism].bytes;
    if (rightLength)
      for (let i = 0; i < clientKey.length; i++) clientKey[i] = (clientKey[i] as number) ^ (proof[i] as number);
    if (!timingSafeEqual(digest(mechanism, clientKey), storedKey) || !rightLength || !known) {
      return failed(
        `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`,
        known ? `wrong password of ${name}` : `${name} has no credential for ${mechanism}`,
      );
    }
    const signature = hmac(mechanism, serverKey, authMessage).toString('base64');
    return { kind: 'done', message: Buffer.from(`v=${signature}`), authenticated: { userName: name } };
  }
}

interface FirstMessages {
  readonly name: string;
  readonly known: boolean;
  readonly credential: ScramCredential;
  readonly clientNonce: string;
  /** The client's and ours. */
  readonly nonce: string;
  readonly gs2Header: string;
  /** The bare first message of the client and ours, as both sign them. */
  readonly exchanged: string;
}

function unescapeName(name: string): string {
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function randomNonce(): string {
  return randomBytes(SERVER_NONCE_BYTES).toString('base64url');
}
