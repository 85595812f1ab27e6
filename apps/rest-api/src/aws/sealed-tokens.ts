import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Documents } from '@tailrace/shard-core';

/**
 * Tokens that clients carry and cannot read, forge or alter: shard iterators and page tokens. In the service's shape:
 * base64 of an 8-byte version prefix and 16-byte blocks. Inside: a random initial vector, AES-256-GCM over the
 * contents padded to whole blocks, and the authentication tag.
 */
const PREFIX = Buffer.from('0000000000000001', 'hex');
const BLOCK_BYTES = 16;
const KEY_BYTES = 32;
const ALGORITHM = 'aes-256-gcm';
/** One key for the deployment, so that any of its processes opens what another has sealed. */
const KEY_DOCUMENT = 'secret/shard-iterator';
const CREATE_ATTEMPTS_MAX = 5;
/** Longer ones are no tokens of ours: they are refused before anything is allocated for them. */
const TOKEN_CHARACTERS_MAX = 4096;

export class SealedTokens {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** Reads the deployment's key, or makes it. Throws StoreUnavailable. */
  static async open(documents: Documents): Promise<SealedTokens> {
    for (let attempt = 0; attempt < CREATE_ATTEMPTS_MAX; attempt++) {
      const stored = await documents.get(KEY_DOCUMENT);
      if (stored !== undefined) {
        const { key } = JSON.parse(stored.value) as { key: string };
        return new SealedTokens(Buffer.from(key, 'base64'));
      }
      const key = randomBytes(KEY_BYTES);
      const value = JSON.stringify({ key: key.toString('base64') });
      const written = await documents.write([{ key: KEY_DOCUMENT, value, expected: 'absent' }]);
      if (written.ok) return new SealedTokens(key);
      // Another process was faster: its key counts.
    }
    throw new Error(`the document ${KEY_DOCUMENT} comes and goes`);
  }

  /** `purpose` binds a token to its use: a page token is no shard iterator. */
  seal(purpose: string, contents: Buffer): string {
    const iv = randomBytes(BLOCK_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, iv);
    cipher.setAAD(Buffer.from(purpose, 'latin1'));
    // PKCS#7: the last byte says how many are padding.
    const padding = BLOCK_BYTES - (contents.length % BLOCK_BYTES);
    const sealed = cipher.update(Buffer.concat([contents, Buffer.alloc(padding, padding)]));
    cipher.final();
    return Buffer.concat([PREFIX, iv, sealed, cipher.getAuthTag()]).toString('base64');
  }

  /** The contents; `undefined` for anything that this deployment has not sealed for this purpose. */
  open(purpose: string, token: string): Buffer | undefined {
    if (token.length > TOKEN_CHARACTERS_MAX) return undefined;
    const bytes = Buffer.from(token, 'base64');
    const bodyBytes = bytes.length - PREFIX.length - 2 * BLOCK_BYTES;
    if (bodyBytes < BLOCK_BYTES || bodyBytes % BLOCK_BYTES !== 0) return undefined;
    if (!bytes.subarray(0, PREFIX.length).equals(PREFIX) || bytes.toString('base64') !== token) return undefined;
    const bodyStart = PREFIX.length + BLOCK_BYTES;
    const bodyEnd = bodyStart + bodyBytes;
    const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(PREFIX.length, bodyStart));
    decipher.setAAD(Buffer.from(purpose, 'latin1'));
    decipher.setAuthTag(bytes.subarray(bodyEnd));
    const padded = decipher.update(bytes.subarray(bodyStart, bodyEnd));
    try {
      decipher.final();
    } catch {
      // The one error that `final` has: the tag does not fit.
      return undefined;
    }
    return padded.subarray(0, padded.length - (padded[padded.length - 1] as number));
  }
}
