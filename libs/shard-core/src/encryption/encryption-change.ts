import type { Outcome } from '../contract/refusal.ts';
import type { Store } from '../contract/store.ts';
import type { Stream, StreamDocument } from '../streams/stream.ts';
import type { StreamCatalog } from '../streams/stream-catalog.ts';

/** How long the answer to a change waits for another process that has taken its completion over. */
const CHANGE_TIMEOUT_MS = 10_000;

/**
 * A stream's document in which encryption is turned on, or off. Where other processes write beside this one, its logs must be
 * told as well, before it counts: then the stream is UPDATING until `finishEncryptionChange`.
 */
export function withEncryption(
  document: StreamDocument,
  encryption: StreamDocument['encryption'],
  { log }: Pick<Store, 'log'>,
): StreamDocument {
  const { encryption: before, ...rest } = document;
  const isChange = (before === undefined) !== (encryption === undefined);
  if (log.requireEncryption === undefined || !isChange) {
    return { ...rest, ...(encryption && { encryption, wasEncrypted: true }) };
  }
  // Until all is done, whoever has heard of it seals, and whoever has not does as before.
  return {
    ...rest,
    status: 'UPDATING',
    ...(encryption === undefined
      ? { encryption: before as NonNullable<typeof before>, encryptionChange: 'stop' }
      : { encryption, wasEncrypted: true, encryptionChange: 'start' }),
  };
}

/** Waits until a change of encryption that was decided is done, whoever does it. Throws StoreUnavailable. */
export async function encryptionChanged(catalog: StreamCatalog, { id, name }: Stream): Promise<void> {
  const isDone = (stream: Stream | undefined) => stream?.id !== id || stream.document.encryptionChange === undefined;
  if (isDone(catalog.peek(name))) return;
  const stream = await catalog.finishReshard(name);
  if (!isDone(stream)) await catalog.waitFor(name, isDone, { timeoutMs: CHANGE_TIMEOUT_MS });
}

/**
 * Tells the logs of a stream what its document says, and writes down that they know. Shards that are opened later are told
 * when they are, and none is while the stream is UPDATING for this. May be done twice, and by two processes at once.
 */
export async function finishEncryptionChange(
  store: Store,
  catalog: StreamCatalog,
  { id, name, document, openShards }: Stream,
): Promise<Stream | undefined> {
  const change = document.encryptionChange;
  // A shard that is gone has gone with its stream, which shows below.
  await Promise.all(openShards.map(async ({ key }) => store.log.requireEncryption?.(key, change === 'start')));
  const written: Outcome<Stream> = await catalog.decide(name, (current) => {
    if (current.id !== id || current.document.encryptionChange !== change) return undefined;
    const { encryptionChange: _done, encryption, ...rest } = current.document;
    return {
      ok: true,
      value: { ...rest, status: 'ACTIVE', ...(change === 'start' && encryption && { encryption }) },
    };
  });
  return written.ok ? written.value : catalog.refresh(name);
}
