import type { Outcome } from '../contract/refusal.ts';
import { planSplitsAtOnce, roomFor } from './reshard-plan.ts';
import { busy } from './reshard.ts';
import type { Stream, StreamDocument } from './stream.ts';
import type { StreamCatalog } from './stream-catalog.ts';

/**
 * Gives a stream exactly so many Kafka partitions, by splits of its largest hash ranges and nothing else: the partitions
 * that there are go on in the lower halves, no partition becomes dormant, and a shard that has dormant ones wakes one.
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
  const { partitions, openShards } = stream;
  if (partitionCount <= partitions.length) return roomFor(stream, 0);
  // At most: some splits wake a dormant partition, and open none.
  const dormant = partitions.length - openShards.length;
  return roomFor(stream, 2 * (dormant + partitionCount - partitions.length));
}

function plan(stream: Stream, partitionCount: number): Outcome<StreamDocument> | undefined {
  const { document, partitions } = stream;
  if (document.status !== 'ACTIVE') return busy(stream);
  if (partitionCount <= partitions.length) return undefined;
  const room = roomForPartitions(stream, partitionCount);
  if (!room.ok) return room;
  if (planSplitsAtOnce(stream, partitionCount) === undefined) {
    const { length: shardsMax } = document.shards;
    return { ok: false, refusal: { code: 'tooManyShards', stream: stream.name, shards: shardsMax + 1, shardsMax } };
  }
  return { ok: true, value: { ...document, status: 'UPDATING', scaling: { kind: 'partitions', partitionCount } } };
}
