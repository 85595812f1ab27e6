import { parseShardId, type Shard, type Stream } from '@tailrace/shard-core';
import { invalidArgument } from '../aws-error.ts';
import { nextToken, pageLimit, shardId, streamArn, streamName } from '../members.ts';
import { type NamedStream, streamNotFound } from '../named-streams.ts';
import { operation } from '../operation.ts';
import { openPageToken, sealPageToken } from '../page-token.ts';
import { describeShard } from '../shard-description.ts';
import type { StreamPlace } from '../stream-places.ts';
import { required, string, structure, timestamp } from '../wire/shapes.ts';

export const LISTING = 'list-shards';
/** The service's page when nothing else is asked for, and its largest. */
const SHARDS_PER_PAGE_MAX = 1000;

interface Page {
  readonly streamId: string;
  readonly streamName: string;
  /** The number of the last shard that was shown. */
  readonly behind: number;
  readonly filter: ShardFilter | undefined;
  /** Where accounts are kept apart: whose stream it is, and who alone goes on with the pages. */
  readonly account?: string;
  readonly caller?: string;
}

interface ShardFilter {
  readonly Type: string;
  readonly ShardId?: string;
  /** Milliseconds since 1970. */
  readonly Timestamp?: number;
}

/**
 * ListShards: the shards of a stream in pages, all or those that a filter names.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
 * 1 ValidationException  2 InvalidArgumentException  3 ExpiredNextTokenException  4 ResourceNotFoundException
 */
export const listShards = operation({
  name: 'ListShards',
  input: {
    ExclusiveStartShardId: shardId,
    MaxResults: pageLimit,
    NextToken: nextToken,
    StreamCreationTimestamp: timestamp(),
    StreamName: streamName,
    StreamARN: streamArn,
    ShardFilter: structure({
      Type: required(
        string({
          values: [
            'AFTER_SHARD_ID',
            'AT_TRIM_HORIZON',
            'FROM_TRIM_HORIZON',
            'AT_LATEST',
            'AT_TIMESTAMP',
            'FROM_TIMESTAMP',
          ],
        }),
      ),
      ShardId: shardId,
      Timestamp: timestamp(),
    }),
  },
  async run(input, { streams, catalog, tokens, clock, caller, places }) {
    const { NextToken, MaxResults = SHARDS_PER_PAGE_MAX } = input;
    const named = input.StreamName !== undefined || input.StreamARN !== undefined;
    if (!named && NextToken === undefined) {
      throw invalidArgument('Either NextToken or StreamName should be provided.'); // 2
    }
    if (named && NextToken !== undefined) {
      throw invalidArgument('NextToken and StreamName cannot be provided together.'); // 2
    }
    let page: Page;
    let stream: Stream;
    if (NextToken === undefined) {
      const behind = shardNumberBehind(input.ExclusiveStartShardId, input.ShardFilter); // 2
      stream = await streams.existing(input); // 4
      const createdAtMs = stream.document.createdAtMs;
      const wantedMs = input.StreamCreationTimestamp;
      // Clients may have got whole seconds.
      if (wantedMs !== undefined && Math.floor(wantedMs / 1000) !== Math.floor(createdAtMs / 1000)) {
        throw streamNotFound(streams.nameOf(input)); // 4
      }
      const named = streams.nameOf(input);
      page = { streamId: stream.id, streamName: named.streamName, behind, filter: input.ShardFilter };
      if (places.separate) page = { ...page, account: named.account, caller: callerText(caller) };
    } else {
      page = openPageToken<Page>(tokens, LISTING, NextToken, clock()); // 2, 3
      if (places.separate && page.caller !== callerText(caller)) throw invalidArgument('Invalid NextToken.'); // 2
      const { streamName, account = caller.account, streamId } = page;
      const named: NamedStream = { streamName, account, region: caller.region };
      const known = catalog.peekById(streamId) ?? (await streams.find(named));
      if (known === undefined || known.id !== streamId) throw streamNotFound(named); // 4
      stream = known;
    }
    const wanted = shardsWanted(stream, page.filter, clock());
    const rest = stream.shards.filter((shard) => shard.number > page.behind && wanted(shard));
    const shown = rest.slice(0, Math.min(MaxResults, SHARDS_PER_PAGE_MAX));
    const last = shown.at(-1);
    return {
      Shards: shown.map(describeShard),
      NextToken:
        last === undefined || shown.length === rest.length
          ? undefined
          : sealPageToken(tokens, LISTING, { ...page, behind: last.number } satisfies Page, clock()),
    };
  },
});

function callerText({ account, region }: StreamPlace): string {
  return `${account}.${region}`;
}

function shardNumberBehind(exclusiveStart: string | undefined, filter: ShardFilter | undefined): number {
  if (filter?.Type === 'AFTER_SHARD_ID' && filter.ShardId === undefined) {
    throw invalidArgument('ShardId must be specified when the type of the ShardFilter is AFTER_SHARD_ID.');
  }
  const needsTime = filter?.Type === 'AT_TIMESTAMP' || filter?.Type === 'FROM_TIMESTAMP';
  if (needsTime && filter?.Timestamp === undefined) {
    throw invalidArgument(`Timestamp must be specified when the type of the ShardFilter is ${filter?.Type}.`);
  }
  const text = filter?.Type === 'AFTER_SHARD_ID' ? filter.ShardId : exclusiveStart;
  if (text === undefined) return -1;
  const number = parseShardId(text);
  if (number === undefined) throw invalidArgument(`${text} is not the id of a shard.`);
  return number;
}

/** Which shards a filter lets through. Times count from the beginning of what the stream still keeps. */
function shardsWanted(stream: Stream, filter: ShardFilter | undefined, nowMs: number): (shard: Shard) => boolean {
  const horizonMs = Math.max(stream.document.createdAtMs, nowMs - stream.document.retentionMs);
  const openAt =
    (timeMs: number) =>
    ({ openedAtMs, closedAtMs }: Shard) =>
      openedAtMs <= timeMs && (closedAtMs === undefined || closedAtMs > timeMs);
  const openSince =
    (timeMs: number) =>
    ({ closedAtMs }: Shard) =>
      closedAtMs === undefined || closedAtMs >= timeMs;
  switch (filter?.Type) {
    case 'AT_LATEST':
      return ({ closedAtMs }) => closedAtMs === undefined;
    case 'AT_TRIM_HORIZON':
      return openAt(horizonMs);
    case 'FROM_TRIM_HORIZON':
      return openSince(horizonMs);
    case 'AT_TIMESTAMP':
      return openAt(Math.max(filter.Timestamp as number, horizonMs));
    case 'FROM_TIMESTAMP':
      return openSince(Math.max(filter.Timestamp as number, horizonMs));
    default:
      return () => true;
  }
}
