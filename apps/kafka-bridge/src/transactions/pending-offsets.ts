import type { Documents, DocumentWrite } from '@tailrace/shard-core';
import { type OffsetCommit, offsetWrites } from '../groups/offset-store.ts';
import type { Transaction } from './transaction-document.ts';
import { pendingOffsetsKey, pendingOffsetsPrefix } from './transaction-keys.ts';

/** What one transaction may commit for one group: a document holds 1 MiB of UTF-8. */
export const PENDING_OFFSETS_BYTES_MAX = 1_000_000;
const LIST_PAGE = 1_000;

type OffsetJson = Omit<OffsetCommit, 'offset'> & { readonly offset: string };

/**
 * Offsets that a transaction will commit: one document for each group and producer. Nobody reads them as committed offsets
 * before the transaction commits; then they become such, all in one step with its end.
 */
export class PendingOffsets {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /**
   * The write that adds to what the transaction has for the group; of two for the same partition the later one wins.
   * `undefined`: they are too many. Throws StoreUnavailable.
   */
  async add(groupId: string, producerId: bigint, commits: readonly OffsetCommit[]): Promise<DocumentWrite | undefined> {
    const key = pendingOffsetsKey(groupId, producerId);
    const stored = await this.#documents.get(key);
    const offsets = new Map<string, OffsetCommit>();
    for (const commit of [...(stored === undefined ? [] : parse(stored.value)), ...commits]) {
      offsets.set(`${commit.topicId}/${commit.partition}`, commit);
    }
    const value = format([...offsets.values()]);
    if (Buffer.byteLength(value) > PENDING_OFFSETS_BYTES_MAX) return undefined;
    return { key, value, expected: stored?.version ?? 'absent' };
  }

  /**
   * The writes that end them with their transaction: committed offsets in their place where it commits, nothing where it
   * aborts. Those of a group that has been ended before are passed over. Throws StoreUnavailable.
   */
  async end({ state, producerId, groups }: Transaction): Promise<readonly DocumentWrite[]> {
    const writes: DocumentWrite[] = [];
    for (const groupId of groups) {
      const key = pendingOffsetsKey(groupId, producerId);
      const stored = await this.#documents.get(key);
      if (stored === undefined) continue;
      if (state === 'PrepareCommit') writes.push(...offsetWrites(groupId, parse(stored.value)));
      // At this very version: a bridge that comes late with the same cannot set offsets back.
      writes.push({ key, value: undefined, expected: stored.version });
    }
    return writes;
  }

  /** The partitions of a group whose offset may change soon, as `<topic id>/<partition>`. Throws StoreUnavailable. */
  async unstable(groupId: string): Promise<ReadonlySet<string>> {
    const partitions = new Set<string>();
    const prefix = pendingOffsetsPrefix(groupId);
    for (let after: string | undefined; ;) {
      const page = await this.#documents.list(prefix, { limit: LIST_PAGE, ...(after === undefined ? {} : { after }) });
      for (const { value } of page) {
        for (const { topicId, partition } of parse(value)) partitions.add(`${topicId}/${partition}`);
      }
      if (page.length < LIST_PAGE) return partitions;
      after = page.at(-1)?.key;
    }
  }
}

function format(commits: readonly OffsetCommit[]): string {
  return JSON.stringify(commits.map((commit): OffsetJson => ({ ...commit, offset: commit.offset.toString() })));
}

function parse(value: string): OffsetCommit[] {
  return (JSON.parse(value) as OffsetJson[]).map((commit) => ({ ...commit, offset: BigInt(commit.offset) }));
}
