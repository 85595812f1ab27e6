import type { Shard, Stream, StreamCatalog } from '@tailrace/shard-core';

/** A split or merge seals its shards first and writes their children down behind it, some milliseconds later. */
const CHILDREN_PATIENCE_MS = 500;

/**
 * For a reader who has read all of a sealed shard: the stream in which the shard is closed and its children are to be
 * found. `undefined` when they are not there in time, or the stream is gone: then the end may not be told yet, because who
 * is told of an end without children stops there. Throws StoreUnavailable.
 */
export async function streamWithChildren(
  catalog: StreamCatalog,
  stream: Stream,
  shard: Shard,
): Promise<Stream | undefined> {
  const now = await catalog.whenResharded(stream, shard, { timeoutMs: CHILDREN_PATIENCE_MS });
  const known = now?.shard(shard.number);
  // One that retention has dropped meanwhile was closed before.
  return known === undefined || known.closedAtMs !== undefined ? now : undefined;
}
