import type { Outcome } from '../contract/refusal.ts';
import { roomFor } from './reshard-plan.ts';
import { busy } from './reshard.ts';
import type { Stream, StreamDocument } from './stream.ts';
import type { StreamCatalog } from './stream-catalog.ts';
import { evenBoundaries, openShardsOnTheWay, stepsTo } from './uniform-scaling.ts';

type StreamSettingsChange = Partial<Pick<StreamDocument, 'warmThroughputMiBps' | 'shardCountChangesMs'>>;

/**
 * Brings the open shards of a stream to another number, evenly, by splits and merges in the background. Answers the
 * stream, UPDATING, as soon as that is decided; it becomes ACTIVE when it is done (`catalog.waitFor`). A process that
 * ends on the way is followed by another. How far one may go at once is for the caller to check. What `alsoSet` answers is
 * changed in the same step.
 *
 * Refuses: streamNotFound, streamBusy, tooManyShards. Throws StoreUnavailable; then it may or may not have begun.
 */
export async function updateShardCount(
  catalog: StreamCatalog,
  name: string,
  targetShardCount: number,
  alsoSet: (document: StreamDocument) => StreamSettingsChange = () => ({}),
): Promise<Outcome<Stream>> {
  const decided = await catalog.decide(name, (stream) => {
    if (stream.document.status !== 'ACTIVE') return busy(stream);
    const ranges = stream.openShards.map(({ hashRange }) => hashRange);
    const open = openShardsOnTheWay(ranges.length, targetShardCount);
    const boundaries = evenBoundaries(ranges, targetShardCount);
    const steps = stepsTo(ranges, boundaries, open);
    const room = roomFor(stream, steps.reduce((shards, { kind }) => shards + (kind === 'split' ? 2 : 1), 0)); // prettier-ignore
    if (!room.ok) return room;
    return {
      ok: true,
      value: {
        ...stream.document,
        ...alsoSet(stream.document),
        status: 'UPDATING',
        scaling: {
          kind: 'shards',
          targetShardCount,
          boundaries: boundaries.map(String),
          openShardsMin: open.min,
          openShardsMax: open.max,
        },
      },
    };
  });
  if (decided.ok) catalog.finishReshardInBackground(name);
  return decided;
}
