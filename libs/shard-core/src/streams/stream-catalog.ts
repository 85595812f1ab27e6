import { randomBytes, randomUUID } from 'node:crypto';
import { evenHashRanges } from '@tailrace/hashing';
import type { StoredDocument } from '../contract/documents.ts';
import { type Outcome, StoreUnavailable } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import { isOwnedName, type StreamOwner } from './owned-name.ts';
import { childKeys, completeReshard } from './reshard.ts';
import { RESHARD_STALL_MS, ReshardKeeper } from './reshard-keeper.ts';
import {
  isInternalStream,
  type Shard,
  Stream,
  type StreamDocument,
  type StreamMode,
  type StreamSettings,
} from './stream.ts';

/** Kinesis keeps records for a day unless told otherwise. */
export const DEFAULT_RETENTION_MS = 24 * 60 * 60 * 1000;
/** Kafka's own bound for a topic name; Kinesis allows 128 characters of the same alphabet. */
export const STREAM_NAME_CHARACTERS_MAX = 249;
const STREAM_PREFIX = 'stream/';
/** Streams whose documents are gone and whose logs are still to be dropped. */
const GARBAGE_PREFIX = 'garbage/';
/** Streams of which logs are made, and which are not there yet. */
const CREATING_PREFIX = 'creating/';
/** Who has not made its stream by then has died. */
export const CREATION_STALL_MS = 60_000;
/** How often a change is tried again when somebody else was faster. */
const UPDATE_ATTEMPTS_MAX = 16;
const LIST_PAGE = 1000;

export interface NewStream {
  readonly name: string;
  readonly shardCount: number;
  readonly mode: StreamMode;
  readonly origin: 'kinesis' | 'kafka';
  /** With it, `name` is its `ownedName`. */
  readonly owner?: StreamOwner;
  readonly retentionMs?: number;
  readonly configs?: Readonly<Record<string, string>>;
  readonly settings?: StreamSettings;
}

export interface StreamCatalogOptions {
  /** Accounts and regions are kept apart: names of the form of `ownedName` are for streams that have an owner. */
  readonly reservesOwnedNames?: boolean;
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
  readonly #reservesOwnedNames: boolean;
  readonly #byName = new Map<string, Stream>();
  readonly #byId = new Map<string, Stream>();
  #sortedNames: readonly string[] | undefined;
  #stopWatching: (() => void) | undefined;
  /** One reload at a time; a second wish during one asks for another behind it. */
  #reload: Promise<void> | undefined;
  #reloadAgain = false;
  readonly #listeners = new Set<(name: string | undefined) => void>();
  readonly #refreshing = new Map<string, Promise<Stream | undefined>>();
  readonly #reshards: ReshardKeeper;
  /** Names this process, among those over the same store, where work is to be done by one of them. */
  readonly holder = randomUUID();

  private constructor(store: Store, clock: () => number, { reservesOwnedNames = false }: StreamCatalogOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#reservesOwnedNames = reservesOwnedNames;
    this.#reshards = new ReshardKeeper((name, signal) => completeReshard(store, this, name, signal));
  }

