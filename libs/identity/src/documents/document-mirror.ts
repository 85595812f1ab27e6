import { setTimeout as delay } from 'node:timers/promises';
import { type Documents, type StoredDocument, StoreUnavailable } from '@tailrace/shard-core';
import { logger } from '@tailrace/telemetry';

/** What a document means here; `undefined`: nothing, and rightly so; a sentence: nothing, and somebody should know why. */
export type Meaning<T> = { readonly value: T } | { readonly problem: string } | undefined;

export interface DocumentMirrorOptions<T> {
  /** What is kept, in the plural, for log lines: `access keys`. */
  readonly things: string;
  readonly prefix: string;
  /** Of a document; `id` is its key behind the prefix. Must not throw. */
  readonly read: (document: StoredDocument, id: string) => Meaning<T>;
  /** Called after one or more changes have been taken in. */
  readonly changed?: (() => void) | undefined;
}

const PAGE_MAX = 1_000;
/** With so many changes at once it is shorter to read everything again. */
const CHANGED_MAX = 1_000;
/** The store is away: try again soon, for a revocation may be waiting. */
const RETRY_MS = 250;
/** How long a writer waits for its own change to be known here, where the store went away in between. */
const CATCH_UP_MS_MAX = 2_000;

/**
 * All documents under a prefix in memory, so that requests are checked without a trip to the store. Changes come by
 * watching: they count in every process as soon as its store tells them, well within a second. While the store is away,
 * what is known stays: nothing can be written or read then in any case.
 */
export class DocumentMirror<T> {
  readonly #documents: Documents;
  readonly #options: DocumentMirrorOptions<T>;
  readonly #values = new Map<string, T>();
  /** Of which it was said that they mean nothing, by the version of which it was said. */
  readonly #complaints = new Map<string, number>();
  readonly #changed = new Set<string>();
  readonly #closing = new AbortController();
  #everythingChanged = true;
  #refreshing: Promise<void> | undefined;
  #unwatch: (() => void) | undefined;

  private constructor(documents: Documents, options: DocumentMirrorOptions<T>) {
    this.#documents = documents;
    this.#options = options;
  }

  /** Throws StoreUnavailable. */
  static async open<T>(documents: Documents, options: DocumentMirrorOptions<T>): Promise<DocumentMirror<T>> {
    const mirror = new DocumentMirror(documents, options);
    // Watch first: what changes while everything is read, is read again.
    mirror.#unwatch = await documents.watch(options.prefix, (key) => mirror.#onChange(key));
    const first = mirror.#readEverything();
    // Until it is done, changes are only noted.
    mirror.#refreshing = first;
    try {
      await first;
    } catch (error) {
      mirror.#refreshing = undefined;
      await mirror.close();
      throw error;
    }
    mirror.#refreshing = undefined;
    if (mirror.#stale) mirror.#refresh();
    return mirror;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Documents that are there and mean nothing, and somebody was told so. */
  get problemCount(): number {
    return this.#complaints.size;
  }

  /** By what stands behind the prefix: those documents. */
  problemIds(): IterableIterator<string> {
    return this.#complaints.keys();
  }

  /** By what stands behind the prefix. */
  get(id: string): T | undefined {
    return this.#values.get(id);
  }

  entries(): IterableIterator<[id: string, value: T]> {
    return this.#values.entries();
  }

  values(): IterableIterator<T> {
    return this.#values.values();
  }

  /** Settles when what this process has just written is known here, or after two seconds if the store went away. */
  async catchUp(ids: Iterable<string>): Promise<void> {
    for (const id of ids) this.#changed.add(this.#options.prefix + id);
    if (this.#changed.size > 0) this.#refresh();
    const patience = new AbortController();
    const waited = delay(CATCH_UP_MS_MAX, undefined, { signal: patience.signal, ref: false }).catch(() => undefined);
    await Promise.race([this.#refreshing, waited]);
    patience.abort();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#unwatch?.();
    await this.#refreshing;
  }

  #onChange(key: string | undefined): void {
    if (key === undefined || this.#changed.size >= CHANGED_MAX) this.#everythingChanged = true;
    else this.#changed.add(key);
    this.#refresh();
  }

  get #stale(): boolean {
    return (this.#everythingChanged || this.#changed.size > 0) && !this.#closing.signal.aborted;
  }

  #refresh(): void {
    this.#refreshing ??= this.#readChanges().finally(() => {
      this.#refreshing = undefined;
      // A change that came after the last look.
      if (this.#stale) this.#refresh();
    });
  }

  /** One at a time and in order, so that an old answer never follows a newer one. */
  async #readChanges(): Promise<void> {
    let told = false;
    while (this.#stale) {
      try {
        if (this.#everythingChanged) await this.#readEverything();
        else await this.#readSome();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (!told) {
          logger.warn({ err: error }, `${this.#options.things} cannot be read again: changes to them do not count yet`);
        }
        told = true;
        await delay(RETRY_MS, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #readEverything(): Promise<void> {
    const { prefix } = this.#options;
    // Marks first: a change that comes while this reads must not be lost.
    this.#everythingChanged = false;
    this.#changed.clear();
    try {
      const seen = new Set<string>();
      let after: string | undefined;
      for (;;) {
        const page = await this.#documents.list(prefix, { limit: PAGE_MAX, ...(after && { after }) });
        for (const document of page) {
          seen.add(document.key.slice(prefix.length));
          this.#apply(document);
        }
        if (page.length < PAGE_MAX) break;
        after = page.at(-1)?.key;
      }
      for (const id of this.#values.keys()) if (!seen.has(id)) this.#values.delete(id);
      for (const id of this.#complaints.keys()) if (!seen.has(id)) this.#complaints.delete(id);
    } catch (error) {
      this.#everythingChanged = true;
      throw error;
    }
    this.#options.changed?.();
  }

  async #readSome(): Promise<void> {
    const keys = [...this.#changed];
    this.#changed.clear();
    try {
      const found = await Promise.all(keys.map((key) => this.#documents.get(key)));
      found.forEach((document, i) => {
        if (document !== undefined) return this.#apply(document);
        const id = (keys[i] as string).slice(this.#options.prefix.length);
        this.#values.delete(id);
        this.#complaints.delete(id);
      });
    } catch (error) {
      for (const key of keys) this.#changed.add(key);
      throw error;
    }
    this.#options.changed?.();
  }

  #apply(document: StoredDocument): void {
    const id = document.key.slice(this.#options.prefix.length);
    const meaning = this.#options.read(document, id);
    if (meaning !== undefined && 'value' in meaning) {
      this.#values.set(id, meaning.value);
      this.#complaints.delete(id);
      return;
    }
    this.#values.delete(id);
    if (meaning === undefined) this.#complaints.delete(id);
    if (meaning === undefined || this.#complaints.get(id) === document.version) return;
    // Once for each version: everything is read again whenever the watch was lost.
    this.#complaints.set(id, document.version);
    logger.warn({ document: document.key }, meaning.problem);
  }
}
