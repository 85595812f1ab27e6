import type { Documents } from '../contract/documents.ts';

/** AES-GCM with random nonces: above this number of batches under one key two nonces may meet, and the key is spent. */
export const SEALS_PER_KEY_MAX = 2 ** 32;
/** When it is time to rotate. */
export const SEALS_PER_KEY_WARNING = 2 ** 31;
/** What a process that dies may leave uncounted. */
const WRITE_INTERVAL_MS = 60_000;
const WRITE_ATTEMPTS_MAX = 16;
const PREFIX = 'encryption-key-use/';

export interface KeyUseOptions {
  /** Is told at the first look and after each write, when a key has sealed more than `SEALS_PER_KEY_WARNING` batches. */
  readonly onWorn: (keyId: string, seals: number) => void;
  /** A count could not be written; it is kept, and written with the next. */
  readonly onError: (error: unknown) => void;
  readonly intervalMs?: number;
}

/** Counts over all processes and starts how many batches each key has sealed, in a document for each key. */
export class KeyUse {
  readonly #documents: Documents;
  readonly #options: KeyUseOptions;
  readonly #unwritten = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> | undefined;

  private constructor(documents: Documents, options: KeyUseOptions) {
    this.#documents = documents;
    this.#options = options;
    this.#timer = setInterval(() => void this.#writeAll(), options.intervalMs ?? WRITE_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Looks at the keys that a process begins with. Throws StoreUnavailable. */
  static async open(documents: Documents, keyIds: readonly string[], options: KeyUseOptions): Promise<KeyUse> {
    for (const keyId of keyIds) {
      const { seals } = await read(documents, keyId);
      if (seals >= SEALS_PER_KEY_WARNING) options.onWorn(keyId, seals);
    }
    return new KeyUse(documents, options);
  }

  count(keyId: string): void {
    this.#unwritten.set(keyId, (this.#unwritten.get(keyId) ?? 0) + 1);
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writeAll();
  }

  /** Never rejects. One run at a time; what is counted meanwhile waits for the next. */
  async #writeAll(): Promise<void> {
    // Again, where another that waited too was faster: the same count must not be written twice.
    while (this.#writing !== undefined) await this.#writing;
    this.#writing = this.#write();
    await this.#writing;
    this.#writing = undefined;
  }

  async #write(): Promise<void> {
    for (const [keyId, count] of [...this.#unwritten]) {
      try {
        const seals = await add(this.#documents, keyId, count);
        const rest = (this.#unwritten.get(keyId) as number) - count;
        if (rest === 0) this.#unwritten.delete(keyId);
        else this.#unwritten.set(keyId, rest);
        if (seals >= SEALS_PER_KEY_WARNING) this.#options.onWorn(keyId, seals);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}

async function read(
  documents: Documents,
  keyId: string,
): Promise<{ readonly seals: number; readonly version: number | undefined }> {
  const stored = await documents.get(PREFIX + keyId);
  if (stored === undefined) return { seals: 0, version: undefined };
  return { seals: (JSON.parse(stored.value) as { seals: number }).seals, version: stored.version };
}

async function add(documents: Documents, keyId: string, count: number): Promise<number> {
  for (let attempt = 0; attempt < WRITE_ATTEMPTS_MAX; attempt++) {
    const { seals: before, version } = await read(documents, keyId);
    const seals = before + count;
    const written = await documents.write([
      { key: PREFIX + keyId, value: JSON.stringify({ seals }), expected: version ?? 'absent' },
    ]);
    if (written.ok) return seals;
  }
  throw new Error(`the count of key ${keyId} changes all the time`);
}