  /** `clock`: milliseconds since 1970. */
  static async open(
    store: Store,
    clock: () => number = Date.now,
    options: StreamCatalogOptions = {},
  ): Promise<StreamCatalog> {
    const catalog = new StreamCatalog(store, clock, options);
    catalog.#stopWatching = await store.documents.watch(STREAM_PREFIX, (key) => catalog.#heardOf(key));
    await catalog.#reloadAll();
    await catalog.sweepGarbage();
    // What a process that died has left half-done: nobody else may be there to do it.
    for (const [name, { isResharding }] of catalog.#byName) if (isResharding) catalog.#reshards.inBackground(name);
    return catalog;
  }

  /** A reshard that is under way stops at its next step: before the store may be closed. */
  async close(): Promise<void> {
    this.#stopWatching?.();
    this.#listeners.clear();
    await this.#reshards.close();
  }

  /** Finds a stream; asks the store when it is not known here, because another process may just have made it. */
  async find(name: string): Promise<Stream | undefined> {
    return this.#byName.get(name) ?? this.refresh(name);
  }

  /** As `find`, where no stream that the service writes for itself may be seen. */
  async findPublic(name: string): Promise<Stream | undefined> {
    return isInternalStream(name) ? undefined : this.find(name);
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
    const known = this.#byName.get(name);
    const document = await this.#store.documents.get(STREAM_PREFIX + name);
    if (document !== undefined) this.#remember(document);
    // Made meanwhile, it is there, although the answer is that it was not.
    else if (this.#byName.get(name) === known) this.#forget(name);
    return this.#byName.get(name);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#clock();
  }

  /**
   * Waits until a stream (`undefined`: none of the name) is as wished. Hears of changes; asks the store once, because a
   * change may have come before; and completes a reshard whose process has died. Answers the stream as it is then, also
   * when the time is over or the signal fires: the caller sees whether it got its wish. Throws StoreUnavailable.
   */
  async waitFor(
    name: string,
    reached: (stream: Stream | undefined) => boolean,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream | undefined> {
    const deadlineMs = performance.now() + timeoutMs;
    if (!reached(this.#byName.get(name))) await this.#refreshOnce(name);
    for (;;) {
      const stream = this.#byName.get(name);
      const remainingMs = deadlineMs - performance.now();
      if (reached(stream) || remainingMs <= 0 || signal?.aborted) return stream;
      const moved = await this.#nextChange(name, Math.min(remainingMs, RESHARD_STALL_MS), signal);
      if (!moved && deadlineMs > performance.now() && !signal?.aborted) await this.#reshards.finish(name);
    }
  }

  /**
   * For a writer whose append was refused because its shard is sealed: waits for the version of the stream in which that
   * shard is closed and its children are open, or another one takes what some partition sent there. Answers `undefined` when the stream is gone; when the time is over, the
   * stream as it is, in which the shard may be open still. Throws StoreUnavailable.
   */
  async whenResharded(
    { name, id, partitions }: Stream,
    sealed: Shard,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream | undefined> {
    const stream = await this.waitFor(
      name,
      (current) => {
        if (current?.id !== id) return true;
        const shard = current.shard(sealed.number);
        if (shard === undefined || shard.closedAtMs !== undefined) return true;
        return partitions.some(
          ({ appendTo, index }) =>
            appendTo.number === sealed.number && current.partitions[index]?.appendTo.number !== sealed.number,
        );
      },
      options,
    );
    return stream?.id === id ? stream : undefined;
  }

  /** Completes what is under way on a stream, as `completeReshard`; one run at a time in this process. */
  finishReshard(name: string): Promise<Stream | undefined> {
    return this.#reshards.finish(name);
  }

  finishReshardInBackground(name: string): void {
    this.#reshards.inBackground(name);
  }

  /** All names, sorted. */
  names(): readonly string[] {
    this.#sortedNames ??= [...this.#byName.keys()].sort();
    return this.#sortedNames;
  }

  /** All names, sorted, but for those of streams that the service writes for itself. */
  publicNames(): readonly string[] {
    const names = this.names();
    return names.some(isInternalStream) ? names.filter((name) => !isInternalStream(name)) : names;
  }

  /** Calls back after any change that this process hears of (`undefined`: any stream may have changed). */
  onChange(listener: (name: string | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether a stream without an owner cannot be made under a name, because it would look as if it had one. */
  isReserved(name: string): boolean {
    return this.#reservesOwnedNames && isOwnedName(name);
  }

  /**
   * Refuses: streamNameReserved, streamExists. The name must be legal and the count at least 1: the doors check both in
   * their own words.
   */
  async create(wanted: NewStream): Promise<Outcome<Stream>> {
    if (wanted.owner === undefined && this.isReserved(wanted.name)) {
      return { ok: false, refusal: { code: 'streamNameReserved', stream: wanted.name } };
    }
    if (await this.find(wanted.name)) return { ok: false, refusal: { code: 'streamExists', stream: wanted.name } };
    const now = this.#clock();
    const id = newStreamId();
    const document: StreamDocument = {
      ...wanted.settings,
      id,
      name: wanted.name,
      status: 'ACTIVE',
      mode: wanted.mode,
      origin: wanted.origin,
      ...(wanted.owner && { owner: wanted.owner }),
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
    // Logs first: a stream that can be found can be written to. Until the document is there nobody knows the id, but for whoever
    // drops the logs should this process die in between.
    const keys = document.shards.map(({ number }) => shardKey(id, number));
    const intent = CREATING_PREFIX + id;
    const value: CreationIntent = { keys, begunAtMs: now };
    const noted = await this.#store.documents.write([
      { key: intent, value: JSON.stringify(value), expected: 'absent' },
    ]);
    if (!noted.ok) throw new StoreUnavailable(`the id ${id} is in use`);
    await Promise.all(keys.map((key) => this.#store.log.openShard(key, { startOffset: 0n })));
    const key = STREAM_PREFIX + wanted.name;
    const written = await this.#store.documents.write([
      { key: intent, value: undefined, expected: noted.versions[0] as number },
      { key, value: JSON.stringify(document), expected: 'absent' },
    ]);
    if (!written.ok) {
      await this.#dropLogs(intent, keys);
      if (written.conflict.key === intent) throw new StoreUnavailable(`${wanted.name} took too long to be created`);
      if (written.conflict.current) this.#remember(written.conflict.current);
      return { ok: false, refusal: { code: 'streamExists', stream: wanted.name } };
    }
    this.#remember({ key, value: JSON.stringify(document), version: written.versions[1] as number });
    return { ok: true, value: this.#byName.get(wanted.name) as Stream };
  }

  /** Refuses: streamNotFound. Readers and writers of the stream find it gone at once; space comes back behind that. */
  async delete(name: string): Promise<Outcome<Stream>> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      const stream = await this.refresh(name);
      if (!stream) return { ok: false, refusal: { code: 'streamNotFound', stream: name } };
      const { resharding } = stream.document;
      const keys = [...stream.logKeys, ...(resharding === undefined ? [] : childKeys(stream.id, resharding))];
      const written = await this.#store.documents.write([
        { key: STREAM_PREFIX + name, value: undefined, expected: stream.version },
        // Survives a crash between this and the next step: the next start drops what is left.
        { key: GARBAGE_PREFIX + stream.id, value: JSON.stringify(keys), expected: 'any' },
      ]);
      if (!written.ok) continue;
      this.#forget(name);
      await this.#dropLogs(GARBAGE_PREFIX + stream.id, keys);
      return { ok: true, value: stream };
    }
    return { ok: false, refusal: { code: 'streamBusy', stream: name, status: 'UPDATING' } };
  }

  /**
   * Changes a stream's document; `change` may be called again on a newer one. Refuses: streamNotFound, and streamBusy
   * when others kept being faster.
   */
  update(name: string, change: (document: StreamDocument) => StreamDocument): Promise<Outcome<Stream>> {
    return this.decide(name, ({ document }) => ({ ok: true, value: change(document) }));
  }

  /**
   * Changes a stream's document in one step with the decision whether to: `decide` answers the new document, a refusal,
   * or `undefined` to leave it as it is, and may be asked again for a newer version. Refuses: what `decide` refuses,
   * streamNotFound, and streamBusy when others kept being faster.
   */
  async decide(
    name: string,
    decide: (stream: Stream) => Outcome<StreamDocument> | undefined,
  ): Promise<Outcome<Stream>> {
    let stream = await this.find(name);
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      if (!stream) return { ok: false, refusal: { code: 'streamNotFound', stream: name } };
      const decided = decide(stream);
      if (decided === undefined) return { ok: true, value: stream };
      if (!decided.ok) {
        // What we know may be old: a refusal counts when the newest version gives it.
        const fresh: Stream | undefined = await this.refresh(name);
        if (fresh === stream) return decided;
        stream = fresh;
        continue;
      }
      const key = STREAM_PREFIX + name;
      const value = JSON.stringify(decided.value);
      const gone = logsNotIn(stream, decided.value);
      const garbageKey = `${GARBAGE_PREFIX}${stream.id}/${randomUUID()}`;
      const written = await this.#store.documents.write([
        { key, value, expected: stream.version },
        ...(gone.length === 0 ? [] : [{ key: garbageKey, value: JSON.stringify(gone), expected: 'any' as const }]),
      ]);
      if (written.ok) {
        const version = written.versions[0] as number;
        this.#remember({ key, value, version });
        const known = this.#byName.get(name);
        if (gone.length > 0) await this.#dropLogs(garbageKey, gone);
        // What was just decided, although others may have gone on from there already.
        return { ok: true, value: known?.version === version ? known : new Stream(decided.value, version) };
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
          const known = [...this.#byName];
          const documents = await listAll(this.#store, STREAM_PREFIX);
          const present = new Set(documents.map(({ key }) => key.slice(STREAM_PREFIX.length)));
          // Not those that were made while the list was.
          for (const [name, stream] of known) {
            if (!present.has(name) && this.#byName.get(name) === stream) this.#forget(name);
          }
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
    if (stream.isResharding) this.#reshards.saw(name);
    else this.#reshards.settled(name);
    for (const listener of this.#listeners) listener(name);
  }

  #forget(name: string): void {
    const known = this.#byName.get(name);
    if (!known) return;
    this.#byName.delete(name);
    this.#byId.delete(known.id);
    this.#sortedNames = undefined;
    this.#reshards.settled(name);
    for (const listener of this.#listeners) listener(name);
  }

  /** As `refresh`, but all that wait for a reshard share one look. */
  #refreshOnce(name: string): Promise<Stream | undefined> {
    let refreshing = this.#refreshing.get(name);
    if (refreshing === undefined) {
      refreshing = this.refresh(name).finally(() => this.#refreshing.delete(name));
      this.#refreshing.set(name, refreshing);
    }
    return refreshing;
  }

  /** Answers whether the stream changed within the time. */
  #nextChange(name: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (moved: boolean) => {
        clearTimeout(timer);
        stopListening();
        signal?.removeEventListener('abort', onAbort);
        resolve(moved);
      };
      const onAbort = () => end(false);
      const timer = setTimeout(() => end(false), timeoutMs);
      const stopListening = this.onChange((changed) => {
        if (changed === undefined || changed === name) end(true);
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Drops what processes that died have left half-made or half-deleted. Throws StoreUnavailable. */
  async sweepGarbage(): Promise<void> {
    for (const { key, value, version } of await listAll(this.#store, CREATING_PREFIX)) {
      const { keys, begunAtMs } = JSON.parse(value) as CreationIntent;
      if (this.#clock() - begunAtMs < CREATION_STALL_MS) continue;
      // In one step: should its creator live after all, it finds that it came too late.
      await this.#store.documents.write([
        { key, value: undefined, expected: version },
        { key: GARBAGE_PREFIX + key.slice(CREATING_PREFIX.length), value: JSON.stringify(keys), expected: 'any' },
      ]);
    }
    for (const { key, value } of await listAll(this.#store, GARBAGE_PREFIX)) {
      await this.#dropLogs(key, JSON.parse(value) as ShardKey[]);
    }
  }

  async #dropLogs(garbageKey: string, keys: readonly ShardKey[]): Promise<void> {
    await this.#store.log.deleteShards(keys);
    await this.#store.documents.write([{ key: garbageKey, value: undefined, expected: 'any' }]);
  }
}

/** What is noted of a stream before its logs are made. */
interface CreationIntent {
  readonly keys: readonly ShardKey[];
  readonly begunAtMs: number;
}

/** What a stream has in the log and its next version does not name any more. */
function logsNotIn({ id, document }: Stream, next: StreamDocument): readonly ShardKey[] {
  const kept = new Set(next.shards.map(({ number }) => number));
  return document.shards.filter(({ number }) => !kept.has(number)).map(({ number }) => shardKey(id, number));
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
