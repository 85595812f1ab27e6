import { createHmac, hash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const deriveKey = promisify(pbkdf2);

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

/** What each mechanism hashes with. https://www.rfc-editor.org/rfc/rfc7677 */
export const SCRAM_HASHES = {
  'SCRAM-SHA-256': { algorithm: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { algorithm: 'sha512', bytes: 64 },
} as const satisfies Record<ScramMechanism, { algorithm: string; bytes: number }>;

export const SCRAM_MECHANISMS = Object.keys(SCRAM_HASHES) as readonly ScramMechanism[];

/** RFC 7677 asks for 4,096 at least; above the other bound every login would be a load, and Kafka stops there too. */
export const SCRAM_ITERATIONS_MIN = 4_096;
export const SCRAM_ITERATIONS_MAX = 16_384;
export const SCRAM_SALT_BYTES = 24;
export const SCRAM_SALT_BYTES_MAX = 1_024;

/**
 * What is kept instead of a password. Who steals it can neither log in with it nor find the password but by trying words,
 * each of which costs the iterations.
 */
export interface ScramCredential {
  readonly salt: Buffer;
  readonly iterations: number;
  /** H(ClientKey): proves the client. */
  readonly storedKey: Buffer;
  /** HMAC(SaltedPassword, "Server Key"): proves us to the client. */
  readonly serverKey: Buffer;
}

export function hmac(mechanism: ScramMechanism, key: Buffer, text: string | Buffer): Buffer {
  return createHmac(SCRAM_HASHES[mechanism].algorithm, key).update(text).digest();
}

export function digest(mechanism: ScramMechanism, bytes: Buffer): Buffer {
  return hash(SCRAM_HASHES[mechanism].algorithm, bytes, 'buffer');
}

/** Of what a client has derived already (Kafka's admin API never sends the password). */
export function credentialOfSaltedPassword(
  mechanism: ScramMechanism,
  saltedPassword: Buffer,
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
): ScramCredential {
  return {
    salt,
    iterations,
    storedKey: digest(mechanism, hmac(mechanism, saltedPassword, 'Client Key')),
    serverKey: hmac(mechanism, saltedPassword, 'Server Key'),
  };
}

/** Of a password, with a salt of its own; off the main thread. */
export async function credentialOfPassword(
  mechanism: ScramMechanism,
  password: string,
  iterations: number = SCRAM_ITERATIONS_MIN,
): Promise<ScramCredential> {
  const salt = randomBytes(SCRAM_SALT_BYTES);
  return credentialOfSaltedPassword(mechanism, await saltPassword(mechanism, password, salt, iterations), {
    salt,
    iterations,
  });
}

/** Whether a password is the one behind a credential; off the main thread, in a time that does not depend on how wrong it is. */
export async function isPassword(
  mechanism: ScramMechanism,
  { salt, iterations, storedKey }: ScramCredential,
  password: string,
): Promise<boolean> {
  const salted = await saltPassword(mechanism, password, salt, iterations);
  return timingSafeEqual(digest(mechanism, hmac(mechanism, salted, 'Client Key')), storedKey);
}

function saltPassword(mechanism: ScramMechanism, password: string, salt: Buffer, iterations: number): Promise<Buffer> {
  const { algorithm, bytes } = SCRAM_HASHES[mechanism];
  // Kafka's clients normalize nothing (no SASLprep), and what they do counts.
  return deriveKey(Buffer.from(password, 'utf8'), salt, iterations, bytes, algorithm);
}
