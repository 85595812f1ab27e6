import { isPassword, SCRAM_MECHANISMS } from '../users/scram-credential.ts';
import type { Users } from '../users/users.ts';
import { failed, NO_MESSAGE, type SaslExchange, type SaslStep } from './sasl-mechanism.ts';

/** Longer ones are nobody's, and each costs a run of the key derivation over all of it. */
const PASSWORD_BYTES_MAX = 1_024;
const INVALID = 'Authentication failed: Invalid username or password';

/**
 * SASL PLAIN: `[authorization id] NUL name NUL password`, checked against what SCRAM keeps of the password.
 * https://www.rfc-editor.org/rfc/rfc4616
 */
export class PlainExchange implements SaslExchange {
  readonly #users: Users;

  constructor(users: Users) {
    this.#users = users;
  }

  async step(message: Buffer): Promise<SaslStep> {
    const parts = message.toString('utf8').split('\0');
    if (parts.length !== 3) {
      return failed(`Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`);
    }
    const [authorizationId, name, password] = parts as [string, string, string];
    if (name === '') return failed('Authentication failed: username not specified');
    if (password === '') return failed('Authentication failed: password not specified');
    if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return failed(INVALID, `the password of ${name} is too long`);
    const user = this.#users.find(name);
    const mechanism = SCRAM_MECHANISMS.find((one) => user?.credentials.has(one)) ?? 'SCRAM-SHA-256';
    // Somebody who is not there takes as long as a wrong password.
    const credential = user?.credentials.get(mechanism) ?? this.#users.decoy(name, mechanism);
    const right = await isPassword(mechanism, credential, password);
    if (!right) return failed(INVALID, user === undefined ? `there is no user ${name}` : `wrong password of ${name}`);
    if (authorizationId !== '' && authorizationId !== name) {
      return failed('Authentication failed: Client requested an authorization id that is different from username');
    }
    return { kind: 'done', message: NO_MESSAGE, authenticated: { userName: name } };
  }
}
