import type { StoredDocument } from '@tailrace/shard-core';
import {
  SCRAM_HASHES,
  SCRAM_ITERATIONS_MAX,
  SCRAM_MECHANISMS,
  SCRAM_SALT_BYTES_MAX,
  type ScramCredential,
  type ScramMechanism,
} from './scram-credential.ts';

export const USER_PREFIX = 'identity/user/';
/** In UTF-8; three times as long at most where a document's key writes it as %XX. */
export const USER_NAME_BYTES_MAX = 256;

/** A user of the Kafka door: `User:<name>`, the same principal as the bearer of that user's access keys. */
export interface User {
  readonly name: string;
  /** At least one. */
  readonly credentials: ReadonlyMap<ScramMechanism, ScramCredential>;
}

/** A user as it lies in the store, under `identity/user/<name>`; keys and salt in base64. */
type UserDocument = { readonly name: string } & {
  readonly [M in ScramMechanism]?: {
    readonly salt: string;
    readonly iterations: number;
    readonly storedKey: string;
    readonly serverKey: string;
  };
};

export function isName(name: string): boolean {
  // Lone surrogates have no UTF-8, and no key.
  return name !== '' && Buffer.byteLength(name) <= USER_NAME_BYTES_MAX && name.isWellFormed();
}

/** What stands behind the prefix in the key of the user's document. */
export function userIdOf(name: string): string {
  return encodeURIComponent(name);
}

export function writeUser({ name, credentials }: User): string {
  const document: Record<string, unknown> = { name };
  for (const [mechanism, { salt, iterations, storedKey, serverKey }] of credentials) {
    document[mechanism] = {
      salt: salt.toString('base64'),
      iterations,
      storedKey: storedKey.toString('base64'),
      serverKey: serverKey.toString('base64'),
    };
  }
  return JSON.stringify(document);
}

/** If it is none that this version knows: a sentence about what is wrong. */
export function readUser({ key, value }: StoredDocument): User | string {
  let document: Partial<UserDocument> | null;
  try {
    document = JSON.parse(value) as Partial<UserDocument> | null;
  } catch (error) {
    return `the document is not JSON: ${(error as SyntaxError).message}`;
  }
  const name = document?.name;
  if (typeof name !== 'string' || !isName(name) || USER_PREFIX + userIdOf(name) !== key) {
    return 'it has no name, or the name of another';
  }
  const credentials = new Map<ScramMechanism, ScramCredential>();
  for (const mechanism of SCRAM_MECHANISMS) {
    const stored = document?.[mechanism];
    if (stored === undefined) continue;
    const { bytes } = SCRAM_HASHES[mechanism];
    const salt = Buffer.from(String(stored.salt), 'base64');
    const storedKey = Buffer.from(String(stored.storedKey), 'base64');
    const serverKey = Buffer.from(String(stored.serverKey), 'base64');
    const { iterations } = stored;
    if (salt.length === 0 || salt.length > SCRAM_SALT_BYTES_MAX) return `its salt for ${mechanism} has a wrong length`;
    if (storedKey.length !== bytes || serverKey.length !== bytes)
      return `its keys for ${mechanism} have a wrong length`;
    if (!Number.isInteger(iterations) || iterations < 1 || iterations > SCRAM_ITERATIONS_MAX) {
      return `its iterations for ${mechanism} are out of range`;
    }
    credentials.set(mechanism, { salt, iterations, storedKey, serverKey });
  }
  if (credentials.size === 0) return 'it has no credential';
  return { name, credentials };
}
