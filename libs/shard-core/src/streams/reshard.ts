import { type Outcome, StoreUnavailable } from '../contract/refusal.ts';
import { type ShardKey, shardKey } from '../contract/shard-key.ts';
import type { Store } from '../contract/store.ts';
import { finishEncryptionChange } from '../encryption/encryption-change.ts';
import {
  childNumbersOf,
  parentsOf,
  partitionsTakenOver,
  planMerge,
  plannedChildren,
  planSplit,
  planSplitsAtOnce,
  planStep,
  withReshardDone,
} from './reshard-plan.ts';
import type { ReshardIntent, ScalingIntent, Stream, StreamDocument } from './stream.ts';
import type { StreamCatalog } from './stream-catalog.ts';
import { stepsTo } from './uniform-scaling.ts';

/**
 * How long a process has a stream's reshard for itself; renewed with every split or merge. Only against needless work:
 * two that do the same work at once do no harm.
 */
export const RESHARD_LEASE_MS = 3_000;
/** How long splits and merges wait for another process that has taken their completion over. */
const RESHARD_TIMEOUT_MS = 10_000;
const LEASE_PREFIX = 'reshard/';

/**
 * Splits an open shard in two at a hash key, and answers the stream when both children take records. When the store fails
 * on the way, or is slow: the stream UPDATING, and whichever process finds it completes the split.
 *
 * Refuses: streamNotFound, streamBusy, shardNotFound, shardClosed, hashKeyOutOfRange, tooManyShards. Throws
 * StoreUnavailable; then it may or may not have begun.
 */
export function splitShard(
  catalog: StreamCatalog,
  name: string,
  shardNumber: number,
  newStartingHashKey: bigint,
): Promise<Outcome<Stream>> {
  return reshard(catalog, name, (stream) => planSplit(stream, shardNumber, newStartingHashKey));
}

/**
 * Merges two open shards whose hash ranges touch, as `splitShard` splits.
 *
 * Refuses: streamNotFound, streamBusy, shardNotFound, shardClosed, shardsNotAdjacent, tooManyShards.
 */
export function mergeShards(
  catalog: StreamCatalog,
  name: string,
  shardNumber: number,
  adjacentShardNumber: number,
): Promise<Outcome<Stream>> {
  return reshard(catalog, name, (stream) => planMerge(stream, shardNumber, adjacentShardNumber));
}

async function reshard(
  catalog: StreamCatalog,
  name: string,
  plan: (stream: Stream) => Outcome<ReshardIntent>,
): Promise<Outcome<Stream>> {
  const begun = await beginReshard(catalog, name, plan);
  if (!begun.ok) return begun;
  const { id, document } = begun.value;
  const { firstChild } = document.resharding as ReshardIntent;
  const isDone = (stream: Stream | undefined) =>
    stream?.id !== id || stream.document.resharding?.firstChild !== firstChild;
  try {
    let stream = await catalog.finishReshard(name);
    if (!isDone(stream)) stream = await catalog.waitFor(name, isDone, { timeoutMs: RESHARD_TIMEOUT_MS });
    return answer(name, id, stream);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    // It has begun, and whoever sees it goes on with it when the store is back.
    return begun;
  }
}

function answer(name: string, id: string, stream: Stream | undefined): Outcome<Stream> {
  if (stream?.id === id) return { ok: true, value: stream };
  return { ok: false, refusal: { code: 'streamNotFound', stream: name } };
}

/** The first step: from here on, the reshard will be done, by whomever. One at a time for each stream. */
export function beginReshard(
  catalog: StreamCatalog,
  name: string,
  plan: (stream: Stream) => Outcome<ReshardIntent>,
): Promise<Outcome<Stream>> {
  return catalog.decide(name, (stream) => {
    if (stream.document.status !== 'ACTIVE') return busy(stream);
    const planned = plan(stream);
    if (!planned.ok) return planned;
    return { ok: true, value: { ...stream.document, status: 'UPDATING', resharding: planned.value } };
  });
}

export function busy({ name, document }: Stream): Outcome<never> {
  return { ok: false, refusal: { code: 'streamBusy', stream: name, status: document.status } };
}

/**
 * Does what a stream's document says is to be done: the split or merge that has begun, then what is missing to the wanted
 * number of shards; or a change of encryption. Every step can be done twice and by two processes at once, so it starts wherever the last one that
 * tried has stopped. Answers the stream as it is then: still resharding when another process has the lease, or when the
 * signal stopped it between two steps.
 */
