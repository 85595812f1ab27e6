import {
  type DocumentWrite,
  type DocumentWriteOutcome,
  type Documents,
  type StoredDocument,
  StoreUnavailable,
} from '@tailrace/shard-core';

/** Documents in memory, with every write noted, that can be away. For specs of what stands on documents. */
export class MemoryDocuments implements Documents {
  readonly writes: (readonly DocumentWrite[])[] = [];
  away = false;
  /** The next write is made, and its answer does not arrive. */
  loseNextAnswer = false;
  readonly #documents = new Map<string, StoredDocument>();
  #version = 0;

  async get(key: string): Promise<StoredDocument | undefined> {
    this.#check();
    return this.#documents.get(key);
  }

  async write(writes: readonly DocumentWrite[]): Promise<DocumentWriteOutcome> {
    this.#check();
    this.writes.push(writes);
    for (const { key, expected } of writes) {
      const current = this.#documents.get(key);
      const asExpected =
        expected === 'any' || (expected === 'absent' ? current === undefined : current?.version === expected);
      if (!asExpected) return { ok: false, conflict: { key, current } };
    }
    const versions = writes.map(({ key, value }) => {
      const version = ++this.#version;
      if (value === undefined) this.#documents.delete(key);
      else this.#documents.set(key, { key, value, version });
      return version;
    });
    if (this.loseNextAnswer) {
      this.loseNextAnswer = false;
      throw new StoreUnavailable('the answer was lost');
    }
    return { ok: true, versions };
  }

  async list(prefix: string, { after = '', limit = 1_000 } = {}): Promise<readonly StoredDocument[]> {
    this.#check();
    const keys = [...this.#documents.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    return keys.slice(0, limit).map((key) => this.#documents.get(key) as StoredDocument);
  }

  async watch(): Promise<() => void> {
    return () => undefined;
  }

  #check(): void {
    if (this.away) throw new StoreUnavailable('away');
  }
}
