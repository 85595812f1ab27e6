import type { DocumentWrite, DocumentWriteOutcome, Documents, StoredDocument } from '../contract/documents.ts';
import {
  DOCUMENT_BYTES_MAX,
  DOCUMENT_KEY_BYTES_MAX,
  DOCUMENT_LIST_MAX,
  DOCUMENT_PAGE,
  DOCUMENT_WRITES_MAX,
} from './bounds.ts';
import type { Keys } from './keys.ts';
import type { Topology } from './topology.ts';

export interface RedisDocumentsOptions {
  readonly keys: Keys;
  readonly topology: Topology;
  /** Answers when a write is on as many copies as the store asks for; throws StoreUnavailable when it is not in time. */
  readonly replicated: (key: string) => Promise<void>;
}

interface Watch {
  readonly prefix: string;
  readonly changed: (key: string | undefined) => void;
}

/** Reads of one turn, until they are sent. */
interface Gathering {
  readonly keys: string[];
  readonly found: Promise<readonly (string | null)[]>;
}

/**
 * Documents in one slot: a hash of the values (`<version> <JSON>`) and a sorted set of the keys for listing. One slot,
 * because a write is all or nothing over any keys.
 */
export class RedisDocuments implements Documents {
  readonly #options: RedisDocumentsOptions;
  readonly #watches = new Set<Watch>();
  #gathering: Gathering | undefined;

  constructor(options: RedisDocumentsOptions) {
    this.#options = options;
  }

  async get(key: string): Promise<StoredDocument | undefined> {
    const { keys, found } = this.#gather();
    const at = keys.push(key) - 1;
    const value = (await found)[at];
    return typeof value === 'string' ? parseDocument(key, value) : undefined;
  }

  /**
   * Reads of one turn travel together: a request that names ten thousand topics or groups would fill the connection with as
   * many commands, and others would be told that Redis is too slow. They are sent behind the turn, so none is older than its call.
   */
  #gather(): Gathering {
    const open = this.#gathering;
    if (open !== undefined && open.keys.length < DOCUMENT_PAGE) return open;
    const { topology, keys } = this.#options;
    const [values] = keys.documents;
    const wanted: string[] = [];
    const sent = new Promise<void>((resolve) => process.nextTick(resolve)).then(() => {
      if (this.#gathering === gathering) this.#gathering = undefined;
      return topology.at(values, (node) => node.writes.send('hmget', [values, ...wanted]));
    });
    const gathering: Gathering = { keys: wanted, found: sent as Promise<readonly (string | null)[]> };
    this.#gathering = gathering;
    return gathering;
  }

  async write(writes: readonly DocumentWrite[]): Promise<DocumentWriteOutcome> {
    if (writes.length > DOCUMENT_WRITES_MAX) {
      throw new RangeError(`${writes.length} documents in one write; at most ${DOCUMENT_WRITES_MAX}`);
    }
    if (writes.length === 0) return { ok: true, versions: [] };
    const { topology, keys, replicated } = this.#options;
    const args = [keys.documentChannel];
    for (const { key, value, expected } of writes) {
      checkSize(key, value);
      args.push(key, String(expected), value === undefined ? 'delete' : 'set', value ?? '');
    }
    const reply = await topology.at(keys.documents[0], (node) => node.run('write-documents', keys.documents, args));
    if (reply[0] === 'conflict') {
      const { key } = writes[Number(reply[1]) - 1] as DocumentWrite;
      const current = reply[2] as string | null;
      return { ok: false, conflict: { key, current: current === null ? undefined : parseDocument(key, current) } };
    }
    await replicated(keys.documents[0]);
    const first = Number(reply[1]);
    return { ok: true, versions: writes.map((_, index) => first + index) };
  }

  async list(
    prefix: string,
    { after, limit = DOCUMENT_LIST_MAX }: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<readonly StoredDocument[]> {
    if (limit < 1 || limit > DOCUMENT_LIST_MAX) throw new RangeError(`a limit of ${limit}; 1 to ${DOCUMENT_LIST_MAX}`);
    const { topology, keys } = this.#options;
    const [values, index] = keys.documents;
    // No UTF-8 text holds the byte 255, so prefix + 255 is behind every key with the prefix.
    const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)]);
    const behindPrefix = after === undefined || Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0;
    let begin = behindPrefix ? `[${prefix}` : `(${after}`;
    const documents: StoredDocument[] = [];
    while (documents.length < limit) {
      const count = Math.min(DOCUMENT_PAGE, limit - documents.length);
      const page = (await topology.at(index, (node) =>
        node.writes.send('zrangebylex', [index, begin, end, 'LIMIT', '0', String(count)]),
      )) as string[];
      if (page.length === 0) break;
      const found = (await topology.at(values, (node) => node.writes.send('hmget', [values, ...page]))) as (
        string | null
      )[];
      for (const [at, key] of page.entries()) {
        const value = found[at];
        // Deleted between the two questions.
        if (typeof value === 'string') documents.push(parseDocument(key, value));
      }
      if (page.length < count) break;
      begin = `(${page.at(-1)}`;
    }
    return documents;
  }

  watch(prefix: string, changed: (key: string | undefined) => void): Promise<() => void> {
    const watch: Watch = { prefix, changed };
    this.#watches.add(watch);
    return Promise.resolve(() => {
      this.#watches.delete(watch);
    });
  }

  /** A message of the documents' channel: a JSON array of keys. */
  message(text: string): void {
    if (this.#watches.size === 0) return;
    const changedKeys = JSON.parse(text) as string[];
    for (const { prefix, changed } of [...this.#watches]) {
      for (const key of changedKeys) if (key.startsWith(prefix)) changed(key);
    }
  }

  /** Messages may have been missed. */
  readAgain(): void {
    for (const { changed } of [...this.#watches]) changed(undefined);
  }
}

function parseDocument(key: string, stored: string): StoredDocument {
  const space = stored.indexOf(' ');
  return { key, version: Number(stored.slice(0, space)), value: stored.slice(space + 1) };
}

function checkSize(key: string, value: string | undefined): void {
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes > DOCUMENT_KEY_BYTES_MAX) {
    throw new RangeError(`document key of ${keyBytes} bytes; at most ${DOCUMENT_KEY_BYTES_MAX}`);
  }
  const valueBytes = value === undefined ? 0 : Buffer.byteLength(value);
  if (valueBytes > DOCUMENT_BYTES_MAX) {
    throw new RangeError(`document ${key} of ${valueBytes} bytes; at most ${DOCUMENT_BYTES_MAX}`);
  }
}
