import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Documents, Partition, Stream, StreamCatalog } from '@tailrace/shard-core';
import type { SweptShareGroups } from '../groups/group-coordinator.ts';
import {
  parseShareStateKey,
  SHARE_STATES_PREFIX,
  type SharePartitionKey,
  shareStateKey,
  shareStatesPrefix,
} from './share-group-keys.ts';
import { formatSharePartition, lagOf, parseSharePartition } from './share-partition-document.ts';
import { TAKE_OVER_ATTEMPTS_MAX } from './share-partitions.ts';

/** States listed or deleted with one request to the store. */
const PAGE = 1_000;

export interface ShareGroupOffsetsOptions {
  readonly documents: Pick<Documents, 'get' | 'list' | 'write'>;
  readonly catalog: Pick<StreamCatalog, 'peekById'>;
  /** Where the partition ends; `undefined` when its log is gone. Throws StoreUnavailable. */
  readonly endOf: (partition: Partition) => Promise<bigint | undefined>;
  /** The state was written by somebody who does not lead the partition. */
  readonly overwritten: (key: SharePartitionKey) => void;
}

/** Where a group is in a partition. */
export interface ShareOffset {
  readonly startOffset: bigint;
  /** Records that are not done; -1: not known. */
  readonly lag: bigint;
}

/** What share groups have read, as administrators see and change it: the documents, whoever leads the partitions. Throws StoreUnavailable. */
export class ShareGroupOffsets {
  readonly #options: ShareGroupOffsetsOptions;
  /** States whose group or topic the last sweep did not find. */
  #missed: ReadonlySet<string> = new Set();

  constructor(options: ShareGroupOffsetsOptions) {
    this.#options = options;
  }

  /** Where the group is; `undefined` where it has not begun. */
  async find(groupId: string, stream: Stream, partition: number): Promise<ShareOffset | undefined> {
    const stored = await this.#options.documents.get(shareStateKey({ groupId, topicId: stream.id, partition }));
    const one = stream.partitions[partition];
    if (stored === undefined || one === undefined) return undefined;
    const { snapshot } = parseSharePartition(stored.value);
    const end = await this.#options.endOf(one);
    const lag = end === undefined ? -1n : BigInt(lagOf(snapshot, Number(end)));
    return { startOffset: BigInt(snapshot.startOffset), lag };
  }

  /** All that the group has begun to read, by topic id. */
  async partitionsOf(groupId: string): Promise<ReadonlyMap<string, readonly number[]>> {
    const all = new Map<string, number[]>();
    for await (const { topicId, partition } of this.#keys(shareStatesPrefix(groupId))) {
      const partitions = all.get(topicId) ?? [];
      partitions.push(partition);
      all.set(topicId, partitions);
    }
    for (const partitions of all.values()) partitions.sort((a, b) => a - b);
    return all;
  }

  /** Puts the group elsewhere, and forgets what has become of records. */
  async move(key: SharePartitionKey, startOffset: bigint): Promise<ErrorCode> {
    const { documents, overwritten } = this.#options;
    const name = shareStateKey(key);
    for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS_MAX; attempt++) {
      const stored = await documents.get(name);
      const epoch = stored === undefined ? 0 : parseSharePartition(stored.value).epoch;
      const value = formatSharePartition({ startOffset: Number(startOffset), runs: [] }, epoch + 1);
      const written = await documents.write([{ key: name, value, expected: stored?.version ?? 'absent' }]);
      if (!written.ok) continue;
      overwritten(key);
      return errorCodes.NONE;
    }
    return errorCodes.KAFKA_STORAGE_ERROR;
  }

  /** Forgets where the group is in a topic. Answers in how many partitions it was. */
  forgetTopic(groupId: string, topicId: string): Promise<number> {
    return this.#forget(`${shareStatesPrefix(groupId)}${topicId}/`, () => true);
  }

  /** Forgets all that the group has read. */
  async forget(groupId: string): Promise<void> {
    await this.#forget(shareStatesPrefix(groupId), () => true);
  }

  /**
   * Forgets the states of topics that are gone, and of groups that are gone: a group's states go behind its document, and whoever
   * deleted it may have died in between. What is missed for the first time stays until the next sweep: another bridge may have made it
   * a moment ago.
   */
  async sweep({ isOwned, exists }: SweptShareGroups): Promise<void> {
    const missed = new Set<string>();
    // Keys come group by group.
    let last: { readonly groupId: string; readonly isGone: boolean } | undefined;
    await this.#forget(SHARE_STATES_PREFIX, async (key) => {
      const { groupId, topicId } = key;
      if (!isOwned(groupId)) return false;
      if (last?.groupId !== groupId) last = { groupId, isGone: !(await exists(groupId)) };
      if (!last.isGone && this.#options.catalog.peekById(topicId) !== undefined) return false;
      const name = shareStateKey(key);
      if (this.#missed.has(name)) return true;
      missed.add(name);
      return false;
    });
    this.#missed = missed;
  }

  async #forget(prefix: string, isMeant: (key: SharePartitionKey) => boolean | Promise<boolean>): Promise<number> {
    const { documents, overwritten } = this.#options;
    let count = 0;
    let keys: SharePartitionKey[] = [];
    const flush = async () => {
      const page = keys;
      keys = [];
      if (page.length === 0) return;
      await documents.write(page.map((key) => ({ key: shareStateKey(key), value: undefined, expected: 'any' })));
      for (const key of page) overwritten(key);
      count += page.length;
    };
    for await (const key of this.#keys(prefix)) {
      if (await isMeant(key)) keys.push(key);
      if (keys.length >= PAGE) await flush();
    }
    await flush();
    return count;
  }

  async *#keys(prefix: string): AsyncGenerator<SharePartitionKey> {
    for (let after: string | undefined; ;) {
      const page = await this.#options.documents.list(prefix, { limit: PAGE, ...(after !== undefined && { after }) });
      for (const { key } of page) yield parseShareStateKey(key);
      if (page.length < PAGE) return;
      after = page.at(-1)?.key;
    }
  }
}