export async function completeReshard(
  store: Store,
  catalog: StreamCatalog,
  name: string,
  signal?: AbortSignal,
): Promise<Stream | undefined> {
  let stream = await catalog.refresh(name);
  if (!stream?.isResharding) return stream;
  const { id } = stream;
  const lease = LEASE_PREFIX + id;
  try {
    while (stream?.id === id && stream.isResharding && !signal?.aborted) {
      const { held } = await store.leases.acquire(lease, catalog.holder, RESHARD_LEASE_MS);
      if (!held) return stream;
      const { resharding, encryptionChange }: StreamDocument = stream.document;
      if (encryptionChange !== undefined) stream = await finishEncryptionChange(store, catalog, stream);
      else if (resharding !== undefined) stream = await finishIntent(store, catalog, stream, resharding);
      else stream = await nextScalingStep(catalog, stream);
    }
    return stream;
  } finally {
    await store.leases.release(lease, catalog.holder);
  }
}

async function finishIntent(
  store: Store,
  catalog: StreamCatalog,
  stream: Stream,
  intent: ReshardIntent,
): Promise<Stream | undefined> {
  const { id, name, document } = stream;
  const ends = new Map<number, bigint>();
  const parents = parentsOf(intent);
  const outcomes = await Promise.all(parents.map((parent) => store.log.seal(shardKey(id, parent))));
  for (const [index, sealed] of outcomes.entries()) {
    const parent = parents[index] as number;
    if (!sealed.ok) return goneOrBroken(catalog, stream, parent);
    ends.set(parent, sealed.value.endOffset);
  }
  const takenOver = partitionsTakenOver(stream, intent, ends);
  await Promise.all(
    plannedChildren(document, intent, ends).map(({ number, startOffset }) => {
      const producersOf = takenOver.get(number) ?? [];
      const encrypted = document.encryption !== undefined;
      return store.log.openShard(shardKey(id, number), { startOffset: BigInt(startOffset), producersOf, encrypted });
    }),
  );
  const isStillThere = (current: Stream | undefined) =>
    current?.id === id && current.document.resharding?.firstChild === intent.firstChild;
  const written = await catalog.decide(name, (current) => {
    if (!isStillThere(current)) return undefined;
    return { ok: true, value: withReshardDone(current.document, intent, ends, catalog.now()) };
  });
  if (written.ok && written.value.id === id) return written.value;
  if (!written.ok && written.refusal.code === 'streamBusy') return catalog.refresh(name);
  // Deleted meanwhile. Whoever deleted it has dropped the logs, perhaps before we opened these.
  await store.log.deleteShards(childKeys(id, intent));
  return catalog.peek(name);
}

async function goneOrBroken(catalog: StreamCatalog, stream: Stream, parent: number): Promise<Stream | undefined> {
  const current = await catalog.refresh(stream.name);
  if (current?.id === stream.id && current.version === stream.version) {
    throw new Error(`stream ${stream.name} is to reshard shard ${parent}, whose log is not there`);
  }
  return current;
}

/** Begins the next split or merge of a change of the shard count; there is none left: the change is done. */
async function nextScalingStep(catalog: StreamCatalog, { id, name }: Stream): Promise<Stream | undefined> {
  const outcome = await catalog.decide(name, (stream) => {
    const { scaling, resharding, ...rest } = stream.document;
    if (stream.id !== id || scaling === undefined || resharding !== undefined) return undefined;
    const next = nextIntent(stream, scaling);
    if (next === undefined) return { ok: true, value: { ...rest, status: 'ACTIVE' } };
    return { ok: true, value: { ...stream.document, resharding: next } };
  });
  return outcome.ok ? outcome.value : catalog.refresh(name);
}

function nextIntent(stream: Stream, scaling: ScalingIntent): ReshardIntent | undefined {
  if (scaling.kind === 'partitions') return planSplitsAtOnce(stream, scaling.partitionCount);
  const { boundaries, openShardsMin, openShardsMax } = scaling;
  const ranges = stream.openShards.map(({ hashRange }) => hashRange);
  const [step] = stepsTo(ranges, boundaries.map(BigInt), { min: openShardsMin, max: openShardsMax });
  return step && planStep(stream, step);
}

/** Logs that a reshard under way may have made already. */
export function childKeys(streamId: string, intent: ReshardIntent): readonly ShardKey[] {
  return childNumbersOf(intent).map((number) => shardKey(streamId, number));
}
