import { parseShardId, type Shard, type Stream } from '@tailrace/shard-core';
import { z } from 'zod';
import type { RestDependencies } from '../dependencies.ts';
import { eventFeed, HEARTBEAT_MS } from '../event-feed.ts';
import { parseEventPosition } from '../event-position.ts';
import { placesOfGroup } from '../group-position.ts';
import { EVENT_STREAM_MEDIA_TYPE } from '../media-type.ts';
import { operation } from '../operation.ts';
import { invalidRequest, Problem, problemOfRefusal, shardNotFound, streamNotFound } from '../problem.ts';
import { offsetOf, type ReadFrom, type ReadFromInShard, readFromParameter } from '../read-from.ts';
import { deaggregateForm, valueForm } from '../record-view.ts';
import { parentsOf, streamPath } from '../stream-schema.ts';

/** What one feed follows at most: the position of more would not fit into a header on the way back. */
const SHARDS_MAX = 256;
/** Feeds that one process serves at most. */
const FEEDS_MAX = 1000;
let feedCount = 0;

/** Follows a stream as server-sent events. Errors: 400, 404, 410 positionExpired, 503. */
export const followEvents = operation({
  id: 'followEvents',
  method: 'get',
  route: '/v1/streams/{stream}/events',
  tag: 'records',
  summary: 'Follow a stream as server-sent events',
  description:
    'Each event without a name is one record, as `Record`. Others: `gap` (offsets that cannot be shown), `shardEnd` (a split ' +
    'or merge; the children are followed from there), `end` (the stream was deleted). Each has an id from which ' +
    'a new request with `Last-Event-ID` goes on. A comment comes at least every 15 seconds.',
  path: streamPath,
  query: z.strictObject({
    from: readFromParameter.default({ at: 'latest' }),
    shards: z
      .string()
      .regex(/^(shardId-)?\d{1,12}(,(shardId-)?\d{1,12})*$/, 'must be shard ids with commas between')
      .optional()
      .meta({ description: 'Only these shards (and what they are split into), with commas between. Left out: all.' }),
    as: valueForm,
    deaggregate: deaggregateForm,
  }),
  headers: z.strictObject({
    'Last-Event-ID': z
      .string()
      .optional()
      .meta({ description: 'The id of the last event that was taken. Outweighs `from`.' }),
  }),
  answers: {
    200: {
      description: 'Events without end.',
      content: { [EVENT_STREAM_MEDIA_TYPE]: { schema: z.string() } },
    },
  },
  problems: [400, 404, 410, 503],
  async run({ path, query, header, signal }, dependencies) {
    const stream = await dependencies.catalog.findPublic(path.stream);
    if (stream === undefined) throw streamNotFound(path.stream);
    if (feedCount >= FEEDS_MAX) throw tooManyFeeds();
    const lastEventId = header('last-event-id');
    const offsets =
      lastEventId === undefined || lastEventId === ''
        ? await firstOffsets(dependencies, stream, query)
        : resumed(stream, lastEventId);
    const feed = eventFeed(dependencies, {
      stream,
      offsets,
      childrenFrom: query.from.at === 'time' ? query.from : { at: 'earliest' },
      as: query.as,
      deaggregate: query.deaggregate,
      heartbeatMs: HEARTBEAT_MS,
      signal,
    });
    return {
      status: 200,
      contentType: EVENT_STREAM_MEDIA_TYPE,
      // A proxy that buffers would keep the events back (X-Accel-Buffering is nginx's word for it).
      headers: { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
      chunks: counted(feed),
    };
  },
});

async function* counted(feed: AsyncGenerator<string>): AsyncGenerator<string> {
  feedCount++;
  try {
    yield* feed;
  } finally {
    feedCount--;
  }
}

function firstOffsets(
  dependencies: RestDependencies,
  stream: Stream,
  { from, shards }: { readonly from: ReadFrom; readonly shards?: string | undefined },
): Promise<ReadonlyMap<number, bigint>> {
  const named = shards === undefined ? undefined : namedShards(stream, shards);
  if (from.at === 'group') return behindGroup(dependencies, stream, from, named);
  return beginningOf(dependencies, stream, named ?? firstShards(stream, from), from);
}

function namedShards(stream: Stream, shards: string): readonly Shard[] {
  return [...new Set(shards.split(','))].map((shardId) => {
    const shard = stream.shard(parseShardId(shardId) as number);
    if (shard === undefined) throw shardNotFound(stream.name, shardId);
    return shard;
  });
}

/** Those that are open (`latest`), or those from which all others came. */
function firstShards(stream: Stream, from: ReadFromInShard): readonly Shard[] {
  if (from.at === 'latest') return stream.openShards;
  return stream.shards.filter((shard) => parentsOf(shard).every((parent) => stream.shard(parent) === undefined));
}

/** The shards in which a reader begins who goes on from what a group has committed; to the others their parents lead. */
async function behindGroup(
  { store }: RestDependencies,
  stream: Stream,
  { groupId }: { readonly groupId: string },
  named: readonly Shard[] | undefined,
): Promise<ReadonlyMap<number, bigint>> {
  const places = await placesOfGroup(groupId, stream, store);
  const offsets = new Map<number, bigint>();
  for (const shard of named ?? stream.shards) {
    const place = places.get(shard.number);
    const begins = place?.kind === 'begins' || (named !== undefined && place?.kind === 'follows');
    if (place?.kind === 'goesOn') offsets.set(shard.number, place.offset);
    else if (begins) offsets.set(shard.number, await offsetOf(store, shard, { at: 'earliest' }));
  }
  refuseTooMany(stream, offsets.size);
  return offsets;
}

function refuseTooMany(stream: Stream, count: number): void {
  if (count <= SHARDS_MAX) return;
  const message = `${stream.name} has ${count} shards, one request follows ${SHARDS_MAX} at most: name them`;
  throw invalidRequest([{ pointer: '?shards', message }]);
}

async function beginningOf(
  { store }: RestDependencies,
  stream: Stream,
  shards: readonly Shard[],
  from: ReadFromInShard,
): Promise<ReadonlyMap<number, bigint>> {
  refuseTooMany(stream, shards.length);
  if (shards.length !== 1 && (from.at === 'offset' || from.at === 'sequenceNumber')) {
    const message = 'an offset or sequence number is a place in one shard: name that one with shards';
    throw invalidRequest([{ pointer: '?from', message }]);
  }
  const offsets = new Map<number, bigint>();
  for (const shard of shards) offsets.set(shard.number, await offsetOf(store, shard, from));
  const [shard] = shards;
  if (shard !== undefined && from.at === 'offset') {
    // A gap event would tell as much, but a wrong request deserves its error.
    const bounds = await store.log.bounds(shard.key);
    if (!bounds.ok) throw problemOfRefusal(bounds.refusal);
    const { logStartOffset, logEndOffset } = bounds.value;
    const { offset } = from;
    if (offset < logStartOffset || offset > logEndOffset) {
      throw problemOfRefusal({ code: 'offsetOutOfRange', shard: shard.key, offset, logStartOffset, logEndOffset });
    }
  }
  return offsets;
}

function resumed(stream: Stream, lastEventId: string): ReadonlyMap<number, bigint> {
  const offsets = parseEventPosition(stream.id, lastEventId);
  if (offsets === undefined) {
    throw invalidRequest([{ pointer: 'Last-Event-ID', message: 'this is not the id of an event' }]);
  }
  const expired = (detail: string): Problem =>
    new Problem({ status: 410, code: 'positionExpired', title: 'Position expired', detail });
  if (offsets === 'otherStream') {
    throw expired(`The event came from another stream than today's ${stream.name}: it was deleted and made again.`);
  }
  for (const number of offsets.keys()) {
    if (stream.shard(number) === undefined) throw expired(`Shard ${number} of ${stream.name} is gone.`);
  }
  if (offsets.size > SHARDS_MAX)
    throw expired(`A position of ${offsets.size} shards; ${SHARDS_MAX} are followed at most.`);
  return offsets;
}

function tooManyFeeds(): Problem {
  return new Problem({
    status: 503,
    code: 'tooManyFeeds',
    title: 'Too many feeds',
    detail: `This process serves ${FEEDS_MAX} feeds already; try again or ask another one.`,
    retryable: true,
    retryAfterMs: 5000,
  });
}
