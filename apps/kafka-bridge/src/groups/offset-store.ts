import {
  type CommittedOffset,
  type Documents,
  type DocumentWrite,
  formatCommittedOffset,
  groupOffsetKey,
  groupOffsetsOfTopicPrefix,
  groupOffsetsPrefix,
  parseCommittedOffset,
  type StoredDocument,
} from '@tailrace/shard-core';

/** What the contract takes in one write. */
export const COMMITS_PER_WRITE_MAX = 1_000;
const LIST_PAGE = 1_000;

/** A committed offset with where it is kept. */
export interface StoredOffset {
  readonly topic: string;
  readonly partition: number;
  readonly committed: CommittedOffset;
  readonly document: StoredDocument;
}

export interface OffsetCommit extends CommittedOffset {
  readonly topic: string;
  readonly partition: number;
}

interface Commit {
  readonly writes: readonly DocumentWrite[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Committed offsets, one document each, so that whoever coordinates the group finds them. They are read from the store
 * each time: nothing here can be old. While one write is in flight the commits that come meanwhile gather, and travel
 * together as the next; all of one request travel in one write, and are there or not there together.
 */
export class OffsetStore {
  readonly #documents: Documents;
  #gathered: Commit[] = [];
  #writing = false;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** Settles when the offsets are durable. Later commits of the same partition win. Rejects with StoreUnavailable. */
  commit(groupId: string, commits: readonly OffsetCommit[]): Promise<void> {
    const writes = offsetWrites(groupId, commits);
    return new Promise((resolve, reject) => {
      this.#gathered.push({ writes, resolve, reject });
      if (!this.#writing) void this.#writeAll();
    });
  }

  /** What is committed for one topic, by partition. */
  async ofTopic(groupId: string, topic: string): Promise<ReadonlyMap<number, CommittedOffset>> {
    const prefix = groupOffsetsOfTopicPrefix(groupId, topic);
    const offsets = new Map<number, CommittedOffset>();
    for await (const { key, value } of this.#list(prefix))
      offsets.set(Number(key.slice(prefix.length)), parseCommittedOffset(value));
    return offsets;
  }

  /** What is committed for all topics, by topic and partition. */
  async ofGroup(groupId: string): Promise<ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>> {
    const topics = new Map<string, Map<number, CommittedOffset>>();
    for await (const { topic, partition, committed } of this.stored(groupId)) {
      const offsets = topics.get(topic) ?? new Map<number, CommittedOffset>();
      topics.set(topic, offsets.set(partition, committed));
    }
    return topics;
  }

  /** All of a group, as they are kept. */
  async *stored(groupId: string): AsyncGenerator<StoredOffset> {
    const prefix = groupOffsetsPrefix(groupId);
    for await (const document of this.#list(prefix)) {
      const { key, value } = document;
      const slash = key.lastIndexOf('/');
      yield {
        topic: key.slice(prefix.length, slash),
        partition: Number(key.slice(slash + 1)),
        committed: parseCommittedOffset(value),
        document,
      };
    }
  }

  /** Forgets offsets, whatever they are. */
  async remove(
    groupId: string,
    offsets: readonly { readonly topic: string; readonly partition: number }[],
  ): Promise<void> {
    const writes = offsets.map(({ topic, partition }): DocumentWrite => ({
      key: groupOffsetKey(groupId, topic, partition),
      value: undefined,
      expected: 'any',
    }));
    for (let from = 0; from < writes.length; from += COMMITS_PER_WRITE_MAX)
      await this.#documents.write(writes.slice(from, from + COMMITS_PER_WRITE_MAX));
  }

  /** Forgets offsets that are as they were read; one that was committed anew meanwhile stays. */
  async removeUnchanged(offsets: readonly StoredOffset[]): Promise<void> {
    for (let from = 0; from < offsets.length; from += COMMITS_PER_WRITE_MAX) {
      const page = offsets.slice(from, from + COMMITS_PER_WRITE_MAX);
      const writes = page.map(({ document: { key, version } }): DocumentWrite => ({
        key,
        value: undefined,
        expected: version,
      }));
      const written = await this.#documents.write(writes);
      // Somebody committed one of them: then each by itself.
      if (!written.ok) for (const write of writes) await this.#documents.write([write]);
    }
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#gathered.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#write(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = false;
  }

  /** As many whole requests as fit into one write; a larger one alone. */
  #takeBatch(): Commit[] {
    let count = 0;
    let size = 0;
    for (const { writes } of this.#gathered) {
      if (count > 0 && size + writes.length > COMMITS_PER_WRITE_MAX) break;
      count += 1;
      size += writes.length;
    }
    return this.#gathered.splice(0, count);
  }

  async #write(batch: readonly Commit[]): Promise<void> {
    const latest = new Map<string, DocumentWrite>();
    for (const { writes } of batch) for (const write of writes) latest.set(write.key, write);
    const all = [...latest.values()];
    for (let from = 0; from < all.length; from += COMMITS_PER_WRITE_MAX) {
      const written = await this.#documents.write(all.slice(from, from + COMMITS_PER_WRITE_MAX));
      if (!written.ok) throw new Error(`a write without expectations was refused at ${written.conflict.key}`);
    }
  }

  async *#list(prefix: string): AsyncGenerator<StoredDocument> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#documents.list(prefix, { limit: LIST_PAGE, ...(after === undefined ? {} : { after }) });
      yield* page;
      if (page.length < LIST_PAGE) return;
      after = page.at(-1)?.key;
    }
  }
}

/** What a commit writes: for those who have to write other things in the same step. */
export function offsetWrites(groupId: string, commits: readonly OffsetCommit[]): DocumentWrite[] {
  return commits.map(({ topic, partition, offset, ...rest }) => {
    const value = formatCommittedOffset({ ...rest, offset });
    return { key: groupOffsetKey(groupId, topic, partition), value, expected: 'any' };
  });
}
