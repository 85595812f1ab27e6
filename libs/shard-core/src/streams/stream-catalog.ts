import { randomBytes } from 'node:crypto';
import { evenHashRanges } from '@tailrace/hashing';
import type { StoredDocument } from '../contract/documents.ts';
import type { Outcome } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import { Stream, type StreamDocument, type StreamMode } from './stream.ts';

/** Kinesis keeps records for a day unless told otherwise. */
export const DEFAULT_RETENTION_MS = 24 * 60 * 60 * 1000;
/** Kafka's own bound for a topic name; Kinesis allows 128 characters of the same alphabet. */
export const STREAM_NAME_CHARACTERS_MAX = 249;
const STREAM_PREFIX = 'stream/';
/** Streams whose documents are gone and whose logs are still to be dropped. */
const GARBAGE_PREFIX = 'garbage/';
/** How often a change is tried again when somebody else was faster. */
const UPDATE_ATTEMPTS_MAX = 16;
const LIST_PAGE = 1000;

export interface NewStream {
  readonly name: string;
  readonly shardCount: number;
  readonly mode: StreamMode;
  readonly origin: 'kinesis' | 'kafka';
  readonly retentionMs?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** A legal name for a stream and a topic alike. */
export function isStreamName(name: string): boolean {
  return name.length <= STREAM_NAME_CHARACTERS_MAX && /^[a-zA-Z0-9._-]+$/.test(name) && name !== '.' && name !== '..';
}

/**
 * All streams of the deployment. Every process holds them in memory and hears of changes, so that finding a stream
 * costs a map lookup; the documents in the store are the truth.
 */
export class StreamCatalog {
  readonly #store: Store;
  readonly #clock: () => number;
  readonly #byName = new Map<string, Stream>();
  readonly #byId = new Map<string, Stream>();
  #sortedNames: readonly string[] | undefined;
  #stopWatching: (() => void) | undefined;
  /** One reload at a time; a second wish during one asks for another behind it. */
  #reload: Promise<void> | undefined;
  #reloadAgain = false;
  readonly #listeners = new Set<(name: string | undefined) => void>();

