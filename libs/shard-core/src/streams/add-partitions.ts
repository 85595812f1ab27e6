import type { Outcome } from '../contract/refusal.ts';
import { roomFor } from './reshard-plan.ts';
import { busy } from './reshard.ts';
import type { Stream, StreamDocument } from './stream.ts';
import type { StreamCatalog } from './stream-catalog.ts';

/** A range with fewer hash keys is not split. */
const SPLITTABLE_KEYS_MIN = 4n;

/**
 * Gives a stream exactly so many Kafka partitions, by splits of its largest hash ranges and nothing else: the partitions
 * that there are go on in the lower halves, no partition becomes dormant, and those that are dormant are woken first.
 * Kafka producers choose the partition by themselves; what ranges are for, the keys of Kinesis producers, is spread as
 * evenly as halves allow.
 *
 * Answers the stream when all its partitions take records; when the time is over, the stream as it is, resharding still
 * (the work goes on, also when this process ends). A stream that has as many is left alone.
 *
 * Refuses: streamNotFound, streamBusy (others keep resharding it), tooManyShards. Throws StoreUnavailable; then it may or may
 * not have begun.
 */
export async function addPartitions(
  catalog: StreamCatalog,
  name: string,
  partitionCount: number,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Outcome<Stream>> {
  const deadlineMs = performance.now() + timeoutMs;
  const remaining = () => ({ timeoutMs: Math.max(0, deadlineMs - performance.now()) });
  for (;;) {
    const decided = await catalog.decide(name, (stream) => plan(stream, partitionCount));
    const isBusy = !decided.ok && decided.refusal.code === 'streamBusy';
    if (!decided.ok && !isBusy) return decided;
    if (decided.ok && !decided.value.isResharding) return decided;
    if (decided.ok) catalog.finishReshardInBackground(name);
    const stream = await catalog.waitFor(
      name,
      (current) => current === undefined || !current.isResharding,
      remaining(),
    );
    if (stream === undefined) return { ok: false, refusal: { code: 'streamNotFound', stream: name } };
    if (decided.ok || performance.now() >= deadlineMs) {
      return decided.ok ? { ok: true, value: stream } : decided;
    }
  }
}

/** Whether the stream can have so many partitions. Refuses: tooManyShards. */
export function roomForPartitions(stream: Stream, partitionCount: number): Outcome<undefined> {
  return roomFor(stream, 2 * splitsFor(stream, partitionCount));
}

function plan(stream: Stream, partitionCount: number): Outcome<StreamDocument> | undefined {
  const { document } = stream;
  if (document.status !== 'ACTIVE') return busy(stream);
  const splits = splitsFor(stream, partitionCount);
  if (splits === 0) return undefined;
  const room = roomForPartitions(stream, partitionCount);
  if (!room.ok) return room;
  const targetShardCount = stream.openShards.length + splits;
  const boundaries = boundariesWith(stream, splits);
  if (boundaries === undefined) {
    const shardsMax = document.shards.length;
    return { ok: false, refusal: { code: 'tooManyShards', stream: stream.name, shards: targetShardCount, shardsMax } };
  }
  const scaling = {
    targetShardCount,
    boundaries: boundaries.map(String),
    openShardsMax: targetShardCount,
    atOnce: true,
  } as const;
  return { ok: true, value: { ...document, status: 'UPDATING', scaling } };
}

/** Each split wakes a dormant partition, or opens one when there is none. */
function splitsFor({ partitions, openShards }: Stream, partitionCount: number): number {
  if (partitionCount <= partitions.length) return 0;
  const dormant = partitions.length - openShards.length;
  return dormant + partitionCount - partitions.length;
}

/** All boundaries between the hash ranges when the largest range has been halved so often; `undefined` where none can be. */
function boundariesWith({ openShards }: Stream, splits: number): bigint[] | undefined {
  // Sorted by size: the largest is the last one.
  const ranges = openShards
    .map(({ hashRange: { start, end } }) => ({ start, size: end - start + 1n }))
    .sort((a, b) => (a.size < b.size ? -1 : a.size > b.size ? 1 : a.start < b.start ? 1 : -1));
  const insert = (range: { start: bigint; size: bigint }) => {
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle] as typeof range).size < range.size) low = middle + 1;
      else high = middle;
    }
    ranges.splice(low, 0, range);
  };
  for (let split = 0; split < splits; split++) {
    const largest = ranges.pop();
    if (largest === undefined || largest.size < SPLITTABLE_KEYS_MIN) return undefined;
    const { start, size } = largest;
    const lower = (size + 1n) / 2n;
    insert({ start: start + lower, size: size - lower });
    insert({ start, size: lower });
  }
  return ranges
    .map(({ start }) => start)
    .filter((start) => start > 0n)
    .sort((a, b) => (a < b ? -1 : 1));
}
