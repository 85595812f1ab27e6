import type { Documents } from '../contract/documents.ts';

export const COMPACTION_DOCUMENTS = 'compaction/';

/** What is remembered of a partition's compaction, so that it goes on where it ended. Losing it costs work, never a record. */
export interface CompactionState {
  /** The cleaner point: of what lies before, each key has its newest record only, as of then. */
  readonly cleanedTo: bigint;
  /** Bytes that were left before it. */
  readonly cleanBytes: number;
  /** When there is something to drop for its age, in milliseconds since 1970. */
  readonly nextHorizonMs: number | undefined;
}

export const NOTHING_COMPACTED: CompactionState = { cleanedTo: 0n, cleanBytes: 0, nextHorizonMs: undefined };

/** As it lies in the document. */
interface StoredState {
  readonly cleanedTo: string;
  readonly cleanBytes: number;
  readonly nextHorizonMs?: number;
}

function keyOf(streamId: string, partition: number): string {
  return `${COMPACTION_DOCUMENTS}${streamId}/${partition}`;
}

/** Throws StoreUnavailable. */
export async function readState(documents: Documents, streamId: string, partition: number): Promise<CompactionState> {
  const document = await documents.get(keyOf(streamId, partition));
  if (document === undefined) return NOTHING_COMPACTED;
  const { cleanedTo, cleanBytes, nextHorizonMs } = JSON.parse(document.value) as StoredState;
  return { cleanedTo: BigInt(cleanedTo), cleanBytes, nextHorizonMs };
}

/** The lease of the stream sees to it that nobody else writes it. Throws StoreUnavailable. */
export async function writeState(
  documents: Documents,
  streamId: string,
  partition: number,
  { cleanedTo, cleanBytes, nextHorizonMs }: CompactionState,
): Promise<void> {
  const stored: StoredState = {
    cleanedTo: String(cleanedTo),
    cleanBytes,
    ...(nextHorizonMs !== undefined && { nextHorizonMs }),
  };
  const value = JSON.stringify(stored);
  await documents.write([{ key: keyOf(streamId, partition), value, expected: 'any' }]);
}

/** Documents of one page, and of one write. */
const PAGE = 500;

/** Forgets what is remembered of streams that are gone. Throws StoreUnavailable. */
export async function tidyStates(documents: Documents, isThere: (streamId: string) => boolean): Promise<void> {
  for (let after = ''; ;) {
    const page = await documents.list(COMPACTION_DOCUMENTS, { after, limit: PAGE });
    const gone = page.filter(({ key }) => !isThere(key.slice(COMPACTION_DOCUMENTS.length, key.lastIndexOf('/'))));
    if (gone.length > 0) {
      await documents.write(gone.map(({ key, version }) => ({ key, value: undefined, expected: version })));
    }
    if (page.length < PAGE) return;
    after = (page.at(-1) as (typeof page)[number]).key;
  }
}
