import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DocumentWrite, DocumentWriteOutcome, Documents, StoredDocument } from '../contract/documents.ts';
import { DOCUMENT_BYTES_MAX, DOCUMENT_KEY_BYTES_MAX, DOCUMENT_LIST_MAX, DOCUMENT_WRITES_MAX } from './bounds.ts';
import type { Database } from './database.ts';

/** Behind every key that begins with a prefix stands no other than those that are larger than prefix + this. */
const LAST_CHARACTER = '\u{10ffff}';

interface Watcher {
  readonly prefix: string;
  readonly changed: (key: string | undefined) => void;
}

/** Documents in SQLite. All versions come from one counter, so none is ever given twice. */
export class EmbeddedDocuments implements Documents {
  readonly #database: Database;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #list: StatementSync;
  readonly #saveVersion: StatementSync;
  readonly #watchers = new Set<Watcher>();
  #version: number;

  constructor(database: Database) {
    this.#database = database;
    const { sqlite } = database;
    this.#get = sqlite.prepare('SELECT key, value, version FROM document WHERE key = ?');
    this.#put = sqlite.prepare(
      'INSERT INTO document VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version',
    );
    this.#delete = sqlite.prepare('DELETE FROM document WHERE key = ?');
    this.#list = sqlite.prepare(
      'SELECT key, value, version FROM document WHERE key >= ? AND key > ? AND key <= ? ORDER BY key LIMIT ?',
    );
    this.#saveVersion = sqlite.prepare(
      "INSERT INTO counter VALUES ('documentVersion', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    this.#version = readCounter(sqlite, 'documentVersion');
  }

  async get(key: string): Promise<StoredDocument | undefined> {
    const found = this.#find(key);
    await this.#database.settled();
    return found;
  }

  async write(writes: readonly DocumentWrite[]): Promise<DocumentWriteOutcome> {
    checkWrites(writes);
    const outcome = await this.#database.change(() => this.#apply(writes));
    if (outcome.ok) for (const { key } of writes) this.#tell(key);
    return outcome;
  }

  async list(
    prefix: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<readonly StoredDocument[]> {
    const limit = options.limit ?? DOCUMENT_LIST_MAX;
    if (limit < 1 || limit > DOCUMENT_LIST_MAX) throw new RangeError(`a limit of ${limit}; 1 to ${DOCUMENT_LIST_MAX}`);
    const rows = this.#list.all(prefix, options.after ?? '', prefix + LAST_CHARACTER, limit);
    await this.#database.settled();
    return rows.map((row) => ({ ...(row as unknown as StoredDocument) }));
  }

  async watch(prefix: string, changed: (key: string | undefined) => void): Promise<() => void> {
    const watcher = { prefix, changed };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #find(key: string): StoredDocument | undefined {
    const row = this.#get.get(key);
    return row && { ...(row as unknown as StoredDocument) };
  }

  #apply(writes: readonly DocumentWrite[]): DocumentWriteOutcome {
    for (const { key, expected } of writes) {
      if (expected === 'any') continue;
      const current = this.#find(key);
      if (current?.version !== (expected === 'absent' ? undefined : expected)) {
        return { ok: false, conflict: { key, current } };
      }
    }
    const versions = writes.map(({ key, value }) => {
      // Not taken back when the transaction fails: a version that nobody has seen may be left out.
      const version = ++this.#version;
      if (value === undefined) this.#delete.run(key);
      else this.#put.run(key, value, version);
      return version;
    });
    this.#saveVersion.run(this.#version);
    return { ok: true, versions };
  }

  #tell(key: string): void {
    for (const { prefix, changed } of this.#watchers) if (key.startsWith(prefix)) changed(key);
  }
}

function checkWrites(writes: readonly DocumentWrite[]): void {
  if (writes.length > DOCUMENT_WRITES_MAX)
    throw new RangeError(`${writes.length} writes; at most ${DOCUMENT_WRITES_MAX}`);
  for (const { key, value } of writes) {
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes > DOCUMENT_KEY_BYTES_MAX) {
      throw new RangeError(`a document key of ${keyBytes} bytes; at most ${DOCUMENT_KEY_BYTES_MAX}`);
    }
    const valueBytes = value === undefined ? 0 : Buffer.byteLength(value);
    if (valueBytes > DOCUMENT_BYTES_MAX) {
      throw new RangeError(`document ${key} has ${valueBytes} bytes; at most ${DOCUMENT_BYTES_MAX}`);
    }
  }
}

export function readCounter(sqlite: DatabaseSync, name: string): number {
  const row = sqlite.prepare('SELECT value FROM counter WHERE name = ?').get(name);
  return (row as { value: number } | undefined)?.value ?? 0;
}
