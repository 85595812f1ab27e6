import type { Documents } from '../contract/documents.ts';
import type { Stream } from '../streams/stream.ts';
import { groupOffsetsOfTopicPrefix } from './group-keys.ts';

const LIST_PAGE = 1_000;

export interface CommittedOffset {
  /** The next offset to read. */
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** A topic that was deleted and made again has another id: what was committed for the old one is void. */
  readonly topicId: string;
  readonly committedAtMs: number;
  /** Where the client said how long to keep it (before version 5 of OffsetCommit). */
  readonly expiresAtMs?: number;
}

/** `CommittedOffset` with the offset as decimal text, because JSON has no such integers. */
type OffsetDocument = Omit<CommittedOffset, 'offset'> & { readonly offset: string };

export function formatCommittedOffset(committed: CommittedOffset): string {
  return JSON.stringify({ ...committed, offset: committed.offset.toString() } satisfies OffsetDocument);
}

/** What a document of an offset says. */
export function parseCommittedOffset(value: string): CommittedOffset {
  const document = JSON.parse(value) as OffsetDocument;
  return { ...document, offset: BigInt(document.offset) };
}

/**
 * What a group has committed for a stream, by Kafka partition, as it is in the store now. What it had committed for another
 * stream of the same name is not in it. Throws StoreUnavailable.
 */
export async function committedOffsets(
  documents: Documents,
  groupId: string,
  stream: Pick<Stream, 'id' | 'name'>,
): Promise<ReadonlyMap<number, CommittedOffset>> {
  const prefix = groupOffsetsOfTopicPrefix(groupId, stream.name);
  const offsets = new Map<number, CommittedOffset>();
  for (let after: string | undefined; ;) {
    const page = await documents.list(prefix, { limit: LIST_PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key, value } of page) {
      const committed = parseCommittedOffset(value);
      if (committed.topicId === stream.id) offsets.set(Number(key.slice(prefix.length)), committed);
    }
    if (page.length < LIST_PAGE) return offsets;
    after = page.at(-1)?.key;
  }
}
