import { AwsError } from './aws-error.ts';
import type { OperationContext } from './operation.ts';
import type { StreamPlace } from './stream-places.ts';

/** All open shards of the deployment together: each one costs every process memory. */
export const OPEN_SHARDS_MAX = 20_000;
/** What the service gives an ON_DEMAND stream to begin with. */
export const ON_DEMAND_SHARDS = 4;
/** No limit of its own: so many fit below the limit of shards. */
export const ON_DEMAND_STREAMS_MAX = OPEN_SHARDS_MAX / ON_DEMAND_SHARDS;

/** What a place has of all that is limited, and the whole deployment of shards. */
export function countStreams(
  place: StreamPlace,
  { catalog, places }: Pick<OperationContext, 'catalog' | 'places'>,
): { readonly openShards: number; readonly onDemandStreams: number; readonly openShardsOfAll: number } {
  const counts = { openShards: 0, onDemandStreams: 0, openShardsOfAll: 0 };
  for (const name of catalog.names()) {
    const stream = catalog.peek(name);
    if (stream === undefined) continue;
    counts.openShardsOfAll += stream.openShards.length;
    if (!places.holds(place, stream)) continue;
    counts.openShards += stream.openShards.length;
    if (stream.document.mode === 'ON_DEMAND') counts.onDemandStreams++;
  }
  return counts;
}

/** Throws LimitExceededException. */
export function refuseTooManyShards(
  additional: number,
  place: StreamPlace,
  context: Pick<OperationContext, 'catalog' | 'places'>,
): void {
  // Of the deployment, because what is limited is the memory of its processes, whosever the streams are.
  const { openShardsOfAll: open } = countStreams(place, context);
  if (open + additional <= OPEN_SHARDS_MAX) return;
  throw new AwsError(
    'LimitExceededException',
    `This request would exceed the shard limit for the account ${place.account} in ${place.region}. ` +
      `Current shard count for the account: ${open}. Limit: ${OPEN_SHARDS_MAX}. Number of additional shards that ` +
      `would have resulted from this request: ${additional}. Refer to the AWS Service Limits page ` +
      '(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) ' +
      'for current limits and how to request higher limits.',
  );
}
