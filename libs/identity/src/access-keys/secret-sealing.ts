import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';

/** A secret as it lies in the store. */
export type StoredSecret =
  | { readonly plain: string }
  /** base64 of initial vector, ciphertext and tag; `masterKey` says by its fingerprint which key opens it. */
  | { readonly sealed: string; readonly masterKey: string };

export const MASTER_KEY_BYTES = 32;
const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FINGERPRINT_CHARACTERS = 16;

/** A key of 32 bytes out of a setting: 64 hexadecimal digits, or base64. `undefined` if it is neither. */
export function parseMasterKey(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === MASTER_KEY_BYTES && bytes.toString('base64') === text ? bytes : undefined;
}

/**
 * Secrets at rest, by AES-256-GCM. The service needs each secret itself, because that is what signatures are made with; so
 * this protects those who can read the store or its backups only, and not against anybody who can read the setting or the
 * memory of a process, nor against somebody who writes to the store: they can put in a key of their own.
 */
export class SecretSealing {
  readonly #keys = new Map<string, Buffer>();
  readonly #current: string | undefined;

  /** The first master key seals; all open, so that one can follow another. Without any, secrets lie in the clear. */
  constructor(masterKeys: readonly Buffer[] = []) {
    for (const key of masterKeys) {
      if (key.length !== MASTER_KEY_BYTES)
        throw new RangeError(`a master key of ${key.length} bytes; ${MASTER_KEY_BYTES}`);
      this.#keys.set(fingerprintOf(key), key);
    }
    [this.#current] = this.#keys.keys();
  }

  /** `place` is bound to it: a sealed secret that is copied to another place does not open there. */
  seal(place: string, secret: string): StoredSecret {
    if (this.#current === undefined) return { plain: secret };
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#keys.get(this.#current) as Buffer, iv);
    cipher.setAAD(Buffer.from(place, 'utf8'));
    const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return { sealed: Buffer.concat([iv, body, cipher.getAuthTag()]).toString('base64'), masterKey: this.#current };
  }

  /** Whether it lies as `seal` would leave it today. */
  isCurrent(stored: StoredSecret): boolean {
    return this.#current === ('sealed' in stored ? stored.masterKey : undefined);
  }

  /** `undefined` if none of the master keys opens it here. */
  open(place: string, stored: StoredSecret): string | undefined {
    if ('plain' in stored) return stored.plain;
    const key = this.#keys.get(stored.masterKey);
    const bytes = Buffer.from(stored.sealed, 'base64');
    if (key === undefined || bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(place, 'utf8'));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const body = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      // The one error that `final` has: the tag does not fit.
      return undefined;
    }
    return body.toString('utf8');
  }
}

/** Tells master keys apart, and tells nothing else of them. */
function fingerprintOf(key: Buffer): string {
  return hash('sha256', key, 'hex').slice(0, FINGERPRINT_CHARACTERS);
}