  private constructor(store: Store, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  static async open(store: Store, clock: () => number = Date.now): Promise<StreamCatalog> {
    const catalog = new StreamCatalog(store, clock);
    catalog.#stopWatching = await store.documents.watch(STREAM_PREFIX, (key) => catalog.#heardOf(key));
    await catalog.#reloadAll();
    await catalog.#sweepGarbage();
    return catalog;
  }

  close(): void {
    this.#stopWatching?.();
    this.#listeners.clear();
  }

  /** Finds a stream; asks the store when it is not known here, because another process may just have made it. */
  async find(name: string): Promise<Stream | undefined> {
    return this.#byName.get(name) ?? this.refresh(name);
  }

  /** What this process knows, without asking the store. */
  peek(name: string): Stream | undefined {
    return this.#byName.get(name);
  }

  peekById(streamId: string): Stream | undefined {
    return this.#byId.get(streamId);
  }

  /** Reads one stream again, as after a refusal that shows that our picture of it is old. */
  async refresh(name: string): Promise<Stream | undefined> {
    const document = await this.#store.documents.get(STREAM_PREFIX + name);
    if (document === undefined) this.#forget(name);
    else this.#remember(document);
    return this.#byName.get(name);
  }

  /** All names, sorted. */
  names(): readonly string[] {
    this.#sortedNames ??= [...this.#byName.keys()].sort();
    return this.#sortedNames;
  }

  /** Calls back after any change that this process hears of (`undefined`: any stream may have changed). */
  onChange(listener: (name: string | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Refuses: streamExists. The name must be legal and the count at least 1: the doors check both in their own words. */
  async create(wanted: NewStream): Promise<Outcome<Stream>> {
    if (await this.find(wanted.name)) return { ok: false, refusal: { code: 'streamExists', stream: wanted.name } };
    const now = this.#clock();
    const id = newStreamId();
    const document: StreamDocument = {
      id,
      name: wanted.name,
      status: 'ACTIVE',
      mode: wanted.mode,
      origin: wanted.origin,
      createdAtMs: now,
      retentionMs: wanted.retentionMs ?? DEFAULT_RETENTION_MS,
      shards: evenHashRanges(wanted.shardCount).map((range, number) => ({
        number,
        hashRange: { start: range.start.toString(), end: range.end.toString() },
        partition: number,
        startOffset: '0',
        openedAtMs: now,
      })),
      configs: wanted.configs ?? {},
    };
    // Logs first: a stream that can be found can be written to. Until the document is there nobody knows the id.
    const keys = document.shards.map(({ number }) => shardKey(id, number));
    await Promise.all(keys.map((key) => this.#store.log.openShard(key, { startOffset: 0n })));
    const key = STREAM_PREFIX + wanted.name;
    const written = await this.#store.documents.write([{ key, value: JSON.stringify(document), expected: 'absent' }]);
    if (!written.ok) {
      await this.#store.log.deleteShards(keys);
      if (written.conflict.current) this.#remember(written.conflict.current);
      return { ok: false, refusal: { code: 'streamExists', stream: wanted.name } };
    }
    this.#remember({ key, value: JSON.stringify(document), version: written.versions[0] as number });
    return { ok: true, value: this.#byName.get(wanted.name) as Stream };
  }

  /** Refuses: streamNotFound. Readers and writers of the stream find it gone at once; space comes back behind that. */
  async delete(name: string): Promise<Outcome<Stream>> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      const stream = await this.refresh(name);
      if (!stream) return { ok: false, refusal: { code: 'streamNotFound', stream: name } };
      const keys = stream.shards.map((shard) => shard.key);
      const written = await this.#store.documents.write([
        { key: STREAM_PREFIX + name, value: undefined, expected: stream.version },
        // Survives a crash between this and the next step: the next start drops what is left.
        { key: GARBAGE_PREFIX + stream.id, value: JSON.stringify(keys), expected: 'any' },
      ]);
      if (!written.ok) continue;
      this.#forget(name);
      await this.#dropLogs(stream.id, keys);
      return { ok: true, value: stream };
    }
    return { ok: false, refusal: { code: 'streamBusy', stream: name, status: 'UPDATING' } };
  }

  /**
   * Changes a stream's document; `change` may be called again on a newer one. Refuses: streamNotFound, and streamBusy
   * when others kept being faster.
   */
  async update(name: string, change: (document: StreamDocument) => StreamDocument): Promise<Outcome<Stream>> {
    let stream = await this.find(name);
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      if (!stream) return { ok: false, refusal: { code: 'streamNotFound', stream: name } };
      const key = STREAM_PREFIX + name;
      const value = JSON.stringify(change(stream.document));
      const written = await this.#store.documents.write([{ key, value, expected: stream.version }]);
      if (written.ok) {
        this.#remember({ key, value, version: written.versions[0] as number });
        return { ok: true, value: this.#byName.get(name) as Stream };
      }
      stream = await this.refresh(name);
    }
    return { ok: false, refusal: { code: 'streamBusy', stream: name, status: 'UPDATING' } };
  }

  #heardOf(key: string | undefined): void {
    const task = key === undefined ? this.#reloadAll() : this.refresh(key.slice(STREAM_PREFIX.length));
    // The store is away: it tells `undefined` again when it is back, and then everything is read anew.
    task.then(
      () => {},
      () => {},
    );
  }

  #reloadAll(): Promise<void> {
    if (this.#reload) {
      this.#reloadAgain = true;
      return this.#reload;
    }
    this.#reload = (async () => {
      try {
        do {
          this.#reloadAgain = false;
          const documents = await listAll(this.#store, STREAM_PREFIX);
          const present = new Set(documents.map(({ key }) => key.slice(STREAM_PREFIX.length)));
          for (const name of [...this.#byName.keys()]) if (!present.has(name)) this.#forget(name);
          for (const document of documents) this.#remember(document);
        } while (this.#reloadAgain);
      } finally {
        this.#reload = undefined;
      }
    })();
    return this.#reload;
  }

  #remember({ key, value, version }: StoredDocument): void {
    const name = key.slice(STREAM_PREFIX.length);
    const known = this.#byName.get(name);
    if (known && known.version >= version) return;
    const stream = new Stream(JSON.parse(value) as StreamDocument, version);
    if (known && known.id !== stream.id) this.#byId.delete(known.id);
    this.#byName.set(name, stream);
    this.#byId.set(stream.id, stream);
    this.#sortedNames = undefined;
    for (const listener of this.#listeners) listener(name);
  }

  #forget(name: string): void {
    const known = this.#byName.get(name);
    if (!known) return;
    this.#byName.delete(name);
    this.#byId.delete(known.id);
    this.#sortedNames = undefined;
    for (const listener of this.#listeners) listener(name);
  }

  async #sweepGarbage(): Promise<void> {
    for (const { key, value } of await listAll(this.#store, GARBAGE_PREFIX)) {
      await this.#dropLogs(key.slice(GARBAGE_PREFIX.length), JSON.parse(value) as ShardKey[]);
    }
  }

  async #dropLogs(streamId: string, keys: readonly ShardKey[]): Promise<void> {
    await this.#store.log.deleteShards(keys);
    await this.#store.documents.write([{ key: GARBAGE_PREFIX + streamId, value: undefined, expected: 'any' }]);
  }
}

function newStreamId(): string {
  const uuid = randomBytes(16);
  uuid[6] = ((uuid[6] as number) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] as number) & 0x3f) | 0x80;
  // Kafka's tools read a leading dash as an option.
  return uuid.toString('base64url').startsWith('-') ? newStreamId() : uuid.toString('base64url');
}

async function listAll(store: Store, prefix: string): Promise<StoredDocument[]> {
  const all: StoredDocument[] = [];
  for (;;) {
    const after = all.at(-1)?.key;
    const page = await store.documents.list(prefix, { limit: LIST_PAGE, ...(after === undefined ? {} : { after }) });
    all.push(...page);
    if (page.length < LIST_PAGE) return all;
  }
}
