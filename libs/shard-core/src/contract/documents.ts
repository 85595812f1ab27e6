/** A small JSON value under a name, with a version that grows with each change. */
export interface StoredDocument {
  /** Path-like, with `/`: `stream/orders`, `group/g1/offsets/orders/0`. At most 1,024 UTF-8 bytes. */
  readonly key: string;
  /** JSON text, at most 1 MiB. */
  readonly value: string;
  /** At least 1; a document that was deleted and made again does not go back to a version it had. */
  readonly version: number;
}

/** What must be true before a write: nothing (`any`), not there (`absent`), or at this very version. */
export type Expected = 'any' | 'absent' | number;

export interface DocumentWrite {
  readonly key: string;
  /** `undefined` deletes. */
  readonly value: string | undefined;
  readonly expected: Expected;
}

export type DocumentWriteOutcome =
  | { readonly ok: true; readonly versions: readonly number[] }
  /** The first write whose expectation was wrong; nothing was written. */
  | { readonly ok: false; readonly conflict: { readonly key: string; readonly current: StoredDocument | undefined } };

/** Everything that is not log: streams, groups, committed offsets, credentials. Durable like the log. */
export interface Documents {
  get(key: string): Promise<StoredDocument | undefined>;

  /** All or nothing, in one step. At most 1,000 writes. Throws StoreUnavailable. */
  write(writes: readonly DocumentWrite[]): Promise<DocumentWriteOutcome>;

  /** In key order (by UTF-8 bytes), those behind `after`, at most `limit` (1 to 10,000). */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number },
  ): Promise<readonly StoredDocument[]>;

  /**
   * Calls `changed(key)` after each change under the prefix, from whichever process, at least once and soon; and
   * `changed(undefined)` when changes may have been missed (a lost connection): read everything again. Answers a
   * function that ends it.
   */
  watch(prefix: string, changed: (key: string | undefined) => void): Promise<() => void>;
}
