import { createSecretKey, type KeyObject } from 'node:crypto';

export const ENCRYPTION_KEY_BYTES = 32;
/** Ids stand in the log, with each batch. */
export const ENCRYPTION_KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** What AWS calls the key that the service itself has: here the first of the ring. */
export const SERVICE_KEY_ALIAS = 'alias/aws/kinesis';

const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key\/[^/]+|alias\/.+)$/;

/** A key as the setting names it. */
export interface EncryptionKey {
  readonly id: string;
  /** `ENCRYPTION_KEY_BYTES` of them. */
  readonly bytes: Buffer;
}

/** What a name of a key stands for. */
export type NamedKey =
  | { readonly ok: true; readonly id: string }
  /** `malformed`: no name of a key at all. `unknown`: the ring has no such key. */
  | { readonly ok: false; readonly code: 'malformed' | 'unknown' };

/** The keys that this process was given to encrypt records with, and to decrypt them. May be empty. */
export class KeyRing {
  readonly #keys = new Map<string, KeyObject>();

  /** Throws RangeError for an id that is none, a key of another length, and an id that is there twice. */
  constructor(keys: readonly EncryptionKey[]) {
    for (const { id, bytes } of keys) {
      if (!ENCRYPTION_KEY_ID.test(id)) throw new RangeError(`"${id}" is no id of an encryption key`);
      if (bytes.length !== ENCRYPTION_KEY_BYTES)
        throw new RangeError(`encryption key ${id} has ${bytes.length} bytes, not ${ENCRYPTION_KEY_BYTES}`);
      if (this.#keys.has(id)) throw new RangeError(`there are two encryption keys ${id}`);
      this.#keys.set(id, createSecretKey(bytes));
    }
  }

  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** `undefined`: the ring does not have it. */
  key(id: string): KeyObject | undefined {
    return this.#keys.get(id);
  }

  /**
   * Finds a key by what AWS lets one name it with: its id, its ARN, `alias/…`, or the ARN of that. ARN and alias mean the id
   * behind the last slash; `alias/aws/kinesis` the first key.
   */
  find(name: string): NamedKey {
    const [, resource = name] = KEY_ARN.exec(name) ?? [];
    if (resource === SERVICE_KEY_ALIAS) {
      const [first] = this.#keys.keys();
      return first === undefined ? { ok: false, code: 'unknown' } : { ok: true, id: first };
    }
    const isName = resource !== name || resource.startsWith('alias/') || !resource.includes('/');
    const id = resource.slice(resource.lastIndexOf('/') + 1);
    if (!isName || !ENCRYPTION_KEY_ID.test(id)) return { ok: false, code: 'malformed' };
    return this.#keys.has(id) ? { ok: true, id } : { ok: false, code: 'unknown' };
  }
}
