import { randomBytes } from 'node:crypto';
import { type Documents, StoreUnavailable } from '@tailrace/shard-core';
import { DocumentMirror } from '../documents/document-mirror.ts';
import {
  hmac,
  SCRAM_HASHES,
  SCRAM_ITERATIONS_MIN,
  SCRAM_SALT_BYTES,
  type ScramCredential,
  type ScramMechanism,
} from './scram-credential.ts';
import { isName, readUser, type User, USER_PREFIX, userIdOf, writeUser } from './user-document.ts';

/** Every process holds all of them in memory; each takes about 1 KiB. */
export const USERS_MAX = 10_000;
/** Somebody else's write came between; each attempt means that another one succeeded. */
const CHANGE_ATTEMPTS_MAX = 10;
const DECOY_KEY = 'identity/decoy';

export type UserRefusal =
  | { readonly code: 'userNotFound'; readonly name: string }
  /** The user has no credential for this mechanism. */
  | { readonly code: 'credentialNotFound'; readonly name: string; readonly mechanism: ScramMechanism }
  | { readonly code: 'invalidUserName'; readonly name: string }
  | { readonly code: 'tooManyUsers'; readonly max: number };

export type UserOutcome = { readonly ok: true } | { readonly ok: false; readonly refusal: UserRefusal };

/** One change of one user's credential; without a credential it is removed. */
export interface CredentialChange {
  readonly mechanism: ScramMechanism;
  readonly credential: ScramCredential | undefined;
}

/** The users of the Kafka door, without a trip for those who are looked up. */
export class Users {
  readonly #documents: Documents;
  readonly #mirror: DocumentMirror<User>;
  readonly #decoySecret: Buffer;

  private constructor(documents: Documents, mirror: DocumentMirror<User>, decoySecret: Buffer) {
    this.#documents = documents;
    this.#mirror = mirror;
    this.#decoySecret = decoySecret;
  }

  /** Throws StoreUnavailable. */
  static async open(documents: Documents): Promise<Users> {
    const decoySecret = await decoySecretOf(documents);
    const mirror = await DocumentMirror.open(documents, {
      things: 'users',
      prefix: USER_PREFIX,
      read: (document) => {
        const user = readUser(document);
        return typeof user === 'string'
          ? { problem: `a user cannot be read and is not let in: ${user}` }
          : { value: user };
      },
    });
    return new Users(documents, mirror, decoySecret);
  }

  get size(): number {
    return this.#mirror.size;
  }

  find(name: string): User | undefined {
    return this.#mirror.get(userIdOf(name));
  }

  /** In the order of their names. */
  list(): User[] {
    return [...this.#mirror.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * What stands in for the credential of somebody who has none, so that an exchange takes the same course: the same salt
   * each time, in every process, and keys that no password has.
   */
  decoy(name: string, mechanism: ScramMechanism): ScramCredential {
    const { bytes } = SCRAM_HASHES[mechanism];
    const salt = hmac('SCRAM-SHA-512', this.#decoySecret, `${mechanism} ${name}`).subarray(0, SCRAM_SALT_BYTES);
    return { salt, iterations: SCRAM_ITERATIONS_MIN, storedKey: randomBytes(bytes), serverKey: randomBytes(bytes) };
  }

  /**
   * Makes all changes of one user in one step, in their order; a user without credentials is gone. Counts here when it
   * settles, elsewhere within a second. Refusals: invalidUserName, userNotFound, credentialNotFound, tooManyUsers. Throws
   * StoreUnavailable.
   */
  async change(name: string, changes: readonly CredentialChange[]): Promise<UserOutcome> {
    if (!isName(name)) return refused({ code: 'invalidUserName', name });
    const id = userIdOf(name);
    const key = USER_PREFIX + id;
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS_MAX; attempt++) {
      const stored = await this.#documents.get(key);
      const current = stored && readUser(stored);
      const credentials = new Map(typeof current === 'object' ? current.credentials : []);
      for (const { mechanism, credential } of changes) {
        if (credential !== undefined) credentials.set(mechanism, credential);
        else if (!credentials.delete(mechanism)) {
          return refused(
            current === undefined ? { code: 'userNotFound', name } : { code: 'credentialNotFound', name, mechanism },
          );
        }
      }
      // Two at once may both find room for the last one: the bound is for memory, and two more do no harm.
      if (stored === undefined && this.size >= USERS_MAX) return refused({ code: 'tooManyUsers', max: USERS_MAX });
      const value = credentials.size === 0 ? undefined : writeUser({ name, credentials });
      const written = await this.#documents.write([{ key, value, expected: stored?.version ?? 'absent' }]);
      if (!written.ok) continue;
      await this.#mirror.catchUp([id]);
      return { ok: true };
    }
    throw new StoreUnavailable(`the document of user ${name} is being changed by too many at once`);
  }

  /** With all credentials. Refusals: userNotFound. Throws StoreUnavailable. */
  async remove(name: string): Promise<UserOutcome> {
    const id = userIdOf(name);
    const stored = isName(name) ? await this.#documents.get(USER_PREFIX + id) : undefined;
    if (stored === undefined) return refused({ code: 'userNotFound', name });
    await this.#documents.write([{ key: stored.key, value: undefined, expected: 'any' }]);
    await this.#mirror.catchUp([id]);
    return { ok: true };
  }

  async close(): Promise<void> {
    await this.#mirror.close();
  }
}

/** 32 bytes of the deployment's own, made by whoever opens the users first. */
async function decoySecretOf(documents: Documents): Promise<Buffer> {
  const secret = randomBytes(32).toString('base64');
  const written = await documents.write([{ key: DECOY_KEY, value: JSON.stringify({ secret }), expected: 'absent' }]);
  const value = written.ok ? undefined : written.conflict.current?.value;
  return Buffer.from(value === undefined ? secret : (JSON.parse(value) as { secret: string }).secret, 'base64');
}

function refused(refusal: UserRefusal): { readonly ok: false; readonly refusal: UserRefusal } {
  return { ok: false, refusal };
}
